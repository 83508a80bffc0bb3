package variation

import (
	"context"
	"strconv"
	"strings"

	"mirrornet/pkg/genomedb/assembly"
)

// Variant is a variant at one of its places.
type Variant struct {
	ID int64
	assembly.Located
	Name, Source string
	Alleles      string // with / between them, the reference allele first
	Consequence  string // the most severe
	Clinical     []string
	// Frequency is that of the second most frequent allele; nil: not known.
	Frequency *float64
}

// Filter narrows a search for variants.
type Filter struct {
	Somatic bool // somatic mutations alone; else those alone that are not
	Terms   Terms
	Set     *Set // nil: any
}

const variantColumns = `SELECT x.variation_feature_id, x.seq_region_start, x.seq_region_end, x.seq_region_strand,
	COALESCE(x.variation_name, ''), COALESCE(s.name, ''), COALESCE(x.allele_string, ''), COALESCE(x.consequence_types, ''),
	COALESCE(x.clinical_significance, ''), x.minor_allele_freq, x.variation_set_id, x.display
	FROM {variation_feature} x JOIN {source} s ON s.source_id = x.source_id WHERE `

const byPosition = " ORDER BY x.seq_region_start, x.seq_region_end, x."

// Variants finds the variants on a slice. Those that failed Ensembl's checks
// are left out, unless the set of these is asked for. Strands are those of the
// sequence, whichever way the slice is read, as the reference has them.
func (r *Reader) Variants(ctx context.Context, s assembly.Slice, f Filter) ([]*Variant, error) {
	places, err := r.Assembly.Places(ctx, s, r.DB, "variation_feature")
	if err != nil {
		return nil, err
	}
	// The reference lets failed variants in by the name of the set, but not
	// where terms narrow the search too.
	failed := f.Set != nil && f.Terms == nil && strings.Contains(f.Set.Name, "fail")
	somatic := 0
	if f.Somatic {
		somatic = 1
	}
	// Few sets of consequences and few sources have many variants.
	severe, sources := map[string]string{}, map[string]string{}
	var out []*Variant
	for _, p := range places {
		err := r.DB.Each(ctx, variantColumns+p.Where()+"AND x.somatic = ?"+byPosition+"variation_feature_id", append(p.Args(), somatic),
			func(scan func(...any) error) error {
				v := &Variant{}
				var start, end int64
				var strand int
				var consequences, clinical, sets string
				var frequency *string
				var display *int64
				err := scan(&v.ID, &start, &end, &strand, &v.Name, &v.Source, &v.Alleles, &consequences, &clinical, &frequency, &sets, &display)
				switch {
				case err != nil:
					return err
				case !failed && (display == nil || *display != 1), !f.Terms.has(consequences), f.Set != nil && !listed(sets, f.Set.ID):
					return nil
				}
				var ok bool
				if v.Located, ok = p.Carry(start, end, strand); !ok {
					return nil
				}
				if !s.Forward() {
					v.Strand = -v.Strand
				}
				if v.Start == v.End+2 {
					v.Start = v.End // insertions that a patch has moved
				}
				v.Alleles = strings.TrimSuffix(strings.Replace(v.Alleles, "//", "/", 1), "/")
				if v.Consequence, ok = severe[consequences]; !ok {
					v.Consequence = MostSevere(consequences)
					severe[consequences] = v.Consequence
				}
				if name, ok := sources[v.Source]; ok {
					v.Source = name
				}
				sources[v.Source] = v.Source
				v.Clinical = split(clinical)
				v.Frequency = number(frequency)
				out = append(out, v)
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// listed says whether a list of numbers has one.
func listed(list string, id int64) bool {
	want := strconv.FormatInt(id, 10)
	for n := range strings.SplitSeq(list, ",") {
		if n == want {
			return true
		}
	}
	return false
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// number reads a number of single precision, which databases hand out in
// different ways, by its decimal form.
func number(s *string) *float64 {
	if s == nil {
		return nil
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(*s), 64)
	if err != nil {
		return nil
	}
	return &x
}

// AlleleList are the alleles one by one.
func (v *Variant) AlleleList() []string {
	if v.Alleles == "" {
		return nil
	}
	return strings.Split(strings.TrimRight(v.Alleles, "/"), "/")
}

// Structural is a structural variant at one of its places.
type Structural struct {
	assembly.Located
	Name string
}

// Structural finds the structural variants on a slice: not those that stand as
// evidence for others, nor those that failed Ensembl's checks. Probes count as
// somatic ones alone.
func (r *Reader) Structural(ctx context.Context, s assembly.Slice, somatic bool) ([]*Structural, error) {
	places, err := r.Assembly.Places(ctx, s, r.DB, "structural_variation_feature")
	if err != nil {
		return nil, err
	}
	probe, is := int64(0), 1
	if !somatic {
		is = 0
		if probe, err = r.attribute(ctx, "SO_term", "probe"); err != nil {
			return nil, err
		}
	}
	text := `SELECT x.seq_region_start, x.seq_region_end, x.seq_region_strand, COALESCE(x.variation_name, ''), x.class_attrib_id
		FROM {structural_variation_feature} x JOIN {source} s ON s.source_id = x.source_id
		LEFT JOIN {failed_structural_variation} f ON f.structural_variation_id = x.structural_variation_id WHERE `
	var out []*Structural
	for _, p := range places {
		err := r.DB.Each(ctx, text+p.Where()+"AND x.somatic = ? AND x.is_evidence = 0 AND f.structural_variation_id IS NULL"+
			byPosition+"structural_variation_feature_id", append(p.Args(), is),
			func(scan func(...any) error) error {
				v := &Structural{}
				var start, end, class int64
				var strand int
				if err := scan(&start, &end, &strand, &v.Name, &class); err != nil {
					return err
				}
				var ok bool
				if v.Located, ok = p.Carry(start, end, strand); ok && (probe == 0 || class != probe) {
					out = append(out, v)
				}
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

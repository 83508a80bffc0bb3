package overlap

import (
	"context"
	"strconv"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/feature"
	"mirrornet/pkg/genomedb/variation"
)

// residueFeature is a feature of a protein.
type residueFeature interface {
	// Fields tells its fields, by the names that the API's summaries use.
	Fields(*Fields)
	// bed is what BED shows of it; ok is false where the reference cannot
	// write it as BED.
	bed() (start, end int64, name string, ok bool)
}

type residueGroup struct {
	kind string
	list []residueFeature
}

// residueFeatures is the answer in JSON.
type residueFeatures []residueGroup

// residueSummary is what the answer tells of a feature, whatever its type, and
// what it tells of most.
type residueSummary struct {
	FeatureType string `json:"feature_type"`
	Start       int64  `json:"start"`
	End         int64  `json:"end"`
	Protein     string `json:"seq_region_name"`

	ID          string   `json:"id,omitempty"`
	Parent      string   `json:"Parent,omitempty"`
	Type        **string `json:"type,omitempty"` // not there, or null
	Description string   `json:"description,omitempty"`
	InterPro    string   `json:"interpro,omitempty"`
}

// AppendJSON writes the features, each with its type.
func (l residueFeatures) AppendJSON(b []byte) []byte {
	f := Fields{json: append(b, '[')}
	first := true
	for _, group := range l {
		for _, feature := range group.list {
			if !first {
				f.json = append(f.json, ',')
			}
			first = false
			f.json = append(f.json, '{')
			f.first = true
			feature.Fields(&f)
			f.Text("feature_type", group.kind)
			f.json = append(f.json, '}')
		}
	}
	return append(f.json, ']')
}

// appendBED writes the features as BED, on the protein as a sequence.
func (l residueFeatures) appendBED(protein string) ([]byte, error) {
	b := []byte{}
	for _, group := range l {
		for _, f := range group.list {
			start, end, name, ok := f.bed()
			if !ok {
				return nil, ensembl.BadRequest("Features of type %s cannot be written as BED", group.kind)
			}
			b = append(b, protein...)
			b = append(b, '\t')
			b = strconv.AppendInt(b, start-1, 10)
			b = append(b, '\t')
			b = strconv.AppendInt(b, end, 10)
			b = append(b, '\t')
			b = append(b, name...)
			b = append(b, "\t1000\t+\n"...)
		}
	}
	return b, nil
}

// appendGFF3 writes GFF3's header: the reference cannot write features of
// proteins as GFF3, only that there are none.
func (p *protein) appendGFF3(ctx context.Context, all residueFeatures) ([]byte, error) {
	for _, group := range all {
		if len(group.list) > 0 {
			return nil, ensembl.BadRequest("Features of type %s cannot be written as GFF3", group.kind)
		}
	}
	length, err := p.length(ctx)
	if err != nil {
		return nil, err
	}
	b := []byte("##gff-version 3\n##sequence-region   ")
	b = append(b, p.StableID...)
	b = append(b, " 1 "...)
	b = strconv.AppendInt(b, length, 10)
	return append(b, '\n'), nil
}

// domain is what an analysis found on the protein.
type domain struct {
	*feature.Domain
	protein *protein
}

func (d *domain) Fields(f *Fields) {
	f.Text("id", d.Hit)
	f.Int("start", d.Start)
	f.Int("end", d.End)
	f.Text("seq_region_name", d.protein.StableID)
	f.Text("Parent", d.protein.transcript.StableID)
	f.Nullable("type", d.Database)
	description := d.InterProText
	if description == "" || description == "0" {
		description = d.HitDescription
	}
	f.Text("description", description)
	f.Text("interpro", d.InterPro)
	f.Text("hseqname", d.Hit)
	f.Int("hit_start", d.HitStart)
	f.Int("hit_end", d.HitEnd)
	f.Text("cigar_string", d.Cigar)
	f.Nullable("align_type", d.AlignType)
	f.Int("translation_id", d.Protein)
}

func (d *domain) bed() (start, end int64, name string, ok bool) { return d.Start, d.End, d.Hit, true }

// splitCodon is a residue whose codon lies on two exons.
type splitCodon struct {
	at      int64
	protein *protein
}

func (c *splitCodon) Fields(f *Fields) {
	f.Int("start", c.at)
	f.Int("end", c.at)
	f.Text("seq_region_name", c.protein.StableID)
}

func (c *splitCodon) bed() (start, end int64, name string, ok bool) { return 0, 0, "", false }

// codingExon is what an exon codes for.
type codingExon struct {
	feature.CodingExon
	rank    int
	protein *protein
}

func (x *codingExon) Fields(f *Fields) {
	f.Text("id", x.StableID)
	f.Int("start", x.First)
	f.Int("end", x.Last)
	f.Int("rank", int64(x.rank))
	f.Text("seq_region_name", x.protein.StableID)
}

func (x *codingExon) bed() (start, end int64, name string, ok bool) { return 0, 0, "", false }

// effect is what a variant does to the protein.
type effect struct {
	*variation.Effect
	variant        *variation.Variant
	protein        *protein
	sift, polyphen *float64
}

func (e *effect) Fields(f *Fields) {
	f.Text("id", e.variant.Name)
	f.Int("start", e.ProteinStart)
	f.Int("end", e.ProteinEnd)
	f.Text("seq_region_name", e.protein.StableID)
	f.Text("translation", e.protein.StableID)
	f.Text("Parent", e.protein.transcript.StableID)
	f.Text("type", e.Consequence)
	f.Text("allele", e.variant.Alleles)
	f.Text("codons", e.Codons(e.protein.transcript.CodonPosition(e.CDNAStart)))
	f.Text("residues", e.Peptides())
	optional(f, "sift", e.sift)
	optional(f, "polyphen", e.polyphen)
	optional(f, "minor_allele_frequency", e.variant.Frequency)
	f.List("clinical_significance", e.variant.Clinical)
}

// bed: the reference shows where the variant begins alone.
func (e *effect) bed() (start, end int64, name string, ok bool) {
	return e.ProteinStart, e.ProteinStart, e.variant.Name, true
}

func optional(f *Fields, key string, value *float64) {
	if value == nil {
		f.Null(key)
	} else {
		f.Float(key, *value)
	}
}

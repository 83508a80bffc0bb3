package overlap

import (
	"cmp"
	"context"
	"crypto/md5"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/feature"
	"mirrornet/pkg/genomedb/variation"
)

var (
	pathProtein = apispec.Param{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Stable id of a translation; a version may follow", Examples: []string{"ENSP00000288602"}}
	proteinKinds = apispec.Param{Name: "feature", In: apispec.InQuery, Type: apispec.String, Repeated: true, Default: "protein_feature",
		Description: "Types of features wanted: protein_feature, residue_overlap, translation_exon, transcript_variation, " +
			"somatic_transcript_variation", Examples: []string{"transcript_variation"}}
	proteinType = text("type", "Only protein features of this analysis or of the database that it searched; or only variants whose "+
		"consequence this regular expression finds", "low_complexity", "missense_variant")

	getTranslation = apispec.Endpoint{
		ID: "overlap_translation", Group: group, Method: "GET", Path: "/overlap/translation/{id}",
		Summary: "Lists what lies on a protein: domains, exons, variants",
		Params:  []apispec.Param{pathProtein, proteinKinds, dbType, soTerm, species, proteinType},
		Formats: formats, Freshness: fresh, Tags: []string{"overlap", "id:{id}"},
		Examples: []apispec.Example{
			{Target: "/overlap/translation/ENSP00000288602?type=Superfamily", ContentType: apispec.JSON},
			{Target: "/overlap/translation/ENSP00000288602?feature=transcript_variation;type=missense_variant", ContentType: apispec.JSON},
			{Target: "/overlap/translation/ENSP00000288602?feature=somatic_transcript_variation", ContentType: apispec.JSON},
			{Target: "/overlap/translation/ENSP00000288602?feature=translation_exon;feature=residue_overlap", ContentType: apispec.XML},
		},
	}
)

// protein is one request for what lies on a protein.
type protein struct {
	ensembl.Call
	object     *feature.Object
	transcript *feature.Transcript
	*feature.Translation

	sequences *feature.Sequences // nil until something needs them
	domains   int                // how often domains were listed
}

// onProtein finds the features of one type on a protein.
type onProtein func(context.Context, *protein) ([]residueFeature, error)

// onProteins is the table of all types of features of proteins.
func onProteins() map[string]onProtein {
	return map[string]onProtein{
		"protein_feature":              domains,
		"residue_overlap":              splitCodons,
		"translation_exon":             codingExons,
		"transcript_variation":         effects(false),
		"somatic_transcript_variation": effects(true),
	}
}

func (m *module) getTranslation(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	id := c.Path["id"]
	filter := feature.NewFilter(c.Query.Get("species"), c.Query.Get("db_type"), "translation", true)
	found, failed, err := m.finder(c).Find(ctx, []string{id}, filter)
	if err != nil {
		return ensembl.Answer{}, err
	}
	if e := failed[id]; e != nil {
		return ensembl.Answer{}, e
	}
	o := found[id]
	p := &protein{Call: c, object: o, transcript: o.Protein.Transcript, Translation: o.Protein.Translation}
	kinds := c.Query.All("feature")
	if len(kinds) == 0 {
		kinds = []string{"protein_feature"}
	}
	var all residueFeatures
	var done []string
	for _, kind := range kinds {
		// The reference compares before it folds case: another spelling of a
		// type is listed once more.
		if slices.Contains(done, kind) {
			continue
		}
		kind = strings.ToLower(kind)
		find := m.onProteins[kind]
		if find == nil {
			return ensembl.Answer{}, ensembl.BadRequest("The feature type %s is not understood", kind)
		}
		list, err := find(ctx, p)
		if err != nil {
			return ensembl.Answer{}, err
		}
		done = append(done, kind)
		all = append(all, residueGroup{kind, list})
	}
	a := ensembl.Answer{Tags: append(feature.Tags(found), "id:"+p.StableID)}
	switch c.Format {
	case apispec.GFF3:
		a.Text, err = p.appendGFF3(ctx, all)
	case apispec.BED:
		a.Text, err = all.appendBED(p.StableID)
	default:
		a.Value = all
	}
	return a, err
}

// prepare readies the transcript's sequence.
func (p *protein) prepare(ctx context.Context) (err error) {
	if p.sequences == nil {
		p.sequences, err = p.object.Reader.Sequences(ctx, p.transcript.At)
	}
	return err
}

// length is the number of residues.
func (p *protein) length(ctx context.Context) (int64, error) {
	if err := p.prepare(ctx); err != nil {
		return 0, err
	}
	n, _, err := p.sequences.ProteinLength(ctx, p.transcript, p.Translation)
	return n, err
}

func domains(ctx context.Context, p *protein) ([]residueFeature, error) {
	p.domains++
	found, err := p.object.Reader.Domains(ctx, p.Translation)
	if err != nil {
		return nil, err
	}
	if asked := p.Query.All("type"); len(asked) > 0 {
		logic := strings.ToLower(asked[0])
		byLogic := func(d *feature.Domain) bool { return strings.ToLower(d.Logic) == logic }
		if !slices.ContainsFunc(found, byLogic) && p.domains == 1 {
			// The name of a database stands for the last of its analyses.
			database := logic
			for _, d := range found {
				if d.Database == nil && database == "" || d.Database != nil && strings.ToLower(*d.Database) == database {
					logic = strings.ToLower(d.Logic)
				}
			}
		}
		found = slices.DeleteFunc(found, func(d *feature.Domain) bool { return !byLogic(d) || len(asked) > 1 })
	}
	out := make([]residueFeature, len(found))
	for i, d := range found {
		out[i] = &domain{d, p}
	}
	return out, nil
}

// splitCodons are the codons that lie on two exons.
func splitCodons(ctx context.Context, p *protein) ([]residueFeature, error) {
	length, err := p.length(ctx)
	if err != nil {
		return nil, err
	}
	var out []residueFeature
	bases := int64(0)
	for _, x := range p.transcript.CodingExons(p.Translation) {
		bases += x.Bases
		if at := bases/3 + 1; bases%3 != 0 && at < length {
			out = append(out, &splitCodon{at, p})
		}
	}
	return out, nil
}

func codingExons(_ context.Context, p *protein) ([]residueFeature, error) {
	var out []residueFeature
	for i, x := range p.transcript.CodingExons(p.Translation) {
		out = append(out, &codingExon{x, i + 1, p})
	}
	return out, nil
}

// effects finds what variants do to the protein.
func effects(somatic bool) onProtein {
	return func(ctx context.Context, p *protein) ([]residueFeature, error) {
		s, _ := p.Genome.Resolve(p.object.Species)
		r := variationOf(s, p.object.Reader.Assembly)
		if r == nil {
			return nil, nil
		}
		variants, err := r.Variants(ctx, p.transcript.At, variation.Filter{Somatic: somatic})
		if err != nil {
			return nil, err
		}
		byID := make(map[int64]*variation.Variant, len(variants))
		for _, v := range variants {
			byID[v.ID] = v
		}
		terms, err := consequences(ctx, p.Call)
		if err != nil {
			return nil, err
		}
		found, err := r.Effects(ctx, p.transcript.StableID, somatic, terms)
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(e *variation.Effect) bool { return e.CDSStart == 0 && e.CDSEnd == 0 })
		slices.SortStableFunc(found, func(a, b *variation.Effect) int { return cmp.Compare(a.ProteinStart, b.ProteinStart) })
		if found, err = p.ofType(found); err != nil {
			return nil, err
		}
		var out []residueFeature
		for _, e := range found {
			if v := byID[e.VariantID]; v != nil {
				out = append(out, &effect{Effect: e, variant: v, protein: p})
			}
		}
		return out, p.predict(ctx, r, out)
	}
}

// longestPattern bounds the regular expressions that clients send.
const longestPattern = 1000

// ofType keeps the effects whose consequence the client's regular expression
// finds.
func (p *protein) ofType(found []*variation.Effect) ([]*variation.Effect, error) {
	asked := p.Query.All("type")
	switch {
	case len(found) == 0 || len(asked) == 0 || len(asked) == 1 && (asked[0] == "" || asked[0] == "0"):
		return found, nil
	case len(asked) > 1: // as in the reference, where a list finds nothing
		return nil, nil
	case len(asked[0]) > longestPattern:
		return nil, ensembl.BadRequest("type is longer than %d characters", longestPattern)
	}
	matches := func(consequence string) bool { return strings.Contains(consequence, asked[0]) }
	if regexp.QuoteMeta(asked[0]) != asked[0] {
		pattern, err := regexp.Compile(asked[0])
		if err != nil {
			return nil, ensembl.BadRequest("type is not a regular expression: %v", err)
		}
		matches = pattern.MatchString
	}
	return slices.DeleteFunc(found, func(e *variation.Effect) bool { return !matches(e.Consequence) }), nil
}

// predict fills in the scores that are not stored with effects.
func (p *protein) predict(ctx context.Context, r *variation.Reader, all []residueFeature) error {
	var predictions map[string]*variation.Predictions
	for _, f := range all {
		e := f.(*effect)
		if len(e.Alleles) > 1 {
			e.sift = e.Alleles[1].SIFT
		}
		residue, ok := e.Substitution()
		if !ok {
			continue
		}
		if predictions == nil {
			if err := p.prepare(ctx); err != nil {
				return err
			}
			residues, err := p.sequences.Protein(ctx, p.transcript, p.Translation)
			if err != nil {
				return err
			}
			sum := md5.Sum(residues)
			if predictions, err = r.Predictions(ctx, fmt.Sprintf("%x", sum)); err != nil {
				return err
			}
			if predictions == nil {
				predictions = map[string]*variation.Predictions{}
			}
		}
		e.polyphen = predictions[variation.PolyPhen].Score(e.ProteinStart, residue)
		if e.sift == nil {
			e.sift = predictions[variation.SIFT].Score(e.ProteinStart, residue)
		}
	}
	return nil
}

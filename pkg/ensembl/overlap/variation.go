package overlap

import (
	"context"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/variation"
)

// variationOf opens the variation database of a species; nil where there is
// none.
func variationOf(s *genomedb.Species, a *assembly.Assembly) *variation.Reader {
	if s == nil {
		return nil
	}
	db, ok := s.Database("variation")
	if !ok {
		return nil
	}
	return &variation.Reader{DB: db, Assembly: a}
}

// consequences are the terms that a client narrows variants to.
func consequences(ctx context.Context, c ensembl.Call) (variation.Terms, error) {
	asked := c.Query.All("so_term")
	if len(asked) == 0 {
		return nil, nil
	}
	db, ok := c.Genome.Database("ontology")
	if !ok {
		return nil, ensembl.BadRequest("There is no ontology database to look for so_term in")
	}
	return variation.FindTerms(ctx, db, asked)
}

// variant is a variant as the answer shows it.
type variant struct {
	place Place
	*variation.Variant
}

// variants finds somatic mutations, or the other variants.
func variants(somatic bool) source {
	return func(ctx context.Context, q *query) ([]Feature, error) {
		r := variationOf(q.Species, q.Core.Assembly)
		if r == nil {
			return nil, nil
		}
		filter := variation.Filter{Somatic: somatic}
		if name := q.Query.Get("variant_set"); name != "" && name != "0" && !somatic {
			set, ok, err := r.Set(ctx, name)
			if err != nil {
				return nil, err
			}
			if !ok || len(q.Query.All("variant_set")) > 1 {
				return nil, ensembl.BadRequest("No VariationSet found with short name: %s", name)
			}
			filter.Set = &set
		}
		var err error
		if filter.Terms, err = consequences(ctx, q.Call); err != nil {
			return nil, err
		}
		found, err := r.Variants(ctx, q.Slice, filter)
		if err != nil {
			return nil, err
		}
		out := make([]Feature, len(found))
		for i, v := range found {
			out[i] = &variant{q.at(v.Located), v}
		}
		return out, nil
	}
}

func (v *variant) Place() *Place { return &v.place }

func (v *variant) Label() string { return v.Name }

func (v *variant) Term() Term { return Term{Name: "sequence_variant"} }

func (v *variant) Fields(f *Fields) {
	f.Text("id", v.Name)
	v.place.fields(f)
	f.Text("consequence_type", v.Consequence)
	f.List("alleles", v.AlleleList())
	f.List("clinical_significance", v.Clinical)
	f.Text("source", v.Source)
}

// structural is a structural variant as the answer shows it.
type structural struct {
	place Place
	name  string
}

// structurals finds structural variants: somatic ones, or the others.
func structurals(somatic bool) source {
	return func(ctx context.Context, q *query) ([]Feature, error) {
		r := variationOf(q.Species, q.Core.Assembly)
		if r == nil {
			return nil, nil
		}
		found, err := r.Structural(ctx, q.Slice, somatic)
		if err != nil {
			return nil, err
		}
		out := make([]Feature, len(found))
		for i, v := range found {
			out[i] = &structural{q.at(v.Located), v.Name}
		}
		return out, nil
	}
}

func (v *structural) Place() *Place { return &v.place }

func (v *structural) Label() string { return v.name }

func (v *structural) Term() Term { return Term{Name: "structural_variant"} }

func (v *structural) Fields(f *Fields) {
	f.Text("id", v.name)
	v.place.fields(f)
}

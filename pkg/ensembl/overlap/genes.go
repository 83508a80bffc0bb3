package overlap

import (
	"context"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/track"
)

// gene is a gene as the answer shows it.
type gene struct {
	place Place
	*track.Gene
	term string
}

func genes(ctx context.Context, q *query) ([]Feature, error) {
	t, err := q.track(ctx)
	if err != nil || t == nil {
		return nil, err
	}
	f := q.filter()
	if q.Query.Has("source") {
		s := q.one("source")
		f.Source = &s
	}
	found, err := t.Genes(ctx, f)
	if err != nil {
		return nil, err
	}
	out, all := make([]Feature, len(found)), make([]gene, len(found))
	for i, g := range found {
		if g.Feature.Canonical == "" && !q.GFF3() && !q.BED() {
			return nil, ensembl.BadRequest("The canonical transcript of gene %s is not in this database", g.Feature.StableID)
		}
		all[i] = gene{q.at(g.Located), g.Feature, t.Words.Term("gene", g.Feature.Biotype)}
		out[i] = &all[i]
	}
	return out, nil
}

func (g *gene) Place() *Place { return &g.place }

func (g *gene) Label() string { return g.StableID }

func (g *gene) Term() Term {
	term := g.term
	if term == "" || term == "protein_coding_gene" {
		term = "gene"
	}
	return Term{Name: term, Source: g.Analysis.GFF, Prefix: "gene:"}
}

func (g *gene) Fields(f *Fields) {
	f.Text("id", g.StableID)
	if g.Version != 0 {
		f.Int("version", g.Version)
	}
	g.place.fields(f)
	f.Nullable("description", g.Description)
	f.Text("biotype", g.Biotype)
	f.Optional("Name", g.Name)
	f.Optional("logic_name", g.Analysis.Logic)
	f.Text("source", g.Source)
	f.Text("gene_id", g.StableID)
	if h := g.Havana; h != nil {
		f.Text("havana_gene", h.Label)
		f.Nullable("havana_version", h.Version)
	}
	f.Optional("projection_parent_gene", g.Parent)
	if f.JSON() {
		f.Text("canonical_transcript", g.Canonical)
	}
}

package overlap

import (
	"context"
	"strings"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/regulation"
)

// regulation opens the regulation database of the query's species.
func (q *query) regulation(object string) (*regulation.Reader, error) {
	if q.Species != nil {
		if db, ok := q.Species.Database("funcgen"); ok {
			return &regulation.Reader{DB: db, Assembly: q.Core.Assembly}, nil
		}
	}
	name := q.Path["species"]
	if name == "" && q.Species != nil {
		name = q.Species.Name
	}
	return nil, ensembl.BadRequest("No adaptor found for species %s, object %s and DB funcgen", name, object)
}

// regulatory is a regulatory feature as the answer shows it.
type regulatory struct {
	place Place
	*regulation.Feature
	kind string // "" where the API has no word for it
}

func regulatoryFeatures(ctx context.Context, q *query) ([]Feature, error) {
	r, err := q.regulation("RegulatoryFeature")
	if err != nil {
		return nil, err
	}
	found, err := r.Features(ctx, q.Slice)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errNone
	}
	out := make([]Feature, 0, len(found))
	for _, g := range found {
		kind := kindOf(g.Type.Description)
		switch {
		case q.GFF3() && g.Type.Term == "":
			return nil, ensembl.BadRequest("Unable to find an SO term for feature %s.", g.StableID)
		case kind == "" && !q.GFF3() && !q.BED():
			continue // JSON has those of these kinds alone
		}
		out = append(out, &regulatory{q.at(g.Located), g, kind})
	}
	return out, nil
}

// kindOf is the API's word for a type of regulatory features.
func kindOf(description string) string {
	description = strings.ToLower(description)
	for _, k := range [...]struct{ says, kind string }{
		{"promoter", "promoter"}, {"enhancer", "enhancer"}, {"ctcf", "CTCF_binding_site"},
		{"transcription factor", "TF_binding_site"}, {"open chromatin", "open_chromatin_region"},
	} {
		if strings.Contains(description, k.says) {
			return k.kind
		}
	}
	return ""
}

func (r *regulatory) Place() *Place { return &r.place }

func (r *regulatory) Label() string { return r.StableID }

func (r *regulatory) Term() Term { return Term{Name: r.Type.Term} }

func (r *regulatory) Fields(f *Fields) {
	f.Text("id", r.StableID)
	f.Text("seq_region_name", r.place.Sequence.Name)
	f.Int("start", r.Start)
	f.Int("end", r.End)
	f.Int("strand", int64(r.Strand))
	if f.JSON() {
		f.Text("source", "Ensembl")
		f.Int("extended_start", r.BoundStart)
		f.Int("extended_end", r.BoundEnd)
		f.Text("description", r.kind)
		return
	}
	f.Text("source", r.Analysis)
	f.Int("bound_start", r.BoundStart)
	f.Int("bound_end", r.BoundEnd)
	f.Optional("description", r.Type.Description)
	f.Text("feature_type", r.Type.Name)
}

// motif is a transcription factor's motif as the answer shows it.
type motif struct {
	place Place
	*regulation.Motif
}

func motifs(ctx context.Context, q *query) ([]Feature, error) {
	r, err := q.regulation("MotifFeature")
	if err != nil {
		return nil, err
	}
	found, err := r.Motifs(ctx, q.Slice)
	if err != nil {
		return nil, err
	}
	out := make([]Feature, len(found))
	for i, m := range found {
		out[i] = &motif{q.at(m.Located), m}
	}
	return out, nil
}

func (m *motif) Place() *Place { return &m.place }

// Label: BED shows no name for motifs.
func (m *motif) Label() string { return "" }

func (m *motif) Term() Term { return Term{Name: m.Matrix.Term} }

func (m *motif) Fields(f *Fields) {
	f.Text("binding_matrix_stable_id", m.Matrix.StableID)
	f.Int("start", m.Start)
	f.Int("end", m.End)
	f.Int("strand", int64(m.Strand))
	f.Text("seq_region_name", m.place.Sequence.Name)
	if m.StableID == "" {
		f.Null("stable_id")
	} else {
		f.Text("stable_id", m.StableID)
	}
	f.Float("score", m.Score)
	f.Text("transcription_factor_complex", strings.Join(m.Matrix.Complexes, ","))
	if len(m.Epigenomes) > 0 {
		f.Text("epigenomes_with_experimental_evidence", strings.Join(m.Epigenomes, ","))
	}
}

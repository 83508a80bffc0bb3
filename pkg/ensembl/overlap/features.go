package overlap

import (
	"context"
	"slices"

	"mirrornet/pkg/genomedb/track"
)

type repeat struct {
	place Place
	track.Repeat
}

func repeats(ctx context.Context, q *query) ([]Feature, error) {
	t, err := q.trackOf(ctx, q.Core.DB)
	if err != nil {
		return nil, err
	}
	found, err := t.Repeats(ctx)
	return shown(q, found, func(p Place, r track.Repeat) Feature { return &repeat{p, r} }), err
}

// shown makes features of what was found.
func shown[T any](q *query, found []track.On[T], show func(Place, T) Feature) []Feature {
	out := make([]Feature, len(found))
	for i, f := range found {
		out[i] = show(q.at(f.Located), f.Feature)
	}
	return out
}

func (r *repeat) Place() *Place { return &r.place }

func (r *repeat) Label() string { return r.Name }

func (r *repeat) Term() Term { return Term{Name: "repeat_region", Source: r.Analysis.GFF} }

func (r *repeat) Fields(f *Fields) {
	r.place.fields(f)
	f.Text("description", r.Name)
}

type simple struct {
	place Place
	track.Simple
}

func simples(ctx context.Context, q *query) ([]Feature, error) {
	t, err := q.track(ctx)
	if err != nil || t == nil {
		return nil, err
	}
	found, err := t.Simples(ctx, q.one("logic_name"))
	return shown(q, found, func(p Place, s track.Simple) Feature { return &simple{p, s} }), err
}

func (s *simple) Place() *Place { return &s.place }

func (s *simple) Label() string { return s.Simple.Label }

func (s *simple) Term() Term { return Term{Name: "biological_region", Source: s.Analysis.GFF} }

func (s *simple) Fields(f *Fields) {
	s.place.fields(f)
	if s.Score != 0 {
		f.Float("score", s.Score)
	}
	f.Optional("external_name", s.Simple.Label)
	f.Text("logic_name", s.Analysis.Logic)
}

type band struct {
	place Place
	track.Band
}

func bands(ctx context.Context, q *query) ([]Feature, error) {
	t, err := q.trackOf(ctx, q.Core.DB)
	if err != nil {
		return nil, err
	}
	found, ok, err := t.Bands(ctx)
	if err == nil && !ok {
		err = errNone
	}
	return shown(q, found, func(p Place, b track.Band) Feature { return &band{p, b} }), err
}

func (b *band) Place() *Place { return &b.place }

func (b *band) Label() string { return b.Name }

func (b *band) Term() Term { return Term{Name: "chromosome_band"} }

func (b *band) Fields(f *Fields) {
	f.Text("id", b.Name)
	b.place.fields(f)
	f.Nullable("stain", b.Stain)
}

type misc struct {
	place Place
	*track.Misc
}

func miscs(ctx context.Context, q *query) ([]Feature, error) {
	t, err := q.track(ctx)
	if err != nil || t == nil {
		return nil, err
	}
	found, err := t.Miscs(ctx, q.one("misc_set"))
	return shown(q, found, func(p Place, m *track.Misc) Feature { return &misc{p, m} }), err
}

func (m *misc) Place() *Place { return &m.place }

func (m *misc) Label() string {
	for _, code := range []string{"name", "synonym"} {
		for _, a := range m.Attributes {
			if a.Code == code {
				return a.Value
			}
		}
	}
	return ""
}

func (m *misc) Term() Term { return Term{Name: "biological_region"} }

// placed are the fields that all features have; an attribute of such a name
// says nothing.
var placed = []string{"id", "start", "end", "strand", "seq_region_name", "assembly_name", "feature_type"}

func (m *misc) Fields(f *Fields) {
	f.Text("id", m.Label())
	m.place.fields(f)
	for _, a := range m.Attributes {
		if !slices.Contains(placed, a.Code) {
			f.Text(a.Code, a.Value)
		}
	}
	if len(m.Sets) > 0 {
		codes, names := make([]string, len(m.Sets)), make([]string, len(m.Sets))
		for i, s := range m.Sets {
			codes[i], names[i] = s.Code, s.Name
		}
		f.List("misc_set_code", codes)
		f.List("misc_set_name", names)
	}
}

package overlap

import (
	"cmp"
	"context"
	"strings"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/track"
)

// element is a constrained element: no feature of a database of its species,
// and described otherwise.
type element struct {
	place Place
	track.Element
}

func constrained(ctx context.Context, q *query) ([]Feature, error) {
	compara, ok := comparaOf(q.Genome, q.Species)
	if !ok {
		return nil, ensembl.BadRequest("No adaptor found for compara Multi and adaptor MethodLinkSpeciesSet")
	}
	segments, err := q.Core.Assembly.Borrowing(ctx, q.Slice)
	if err != nil {
		return nil, err
	}
	found, ok, err := track.Constrained(ctx, compara, cmp.Or(q.one("species_set"), "mammals"), q.Species.Name, q.Species.Assembly, segments)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errNone
	}
	if q.BED() && len(found) > 0 {
		return nil, ensembl.BadRequest("Constrained elements are not given as BED")
	}
	out := make([]Feature, len(found))
	for i, e := range found {
		p := Place{Sequence: q.Slice.On, Start: e.Start, End: e.End, Strand: e.Strand, Reading: 1}
		out[i] = &element{p, e}
	}
	return out, nil
}

// comparaOf is the comparative database of a species' division.
func comparaOf(reg *genomedb.Registry, s *genomedb.Species) (*genomedb.Database, bool) {
	division := strings.ToLower(strings.TrimPrefix(s.Division, "Ensembl"))
	if division == "vertebrates" {
		division = "multi"
	}
	return reg.Owned(division, "compara")
}

func (e *element) Place() *Place { return &e.place }

func (e *element) Label() string { return "" }

func (e *element) Term() Term { return Term{Name: "DNA_constraint_sequence", NoSource: true} }

func (e *element) Fields(f *Fields) {
	f.Int("ID", e.ID)
	f.Int("start", e.Start)
	f.Int("end", e.End)
	f.Int("strand", int64(e.Strand))
	f.Text("seq_region_name", e.Sequence)
	f.Float("score", e.Score)
}

package overlap

import (
	"context"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/track"
)

// sources is the table of all feature types, by the name that a client gives.
func sources() map[string]source {
	return map[string]source{
		"gene": genes, "transcript": transcripts, "cds": codingParts, "exon": exons, "mane": manes,
		"repeat": repeats, "simple": simples, "band": bands, "misc": miscs, "constrained": constrained,

		"variation":                    variants(false),
		"somatic_variation":            variants(true),
		"structural_variation":         structurals(false),
		"somatic_structural_variation": structurals(true),
		"regulatory":                   regulatoryFeatures,
		"motif":                        motifs,
	}
}

// track opens the database that a client may have named with db_type, else
// that of the slice. nil: the species has no such database.
func (q *query) track(ctx context.Context) (*track.Track, error) {
	db := q.Core.DB
	if kind := q.one("db_type"); kind != "" {
		var ok bool
		if db, ok = q.Species.Database(kind); !ok {
			return nil, nil
		}
	}
	return q.trackOf(ctx, db)
}

func (q *query) trackOf(ctx context.Context, db *genomedb.Database) (*track.Track, error) {
	return q.tracks.Track(ctx, q.Genome, db, q.Core.Assembly, q.Slice)
}

// one is the value of a parameter that is to be given once. As in the
// reference, a list is a name that nothing has.
func (q *query) one(name string) string {
	if all := q.Query.All(name); len(all) > 1 {
		return strings.Join(all, "\x00")
	}
	return q.Query.Get(name)
}

// filter reads what narrows genes and transcripts.
func (q *query) filter() track.Filter {
	return track.Filter{Logic: q.one("logic_name"), Biotypes: q.Query.All("biotype")}
}

// at is a Place on the query's slice.
func (q *query) at(l assembly.Located) Place {
	p := Place{Sequence: q.Slice.On, Start: l.Start, End: l.End, Strand: l.Strand, Reading: q.Slice.Strand}
	if p.Start > p.End && q.Core.Assembly.Circular(p.Sequence) {
		p.Circle = p.Sequence.Length
	}
	return p
}

package track

import (
	"cmp"
	"context"
	"slices"

	"mirrornet/pkg/genomedb/assembly"
)

// Repeat is a repetitive stretch.
type Repeat struct {
	Name     string // of its consensus
	Analysis Analysis
	id       int64
}

// Repeats finds repeats, along the slice's sequence.
func (t *Track) Repeats(ctx context.Context) ([]On[Repeat], error) {
	if !t.DB.HasTable("repeat_feature") {
		return nil, nil
	}
	return along(ctx, t, "repeat_feature", `SELECT x.seq_region_start, x.seq_region_end, x.seq_region_strand, x.repeat_feature_id, c.repeat_name, x.analysis_id
		FROM {repeat_feature} x JOIN {repeat_consensus} c ON c.repeat_consensus_id = x.repeat_consensus_id WHERE`, "", nil,
		func(scan func(...any) error) (r Repeat, at assembly.Located, err error) {
			var analysis int64
			err = scan(&at.Start, &at.End, &at.Strand, &r.id, &r.Name, &analysis)
			r.Analysis = t.Words.Analysis(analysis)
			return r, at, err
		}, func(a, b Repeat) int { return cmp.Compare(a.id, b.id) })
}

// Simple is a feature that has a label and a score at most.
type Simple struct {
	Label    string
	Score    float64
	Analysis Analysis
	id       int64
}

// Simples finds simple features, along the slice's sequence. Of an analysis
// that the database does not know there are none.
func (t *Track) Simples(ctx context.Context, logic string) ([]On[Simple], error) {
	more, args := "", []any(nil)
	if logic != "" {
		id, ok := t.Words.AnalysisID(logic)
		if !ok {
			return nil, nil
		}
		more, args = " AND x.analysis_id = ?", []any{id}
	}
	if !t.DB.HasTable("simple_feature") {
		return nil, nil
	}
	return along(ctx, t, "simple_feature", `SELECT x.seq_region_start, x.seq_region_end, x.seq_region_strand, x.simple_feature_id, x.display_label,
		COALESCE(x.score, 0), x.analysis_id FROM {simple_feature} x WHERE`, more, args,
		func(scan func(...any) error) (f Simple, at assembly.Located, err error) {
			var label *string
			var analysis int64
			err = scan(&at.Start, &at.End, &at.Strand, &f.id, &label, &f.Score, &analysis)
			f.Label, f.Analysis = value(label), t.Words.Analysis(analysis)
			return f, at, err
		}, func(a, b Simple) int { return cmp.Compare(a.id, b.id) })
}

// Band is a band of a chromosome.
type Band struct {
	Name  string
	Stain *string
}

// Bands finds the bands, by name. ok is false where the slice's sequence is no
// chromosome.
func (t *Track) Bands(ctx context.Context) (bands []On[Band], ok bool, err error) {
	if ok, err = t.Assembly.Karyotype(ctx, t.Slice.On); !ok || err != nil || !t.DB.HasTable("karyotype") {
		return nil, ok, err
	}
	bands, err = each(ctx, t, "karyotype", "SELECT x.seq_region_start, x.seq_region_end, x.band, x.stain FROM {karyotype} x WHERE", " ORDER BY x.band, x.karyotype_id", nil,
		func(scan func(...any) error) (b Band, at assembly.Located, err error) {
			var name *string
			err = scan(&at.Start, &at.End, &name, &b.Stain)
			b.Name = value(name)
			return b, at, err
		})
	return bands, true, err
}

// along is each, sorted as the table's index of places has them.
func along[T any](ctx context.Context, t *Track, table, text, more string, args []any,
	read func(scan func(...any) error) (T, assembly.Located, error), order func(a, b T) int) ([]On[T], error) {
	type placed struct {
		row   T
		start int64
	}
	rows, err := each(ctx, t, table, text, more, args, func(scan func(...any) error) (placed, assembly.Located, error) {
		row, at, err := read(scan)
		return placed{row, at.Start}, at, err
	})
	if err != nil {
		return nil, err
	}
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].place == rows[from].place {
			to++
		}
		slices.SortFunc(rows[from:to], func(a, b On[placed]) int {
			return cmp.Or(cmp.Compare(a.Feature.start, b.Feature.start), order(a.Feature.row, b.Feature.row))
		})
		from = to
	}
	out := make([]On[T], len(rows))
	for i, r := range rows {
		out[i] = On[T]{r.Feature.row, r.Located, r.place}
	}
	return out, nil
}

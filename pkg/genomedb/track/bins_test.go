package track

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/sample"
)

type row struct{ start, end int64 }

func (r *row) span() (start, end int64) { return r.start, r.end }

func (*row) weight() int { return 2 }

// human is the sample's human core database and its chromosome 7.
func human(t testing.TB) (*genomedb.Registry, *genomedb.Database, *assembly.Assembly, *assembly.Sequence) {
	t.Helper()
	reg, err := sample.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reg.Close() })
	db, _ := reg.Owned("homo_sapiens", "core")
	a, err := assembly.New(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	on, err := a.Find(t.Context(), "7", nil)
	if err != nil || on == nil {
		t.Fatal(on, err)
	}
	return reg, db, a, on
}

// TestBins: whatever was asked for before, and whatever was forgotten, the rows
// of a place are those that the place's condition names.
func TestBins(t *testing.T) {
	_, db, a, on := human(t)
	on = &assembly.Sequence{ID: on.ID, Name: on.Name, Length: 1 << 30, System: on.System}
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		probe, err := a.Places(ctx, assembly.Slice{On: on, Start: 1, End: 1, Strand: 1}, db, "gene")
		if err != nil || len(probe) != 1 {
			t.Fatal(probe, err)
		}
		_, _, _, longest, _ := probe[0].Range()
		var all []*row
		for range rapid.IntRange(0, 60).Draw(t, "rows") {
			start := rapid.Int64Range(1, 8<<binShift).Draw(t, "start")
			all = append(all, &row{start, start + rapid.Int64Range(0, longest-1).Draw(t, "length")})
		}
		var b bins[*row]
		loads := 0
		load := func(_ context.Context, c condition) (out []*row, err error) {
			loads++
			if len(c.args) == 4 { // the place's own condition
				to, least, from := c.args[1].(int64), c.args[2].(int64), c.args[3].(int64)
				for _, r := range all {
					if r.start <= to && r.start >= least && r.end >= from {
						out = append(out, r)
					}
				}
				return out, nil
			}
			low, high := c.args[1].(int64), c.args[2].(int64)
			for _, r := range all {
				if r.start >= low && r.start < high {
					out = append(out, r)
				}
			}
			return out, nil
		}
		for range rapid.IntRange(1, 12).Draw(t, "requests") {
			from := rapid.Int64Range(1, 9<<binShift).Draw(t, "from")
			to := from + rapid.Int64Range(0, 3<<binShift).Draw(t, "span")
			places, err := a.Places(ctx, assembly.Slice{On: on, Start: from, End: to, Strand: 1}, db, "gene")
			if err != nil {
				t.Fatal(err)
			}
			before := loads
			got, err := b.on(ctx, db, places[0], load)
			if err != nil || loads > before+1 {
				t.Fatalf("%d loads, %v", loads-before, err)
			}
			var want []*row
			for _, r := range all {
				if r.start <= to && r.end >= from {
					want = append(want, r)
				}
			}
			order := func(x, y *row) int { return int(x.start-y.start) + int(x.end-y.end)<<40 }
			slices.SortFunc(got, order)
			slices.SortFunc(want, order)
			if fmt.Sprint(spans(got)) != fmt.Sprint(spans(want)) {
				t.Fatalf("%d–%d: %v, want %v", from, to, spans(got), spans(want))
			}
			if rapid.Bool().Draw(t, "forget") {
				b.rows = maxRows
			}
		}
	})
}

func spans(rows []*row) (out []row) {
	for _, r := range rows {
		out = append(out, *r)
	}
	return out
}

// TestShared: many may ask at once, while the registry changes.
func TestShared(t *testing.T) {
	reg, db, a, on := human(t)
	other, otherDB, _, _ := human(t)
	var c Cache
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 20 {
				reg, db := reg, db
				if (i+n)%3 == 0 {
					reg, db = other, otherDB
				}
				tr, err := c.Track(t.Context(), reg, db, a, assembly.Slice{On: on, Start: 1, End: on.Length, Strand: 1})
				if err != nil {
					t.Error(err)
					return
				}
				genes, err := tr.Genes(t.Context(), Filter{})
				if err != nil || len(genes) == 0 {
					t.Errorf("%d genes, %v", len(genes), err)
				}
				transcripts, err := tr.Transcripts(t.Context(), Filter{})
				if err != nil || len(transcripts) < len(genes) {
					t.Errorf("%d transcripts, %v", len(transcripts), err)
				}
				structures, err := tr.Structures(t.Context(), transcripts)
				if err != nil || len(structures) != len(transcripts) {
					t.Errorf("%d structures of %d transcripts, %v", len(structures), len(transcripts), err)
				}
			}
		})
	}
	wg.Wait()
}

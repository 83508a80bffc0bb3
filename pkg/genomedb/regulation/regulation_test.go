package regulation_test

import (
	"slices"
	"testing"

	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/regulation"
	"mirrornet/pkg/genomedb/sample"
)

func open(t *testing.T) (*regulation.Reader, assembly.Slice) {
	t.Helper()
	reg, err := sample.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reg.Close() })
	human, _ := reg.Resolve("human")
	core, _ := human.Database("core")
	db, _ := human.Database("funcgen")
	a, err := assembly.New(t.Context(), core)
	if err != nil {
		t.Fatal(err)
	}
	x, err := a.Find(t.Context(), "X", nil)
	if err != nil {
		t.Fatal(err)
	}
	return &regulation.Reader{DB: db, Assembly: a}, assembly.Slice{On: x, Start: 1, End: x.Length, Strand: 1}
}

// TestFeatures: each is found alone on its own place, bound ends and all.
func TestFeatures(t *testing.T) {
	r, s := open(t)
	all, err := r.Features(t.Context(), s)
	if err != nil || len(all) < 20 {
		t.Fatalf("%d features, %v", len(all), err)
	}
	for _, f := range all {
		if f.BoundStart > f.Start || f.BoundEnd < f.End || f.Type.Term == "" || f.Analysis == "" || f.Strand != 0 {
			t.Errorf("%+v", f)
		}
		s.Start, s.End = f.End, f.End
		own, err := r.Features(t.Context(), s)
		if err != nil || !slices.ContainsFunc(own, func(o *regulation.Feature) bool { return o.StableID == f.StableID }) {
			t.Errorf("%s is not on its own last base: %v, %v", f.StableID, own, err)
		}
	}
}

// TestMotifs: a slice read backwards has the same motifs at the same places,
// on the other strand.
func TestMotifs(t *testing.T) {
	r, s := open(t)
	forward, err := r.Motifs(t.Context(), s)
	if err != nil || len(forward) < 20 {
		t.Fatalf("%d motifs, %v", len(forward), err)
	}
	s.Strand = -1
	backward, err := r.Motifs(t.Context(), s)
	if err != nil || len(backward) != len(forward) {
		t.Fatalf("%d motifs backwards, %v", len(backward), err)
	}
	seen := 0
	for i, m := range forward {
		b := backward[i]
		if m.StableID != b.StableID || m.Start != b.Start || m.End != b.End || m.Strand != -b.Strand {
			t.Errorf("%+v, backwards %+v", m.Located, b.Located)
		}
		if m.Matrix.StableID != "ENSPFM9001" || !slices.Equal(m.Matrix.Complexes, []string{"SMPF1", "SMPF2"}) || m.Matrix.Term != "TF_binding_site" {
			t.Errorf("%s: %+v", m.StableID, m.Matrix)
		}
		seen += len(m.Epigenomes)
	}
	if seen == 0 || seen == len(forward) {
		t.Errorf("%d of %d motifs were seen bound", seen, len(forward))
	}
	s.Strand, s.Start, s.End = 1, 1, 2
	if none, err := r.Motifs(t.Context(), s); len(none) != 0 || err != nil {
		t.Errorf("%v, %v", none, err)
	}
}

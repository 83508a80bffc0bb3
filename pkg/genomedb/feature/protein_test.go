package feature

import "testing"

// TestCodingExons: the coding parts of exons, and which residues they code
// for; a codon that lies on two exons is a residue of both.
func TestCodingExons(t *testing.T) {
	x := transcript(-1, [2]int64{301, 310}, [2]int64{201, 210}, [2]int64{101, 110}).code(0, 4, 1, 8)
	type part struct{ bases, first, last int64 }
	for name, tt := range map[string]struct {
		t    *Transcript
		want []part
	}{
		"reverse":  {x, []part{{7, 1, 3}, {8, 3, 5}}},
		"one exon": {transcript(1, [2]int64{101, 130}).code(0, 1, 0, 30), []part{{30, 1, 10}}},
		"skipped":  {transcript(1, [2]int64{1, 9}, [2]int64{21, 29}, [2]int64{41, 49}).code(1, 1, 2, 6), []part{{9, 1, 3}, {6, 4, 5}}},
		"outside":  {transcript(1, [2]int64{1, 9}).code(0, 10, 0, 9), nil},
		"none":     {transcript(1, [2]int64{1, 9}), nil},
	} {
		got := tt.t.CodingExons(tt.t.Translation)
		if len(got) != len(tt.want) {
			t.Errorf("%s: %d exons, want %d", name, len(got), len(tt.want))
			continue
		}
		for i, w := range tt.want {
			if g := (part{got[i].Bases, got[i].First, got[i].Last}); g != w {
				t.Errorf("%s: exon %d is %v, want %v", name, i+1, g, w)
			}
		}
	}
	// Bases that are missing before the first codon count as its own.
	x.Exons[0].Phase = 2
	if got := x.CodingExons(x.Translation); got[0].First != 1 || got[0].Last != 3 || got[1].Last != 6 {
		t.Errorf("with a phase: %+v", got)
	}
	for base, want := range map[int64]int{4: 2, 5: 0, 6: 1, 0: -1, 3: 1} {
		if got := x.CodonPosition(base); got != want {
			t.Errorf("base %d is at %d of its codon, want %d", base, got, want)
		}
	}
}

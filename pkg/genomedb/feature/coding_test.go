package feature

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mirrornet/pkg/genome"
	"mirrornet/pkg/genomedb/assembly"
)

var on = &assembly.Sequence{ID: 1, Name: "1", Length: 10_000, System: &assembly.CoordSystem{Name: "chromosome"}}

// transcript has exons at these intervals, in reading direction.
func transcript(strand int, exons ...[2]int64) *Transcript {
	t := &Transcript{At: assembly.Slice{On: on, Start: 1 << 60, Strand: strand}}
	for i, x := range exons {
		at := assembly.Slice{On: on, Start: x[0], End: x[1], Strand: strand}
		t.Exons = append(t.Exons, &Exon{ID: int64(i), At: at, Phase: -1})
		t.At.Start, t.At.End = min(t.At.Start, x[0]), max(t.At.End, x[1])
	}
	return t
}

func (t *Transcript) code(first int, start int64, last int, end int64) *Transcript {
	t.Translation = &Translation{First: t.Exons[first], Last: t.Exons[last], Start: start, End: end}
	return t
}

func intervals(all []assembly.Slice) (out [][2]int64) {
	for _, s := range all {
		out = append(out, [2]int64{s.Start, s.End})
	}
	return out
}

func TestUntranslated(t *testing.T) {
	tests := []struct {
		name                string
		t                   *Transcript
		genomic, utr5, utr3 [][2]int64
	}{
		{"forward", transcript(1, [2]int64{101, 110}, [2]int64{201, 210}, [2]int64{301, 310}).code(1, 3, 2, 4),
			[][2]int64{{203, 304}}, [][2]int64{{101, 110}, {201, 202}}, [][2]int64{{305, 310}}},
		{"reverse", transcript(-1, [2]int64{301, 310}, [2]int64{201, 210}, [2]int64{101, 110}).code(0, 4, 1, 10),
			[][2]int64{{201, 307}}, [][2]int64{{308, 310}}, [][2]int64{{101, 110}}},
		{"none", transcript(1, [2]int64{101, 110}), nil, nil, nil},
		{"all coding", transcript(1, [2]int64{101, 110}).code(0, 1, 0, 10), [][2]int64{{101, 110}}, nil, nil},
	}
	for _, tt := range tests {
		if p := tt.t.Translation; p != nil {
			if got := [][2]int64{{p.GenomicStart(), p.GenomicEnd()}}; !slices.Equal(got, tt.genomic) {
				t.Errorf("%s: translation at %v, want %v", tt.name, got, tt.genomic)
			}
		}
		if got := intervals(tt.t.UTR5()); !slices.Equal(got, tt.utr5) {
			t.Errorf("%s: 5' UTR %v, want %v", tt.name, got, tt.utr5)
		}
		if got := intervals(tt.t.UTR3()); !slices.Equal(got, tt.utr3) {
			t.Errorf("%s: 3' UTR %v, want %v", tt.name, got, tt.utr3)
		}
	}
}

func TestEdits(t *testing.T) {
	attributes := []Attribute{{"_rna_edit", "4 6 G"}, {"_rna_edit", "11 10 TTT"}, {"other", "1 1 X"}, {"_rna_edit", "nonsense"}, {"_rna_edit", "9 3 A"}, {"_rna_edit", "2 2 C"}}
	all := edits(attributes, "_rna_edit")
	if want := []edit{{2, 2, "C"}, {4, 6, "G"}, {11, 10, "TTT"}}; !slices.Equal(all, want) {
		t.Fatalf("edits %v, want %v", all, want)
	}
	if got := string(apply([]byte("AAAAAAAAAACCCCCCCCCC"), all)); got != "ACAGAAAATTTCCCCCCCCCC" {
		t.Errorf("edited to %s", got)
	}
	if got := string(apply([]byte("AAA"), all)); got != "ACA" {
		t.Errorf("edits beyond the end: %s", got)
	}
	x := transcript(1, [2]int64{101, 110}, [2]int64{201, 210}).code(0, 8, 1, 5)
	x.Attributes = attributes
	if got := x.Length(); got != 21 {
		t.Errorf("length %d, want 21", got)
	}
	start, end, ok := x.coding(x.Translation)
	if !ok || start != 6 || end != 16 {
		t.Errorf("coding %d–%d, %v, want 6–16", start, end, ok)
	}
	x.Attributes = append(x.Attributes, Attribute{"_transl_start", "7"}, Attribute{"_transl_end", "15"})
	if start, end, ok = x.coding(x.Translation); !ok || start != 7 || end != 15 {
		t.Errorf("coding %d–%d, %v, want what the attributes say", start, end, ok)
	}
}

func TestResidues(t *testing.T) {
	x := transcript(-1, [2]int64{301, 310}, [2]int64{201, 210}).code(0, 4, 1, 8)
	tests := []struct {
		start, end  int64
		first, last int64
		ok          bool
	}{
		{1, 1000, 1, 5, true},   // 15 bases
		{307, 307, 1, 1, true},  // the first
		{304, 305, 1, 2, true},  // over a codon's end
		{203, 203, 5, 5, true},  // the last
		{308, 310, 0, 0, false}, // 5' UTR
		{211, 300, 0, 0, false}, // intron
	}
	for _, tt := range tests {
		first, last, ok := x.Residues(tt.start, tt.end)
		if first != tt.first || last != tt.last || ok != tt.ok {
			t.Errorf("%d–%d: residues %d–%d, %v; want %d–%d, %v", tt.start, tt.end, first, last, ok, tt.first, tt.last, tt.ok)
		}
	}
}

// TestBlocks: the blocks of a transcript cover it in order without overlap,
// and lie within its exons, whatever the edits within exons. (Ensembl's lays
// out an exon whole whose first bases an edit of the exon before takes away.)
func TestBlocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		strand := rapid.SampledFrom([]int{1, -1}).Draw(t, "strand")
		var exons [][2]int64
		at := int64(100)
		for range rapid.IntRange(1, 4).Draw(t, "exons") {
			end := at + rapid.Int64Range(9, 30).Draw(t, "length")
			exons = append(exons, [2]int64{at, end})
			at = end + 50
		}
		if strand < 0 {
			slices.Reverse(exons)
		}
		x := transcript(strand, exons...)
		spliced := x.Length()
		start := int64(2)
		for range rapid.IntRange(0, 3).Draw(t, "edits") {
			start += rapid.Int64Range(0, 6).Draw(t, "gap")
			deleted := rapid.Int64Range(0, 2).Draw(t, "deleted")
			if start+deleted >= spliced {
				break
			}
			text := rapid.StringMatching(`[ACGT]{0,3}`).Draw(t, "inserted")
			end := int64(0)
			for _, e := range x.Exons {
				if end += e.At.Length(); end >= start {
					break
				}
			}
			if start+deleted-1-int64(len(text)) > end || start+deleted-1 > end {
				start += deleted + 1
				continue
			}
			x.Attributes = append(x.Attributes, Attribute{"_rna_edit", fmt.Sprintf("%d %d %s", start, start+deleted-1, text)})
			start += deleted + 1
		}
		last := int64(0)
		for _, b := range x.blocks() {
			if b.start <= last || b.end-b.start != b.at.End-b.at.Start {
				t.Fatalf("block %+v after %d", b, last)
			}
			last = b.end
		}
		if last > x.Length() {
			t.Fatalf("blocks end at %d of %d", last, x.Length())
		}
		if len(x.rnaEdits()) == 0 && last != spliced {
			t.Fatalf("blocks end at %d of %d", last, spliced)
		}
	})
}

func TestTranslate(t *testing.T) {
	table, _ := genome.Codons(1)
	for mrna, want := range map[string]string{
		"ATGGCCTAA":   "MA",
		"CTGGCC":      "MA", // a start codon gives M
		"GTGGCC":      "VA",
		"NNTGCCTGA":   "XA",
		"ATGTAAGCC":   "M*A", // a stop within stays
		"ATGGCCTA":    "MA",
		"TGA":         "",
		"AT":          "",
		"ATGGCCTAATA": "MA",
	} {
		if got := string(translate(table, []byte(mrna))); got != want {
			t.Errorf("%s gives %s, want %s", mrna, got, want)
		}
	}
}

func TestMatch(t *testing.T) {
	two, three := int64(2), int64(3)
	rows := map[string][]*Exon{"e1": {{ID: 1, Version: &two}, {ID: 2, Version: &three}}, "e1.7": {{ID: 3}}}
	got := match([]string{"E1", "e1.3", "e1.2 ", "e1.4", "e1.7", "e1.", "e1.x", "", "."}, rows, func(x *Exon) *int64 { return x.Version })
	want := map[string]int64{"E1": 1, "e1.3": 2, "e1.2 ": 1, "e1.7": 3}
	if len(got) != len(want) {
		t.Errorf("found %v, want %v", got, want)
	}
	for id, n := range want {
		if got[id] == nil || got[id].ID != n {
			t.Errorf("%q is %v, want %d", id, got[id], n)
		}
	}
}

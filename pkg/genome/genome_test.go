package genome

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestReverseComplement(t *testing.T) {
	if got := string(ReverseComplement([]byte("ACGTNacgtnRYKMSWBVDH-"))); got != "-DHBVWSKMRYnacgtNACGT" {
		t.Errorf("reverse complement %s", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := []byte(rapid.StringMatching(`[ACGTMRWSYKVHDBNacgtmrwsykvhdbn-]*`).Draw(t, "sequence"))
		if got := ReverseComplement(ReverseComplement(s)); !bytes.Equal(got, s) {
			t.Fatalf("%s twice gives %s", s, got)
		}
	})
}

func TestTranslate(t *testing.T) {
	tests := []struct {
		table     int
		dna, want string
	}{
		{0, "ATGGCGTAA", "MA*"},
		{1, "atgnnnTGA", "MX*"},
		{1, "AUGUUU", "MF"},
		{1, "ATGGCNGAYRAYSAR", "MADBZ"},
		{1, "ATHATR", "IX"},
		{1, "MTC", "J"},         // ATC or CTC
		{1, "ATG---TAR", "M-*"}, // TAA or TAG
		{1, "ATGGC", "MA"},      // GCN is A whatever N is
		{1, "ATGAT", "M"},       // ATN is I or M
		{1, "ATGA", "M"},
		{1, "", ""},
		{1, "AT1", "X"},
		{2, "AGAAGGATATGA", "**MW"},
		{5, "AGAAGGATATGA", "SSMW"},
		{11, "TGAAGA", "*R"},
		{33, "AGAAGGTAATGA", "SKYW"},
	}
	for _, tt := range tests {
		table, ok := Codons(tt.table)
		if !ok {
			t.Fatalf("no table %d", tt.table)
		}
		if got := string(table.Translate([]byte(tt.dna))); got != tt.want {
			t.Errorf("table %d: %s gives %s, want %s", tt.table, tt.dna, got, tt.want)
		}
	}
}

func TestCodonTables(t *testing.T) {
	if _, ok := Codons(7); ok {
		t.Error("table 7 does not exist")
	}
	// Every codon table that NCBI has, with its stops in NCBI's order.
	stops := map[int]string{1: "TAA TAG TGA", 2: "TAA TAG AGA AGG", 3: "TAA TAG", 4: "TAA TAG", 5: "TAA TAG", 6: "TGA", 9: "TAA TAG", 10: "TAA TAG",
		11: "TAA TAG TGA", 12: "TAA TAG TGA", 13: "TAA TAG", 14: "TAG", 15: "TAA TGA", 16: "TAA TGA", 21: "TAA TAG", 22: "TCA TAA TGA", 23: "TTA TAA TAG TGA",
		24: "TAA TAG", 25: "TAA TAG", 26: "TAA TAG TGA", 27: "", 28: "", 29: "TGA", 30: "TGA", 31: "", 32: "TAA TGA", 33: "TAG"}
	for id, want := range stops {
		c, ok := Codons(id)
		if !ok || c.ID != id || c.Name == "" {
			t.Errorf("no table %d", id)
			continue
		}
		var got []string
		for _, a := range "TCAG" {
			for _, b := range "TCAG" {
				for _, d := range "TCAG" {
					if codon := string([]rune{a, b, d}); string(c.Translate([]byte(codon))) == "*" {
						got = append(got, codon)
					}
				}
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("table %d stops at %v, want %s", id, got, want)
		}
		if !c.Start("ATG") || !c.Start("aug") || c.Start("TG") || c.Start("AAA") {
			t.Errorf("table %d: start codons %s", id, c.starts)
		}
	}
	if len(tables) != len(stops) {
		t.Errorf("%d tables, %d tested", len(tables), len(stops))
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		seq   string
		width int
		want  string
	}{
		{"", 0, ""}, {"ACGT", 0, "ACGT\n"}, {"ACGT", 2, "AC\nGT\n"}, {"ACGTA", 2, "AC\nGT\nA\n"},
		{strings.Repeat("A", 61), 0, strings.Repeat("A", 60) + "\nA\n"},
	} {
		if got := string(Wrap([]byte(tt.seq), tt.width)); got != tt.want {
			t.Errorf("Wrap(%q, %d) = %q", tt.seq, tt.width, got)
		}
	}
}

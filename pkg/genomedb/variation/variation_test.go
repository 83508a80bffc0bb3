package variation_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/sample"
	"mirrornet/pkg/genomedb/variation"
)

func open(t *testing.T) (*genomedb.Registry, *variation.Reader, assembly.Slice) {
	t.Helper()
	reg, err := sample.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reg.Close() })
	human, _ := reg.Resolve("human")
	core, _ := human.Database("core")
	db, _ := human.Database("variation")
	a, err := assembly.New(t.Context(), core)
	if err != nil {
		t.Fatal(err)
	}
	seven, err := a.Find(t.Context(), "7", nil)
	if err != nil {
		t.Fatal(err)
	}
	return reg, &variation.Reader{DB: db, Assembly: a}, assembly.Slice{On: seven, Start: 1, End: seven.Length, Strand: 1}
}

// TestTerms: a term stands for what is below it, by whatever name it is asked
// for; what cannot be is refused.
func TestTerms(t *testing.T) {
	reg, _, _ := open(t)
	ontology, _ := reg.Database("ontology")
	altering := []string{"inframe_deletion", "missense_variant", "protein_altering_variant", "stop_gained"}
	for _, tt := range []struct{ asked, want []string }{
		{[]string{"protein_altering_variant"}, altering},
		{[]string{"SO:0001818"}, altering},
		{[]string{"Missense_Variant"}, []string{"missense_variant"}},
		{[]string{"nonsense codon"}, []string{"stop_gained"}}, // a synonym
		{[]string{"synonymous\\_%"}, []string{"synonymous_variant"}},
		{[]string{"SO:0001583", "wibble", "stop_gained"}, []string{"missense_variant", "stop_gained"}},
		{[]string{"wibble"}, nil},
		{[]string{""}, nil},
		{[]string{strings.Repeat("%", 70_000)}, nil},
	} {
		found, err := variation.FindTerms(t.Context(), ontology, tt.asked)
		if got := slices.Sorted(maps.Keys(found)); err != nil || found == nil || !slices.Equal(got, tt.want) {
			t.Errorf("%.40q finds %v, %v, want %v", tt.asked, got, err, tt.want)
		}
	}
	if found, err := variation.FindTerms(t.Context(), ontology, nil); found != nil || err != nil {
		t.Errorf("nothing asked for finds %v, %v", found, err)
	}
	var many []string
	for i := range 300 {
		many = append(many, "x"+strconv.Itoa(i%200))
	}
	if _, err := variation.FindTerms(t.Context(), ontology, many); err != nil {
		t.Errorf("200 terms, some of them twice: %v", err)
	}
	if _, err := variation.FindTerms(t.Context(), ontology, append(many, "one more")); !errors.As(err, new(*genomedb.Refusal)) {
		t.Errorf("201 terms: %v", err)
	}
	_, err := variation.FindTerms(t.Context(), ontology, []string{"SO:0"})
	if refused, ok := err.(*genomedb.Refusal); !ok || refused.Status != 400 || !strings.Contains(refused.Message, "'SO:0' could not be found") {
		t.Errorf("SO:0: %v", err)
	}
}

// TestFilters: the variants of a slice are parted by what is asked for.
func TestFilters(t *testing.T) {
	reg, r, s := open(t)
	ontology, _ := reg.Database("ontology")
	find := func(f variation.Filter) map[int64]*variation.Variant {
		t.Helper()
		list, err := r.Variants(t.Context(), s, f)
		if err != nil {
			t.Fatal(err)
		}
		out := map[int64]*variation.Variant{}
		for i, v := range list {
			out[v.ID] = v
			if i > 0 && v.Start < list[i-1].Start {
				t.Errorf("%s at %d after %d", v.Name, v.Start, list[i-1].Start)
			}
		}
		return out
	}
	all, somatic := find(variation.Filter{}), find(variation.Filter{Somatic: true})
	if len(all) == 0 || len(somatic) == 0 {
		t.Fatalf("%d variants, %d somatic ones", len(all), len(somatic))
	}
	for id := range somatic {
		if all[id] != nil {
			t.Errorf("%s is somatic and is not", all[id].Name)
		}
	}
	terms, err := variation.FindTerms(t.Context(), ontology, []string{"missense_variant"})
	if err != nil {
		t.Fatal(err)
	}
	missense := find(variation.Filter{Terms: terms})
	for id, v := range all {
		if (missense[id] != nil) != (v.Consequence == "missense_variant") && v.Consequence != "stop_gained" {
			t.Errorf("%s, %s: found as missense: %v", v.Name, v.Consequence, missense[id] != nil)
		}
	}
	if n := len(find(variation.Filter{Terms: variation.Terms{}})); n != 0 {
		t.Errorf("%d variants with none of no terms", n)
	}
	failed, ok, err := r.Set(t.Context(), "fail_all")
	if err != nil || !ok {
		t.Fatalf("the set of those that failed: %v, %v", ok, err)
	}
	bad := find(variation.Filter{Set: &failed})
	for id := range bad {
		if all[id] != nil {
			t.Errorf("%s failed and is shown", all[id].Name)
		}
	}
	if len(bad) == 0 || len(find(variation.Filter{Set: &failed, Terms: terms})) != 0 {
		t.Errorf("%d variants failed", len(bad))
	}
	for _, name := range []string{"FAIL_ALL", "none", ""} {
		if _, ok, err := r.Set(t.Context(), name); ok || err != nil {
			t.Errorf("set %q: %v, %v", name, ok, err)
		}
	}
}

// TestBackwards: a slice read backwards has the same variants at the same
// places, on the same strands.
func TestBackwards(t *testing.T) {
	_, r, s := open(t)
	forward, err := r.Variants(t.Context(), s, variation.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	s.Strand = -1
	backward, err := r.Variants(t.Context(), s, variation.Filter{})
	if err != nil || len(forward) != len(backward) {
		t.Fatalf("%d and %d variants, %v", len(forward), len(backward), err)
	}
	for i, v := range forward {
		if w := backward[i]; v.Located != w.Located || v.ID != w.ID {
			t.Errorf("%+v, backwards %+v", v.Located, w.Located)
		}
	}
}

func TestCodons(t *testing.T) {
	for _, tt := range []struct {
		alleles  []variation.Allele
		position int
		codons   string
		peptides string
	}{
		{[]variation.Allele{{Bases: "C", Codon: "GCT", Peptide: "A"}, {Bases: "T", Codon: "GTT", Peptide: "V"}}, 1, "gCt/gTt", "A/V"},
		{[]variation.Allele{{Bases: "G", Codon: "TCG", Peptide: "S"}, {Bases: "C", Codon: "TCC", Peptide: "S"}, {Bases: "A", Codon: "TCA", Peptide: "S"}}, 2, "tcG/tcC/tcA", "S/S/S"},
		{[]variation.Allele{{Bases: "ACG", Codon: "GAACGA", Peptide: "ER"}, {Bases: "-", Codon: "GAA", Peptide: "E"}}, 2, "gaACGa/gaa", "ER/E"},
		{[]variation.Allele{{Bases: "A", Codon: "AAA"}, {Bases: "CCCCCC", Codon: "CCC"}}, 1, "aAa/cCC", ""},
		{[]variation.Allele{{Bases: "A", Codon: "AAA"}, {Bases: "C", Codon: "CAA"}}, -1, "aaa/caa", ""},
		{[]variation.Allele{{Bases: "-"}, {Bases: "A"}}, 0, "", ""},
	} {
		e := variation.Effect{Alleles: tt.alleles}
		if got := e.Codons(tt.position); got != tt.codons {
			t.Errorf("codons %s, want %s", got, tt.codons)
		}
		if got := e.Peptides(); got != tt.peptides {
			t.Errorf("peptides %s, want %s", got, tt.peptides)
		}
	}
}

func TestMostSevere(t *testing.T) {
	for list, want := range map[string]string{
		"":                                     "sequence_variant",
		"intron_variant":                       "intron_variant",
		"intron_variant,stop_gained":           "stop_gained",
		"downstream_gene_variant,invented":     "downstream_gene_variant",
		"invented,another":                     "another",
		"synonymous_variant,missense_variant,": "missense_variant",
	} {
		if got := variation.MostSevere(list); got != want {
			t.Errorf("%q: %s, want %s", list, got, want)
		}
	}
	// The order of the list does not matter.
	rapid.Check(t, func(t *rapid.T) {
		terms := rapid.SliceOfN(rapid.SampledFrom(variation.Consequences()), 1, 6).Draw(t, "terms")
		var names []string
		for _, c := range terms {
			names = append(names, c.Term)
		}
		most := variation.MostSevere(strings.Join(names, ","))
		shuffled := rapid.Permutation(names).Draw(t, "shuffled")
		if again := variation.MostSevere(strings.Join(shuffled, ",")); again != most || !slices.Contains(names, most) {
			t.Fatalf("%v: %s, shuffled %s", names, most, again)
		}
	})
}

// TestPredictions: scores are found where they are, and damage is an error.
func TestPredictions(t *testing.T) {
	_, r, _ := open(t)
	var sum string
	if err := r.DB.QueryRow(t.Context(), "SELECT translation_md5 FROM {translation_md5}").Scan(&sum); err != nil {
		t.Fatal(err)
	}
	found, err := r.Predictions(t.Context(), sum)
	if err != nil || found[variation.PolyPhen] == nil || found[variation.SIFT] != nil {
		t.Fatalf("%v, %v", found, err)
	}
	scores := 0
	for position := int64(-1); position < 2000; position++ {
		for _, residue := range []byte("ACDEFGHIKLMNPQRSTVWYXBZ*\x00") {
			score := found[variation.PolyPhen].Score(position, residue)
			if score == nil {
				continue
			}
			scores++
			if *score < 0 || *score > 1 || position < 1 {
				t.Fatalf("%d %c: %v", position, residue, *score)
			}
		}
	}
	if scores == 0 || scores%20 != 0 {
		t.Errorf("%d scores", scores)
	}
	if found[variation.SIFT].Score(1, 'A') != nil || found[variation.PolyPhen].Score(1<<62, 'A') != nil {
		t.Error("scores where there are none")
	}
	if none, err := r.Predictions(t.Context(), "none"); len(none) != 0 || err != nil {
		t.Errorf("%v, %v", none, err)
	}
}

func FuzzUnpack(f *testing.F) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte("VEP\x01\x02\xff\xff"))
	z.Close()
	f.Add(b.Bytes())
	f.Add([]byte("VEP"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		p, err := variation.Unpack(packed)
		if err == nil {
			p.Score(1, 'A')
			p.Score(2, 'Y')
		}
	})
}

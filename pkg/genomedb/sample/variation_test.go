package sample

import (
	"strings"
	"testing"
)

// TestVariation: reference alleles are what the chromosomes have, and what
// belongs together is there.
func TestVariation(t *testing.T) {
	human, _ := open(t).Resolve("human")
	core, _ := human.Database("core")
	d, ok := human.Database("variation")
	if !ok {
		t.Fatal("no variation database")
	}
	all := chromosomes(t, core)
	n := 0
	each(t, d, "SELECT seq_region_id, seq_region_start, seq_region_end, allele_string, variation_name FROM {variation_feature}", nil, func(row []string) {
		n++
		was, is, _ := strings.Cut(row[3], "/")
		if have := string(all[row[0]][number(t, row[1])-1 : number(t, row[2])]); have != was || is == was {
			t.Errorf("%s is %s where the sequence has %s", row[4], row[3], have)
		}
	})
	if n < 200 {
		t.Errorf("%d variants", n)
	}
	for what, query := range map[string]string{
		"variants of no source":         `SELECT variation_name FROM {variation_feature} WHERE source_id NOT IN (SELECT source_id FROM {source})`,
		"effects of no variant":         `SELECT transcript_variation_id FROM {transcript_variation} WHERE variation_feature_id NOT IN (SELECT variation_feature_id FROM {variation_feature})`,
		"effects of another kind":       `SELECT t.transcript_variation_id FROM {transcript_variation} t JOIN {variation_feature} v USING (variation_feature_id) WHERE t.somatic <> v.somatic`,
		"structural variants of no row": `SELECT variation_name FROM {structural_variation_feature} WHERE structural_variation_id NOT IN (SELECT structural_variation_id FROM {structural_variation})`,
	} {
		each(t, d, query, nil, func(row []string) { t.Errorf("%s: %s", what, row[0]) })
	}
	each(t, d, "SELECT DISTINCT feature_stable_id FROM {transcript_variation}", nil, func(row []string) {
		found := false
		each(t, core, "SELECT transcript_id FROM {transcript} WHERE stable_id = ?", []any{row[0]}, func([]string) { found = true })
		if !found {
			t.Errorf("an effect on %s, which is not there", row[0])
		}
	})
}

// TestRegulation: regulatory features lie on chromosomes, and motifs in them.
func TestRegulation(t *testing.T) {
	human, _ := open(t).Resolve("human")
	core, _ := human.Database("core")
	d, ok := human.Database("funcgen")
	if !ok {
		t.Fatal("no regulation database")
	}
	all := chromosomes(t, core)
	n := 0
	each(t, d, "SELECT seq_region_id, seq_region_start, seq_region_end, stable_id FROM {regulatory_feature}", nil, func(row []string) {
		n++
		if from, to := number(t, row[1]), number(t, row[2]); from < 1 || to < from || to > len(all[row[0]]) {
			t.Errorf("%s lies at %d–%d", row[3], from, to)
		}
	})
	each(t, d, `SELECT m.stable_id FROM {motif_feature_regulatory_feature} l JOIN {motif_feature} m USING (motif_feature_id)
		JOIN {regulatory_feature} r USING (regulatory_feature_id) WHERE m.seq_region_start < r.seq_region_start OR m.seq_region_end > r.seq_region_end`, nil,
		func(row []string) { t.Errorf("%s lies outside its regulatory feature", row[0]) })
	if n < 50 {
		t.Errorf("%d regulatory features", n)
	}
}

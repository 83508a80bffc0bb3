package genomedb

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseName(t *testing.T) {
	for name, want := range map[string]string{
		"homo_sapiens_core_115_38":              "homo_sapiens core 115",
		"homo_sapiens_core_75_37":               "homo_sapiens core 75",
		"homo_sapiens_variation_115_38":         "homo_sapiens variation 115",
		"anopheles_gambiae_otherfeatures_48_3j": "anopheles_gambiae otherfeatures 48",
		"aedes_aegypti_lvpagwg_core_62_115_3":   "aedes_aegypti_lvpagwg core 115",
		"ensembl_compara_115":                   "multi compara 115",
		"ensembl_compara_plants_62_115":         "plants compara 115",
		"ensembl_ontology_115":                  "multi ontology 115",
		"ensembl_stable_ids_115":                "multi stable_ids 115",
		"ensemblgenomes_stable_ids_62_115":      "multi stable_ids 115",
		"ensembl_ancestral_115":                 "ancestral_sequences core 115",
		"homo_sapiens_core":                     "homo_sapiens core 0",
		"ancestral_sequences_core":              "ancestral_sequences core 0",
		"multi_stable_ids":                      "multi stable_ids 0",
		"homology_compara":                      "homology compara 0",
		"information_schema":                    "",
		"ensembl_website_115":                   "",
		"ncbi_taxonomy_115":                     "",
		"core":                                  "",
		"mysql":                                 "",
	} {
		e, release, ok := ParseName(name)
		got := ""
		if ok {
			got = fmt.Sprintf("%s %s %d", e.Owner, e.Kind, release)
		}
		if got != want || ok && e.Name != name {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestChooseRelease(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	all := []string{"information_schema", "homo_sapiens_core_114_38", "homo_sapiens_core_115_38", "homo_sapiens_core_115_37", "mus_musculus_core_115_39",
		"homo_sapiens_variation_115_38", "ensembl_compara_116", "ensembl_compara_115", "homo_sapiens_core"}
	for _, x := range []struct {
		names   []string
		want    int
		chosen  string
		release int
	}{
		{all, 0, "homo_sapiens_core_115_38 homo_sapiens_variation_115_38 ensembl_compara_115 mus_musculus_core_115_39", 115},
		{all, 114, "homo_sapiens_core_114_38", 114},
		{all, 116, "no core database of release 116; the server has release 114 115", 0},
		{all[:1], 0, "none of the 1 databases", 0},
		{[]string{"multi_ontology", "homo_sapiens_core"}, 0, "homo_sapiens_core multi_ontology", 0},
		{[]string{"multi_ontology", "homo_sapiens_core"}, 115, "homo_sapiens_core multi_ontology", 0},
	} {
		entries, release, err := chooseRelease(x.names, x.want, logger)
		var got []string
		for _, e := range entries {
			got = append(got, e.Name)
		}
		text := strings.Join(got, " ")
		if err != nil {
			text = err.Error()
		}
		if !strings.HasPrefix(text, x.chosen) || release != x.release {
			t.Errorf("%v, release %d: %s of %d, want %s of %d", x.names, x.want, text, release, x.chosen, x.release)
		}
	}
}

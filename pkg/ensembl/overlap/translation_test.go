package overlap_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/overlap"
)

// serve is an origin with this module over the sample genome.
func serve(t testing.TB) http.Handler { return goldentest.Sample(t, overlap.Module()) }

func get(h http.Handler, target, contentType string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI = path, "", query, target
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestSaysSomething: each type has something to say of the sample genome, in
// JSON.
func TestSaysSomething(t *testing.T) {
	h := serve(t)
	for _, target := range []string{
		"/overlap/translation/ENSP00000288602",
		"/overlap/translation/ENSP00000288602?type=Superfamily",
		"/overlap/translation/ENSP00000288602?type=low_complexity",
		"/overlap/translation/ENSP00000288602?feature=translation_exon",
		"/overlap/translation/ENSP00000288602?feature=residue_overlap",
		"/overlap/translation/ENSP00000288602?feature=transcript_variation",
		"/overlap/translation/ENSP00000288602?feature=transcript_variation;type=missense_variant",
		"/overlap/translation/ENSP00000288602?feature=transcript_variation;type=^(missense|synonymous)",
		"/overlap/translation/ENSP00000288602?feature=somatic_transcript_variation",
		"/overlap/region/human/7:1-420000?feature=variation",
		"/overlap/translation/ENSP00000288602?feature=transcript_variation;so_term=SO:0001818",
		"/overlap/region/human/7:1-420000?feature=variation;so_term=missense_variant",
		"/overlap/region/human/7:1-420000?feature=variation;variant_set=1kg_3_com",
		"/overlap/region/human/7:1-420000:-1?feature=somatic_variation",
		"/overlap/region/human/7:1-420000?feature=structural_variation",
		"/overlap/region/human/7:1-420000?feature=somatic_structural_variation",
		"/overlap/region/human/7:1-420000?feature=regulatory",
		"/overlap/region/human/7:1-420000?feature=motif",
		"/overlap/id/ENSG00000157764?feature=variation",
	} {
		var all []struct {
			Start, End *int64
			Type       string `json:"feature_type"`
		}
		w := get(h, target, apispec.JSON)
		if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || w.Code != 200 || len(all) == 0 {
			t.Errorf("%s: %d %s, %v", target, w.Code, w.Body, err)
			continue
		}
		for _, f := range all {
			if f.Start == nil || f.End == nil || *f.Start > *f.End || f.Type == "" {
				t.Errorf("%s: %+v in %s", target, f, w.Body)
				break
			}
		}
	}
}

// TestRefused: what cannot be answered is the request's fault, and the answer
// says why.
func TestRefused(t *testing.T) {
	h := serve(t)
	for target, says := range map[string]string{
		"/overlap/translation/ENSP0":                                                  "ID 'ENSP0' not found",
		"/overlap/translation/ENST00000288602":                                        "not found",
		"/overlap/translation/ENSP00000288602?feature=gene":                           "The feature type gene is not understood",
		"/overlap/translation/ENSP00000288602?feature=":                               "The feature type  is not understood",
		"/overlap/translation/ENSP00000288602?feature=transcript_variation;type=(mis": "not a regular expression",
		"/overlap/region/human/7:1-420000?feature=variation;variant_set=none":         "No VariationSet found with short name: none",
		"/overlap/region/mouse/5:1-1000?feature=motif":                                "No adaptor found for species mouse, object MotifFeature and DB funcgen",
	} {
		if w := get(h, target, apispec.JSON); w.Code != 400 || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d %s, want 400 and %q", target, w.Code, w.Body, says)
		}
	}
	for _, kind := range []string{"protein_feature", "translation_exon", "residue_overlap", "transcript_variation"} {
		if w := get(h, "/overlap/translation/ENSP00000288602?feature="+kind, apispec.GFF3); w.Code != 400 {
			t.Errorf("%s as GFF3: %d %s", kind, w.Code, w.Body)
		}
	}
}

// TestFrequency: numbers of single precision are written as they were stored.
func TestFrequency(t *testing.T) {
	w := get(serve(t), "/overlap/translation/ENSP00000288602?feature=transcript_variation", apispec.JSON)
	var all []struct {
		Frequency, SIFT, PolyPhen json.Number
		MAF                       json.Number `json:"minor_allele_frequency"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	frequencies, sift, polyphen := 0, 0, 0
	for _, v := range all {
		for _, n := range []json.Number{v.MAF, v.SIFT, v.PolyPhen} {
			if len(n) > len("0.0001") {
				t.Errorf("%s in %+v", n, v)
			}
		}
		if v.MAF != "" {
			frequencies++
		}
		if v.SIFT != "" {
			sift++
		}
		if v.PolyPhen != "" {
			polyphen++
		}
	}
	if frequencies == 0 || sift == 0 || polyphen != sift {
		t.Errorf("%d frequencies, %d SIFT and %d PolyPhen scores in %s", frequencies, sift, polyphen, w.Body)
	}
}

// FuzzTranslation: whatever is asked, the answer is no failure of the server.
func FuzzTranslation(f *testing.F) {
	h := serve(f)
	f.Add("ENSP00000288602", "feature=transcript_variation;type=^mis.*(a|b)")
	f.Add("ENSP00000288602.1", "feature=protein_feature;feature=Residue_Overlap;feature=translation_exon;type=Pfam")
	f.Add("ENSP00000369497", "feature=somatic_transcript_variation;type=(((((")
	f.Add(".1", "species=human;db_type=core;object_type=translation")
	f.Add("ENSP00000288602", "species=mouse;type=a;type=b;content-type=text/x-bed")
	f.Fuzz(func(t *testing.T, id, query string) {
		if strings.ContainsAny(id+query, " \r\n") {
			return
		}
		for _, format := range []string{apispec.JSON, apispec.XML, apispec.GFF3, apispec.BED} {
			if w := get(h, "/overlap/translation/"+id+"?"+query, format); w.Code >= 500 {
				t.Errorf("/overlap/translation/%s?%s: %d %s", id, query, w.Code, w.Body)
			}
		}
	})
}

func BenchmarkVariants(b *testing.B) {
	h := serve(b)
	for name, target := range map[string]string{
		"region":      "/overlap/region/human/7:1-420000?feature=variation",
		"translation": "/overlap/translation/ENSP00000288602?feature=transcript_variation",
		"domains":     "/overlap/translation/ENSP00000288602",
		"regulatory":  "/overlap/region/human/7:1-420000?feature=regulatory",
		"motif":       "/overlap/region/human/7:1-420000?feature=motif",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				get(h, target, apispec.JSON)
			}
		})
	}
}

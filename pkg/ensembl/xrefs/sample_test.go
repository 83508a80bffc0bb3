package xrefs_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/xrefs"
)

// serve is an origin with this module over the sample genome.
func serve(t testing.TB) http.Handler { return goldentest.Sample(t, xrefs.Module()) }

func ask(h http.Handler, target, contentType string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	w := httptest.NewRecorder()
	u, err := url.ParseRequestURI(target)
	if err != nil { // net/http's server would not ask the handler
		return w
	}
	r.URL, r.RequestURI = u, target
	r.Header.Set("Content-Type", contentType)
	h.ServeHTTP(w, r)
	return w
}

// TestStatements: what the statements promise, the sample genome answers, and
// with more than nothing.
func TestStatements(t *testing.T) {
	h := serve(t)
	for _, e := range xrefs.Module().Endpoints {
		for _, x := range e.Spec.Examples {
			if w := ask(h, x.Target, x.ContentType); w.Code != 200 || w.Body.Len() < 20 {
				t.Errorf("example %s: %d %s", x.Target, w.Code, w.Body)
			}
		}
		for _, target := range e.Spec.Canaries {
			if w := ask(h, target, ""); w.Code != 200 {
				t.Errorf("canary %s: %d %s", target, w.Code, w.Body)
			}
		}
	}
}

// get reads a list of references or hits.
func get(t *testing.T, h http.Handler, target string) (out []map[string]any) {
	t.Helper()
	w := ask(h, target, "application/json")
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 200 {
		t.Fatalf("%s: %d %s: %v", target, w.Code, w.Body, err)
	}
	return out
}

// TestWays: every reference of an object leads back to it, by accession, by
// label and by synonym.
func TestWays(t *testing.T) {
	h := serve(t)
	leads := func(name, id string) bool {
		for _, hit := range get(t, h, "/xrefs/symbol/human/"+name) {
			if hit["id"] == id {
				return true
			}
		}
		return false
	}
	for _, id := range []string{"ENSG00000157764", "ENSG00000139618", "ENSG00000184216"} {
		all := get(t, h, "/xrefs/id/"+id+"?all_levels=1")
		if own := get(t, h, "/xrefs/id/"+id); len(own) == 0 || len(own) >= len(all) {
			t.Errorf("%s has %d references, %d at all levels", id, len(own), len(all))
		}
		for _, x := range all {
			names := []any{x["primary_id"], x["display_id"]}
			for _, name := range append(names, x["synonyms"].([]any)...) {
				if !leads(name.(string), id) {
					t.Errorf("%v of %s does not lead back to it", name, id)
				}
			}
			if found := get(t, h, "/xrefs/name/human/"+x["primary_id"].(string)); len(found) == 0 {
				t.Errorf("%v of %s is not found by name", x["primary_id"], id)
			}
		}
	}
}

// TestPatterns: signs of patterns mean what the reference has them mean.
func TestPatterns(t *testing.T) {
	h := serve(t)
	for _, c := range []struct {
		target string
		some   bool
	}{
		{"/xrefs/symbol/human/BRA%25", true},
		{"/xrefs/symbol/human/BRC_2?object_type=gene", true},
		{"/xrefs/symbol/human/brca2?external_db=hg%25", true},
		{"/xrefs/symbol/human/B%25", false}, // too vague
		{"/xrefs/symbol/human/BR_F", false}, // after two letters an underscore is one
		{"/xrefs/symbol/human/BRAF?external_db=WikiGene;object_type=transcript", false},
		{"/xrefs/id/ENSG00000157764?external_db=HG%25", true},
		{"/xrefs/id/ENSG00000157764?external_db=HG_C", false},
		{"/xrefs/id/ENSG00000157764?external_db=HGNC;external_db=LIT", false},
		{"/xrefs/name/human/BR%25", false},
	} {
		if got := get(t, h, c.target); len(got) > 0 != c.some {
			t.Errorf("%s: %v", c.target, got)
		}
	}
}

// FuzzRequests: whatever is asked, the answer is no failure of the server.
func FuzzRequests(f *testing.F) {
	h := serve(f)
	f.Add("id/ENSG00000157764", "all_levels=1;external_db=GO;external_db=MISC")
	f.Add("id/ENSG00000157764.14", "species=human;db_type=core;object_type=OperonTranscript")
	f.Add("id/ENSE00003821586", "object_type=predictiontranscript;species=human")
	f.Add("symbol/human/NM_%25|\\", "external_db=[%25_\\")
	f.Add("symbol/human/BRAF", "object_type=rnaproduct")
	f.Add("name/human/IPR000001", "external_db=interpro")
	f.Fuzz(func(t *testing.T, path, query string) {
		if strings.ContainsAny(path+query, " \r\n") {
			return
		}
		if w := ask(h, "/xrefs/"+path+"?"+query, "application/json"); w.Code >= 500 {
			t.Errorf("/xrefs/%s?%s: %d %s", path, query, w.Code, w.Body)
		}
	})
}

func BenchmarkXrefs(b *testing.B) {
	h := serve(b)
	for name, target := range map[string]string{
		"id": "/xrefs/id/ENSG00000157764", "levels": "/xrefs/id/ENSG00000157764?all_levels=1",
		"symbol": "/xrefs/symbol/human/BRAF", "name": "/xrefs/name/human/BRAF",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ask(h, target, "application/json")
			}
		})
	}
}

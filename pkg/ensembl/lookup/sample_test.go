package lookup_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/lookup"
)

// serve is an origin with this module over the sample genome.
func serve(t testing.TB) http.Handler { return goldentest.Sample(t, lookup.Module()) }

func ask(h http.Handler, method, target, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI = path, "", query, target
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestStatements: what the statements promise, the sample genome answers.
func TestStatements(t *testing.T) {
	h := serve(t)
	for _, e := range lookup.Module().Endpoints {
		for _, x := range e.Spec.Examples {
			if w := ask(h, e.Spec.Method, x.Target, x.ContentType, x.Body); w.Code != 200 {
				t.Errorf("example %s %s: %d %s", e.Spec.Method, x.Target, w.Code, w.Body)
			}
		}
		for _, target := range e.Spec.Canaries {
			if w := ask(h, "GET", target, "", ""); w.Code != 200 {
				t.Errorf("canary %s: %d %s", target, w.Code, w.Body)
			}
		}
	}
}

type object struct {
	ID, Parent            string
	ObjectType            string `json:"object_type"`
	Start, End, Length    int64
	Strand                int
	Transcript, Exon, UTR []object
	Translation           *object
	IsCanonical           int `json:"is_canonical"`
}

// TestExpand: what belongs to a gene lies in it and adds up.
func TestExpand(t *testing.T) {
	h := serve(t)
	for _, symbol := range []string{"BRAF", "BRCA2", "IRAK1"} {
		w := ask(h, "GET", "/lookup/symbol/human/"+symbol+"?expand=1;utr=1", "application/json", "")
		var g object
		if err := json.Unmarshal(w.Body.Bytes(), &g); err != nil || w.Code != 200 || len(g.Transcript) == 0 {
			t.Fatalf("%s: %d %s, %v", symbol, w.Code, w.Body, err)
		}
		canonical := 0
		for _, x := range g.Transcript {
			canonical += x.IsCanonical
			if x.Parent != g.ID || x.Start < g.Start || x.End > g.End || x.Strand != g.Strand {
				t.Errorf("%s does not lie in %s", x.ID, g.ID)
			}
			spliced, untranslated := int64(0), int64(0)
			for _, e := range x.Exon {
				spliced += e.End - e.Start + 1
				if e.Start < x.Start || e.End > x.End {
					t.Errorf("%s does not lie in %s", e.ID, x.ID)
				}
			}
			for _, u := range x.UTR {
				untranslated += u.End - u.Start + 1
			}
			if spliced != x.Length {
				t.Errorf("%s: exons of %d bases, length %d", x.ID, spliced, x.Length)
			}
			if p := x.Translation; p != nil && 3*p.Length+3 != spliced-untranslated {
				t.Errorf("%s: %d residues of %d coding bases", p.ID, p.Length, spliced-untranslated)
			}
		}
		if canonical != 1 {
			t.Errorf("%s has %d canonical transcripts", g.ID, canonical)
		}
	}
}

// FuzzRequests: whatever is asked, the answer is no failure of the server.
func FuzzRequests(f *testing.F) {
	h := serve(f)
	f.Add("id/ENSG00000157764", "expand=1;utr=1;mane=1;phenotypes=1", "")
	f.Add("id/ENSG00000157764.99999999999999999999", "species=human;db_type=core;object_type=exon", "")
	f.Add("id/.1", "db_type=stable_ids;species=human;object_type=gene", "")
	f.Add("symbol/human/braf", "format=condensed;expand=1", "")
	f.Add("id", "", `{"ids":["ENSP00000288602",null,7],"expand":true}`)
	f.Add("symbol/human", "", `{"symbols":["BRAF","",{}]}`)
	f.Fuzz(func(t *testing.T, path, query, body string) {
		if strings.ContainsAny(path+query, " \r\n") {
			return
		}
		for _, method := range []string{"GET", "POST"} {
			if w := ask(h, method, "/lookup/"+path+"?"+query, "application/json", body); w.Code >= 500 {
				t.Errorf("%s /lookup/%s?%s %s: %d %s", method, path, query, body, w.Code, w.Body)
			}
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	h := serve(b)
	for name, target := range map[string]string{
		"id": "/lookup/id/ENSG00000157764", "expand": "/lookup/id/ENSG00000157764?expand=1;utr=1",
		"symbol": "/lookup/symbol/human/BRAF", "unknown": "/lookup/id/ENSG0",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ask(h, "GET", target, "application/json", "")
			}
		})
	}
}

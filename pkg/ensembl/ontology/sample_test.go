package ontology_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/ontology"
)

// serve is an origin with the module over the sample.
func serve(t testing.TB) http.Handler { return goldentest.Sample(t, ontology.Module()) }

func ask(h http.Handler, path, query string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI = path, "", query, path+"?"+query
	r.Header.Set("Accept", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// accessions of a list of terms in an answer.
func accessions(t *testing.T, h http.Handler, path, query string) (list []string) {
	t.Helper()
	w := ask(h, path, query)
	var terms []struct{ Accession string }
	if err := json.Unmarshal(w.Body.Bytes(), &terms); err != nil {
		t.Fatalf("%s?%s: %d %s", path, query, w.Code, w.Body)
	}
	for _, term := range terms {
		list = append(list, term.Accession)
	}
	return list
}

// TestWalks: what is above and below a term of the sample, in order, and what
// the parameters make of it.
func TestWalks(t *testing.T) {
	h := serve(t)
	const down, up = "/ontology/ancestors/", "/ontology/descendants/" // the reference's names are turned round
	for _, tc := range []struct{ path, query, want string }{
		{down + "SO:0000673", "", "SO:0000147 SO:0000234"},
		{down + "SO:0000673", "ontology=GO", ""},
		{down + "so:0000673", "ontology=so", "SO:0000147 SO:0000234"},
		{up + "SO:0001217", "", "SO:0000704 SO:0001411 SO:0000001 SO:0000110"},
		{up + "SO:0001217", "closest_terms=1", "SO:0000704"},
		{up + "SO:0001217", "closest_term=1", "SO:0000704 SO:0001411 SO:0000001 SO:0000110"},
		{up + "SO:0001217", "zero_distance=1", "SO:0001217 SO:0000704 SO:0001411 SO:0000001 SO:0000110"},
		{up + "SO:0001217", "zero_distance=1;closest_terms=1", "SO:0001217 SO:0000704"},
		{up + "SO:0001217", "subset=sofa;closest_terms=1", "SO:0000704"},
		{up + "SO:0001217", "subset=SO%25;closest_terms=1", "SO:0000704"},
		{up + "SO:0001217", "subset=", ""},
		{up + "SO:0001217", "subset=wibble", ""},
		{"/ontology/name/gene%25", "simple=1", "SO:0000704 SO:0000831"},
		{"/ontology/name/messenger RNA", "", "SO:0000234"},
	} {
		if got := strings.Join(accessions(t, h, strings.ReplaceAll(tc.path, "%25", "%"), tc.query), " "); got != tc.want {
			t.Errorf("%s?%s: %s, want %s", tc.path, tc.query, got, tc.want)
		}
	}
	var chart map[string]map[string]json.RawMessage
	if err := json.Unmarshal(ask(h, "/ontology/ancestors/chart/SO:0000147", "").Body.Bytes(), &chart); err != nil || chart["SO:0000147"]["part_of"] == nil || chart["SO:0000110"]["term"] == nil {
		t.Errorf("chart %v: %v", chart, err)
	}
	for query, want := range map[string]string{"": "is_a part_of", "relation=part_of": "part_of", "relation=wibble": ""} {
		var term struct{ Parents []struct{ Accession string } }
		if err := json.Unmarshal(ask(h, "/ontology/id/SO:0000147", query).Body.Bytes(), &term); err != nil || len(term.Parents) != len(strings.Fields(want)) {
			t.Errorf("%q: parents %v: %v", query, term.Parents, err)
		}
	}
	if w := ask(h, "/ontology/id/SO:0000147", "simple=1"); w.Code != 200 || slices.Contains(strings.Split(w.Body.String(), `"`), "parents") {
		t.Errorf("simple: %d %s", w.Code, w.Body)
	}
	for path, want := range map[string]string{"/ontology/id/x": "No ontology term found for 'x'", "/ontology/name/x": "No valid terms found for ontology name x"} {
		if w := ask(h, path, ""); w.Code != 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// FuzzRequests: whatever is asked, the answer is no failure of the server.
func FuzzRequests(f *testing.F) {
	h := serve(f)
	f.Add("id/SO:0000704", "relation=is_a;simple=0")
	f.Add("name/%_\\|", "ontology=;simple=1")
	f.Add("ancestors/chart/SO:0000147", "ontology=SO")
	f.Add("descendants/SO:0001217", "subset=S%_\\;zero_distance=1;closest_terms=1")
	f.Fuzz(func(t *testing.T, path, query string) {
		if strings.ContainsAny(path+query, "\r\n") {
			return
		}
		if w := ask(h, "/ontology/"+path, query); w.Code >= 500 {
			t.Errorf("/ontology/%s?%s: %d %s", path, query, w.Code, w.Body)
		}
	})
}

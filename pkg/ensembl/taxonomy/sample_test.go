package taxonomy_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/taxonomy"
)

// serve is an origin with the module over the sample.
func serve(t testing.TB) http.Handler { return goldentest.Sample(t, taxonomy.Module()) }

func ask(h http.Handler, path, query string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI = path, "", query, path+"?"+query
	r.Header.Set("Accept", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

type taxon struct {
	ID       string
	Leaf     int
	Name     string
	Parent   *taxon
	Children []taxon
}

func (t taxon) String() string {
	s := t.ID
	if t.Parent != nil {
		s += "<" + t.Parent.ID
	}
	for _, c := range t.Children {
		s += ">" + c.ID
	}
	return s
}

// TestTaxa: taxa of the sample by number and name, with what is next to them.
func TestTaxa(t *testing.T) {
	h := serve(t)
	for _, tc := range []struct{ path, query, want string }{
		{"id/9606", "", "9606<9605"},
		{"id/+09606\n", "", "9606<9605"},
		{"id/40674", "", "40674<7742>9443>9989"},
		{"id/40674", "simple=1", "40674"},
		{"id/Mammalia", "", "40674<7742>9443>9989"},
		{"id/mammals", "simple=1", "40674"},
		{"id/Homo%", "simple=1", "9605"},
		{"id/%sapiens", "simple=1", "9606"},
		{"id/human ", "simple=1", "9606"},
		{"id/1", "", "1>131567"},
		{"name/h%", "simple=1", "9605 9606 10090"},
		{"name/Mus", "", "10088<9989>10090"},
		{"classification/9606", "", "9605<9443>9606 9443<40674>9605 40674<7742>9443 7742<2759>40674 2759<131567>7742 131567<1>2759"},
		{"classification/40674", "", "40674<7742>9443>9989 7742<2759>40674 2759<131567>7742 131567<1>2759"},
		{"classification/1", "", ""},
	} {
		w := ask(h, "/taxonomy/"+tc.path, tc.query)
		var list []taxon
		if strings.HasPrefix(tc.path, "id/") {
			list = make([]taxon, 1)
			if err := json.Unmarshal(w.Body.Bytes(), &list[0]); err != nil {
				t.Fatal(err)
			}
		} else if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
			t.Fatalf("%s: %d %s", tc.path, w.Code, w.Body)
		}
		got := []string{}
		for _, x := range list {
			got = append(got, x.String())
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s?%s: %s, want %s", tc.path, tc.query, strings.Join(got, " "), tc.want)
		}
	}
	for path, want := range map[string]string{"id/0": "No taxon node found for '0'", "id/99999999999999999999": "No taxon node found",
		"id/1.5": "No taxon node found", "id/humans": "No taxon node found for 'humans'", "name/human ": "No taxons found with given name 'human '"} {
		if w := ask(h, "/taxonomy/"+path, ""); w.Code != 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// FuzzRequests: whatever is asked, the answer is no failure of the server.
func FuzzRequests(f *testing.F) {
	h := serve(f)
	f.Add("id/9606", "simple=0")
	f.Add("name/%_\\|", "simple=1")
	f.Add("classification/Homo%", "")
	f.Add("id/-9223372036854775808", "")
	f.Fuzz(func(t *testing.T, path, query string) {
		if strings.ContainsAny(path+query, "\r\n") {
			return
		}
		if w := ask(h, "/taxonomy/"+path, query); w.Code >= 500 {
			t.Errorf("/taxonomy/%s?%s: %d %s", path, query, w.Code, w.Body)
		}
	})
}

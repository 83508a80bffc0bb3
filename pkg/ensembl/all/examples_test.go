package all_test

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl/all"
	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/sample"
	"mirrornet/pkg/origin"
)

// TestExamples: whatever an origin serves, the examples that its catalogue
// shows work on it.
func TestExamples(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *genomedb.Registry{
		"sample": func(t testing.TB) *genomedb.Registry {
			genome, err := sample.Open(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { genome.Close() })
			return genome
		},
		"test databases":            goldentest.Genome,
		"test databases on MariaDB": goldentest.GenomeOnMariaDB,
	} {
		t.Run(name, func(t *testing.T) { testExamples(t, open(t)) })
	}
}

func testExamples(t *testing.T, genome *genomedb.Registry) {
	stated, unserved := map[string]apispec.Endpoint{}, []apispec.Endpoint{}
	for _, m := range all.Modules() {
		for _, e := range m.Endpoints {
			if e.Unserved {
				unserved = append(unserved, e.Spec)
				continue
			}
			stated[e.Spec.ID] = e.Spec
		}
	}
	begin := time.Now()
	h, err := origin.New(origin.Config{Modules: all.Modules(), Genome: genome})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("an origin is ready after %v", time.Since(begin).Round(time.Millisecond))
	c, shown := h.Catalogue(), 0
	for _, e := range c.Endpoints {
		if len(e.Examples) == 0 {
			t.Errorf("%s shows no example", e.ID)
		}
		if e.NoData {
			t.Errorf("%s is said to be without data", e.ID)
		}
		if got, want := len(e.Examples), len(stated[e.ID].Examples); got < want {
			t.Errorf("%s: %d examples of %d that are stated: none stands in for the others", e.ID, got, want)
		}
		if (len(e.Canaries) > 0) != (len(stated[e.ID].Canaries) > 0) {
			t.Errorf("%s: canaries %q, stated %q", e.ID, e.Canaries, stated[e.ID].Canaries)
		}
		for _, target := range e.Canaries {
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, httptest.NewRequest("GET", target, nil)); w.Code != 200 {
				t.Errorf("%s: canary %s: %d %.200s", e.ID, target, w.Code, w.Body)
			}
		}
		for _, x := range e.Examples {
			r := httptest.NewRequest(e.Method, "/", strings.NewReader(x.Body))
			u, err := url.ParseRequestURI(x.Target)
			if err != nil {
				t.Fatal(err)
			}
			r.URL, r.RequestURI = u, x.Target
			r.Header.Set("Accept", x.ContentType)
			if e.Method == http.MethodPost {
				r.Header.Set("Content-Type", apispec.JSON)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			shown++
			if got, _, _ := mime.ParseMediaType(w.Header().Get("Content-Type")); w.Code != 200 || got != x.ContentType || empty(w.Body.String()) {
				t.Errorf("%s: %s %s %s: %d %s %.200q", e.ID, e.Method, x.Target, x.Body, w.Code, got, w.Body)
			}
		}
	}
	t.Logf("%d examples of %d endpoints", shown, len(c.Endpoints))
	if len(c.Endpoints) != len(stated) {
		t.Errorf("%d endpoints are listed, %d stated", len(c.Endpoints), len(stated))
	}
	for _, e := range unserved { // which are refused as the reference refuses them
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest("GET", e.Examples[0].Target, nil)); w.Code != 400 || strings.Contains(string(h.OpenAPI()), `"`+e.Path+`"`) {
			t.Errorf("%s: %d %.200s", e.ID, w.Code, w.Body)
		}
	}
	var again apispec.Catalogue
	if other, err := origin.New(origin.Config{Modules: all.Modules(), Genome: genome}); err != nil || other.Catalogue().Hash() != c.Hash() {
		t.Errorf("another origin of the same data has another catalogue (%v)", err)
	}
	if b, err := json.Marshal(c); err != nil || json.Unmarshal(b, &again) != nil || again.Hash() != c.Hash() {
		t.Errorf("the catalogue does not survive being published: %v", err)
	}
}

// empty knows the bodies that show nothing.
func empty(body string) bool {
	body = strings.Join(strings.Fields(body), "")
	switch body {
	case "", "[]", "{}", "null", "[[]]", "<opt></opt>", "<opt/>", `{"mappings":[]}`:
		return true
	}
	return strings.HasPrefix(body, "{") && strings.Count(body, ":null") == strings.Count(body, ":") || len(body) > 20 && strings.Trim(body, "N") == "" ||
		strings.HasPrefix(body, "##gff-version") && !strings.Contains(body, "ID=")
}

package origin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/sample"
)

// TestDocs: the list leads to every endpoint's page, which says what its
// statement says; what is no endpoint has none.
func TestDocs(t *testing.T) {
	spec := apispec.Endpoint{ID: "lookup_id", Group: "Lookup", Method: "GET", Path: "/lookup/id/{id}", Summary: "Finds <things>",
		Aliases: []string{"/lookup/{id}", "/lookup/id/{id}/{rest...}"}, Formats: []string{apispec.JSON},
		Params: []apispec.Param{{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true}, {Name: "rest", In: apispec.InPath, Type: apispec.String},
			{Name: "format", In: apispec.InQuery, Type: apispec.Enum, Default: "full", Allowed: []string{"full", "condensed"}}},
		Examples: []apispec.Example{{Target: "/lookup/id/A?format=full", ContentType: apispec.JSON}}}
	own := apispec.Endpoint{ID: "our_own", Group: "Lookup", Method: "POST", Path: "/own", Summary: "Ours", Formats: []string{apispec.JSON},
		Body:     &apispec.Body{ListOf: "ids", MaxItems: 7, Fields: []apispec.Param{{Name: "ids", Type: apispec.String, Repeated: true}}},
		Examples: []apispec.Example{{Target: "/own", ContentType: apispec.JSON, Body: `{"ids": ["it's"]}`}}}
	genome, err := sample.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer genome.Close()
	nothing := func(context.Context, ensembl.Call) (ensembl.Answer, error) { return ensembl.Answer{}, nil }
	h, err := New(Config{Genome: genome, Site: "https://api.example/", Modules: []ensembl.Module{{Name: "m", Endpoints: []ensembl.Endpoint{
		{Spec: spec, Handle: nothing}, {Spec: own, Handle: nothing}}}}})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) (int, string) {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept", "text/html")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || w.Header().Get("Content-Security-Policy") != pagePolicy {
			t.Errorf("%s: %v", path, w.Header())
		}
		return w.Code, w.Body.String()
	}
	for path, want := range map[string][]string{
		"/":              {`<a href="/documentation/info/lookup"><code>GET&nbsp;lookup/id/:id</code></a>`, `/documentation/info/our_own`, "Finds &lt;things&gt;"},
		"/documentation": {`/documentation/info/lookup`},
		"/documentation/info/lookup": {"Finds &lt;things&gt;", `<a href="/lookup/id/A?format=full;content-type=application/json">`, "<code>condensed</code>",
			"curl &#39;https://api.example/lookup/id/A?format=full&#39;", "GET lookup/:id", "Java", "Ruby", "JavaScript", "<summary>Go</summary>"},
		"/documentation/info/lookup_id": {"GET lookup/id/:id"},
		"/documentation/info/our_own":   {"at most 7 <code>ids</code>", "--post-data", "BodyPublishers"},
	} {
		code, body := get(path)
		if code != http.StatusOK {
			t.Errorf("%s: %d", path, code)
		}
		for _, s := range want {
			if !strings.Contains(body, s) {
				t.Errorf("%s has no %q:\n%s", path, s, body)
			}
		}
		if strings.Contains(body, ":rest") {
			t.Errorf("%s shows what is passed over", path)
		}
	}
	if code, _ := get("/documentation/info/nonexistent"); code != http.StatusNotFound {
		t.Errorf("a page of no endpoint: %d", code)
	}
}

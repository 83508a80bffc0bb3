package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/dashboard"
	"mirrornet/pkg/status"
)

const markup = `"><img src=x onerror=alert(1)></script><script>alert(2)</script>`

// testHostile: an API that means ill, in its catalogue and in its answers. Nothing
// of it runs, nothing of it stops the page.
func testHostile(t *testing.T, c *chromium, v view) {
	deep := strings.Repeat("[", 400_000) + strings.Repeat("]", 400_000)
	answers := map[string]struct {
		mediaType, body string
		status          int
		says            string // of what is shown
	}{
		"proto":      {apispec.JSON, `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},` + fmt.Sprintf("%q", markup) + `:` + fmt.Sprintf("%q", markup) + `}`, 200, "onerror=alert(1)"},
		"deep":       {apispec.JSON, deep, 200, "[[[["},
		"levels":     {apispec.JSON, strings.Repeat(`{"a":[`, 3000) + strings.Repeat("]}", 3000), 200, `"a"`},
		"wide":       {apispec.JSON, "[" + strings.Repeat("0,", 450_000) + "0]", 200, "more of 449"},
		"surrogates": {apispec.JSON, "{\"\\ud800\":\"\\udfff\xff\xc0 \u202e\"}", 200, `\ud800`},
		"not JSON":   {apispec.JSON, "<html>" + markup, 200, "onerror=alert(1)"},
		"error":      {apispec.JSON, `{"error":` + fmt.Sprintf("%q", markup) + `}`, 400, "onerror=alert(1)"},
		"HTML":       {"text/html", markup, 500, "onerror=alert(1)"},
		"script":     {"text/javascript", "alert(3)", 200, "alert(3)"},
		"long":       {apispec.JSON, `"` + strings.Repeat("x", 50<<20) + `"`, 200, "xxxx"},
		"nothing":    {"", "", 200, "empty"},
	}
	pages, err := dashboard.New()
	if err != nil {
		t.Fatal(err)
	}
	catalogue := &apispec.Catalogue{Title: markup, Version: markup, Release: markup, Endpoints: []apispec.Endpoint{{ID: "x", Group: markup, Method: "GET", Path: "/x/{kind}",
		Summary: markup, Description: markup, Formats: []string{apispec.JSON, "text/html"}, Params: []apispec.Param{
			{Name: "kind", In: apispec.InPath, Required: true, Description: markup, Examples: []string{markup}},
			{Name: "elements", In: apispec.InQuery, Default: markup}, {Name: "constructor", In: apispec.InQuery, Type: apispec.Enum, Allowed: []string{markup}}}}}}
	visit := status.Visit{Catalogue: catalogue}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { pages.Explorer(w, r, visit) })
	mux.Handle("/-/assets/", pages.Assets())
	mux.HandleFunc("/x/{kind}", func(w http.ResponseWriter, r *http.Request) {
		a, ok := answers[r.PathValue("kind")]
		if !ok { // without an end
			w.Header().Set("Content-Type", apispec.JSON)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
			return
		}
		w.Header()["Content-Type"] = []string{a.mediaType}
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.body)
	})
	site := httptest.NewServer(mux)
	defer site.Close()
	visit.Report = status.Report{Region: "here", Node: markup, Version: markup, Regions: []status.Region{{Name: "here", Title: markup, URL: site.URL, State: "serving"}}}
	p := c.open(t, v, "")
	c.hosts[strings.TrimPrefix(site.URL, "http://")] = true
	p.expect(`status of (400|500)`)
	open := func(kind string) {
		p.visit(site.URL + "/?endpoint=x&kind=" + strings.ReplaceAll(kind, " ", "%20") + "&content-type=application/json")
		p.try()
		if !eval[bool](p, `({}).polluted === undefined && document.querySelectorAll('img').length === 0`) {
			t.Errorf("%s: it was let in", kind)
		}
	}
	for kind, a := range answers {
		open(kind)
		if text := p.text("#answer-body"); !strings.Contains(text, a.says) {
			t.Errorf("%s: the page shows %.200q", kind, text)
		}
	}
	p.visit(site.URL + "/?endpoint=x&kind=endless")
	p.click("#send")
	p.until("much has come", `/MB/.test(document.querySelector('[data-size]').textContent)`)
	p.until("it is stopped", `document.querySelector('#stop').hidden || document.querySelector('#stop').click() === undefined`)
	p.answered()
}

package origin

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load"
	"mirrornet/pkg/observe"
)

var update = flag.Bool("update", false, "rewrite golden files")

// tiny is a genome with nothing but a release.
func tiny(t testing.TB) *genomedb.Registry {
	t.Helper()
	db := filepath.Join(t.TempDir(), "tiny.sqlite")
	if _, err := load.Run(t.Context(), load.Config{From: "testdata/dump", DB: db}); err != nil {
		t.Fatal(err)
	}
	r, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

var fresh = apispec.Freshness{MaxAge: 60, StaleIfError: 600, Negative: 5}

// testModule has an endpoint for each thing that can happen.
func testModule() ensembl.Module {
	id := apispec.Param{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true, CaseBlind: true}
	formats := []string{apispec.JSON, apispec.JSONP, apispec.XML, apispec.Plain, apispec.HTML}
	endpoint := func(e apispec.Endpoint, h func(context.Context, ensembl.Call) (ensembl.Answer, error)) ensembl.Endpoint {
		if e.Method == "" {
			e.Method = "GET"
		}
		if e.Formats == nil {
			e.Formats = formats
		}
		e.Group, e.Summary, e.Freshness = "Things", "A thing", fresh
		return ensembl.Endpoint{Spec: e, Handle: h}
	}
	return ensembl.Module{Name: "things", Endpoints: []ensembl.Endpoint{
		endpoint(apispec.Endpoint{ID: "thing", Path: "/thing/{id}", Tags: []string{"thing:{id}", "kind:{kind}"},
			Examples: []apispec.Example{{Target: "/thing/a", ContentType: apispec.JSON}},
			Params: []apispec.Param{id,
				{Name: "n", In: apispec.InQuery, Type: apispec.Integer, Default: "1"},
				{Name: "kind", In: apispec.InQuery, Type: apispec.Enum, Allowed: []string{"x", "y"}, Aliases: []string{"type"}},
				{Name: "deep", In: apispec.InQuery, Type: apispec.Boolean, Repeated: true}}},
			func(_ context.Context, c ensembl.Call) (ensembl.Answer, error) {
				switch c.Path["id"] {
				case "none":
					return ensembl.Answer{}, ensembl.NotFound("ID '%s' not found", c.Path["id"])
				case "broken":
					return ensembl.Answer{}, errors.New("disk on fire")
				case "panic":
					panic("oh no")
				}
				return ensembl.Answer{Value: map[string]any{"id": c.Path["id"], "kind": c.Query.Get("kind"), "list": []int{1, 2},
					"html": "<b>&", "nil": nil, "sub": map[string]any{"a": map[string]int{"v": 1}, "b": map[string]int{"v": 2}}},
					Tags: []string{"all things, really"}}, nil
			}),
		endpoint(apispec.Endpoint{ID: "things", Method: "POST", Path: "/thing", Formats: []string{apispec.JSON},
			Body: &apispec.Body{ListOf: "ids", Safe: true, Fields: []apispec.Param{{Name: "ids", Type: apispec.String, Required: true}}}},
			func(_ context.Context, c ensembl.Call) (ensembl.Answer, error) {
				return ensembl.Answer{Value: map[string]any{"fields": len(c.Body), "limit": c.Limits.PostSequence}}, nil
			}),
		endpoint(apispec.Endpoint{ID: "seq", Path: "/seq/{id}", Refuse415: true, Formats: []string{apispec.FASTA, apispec.JSON}, Params: []apispec.Param{id}},
			func(_ context.Context, c ensembl.Call) (ensembl.Answer, error) {
				if c.Path["id"] == "none" {
					return ensembl.Answer{}, ensembl.NotFound("no sequence")
				}
				return ensembl.Answer{Text: []byte(">x\nACGT\n")}, nil
			}),
		endpoint(apispec.Endpoint{ID: "slow", Path: "/slow"}, func(ctx context.Context, _ ensembl.Call) (ensembl.Answer, error) {
			<-ctx.Done()
			return ensembl.Answer{}, ctx.Err()
		}),
		endpoint(apispec.Endpoint{ID: "need", Path: "/need", Params: []apispec.Param{
			{Name: "q", In: apispec.InQuery, Type: apispec.Float, Required: true}}},
			func(context.Context, ensembl.Call) (ensembl.Answer, error) { return ensembl.Answer{Value: 1}, nil }),
	}}
}

func newHandler(t testing.TB, change func(*Config)) *Handler {
	t.Helper()
	cfg := Config{Modules: []ensembl.Module{testModule()}, Genome: tiny(t)}
	if change != nil {
		change(&cfg)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ask(h http.Handler, method, target, body string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAnswers(t *testing.T) {
	h := newHandler(t, func(c *Config) { c.Timeout = time.Millisecond })
	const text = "; charset=UTF-8"
	for _, tc := range []struct {
		name, method, target, body string
		fields                     []string
		status                     int
		contentType, want          string // want is a part of the body
	}{
		{"json", "GET", "/thing/a", "", nil, 200, apispec.JSON, `"html":"<b>&"`},
		{"browser", "GET", "/thing/a", "", []string{"Accept", "text/html,*/*;q=0.8"}, 200, apispec.HTML + text, `<span class="s">&#34;&lt;b&gt;&amp;&#34;</span>`},
		{"jsonp", "GET", "/thing/a?content-type=text/javascript;callback=a.b_c", "", nil, 200, apispec.JSONP + text, `a.b_c({"html"`},
		{"jsonp without callback", "GET", "/thing/a.jsonp", "", nil, 200, apispec.JSONP + text, `{"html"`},
		{"jsonp bad callback", "GET", "/thing/a?content-type=text/javascript;callback=alert(1)", "", nil, 400, apispec.JSON, `callback`},
		{"jsonp reserved word", "GET", "/thing/a?content-type=text/javascript;callback=if", "", nil, 400, apispec.JSON, `callback`},
		{"jsonp bad callback, errors in XML", "GET", "/thing/a?content-type=text/javascript;callback=if", "", []string{"Content-Type", "text/xml-x", "Accept", "text/xml"}, 400, apispec.JSON, `callback`},
		{"callback is nothing to json", "GET", "/thing/a?content-type=application/json;callback=alert(1)", "", nil, 200, apispec.JSON, `{"html"`},
		{"xml", "GET", "/thing/a.xml", "", nil, 200, apispec.XML + text, `<sub name="b" v="2" />`},
		{"yaml", "GET", "/thing/a.txt", "", nil, 200, apispec.Plain + text, "list: \n  - 1\n  - 2\nnil: ~\n"},
		{"semicolons", "GET", "/thing/a?n=2;kind=x", "", nil, 200, apispec.JSON, `"kind":"x"`},
		{"alias of a parameter", "GET", "/thing/a?type=y", "", nil, 200, apispec.JSON, `"kind":"y"`},
		{"unknown parameters pass", "GET", "/thing/a?wibble=1", "", nil, 200, apispec.JSON, `"kind":""`},
		{"a number is for the endpoint to read", "GET", "/thing/a?n=abc", "", nil, 200, apispec.JSON, `{"html"`},
		{"bad enum", "GET", "/thing/a?kind=z", "", nil, 400, apispec.JSON, `The kind 'z' is not understood by this service`},
		{"empty is absent", "GET", "/thing/a?n=&kind=", "", nil, 200, apispec.JSON, `{"html"`},
		{"missing parameter", "GET", "/need", "", nil, 400, apispec.JSON, `Missing mandatory parameter 'q'`},
		{"not found", "GET", "/thing/none", "", nil, 404, apispec.JSON, `{"error":"ID 'none' not found"}`},
		{"not found in xml", "GET", "/thing/none.xml", "", nil, 404, apispec.XML + text, `<data error="ID 'none' not found" />`},
		{"not found in html", "GET", "/thing/none", "", []string{"Accept", "text/html"}, 404, apispec.HTML + text, `ID &#39;none&#39; not found`},
		{"not found in jsonp", "GET", "/thing/none.jsonp", "", nil, 404, apispec.JSON, `{"error":`},
		{"broken", "GET", "/thing/broken", "", nil, 500, apispec.JSON, internalMessage},
		{"panic", "GET", "/thing/panic", "", nil, 500, apispec.JSON, internalMessage},
		{"too slow", "GET", "/slow", "", nil, 503, apispec.JSON, `took too long`},
		{"no such path", "GET", "/wibble", "", nil, 404, apispec.JSON, `page not found`},
		{"no such path in html", "GET", "/wibble", "", []string{"Accept", "text/html"}, 404, apispec.HTML + text, `page not found`},
		{"double slashes", "GET", "//thing//a", "", nil, 404, apispec.JSON, `page not found`},
		{"a page by another method", "PUT", "/", "", []string{"Accept", "text/html"}, 200, apispec.HTML + text, "<html"},
		{"another method of nothing", "PATCH", "/nothing", "", nil, 405, apispec.JSON, "use GET or POST"},
		{"a query that is not text", "GET", "/thing/a?x=%FF", "", nil, 400, apispec.JSON, "Bad Request"},
		{"wrong method", "DELETE", "/thing/a", "", nil, 405, apispec.JSON, `use GET`},
		{"wrong method of a page", "POST", "/openapi.json", "", nil, 405, apispec.JSON, `use GET`},
		{"post", "POST", "/thing", `{"ids":["a"],"x":1}`, nil, 200, apispec.JSON, `{"fields":2,"limit":50}`},
		{"post without body", "POST", "/thing", ``, nil, 200, apispec.JSON, `{"fields":0,`},
		{"post form", "POST", "/thing", `{"ids":["a"]}`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 200, apispec.JSON, `{"fields":0,`},
		{"post not json", "POST", "/thing", `{"ids":`, nil, 400, apispec.JSON, `not JSON`},
		{"post a list", "POST", "/thing", `[]`, nil, 400, apispec.JSON, `must be a JSON object`},
		{"post null", "POST", "/thing", `null`, nil, 400, apispec.JSON, `must be a JSON object`},
		{"post too much", "POST", "/thing", `{"a":"` + strings.Repeat("x", MaxBody) + `"}`, nil, 413, apispec.JSON, `too large`},
		{"text of a handler", "GET", "/seq/a", "", nil, 200, apispec.FASTA + text, ">x\nACGT\n"},
		{"415", "GET", "/seq/a.yaml", "", nil, 415, apispec.JSON, `{"error":"Cannot find a Content-Type supported by your client."}`},
		{"a wrong request before 415", "GET", "/seq/none.yaml", "", nil, 404, apispec.YAML + text, "---\nerror: no sequence\n"},
		{"options", "OPTIONS", "/thing/a", "", nil, 200, "", ""},
		{"index", "GET", "/", "", []string{"Accept", "text/html"}, 200, apispec.HTML + text, `href="/documentation/info/thing"`},
		{"index for programs", "GET", "/", "", nil, 200, apispec.JSON, `"release":"115"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := ask(h, tc.method, tc.target, tc.body, tc.fields...)
			got := []any{w.Code, w.Header().Get("Content-Type")}
			if diff := cmp.Diff([]any{tc.status, tc.contentType}, got); diff != "" {
				t.Errorf("%s\n%s", diff, w.Body)
			}
			if !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("body has no %q:\n%s", tc.want, w.Body)
			}
			if n := w.Header().Get("Content-Length"); n == "" {
				t.Error("no Content-Length")
			}
		})
	}
}

// Requests that the catalogue calls equal get the same bytes: the edges send
// one of them to the origin for all.
func TestEqualRequestsEqualAnswers(t *testing.T) {
	h := newHandler(t, nil)
	for _, equal := range [][]string{
		{"/thing/a?content-type=text/html", "/thing/A/?content-type=text/html;redirect=no", "/th%69ng/a?n=1&content-type=text/html&deep=0;Mirror-Prefer=x",
			"/thing/a?callback=f;content-type=text/html&"},
		{"/thing/a?content-type=text/html;type=x;z=1", "/thing/a?z=%31&kind=x&content-type=text/html"},
		{"/thing/none", "/thing/NONE", "/thing/None.json", "/thing/none.json?redirect=content-type="},
	} {
		first := ask(h, "GET", equal[0], "")
		for _, target := range equal {
			w := ask(h, "GET", target, "")
			if w.Code != first.Code || w.Body.String() != first.Body.String() || w.Header().Get("Cache-Tag") != first.Header().Get("Cache-Tag") {
				t.Errorf("%s\n%d %s\n%s\n%d %s", equal[0], first.Code, first.Body, target, w.Code, w.Body)
			}
			if head := ask(h, "HEAD", target, ""); head.Header().Get("Content-Length") != first.Header().Get("Content-Length") {
				t.Errorf("HEAD %s: length %s, GET's %s", target, head.Header().Get("Content-Length"), first.Header().Get("Content-Length"))
			}
		}
	}
}

func TestFields(t *testing.T) {
	h := newHandler(t, nil)
	w := ask(h, "GET", "/thing/A%20b?kind=x", "")
	want := map[string]string{
		"Cache-Control":               "public, max-age=60, stale-if-error=600",
		"Vary":                        "Accept, Content-Type",
		"Ensembl-Release":             "115",
		"Access-Control-Allow-Origin": "*",
		"X-Content-Type-Options":      "nosniff",
		"Cache-Tag":                   "all_things__really, release:115, thing:a%20b, kind:x",
	}
	got := map[string]string{}
	for k := range want {
		got[k] = w.Header().Get(k)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for target, want := range map[string]string{"/thing/none": "public, max-age=5", "/thing/broken": "no-store",
		"/thing/panic": "no-store", "/wibble": "public, max-age=60"} {
		if got := ask(h, "GET", target, "").Header().Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control %q, want %q", target, got, want)
		}
	}
	if got := ask(h, "DELETE", "/thing/a", "").Header().Get("Allow"); got != "GET, HEAD, OPTIONS" {
		t.Errorf("Allow %q", got)
	}
	if got := ask(h, "OPTIONS", "/thing", "", "Origin", "http://a.test", "Access-Control-Request-Method", "POST",
		"Access-Control-Request-Headers", "content-type").Header(); got.Get("Allow") != "POST, OPTIONS" || got.Get("Access-Control-Allow-Headers") != "content-type" {
		t.Errorf("preflight: %v", got)
	}
}

func TestConditional(t *testing.T) {
	h := newHandler(t, nil)
	tag := ask(h, "GET", "/thing/a", "").Header().Get("ETag")
	if again := ask(h, "GET", "/thing/a", "").Header().Get("ETag"); again != tag || !strings.HasPrefix(tag, `"`) {
		t.Fatalf("tags %q and %q", tag, again)
	}
	if xml := ask(h, "GET", "/thing/a.xml", "").Header().Get("ETag"); xml == tag {
		t.Error("two forms share a strong tag")
	}
	for field, want := range map[string]int{tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200} {
		w := ask(h, "GET", "/thing/a", "", "If-None-Match", field)
		if w.Code != want {
			t.Errorf("If-None-Match %q: %d, want %d", field, w.Code, want)
		}
		if want == 304 && (w.Body.Len() > 0 || w.Header().Get("ETag") != tag || w.Header().Get("Cache-Control") == "" || w.Header().Get("Vary") == "") {
			t.Errorf("304: %v", w.Header())
		}
	}
	head := ask(h, "HEAD", "/thing/a", "")
	get := ask(h, "GET", "/thing/a", "")
	if head.Body.Len() > 0 || head.Code != 200 || head.Header().Get("Content-Length") != get.Header().Get("Content-Length") {
		t.Errorf("HEAD: %d %v", head.Code, head.Header())
	}
	if w := ask(h, "POST", "/thing", `{}`, "If-None-Match", "*"); w.Code != 200 {
		t.Errorf("POST with If-None-Match: %d", w.Code)
	}
}

func TestStatusAndReadiness(t *testing.T) {
	h := newHandler(t, nil)
	for range 2 {
		ask(h, "GET", "/thing/a", "")
	}
	ask(h, "GET", "/thing/a", "", "If-None-Match", "*")
	ask(h, "GET", "/wibble", "")
	for _, own := range []string{"/", "/openapi.json", apispec.WellKnown, "/-/healthz", "/-/status.json"} {
		if w := ask(h, "GET", own, ""); w.Code != 200 {
			t.Errorf("%s: %d", own, w.Code)
		}
	}
	if probe := ask(h, "GET", "/thing/a", "", "User-Agent", probeAgent); probe.Header().Get("Mirror-Catalogue") != h.Catalogue().Hash() {
		t.Errorf("probe: %v", probe.Header())
	}
	var st Status
	if err := json.Unmarshal(ask(h, "GET", "/-/status.json", "").Body.Bytes(), &st); err != nil {
		t.Fatal(err)
	}
	want := Status{Requests: 4, ByEndpoint: map[string]int64{"thing": 3}, Release: "115", Catalogue: h.Catalogue().Hash(), UptimeS: st.UptimeS, State: "serving"}
	if diff := cmp.Diff(want, st); diff != "" {
		t.Error(diff)
	}
	h.Stop()
	if w := ask(h, "GET", "/-/healthz", ""); w.Code != 503 || !strings.Contains(w.Body.String(), `"state":"draining"`) {
		t.Errorf("stopping: %d %s", w.Code, w.Body)
	}
	if w := ask(h, "GET", "/thing/a", ""); w.Code != 200 {
		t.Errorf("a draining origin refuses: %d", w.Code)
	}
}

func TestNotReady(t *testing.T) {
	genome := tiny(t)
	h := newHandler(t, func(c *Config) { c.Genome = genome })
	genome.Close()
	if w := ask(h, "GET", "/-/healthz", ""); w.Code != 503 {
		t.Errorf("with a closed database: %d", w.Code)
	}
}

func TestOverload(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	h := newHandler(t, func(c *Config) {
		c.MaxConcurrent = 1
		c.Upstream = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			entered <- true
			<-leave
			w.WriteHeader(http.StatusNoContent)
		})
	})
	done := make(chan int)
	go func() { done <- ask(h, "GET", "/thing/a", "").Code }()
	<-entered
	w := ask(h, "GET", "/thing/a", "")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || !json.Valid(w.Body.Bytes()) {
		t.Errorf("beyond the limit: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := ask(h, "GET", "/-/healthz", ""); w.Code != 200 {
		t.Errorf("probe of a busy origin: %d", w.Code)
	}
	close(leave)
	if code := <-done; code != 204 {
		t.Errorf("the request within the limit: %d", code)
	}
}

func TestUpstreamMode(t *testing.T) {
	var seen []string
	h, err := New(Config{Modules: []ensembl.Module{testModule()}, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Method+" "+r.URL.String())
	})})
	if err != nil {
		t.Fatal(err)
	}
	ask(h, "GET", "/thing/a?x=1;y=2", "")
	ask(h, "GET", "/something/else", "")
	ask(h, "POST", "/thing", "{}")
	old := ask(h, "GET", apispec.WellKnown, "")
	if err := h.SetRelease("116"); err != nil {
		t.Fatal(err)
	}
	changed := ask(h, "GET", apispec.WellKnown, "", "If-None-Match", old.Header().Get("ETag"))
	if changed.Code != 200 || changed.Header().Get("Ensembl-Release") != "116" {
		t.Errorf("catalogue after a new release: %d %v", changed.Code, changed.Header())
	}
	if again := ask(h, "GET", apispec.WellKnown, "", "If-None-Match", changed.Header().Get("ETag")); again.Code != 304 {
		t.Errorf("catalogue asked again: %d", again.Code)
	}
	if diff := cmp.Diff([]string{"GET /thing/a?x=1;y=2", "GET /something/else", "POST /thing"}, seen); diff != "" {
		t.Error(diff)
	}
	if st := h.Status(); st.Requests != 3 || st.ByEndpoint["thing"] != 1 || st.ByEndpoint["things"] != 1 {
		t.Errorf("%+v", st)
	}
}

func TestPanicIsLogged(t *testing.T) {
	var log bytes.Buffer
	m := observe.NewMetrics("origin", "")
	h := newHandler(t, func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Access = c.Logger
		c.Metrics = m
	})
	ask(h, "GET", "/thing/panic", "")
	ask(h, "GET", "/thing/a", "")
	for _, want := range []string{"oh no", "testModule", "endpoint=thing status=200", "endpoint=thing status=500"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log has no %q:\n%s", want, log.String())
		}
	}
	if w := ask(h.Admin("example.com"), "GET", "/metrics", ""); !strings.Contains(w.Body.String(), `mirrornet_requests_total{action="serve"`) {
		t.Error("no request counted in /metrics")
	}
	for _, path := range []string{"/livez", "/readyz", "/status.json"} {
		if w := ask(h.Admin("example.com"), "GET", path, ""); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
		if w := ask(h.Admin("127.0.0.1"), "GET", path, ""); w.Code != 403 { // asked as example.com
			t.Errorf("%s under a name that is not the listener's: %d", path, w.Code)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	m := testModule()
	m.Endpoints[0].Handle = nil
	for name, cfg := range map[string]Config{
		"nothing to answer from": {Modules: []ensembl.Module{testModule()}},
		"no handler":             {Modules: []ensembl.Module{m}, Genome: tiny(t)},
		"module twice":           {Modules: []ensembl.Module{testModule(), testModule()}, Genome: tiny(t)},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOpenAPI(t *testing.T) {
	h := newHandler(t, nil)
	var got bytes.Buffer
	if err := json.Indent(&got, h.OpenAPI(), "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	const golden = "testdata/openapi.txt"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
	checkOpenAPI(t, h.OpenAPI())
}

// checkOpenAPI holds a document against the rules of OpenAPI 3.1 that a
// generator can break: ids unique, path parameters declared, references whole.
func checkOpenAPI(t *testing.T, b []byte) {
	t.Helper()
	var doc struct {
		OpenAPI string `json:"openapi"`
		Info    struct{ Title, Version string }
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Parameters  []struct {
				Name, In string
				Required bool
				Schema   map[string]any
			}
			RequestBody map[string]any
			Responses   map[string]map[string]any
		}
		Components map[string]map[string]any
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || doc.Info.Title == "" || doc.Info.Version == "" || len(doc.Paths) == 0 {
		t.Errorf("head of the document: %q %+v, %d paths", doc.OpenAPI, doc.Info, len(doc.Paths))
	}
	ids := map[string]bool{}
	for path, item := range doc.Paths {
		for method, op := range item {
			if ids[op.OperationID] || op.OperationID == "" {
				t.Errorf("%s %s: operationId %q is empty or used twice", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			declared := map[string]bool{}
			for _, p := range op.Parameters {
				if declared[p.In+p.Name] || len(p.Schema) == 0 || p.In == "path" && (!p.Required || !strings.Contains(path, "{"+p.Name+"}")) {
					t.Errorf("%s %s: parameter %+v", method, path, p)
				}
				declared[p.In+p.Name] = true
			}
			for _, seg := range strings.Split(path, "/") {
				if strings.HasPrefix(seg, "{") && !declared["path"+strings.Trim(seg, "{}")] {
					t.Errorf("%s %s: %s is not declared", method, path, seg)
				}
			}
			if op.Responses["200"]["description"] == nil || (method == "post") != (op.RequestBody != nil) {
				t.Errorf("%s %s: responses %v, body %v", method, path, op.Responses, op.RequestBody)
			}
		}
	}
	for _, ref := range strings.Split(string(b), `"$ref":"#/components/`)[1:] {
		ref, _, _ = strings.Cut(ref, `"`)
		kind, name, _ := strings.Cut(ref, "/")
		if doc.Components[kind][name] == nil {
			t.Errorf("reference to nothing: %s", ref)
		}
	}
}

// TestCodings: what clients can read shorter, they get shorter, under a tag of
// its own; a tag of any form is the same answer's.
func TestCodings(t *testing.T) {
	h, err := New(Config{Modules: []ensembl.Module{testModule()}, Genome: tiny(t)})
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Repeat("a", 400)
	ask := func(fields ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/thing/"+id, nil)
		r.Header.Set("Accept", "application/json")
		for i := 0; i < len(fields); i += 2 {
			r.Header.Set(fields[i], fields[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	plain, coded := ask(), ask("Accept-Encoding", "gzip")
	zr, err := gzip.NewReader(coded.Body)
	if err != nil {
		t.Fatalf("%v: %v", err, coded.Header())
	}
	body, err := io.ReadAll(zr)
	if err != nil || string(body) != plain.Body.String() || coded.Header().Get("Content-Encoding") != "gzip" ||
		!strings.Contains(strings.Join(coded.Header().Values("Vary"), ","), "Accept-Encoding") || coded.Header().Get("ETag") == plain.Header().Get("ETag") {
		t.Errorf("%v: %v, %d bytes of %d", err, coded.Header(), len(body), plain.Body.Len())
	}
	for _, tag := range []string{plain.Header().Get("ETag"), coded.Header().Get("ETag")} {
		if w := ask("If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
			t.Errorf("If-None-Match %s: %d", tag, w.Code)
		}
	}
	if w := ask("Range", "bytes=0-9"); w.Code != http.StatusPartialContent || w.Body.String() != plain.Body.String()[:10] {
		t.Errorf("a range: %d %s", w.Code, w.Body)
	}
}

package cachekey

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mirrornet/pkg/apispec"
)

var update = flag.Bool("update", false, "rewrite testdata/*.txt")

func testIndex(t testing.TB) *apispec.Index {
	t.Helper()
	path := func(name string, blind bool) apispec.Param {
		return apispec.Param{Name: name, In: apispec.InPath, Type: apispec.String, Required: true, CaseBlind: blind}
	}
	query := func(name string, typ apispec.Type, def string, aliases ...string) apispec.Param {
		return apispec.Param{Name: name, In: apispec.InQuery, Type: typ, Default: def, Aliases: aliases}
	}
	feature := query("feature", apispec.String, "gene", "f")
	feature.Repeated = true
	division := query("division", apispec.String, "EnsemblVertebrates")
	division.CaseBlind = true
	ix, err := apispec.NewIndex(&apispec.Catalogue{Release: "1", Endpoints: []apispec.Endpoint{
		{ID: "ping", Method: "GET", Path: "/info/ping", Formats: []string{apispec.JSON, apispec.JSONP, apispec.XML, apispec.HTML},
			Tags: []string{"info", "no:{nothing}"}},
		{ID: "species", Method: "GET", Path: "/info/species", Formats: []string{apispec.JSON, apispec.JSONP, apispec.XML},
			Params: []apispec.Param{division, query("hide", apispec.Boolean, "0")}, Tags: []string{"division:{division}"}},
		{ID: "id", Method: "GET", Path: "/lookup/id/{id}", Aliases: []string{"/lookup/{id}"},
			Formats: []string{apispec.JSON, apispec.JSONP, apispec.XML},
			Params: []apispec.Param{path("id", false), query("expand", apispec.Boolean, ""),
				query("object_type", apispec.String, "", "type"), query("format", apispec.String, "full"), feature},
			Tags: []string{"id:{id}", "type:{object_type}"}},
		{ID: "ids", Method: "POST", Path: "/lookup/id", Formats: []string{apispec.JSON},
			Params: []apispec.Param{query("expand", apispec.Boolean, "")}, Body: &apispec.Body{ListOf: "ids", Safe: true}},
		{ID: "save", Method: "POST", Path: "/save", Formats: []string{apispec.JSON}, Body: &apispec.Body{}},
		{ID: "seq", Method: "GET", Path: "/sequence/id/{id}", Refuse415: true, Formats: []string{apispec.JSON, apispec.FASTA, apispec.Plain},
			Params: []apispec.Param{path("id", false), query("mask", apispec.String, "")}},
		{ID: "symbol", Method: "GET", Path: "/lookup/symbol/{species}/{symbol}", Formats: []string{apispec.JSON},
			Params: []apispec.Param{path("species", true), path("symbol", false), query("redirect", apispec.String, "")}},
		{ID: "all", Method: "GET", Path: "/lookup/symbol/all/{symbol}", Formats: []string{apispec.JSON}, Params: []apispec.Param{path("symbol", false)}},
		{ID: "tree", Method: "GET", Path: "/tree/{id}/{part}", Aliases: []string{"/tree/{id}"}, Formats: []string{apispec.XML, apispec.JSON},
			Params: []apispec.Param{path("id", false), path("part", false)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func request(method, target, body string, fields ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

// The golden file holds groups of requests with the same canonical request:
// lines "METHOD target [Field: value | Field: value] [<body]", then "→" lines,
// written by -update.
func TestGolden(t *testing.T) {
	ix := testIndex(t)
	keys := New(ix)
	name := filepath.Join("testdata", "canonical.txt")
	in, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var group []string
	seen := map[string]string{} // key → group
	flush := func() {
		if len(group) == 0 {
			return
		}
		var first string
		for i, line := range group {
			fmt.Fprintln(&out, line)
			got, key := describe(keys, line)
			if key != "" && seen[key] != "" && seen[key] != group[0] {
				t.Errorf("%s\nhas the key of the group of\n%s", line, seen[key])
			}
			if key != "" {
				seen[key] = group[0]
			}
			if i == 0 {
				first = got
			} else if got != first {
				t.Errorf("%s\n%s\ndiffers from the first of its group:\n%s", line, got, first)
			}
		}
		fmt.Fprintf(&out, "%s\n\n", first)
		group = nil
	}
	lines := bufio.NewScanner(bytes.NewReader(in))
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "#"):
			flush()
			fmt.Fprintln(&out, line)
		case line == "":
			flush()
		case !strings.HasPrefix(line, "→"):
			group = append(group, line)
		}
	}
	flush()
	if *update {
		if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(in), out.String()); diff != "" {
		t.Errorf("%s (-update rewrites it):\n%s", name, diff)
	}
}

func describe(keys *Keys, line string) (text, key string) {
	line, body, _ := strings.Cut(line, " <")
	line, fields, _ := strings.Cut(line, " [")
	method, target, _ := strings.Cut(line, " ")
	r := request(method, target, "")
	for f := range strings.SplitSeq(strings.TrimSuffix(fields, "]"), " | ") {
		if name, value, ok := strings.Cut(f, ": "); ok {
			r.Header.Add(name, value)
		}
	}
	var b []byte
	if method == "POST" {
		b = []byte(body)
	}
	c, ok := keys.Canonical(r, b)
	if !ok {
		return "→ pass through", ""
	}
	if c.Unsafe {
		return fmt.Sprintf("→ %s %s unsafe", c.Endpoint.ID, c.Target), ""
	}
	text = fmt.Sprintf("→ %s %s accept %s", c.Endpoint.ID, c.Target, c.Accept)
	if tags := c.Tags(); len(tags) > 0 {
		text += " tags " + strings.Join(tags, " ")
	}
	return text, c.Key
}

func TestKeyParts(t *testing.T) {
	ix := testIndex(t)
	c, ok := New(ix).Canonical(request("GET", "/lookup/X1.json?type=gene", ""), nil)
	want := "c1 " + ix.Hash(c.Endpoint) + " GET /lookup/id/X1?object_type=gene  application/json"
	if !ok || c.Key != want {
		t.Errorf("%v %q, want %q", ok, c.Key, want)
	}
}

// An entry that changes changes its keys, and no others.
func TestKeyFollowsTheEntry(t *testing.T) {
	spec := func(maxAge int) *Keys {
		ix, err := apispec.NewIndex(&apispec.Catalogue{Endpoints: []apispec.Endpoint{
			{ID: "a", Method: "GET", Path: "/a", Formats: []string{apispec.JSON}, Freshness: apispec.Freshness{MaxAge: maxAge}},
			{ID: "b", Method: "GET", Path: "/b", Formats: []string{apispec.JSON}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return New(ix)
	}
	key := func(k *Keys, target string) string {
		c, _ := k.Canonical(request("GET", target, ""), nil)
		return c.Key
	}
	before, after := spec(1), spec(2)
	if key(before, "/a") == key(after, "/a") || key(before, "/b") != key(after, "/b") {
		t.Error("keys do not follow their entries")
	}
}

func TestCallback(t *testing.T) {
	keys := New(testIndex(t))
	c, _ := keys.Canonical(request("GET", "/info/ping.jsonp?callback=a.b", ""), nil)
	plain, _ := keys.Canonical(request("GET", "/info/ping", ""), nil)
	if c.Callback != "a.b" || c.Key != plain.Key || c.Accept != apispec.JSON || c.Request.Format != apispec.JSONP {
		t.Errorf("%+v", c)
	}
	bare, _ := keys.Canonical(request("GET", "/info/ping.jsonp", ""), nil)
	if bare.Callback != "" || bare.Key == plain.Key || bare.Accept != apispec.JSONP {
		t.Errorf("without a callback: %+v", bare)
	}
	bad, ok := keys.Canonical(request("GET", "/info/ping.jsonp?callback=if", ""), nil)
	if !ok || bad.Callback != "if" || bad.Key != "" {
		t.Errorf("a callback that is none: %v %+v", ok, bad)
	}
	json, _ := keys.Canonical(request("GET", "/info/ping?callback=a", ""), nil)
	if json.Callback != "" || json.Key != plain.Key {
		t.Errorf("JSON with a callback: %+v", json)
	}
}

// What is sent with a POST is the same for all its equals.
func TestBody(t *testing.T) {
	keys := New(testIndex(t))
	for _, body := range []string{`{"ids":["a"],"b":1}`, " {\"b\" : 1,\n\"ids\":[\"\\u0061\"] }"} {
		c, ok := keys.Canonical(request("POST", "/lookup/id", ""), []byte(body))
		if want := `{"b":1,"ids":["a"]}`; !ok || string(c.Body) != want || c.Key == "" {
			t.Errorf("%s: %v %q %q, want %s", body, ok, c.Body, c.Key, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for target, want := range map[string]string{
		"http://API.example:8080/A/%2e%2E/b?x=1;y&x=%7e": "p1 api.example:8080/A/%2e%2E/b?x=1;y&x=%7e",
		"http://api.example":                             "p1 api.example/",
		"http://api.example/a?":                          "p1 api.example/a?",
		"http://[2001:DB8::1]/a":                         "p1 [2001:db8::1]/a",
	} {
		if got := Plain(request("GET", target, "")); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	client, _ := http.NewRequest("GET", "http://Example.org/x", nil)
	client.Host = ""
	if got := Plain(client); got != "p1 example.org/x" {
		t.Errorf("a client's request: %q", got)
	}
}

func TestHostDoesNotMatter(t *testing.T) {
	keys := New(testIndex(t))
	a, _ := keys.Canonical(request("GET", "http://asia.example/info/ping", ""), nil)
	b, _ := keys.Canonical(request("HEAD", "https://europe.example/info/ping", ""), nil)
	if a.Key != b.Key {
		t.Errorf("%q and %q", a.Key, b.Key)
	}
}

func BenchmarkCanonical(b *testing.B) {
	keys := New(testIndex(b))
	r := request("GET", "/lookup/id/ENSG00000139618?expand=1;content-type=application/json", "", "Accept", "*/*")
	b.ReportAllocs()
	for b.Loop() {
		keys.Canonical(r, nil)
	}
}

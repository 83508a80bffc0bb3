package apispec

import (
	"bytes"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testIndex(t testing.TB) *Index {
	t.Helper()
	species := Param{Name: "species", In: InPath, Type: String, Required: true, CaseBlind: true}
	ix, err := NewIndex(&Catalogue{Release: "1", Endpoints: []Endpoint{
		{ID: "ping", Method: "GET", Path: "/info/ping", Formats: []string{JSON, JSONP, XML, HTML}},
		{ID: "id", Method: "GET", Path: "/lookup/id/{id}", Aliases: []string{"/lookup/{id}"},
			Formats: []string{JSON, JSONP, XML, HTML},
			Params: []Param{{Name: "id", In: InPath, Type: String, Required: true},
				{Name: "object_type", In: InQuery, Type: String, Aliases: []string{"type"}}}},
		{ID: "ids", Method: "POST", Path: "/lookup/id", Formats: []string{JSON}},
		{ID: "seq", Method: "GET", Path: "/sequence/id/{id}", Refuse415: true, Formats: []string{JSON, FASTA, Plain},
			Params: []Param{{Name: "id", In: InPath, Type: String, Required: true}}},
		{ID: "rest", Method: "GET", Path: "/lookup/rest/{id}", Aliases: []string{"/lookup/rest/{id}/{rest...}"}, Formats: []string{JSON},
			Params: []Param{{Name: "id", In: InPath, Type: String}, {Name: "rest", In: InPath, Type: String}}},
		{ID: "symbol", Method: "GET", Path: "/lookup/symbol/{species}/{symbol}", Formats: []string{JSON},
			Params: []Param{species, {Name: "symbol", In: InPath, Type: String, Required: true}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func TestResolve(t *testing.T) {
	ix := testIndex(t)
	h := func(kv ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(kv); i += 2 {
			h.Add(kv[i], kv[i+1])
		}
		return h
	}
	for _, tc := range []struct {
		name, method, path, query string
		h                         http.Header
		id, format, errFormat     string
		unsupported               bool
	}{
		{"nothing asked", "GET", "/info/ping", "", nil, "ping", JSON, JSON, false},
		{"wildcard", "GET", "/info/ping", "", h("Accept", "*/*"), "ping", JSON, JSON, false},
		{"content-type field wins over parameter", "GET", "/info/ping", "content-type=text/xml", h("Content-Type", "application/json"), "ping", JSON, JSON, false},
		{"content-type field is case-blind", "GET", "/info/ping", "", h("Content-Type", "APPLICATION/JSON"), "ping", JSON, JSON, false},
		{"parameter wins over accept", "GET", "/info/ping", "content-type=text/xml", h("Accept", "application/json"), "ping", XML, XML, false},
		{"semicolons separate", "GET", "/info/ping", "a=1;content-type=text/xml", nil, "ping", XML, XML, false},
		{"weights", "GET", "/info/ping", "", h("Accept", "text/xml;q=0.3, application/json;q=0.9"), "ping", JSON, JSON, false},
		{"weight zero is no refusal", "GET", "/info/ping", "", h("Accept", "text/xml;q=0"), "ping", XML, XML, false},
		{"a weight of one beats none", "GET", "/info/ping", "", h("Accept", "text/xml, application/json;q=1"), "ping", JSON, JSON, false},
		{"accept is case-blind", "GET", "/info/ping", "", h("Accept", "TEXT/XML ; Q = \"0.5\", application/json;q=0.4"), "ping", XML, XML, false},
		{"a weight behind another parameter", "GET", "/info/ping", "", h("Accept", "text/xml;level=1;q=0.1, text/html"), "ping", XML, XML, false},
		{"a weight above all", "GET", "/info/ping", "", h("Content-Type", "text/html", "Accept", "text/xml;q=4"), "ping", XML, XML, false},
		{"a parameter is taken as a whole", "GET", "/info/ping", "content-type=text/xml%3Bcharset=utf-8", h("Accept", "text/html"), "ping", HTML, HTML, false},
		{"a script's errors", "GET", "/info/ping", "", h("Content-Type", "text/javascript", "Accept", "text/xml"), "ping", JSONP, XML, false},
		{"no suffix beside a type", "GET", "/info/ping.xml", "x=1&x-Content-Type=1", nil, "", "", "", false},
		{"post: a weight is below the body's type", "POST", "/lookup/id", "", h("Accept", "text/xml;q=1", "Content-Type", "application/json"), "ids", JSON, JSON, false},
		{"post: the body's type is not weighed twice", "POST", "/lookup/id", "", h("Accept", "application/json, text/html", "Content-Type", "application/json"), "ids", JSON, HTML, false},
		{"suffix", "GET", "/info/ping.xml", "", nil, "ping", XML, XML, false},
		{"suffix beats accept", "GET", "/info/ping.xml", "", h("Accept", "application/json"), "ping", XML, XML, false},
		{"yaml is for errors", "GET", "/info/ping.yaml", "", nil, "ping", JSON, YAML, true},
		{"suffix of an unversioned id", "GET", "/sequence/id/ENSG1.fasta", "", nil, "seq", FASTA, JSON, false},
		{"a version is no suffix", "GET", "/sequence/id/ENSG1.5", "", nil, "seq", JSON, JSON, false},
		{"unsupported", "GET", "/sequence/id/ENSG1", "", h("Accept", "text/xml"), "seq", JSON, XML, true},
		{"parameters of the type", "GET", "/info/ping", "", h("Content-Type", "application/json; charset=utf-8"), "ping", JSON, JSON, false},
		{"alias path", "GET", "/lookup/ENSG1", "", nil, "id", JSON, JSON, false},
		{"literal wins", "POST", "/lookup/id", "", h("Accept", "application/json"), "ids", JSON, JSON, false},
		{"trailing slash", "GET", "/info/ping/", "", nil, "ping", JSON, JSON, false},
		{"head is get", "HEAD", "/info/ping", "", nil, "ping", JSON, JSON, false},
		{"post prefers accept", "POST", "/lookup/id", "content-type=text/xml", h("Accept", "text/x-json", "Content-Type", "text/xml"), "ids", JSON, JSON, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.h == nil {
				tc.h = http.Header{}
			}
			r, _, ok := ix.Resolve(tc.method, tc.path, tc.query, tc.h)
			if !ok && tc.id == "" {
				return
			}
			if !ok {
				t.Fatal("no endpoint")
			}
			got := []any{r.Endpoint.ID, r.Format, r.ErrorFormat, r.Unsupported}
			if diff := cmp.Diff([]any{tc.id, tc.format, tc.errFormat, tc.unsupported}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResolveDetails(t *testing.T) {
	ix := testIndex(t)
	r, _, ok := ix.Resolve("GET", "/lookup/symbol/homo%20sapiens/A%252FB", "expand=1;content-type=application/json&x=%zz%41+b", http.Header{})
	if !ok || r.Path["species"] != "homo sapiens" || r.Path["symbol"] != "A/B" {
		t.Errorf("path parameters: %v %v", ok, r.Path)
	}
	if diff := cmp.Diff(Values{{"expand", "1"}, {"x", "%zzA b"}}, r.Query); diff != "" {
		t.Error(diff)
	}
	r, _, _ = ix.Resolve("GET", "/lookup/id/X", "type=gene", http.Header{})
	if r.Query.Get("object_type") != "gene" {
		t.Errorf("alias not resolved: %v", r.Query)
	}
	r, _, _ = ix.Resolve("GET", "/info/ping", "content-type=text/javascript;callback=a.b", http.Header{})
	if r.Format != JSONP || r.Callback != "a.b" {
		t.Errorf("JSONP: %+v", r)
	}
	for query, want := range map[string]bool{"x=%C3%A9": true, "x=%FF": false, "%FF": false, "x=%ED%A0%80": false, "x=%EF%BF%BF": false, "x=%EF%BF%BD": true} {
		if _, _, ok := ix.Resolve("GET", "/info/ping", query, http.Header{}); ok != want {
			t.Errorf("%s: %v, want %v", query, ok, want)
		}
	}
	for path, want := range map[string]string{"/lookup/rest/X/a": "a", "/lookup/rest/X/a/b//c": "a/b//c", "/lookup/rest/X": "", "/lookup/rest": ""} {
		if r, _, _ := ix.Resolve("GET", path, "", http.Header{}); r.Path["rest"] != want {
			t.Errorf("%s: %q, want %q behind it", path, r.Path, want)
		}
	}
	for path, want := range map[string]string{ // decoded, split, decoded again
		"/lookup/symbol%2Fa%2Fb": "b", "/lookup/symbol/a/%2525zz": "%zz", "/lookup/symbol/a/%2541%252": "A%2",
		"//lookup/symbol//b//": "b", "/lookup/%2573ymbol/a/%25E2%2582%25AC": "€",
		"/lookup/symbol/a/%CA": "", "/lookup/symbol/a/%25CA": "", "/lookup/symbol/a/%zz": "", "/lookup/symbol/a/b%2Fc/d": "",
		"/lookup/symbol/a/b%00c": "b", "/lookup/symbol/a/b%00c/d": "b", "/lookup/symbol/a%00/b": "", "/lookup/symbol/a/b%2500c": "b\x00c",
	} {
		if r, _, _ := ix.Resolve("GET", path, "", http.Header{}); r.Path["symbol"] != want {
			t.Errorf("%s: %q, want symbol %q", path, r.Path, want)
		}
	}
	if _, methods, ok := ix.Resolve("GET", "/lookup/symbol", "", http.Header{}); !ok && methods != nil {
		t.Errorf("/lookup/symbol: %v", methods)
	}
	if _, methods, ok := ix.Resolve("PUT", "/info/ping", "", http.Header{}); ok || !slices.Equal(methods, []string{"GET"}) {
		t.Errorf("PUT: %v %v", ok, methods)
	}
}

func TestCacheControl(t *testing.T) {
	f := Freshness{MaxAge: 3600, StaleWhileRevalidate: 60, StaleIfError: 600, Negative: 5}
	for status, want := range map[int]string{
		200: "public, max-age=3600, stale-while-revalidate=60, stale-if-error=600",
		404: "public, max-age=5", 400: "public, max-age=5", 500: "no-store",
	} {
		if got := f.CacheControl(status); got != want {
			t.Errorf("%d: %q, want %q", status, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, e := range map[string]Endpoint{
		"no id":           {Method: "GET", Path: "/x", Formats: []string{JSON}},
		"method":          {ID: "x", Method: "PUT", Path: "/x", Formats: []string{JSON}},
		"undeclared name": {ID: "x", Method: "GET", Path: "/x/{y}", Formats: []string{JSON}},
		"no formats":      {ID: "x", Method: "GET", Path: "/x"},
		"empty enum": {ID: "x", Method: "GET", Path: "/x", Formats: []string{JSON},
			Params: []Param{{Name: "p", In: InQuery, Type: Enum}}},
	} {
		if err := (&Catalogue{Endpoints: []Endpoint{e}}).Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("GET", "/lookup/id/ENSG1.json", "expand=1;content-type=text/xml", "text/xml;q=0.3, */*", "")
	f.Add("POST", "/lookup/id", "&;=%zz", ",;q=,", "application/json; charset")
	f.Add("HEAD", "//..%2f/", "", "", "")
	ix := testIndex(f)
	f.Fuzz(func(t *testing.T, method, path, query, accept, contentType string) {
		h := http.Header{"Accept": {accept}, "Content-Type": {contentType}}
		r, _, ok := ix.Resolve(method, path, query, h)
		if ok && !r.Endpoint.Offers(r.Format) {
			t.Errorf("format %q is not offered by %s", r.Format, r.Endpoint.ID)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"release":"1","endpoints":[{"id":"a","method":"GET","path":"/a/{b}","formats":["x"],"params":[{"name":"b","in":"path","type":"string"}]}]}`))
	f.Add([]byte(`{"endpoints":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(bytes.NewReader(b))
		if err != nil {
			return
		}
		if _, err := NewIndex(c); err == nil && c.Hash() == "" {
			t.Error("no hash")
		}
	})
}

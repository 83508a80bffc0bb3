package cachekey

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mirrornet/pkg/apispec"
)

// asked is a request as drawn, before it is written one way or another.
type asked struct {
	method, path, query, body string
	accept, contentType       string
}

func (a asked) request() *http.Request {
	u := &url.URL{RawQuery: a.query}
	u.Path, _ = url.PathUnescape(a.path)
	u.RawPath = a.path
	r := httptest.NewRequest("GET", "/", nil)
	r.Method, r.URL = a.method, u
	if a.accept != "" {
		r.Header.Set("Accept", a.accept)
	}
	if a.contentType != "" {
		r.Header.Set("Content-Type", a.contentType)
	}
	return r
}

// drawn draws from few values, so that equal requests come often.
func drawn(t *rapid.T, label string) asked {
	pick := func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label+what) }
	a := asked{
		method: pick("method", "GET", "GET", "GET", "HEAD", "POST"),
		path: pick("path", "/info/ping", "/info/species", "/lookup/id/", "/lookup/", "/lookup/id", "/sequence/id/",
			"/lookup/symbol/Hs/", "/lookup/symbol/hs/", "/lookup/symbol/All/", "/lookup/symbol/all/", "/tree/T/", "/tree/"),
		accept:      pick("accept", "", "*/*", "application/json", "text/xml", "text/x-yaml,text/xml", "text/x-fasta, text/html", "image/png", "text/javascript"),
		contentType: pick("type", "", "", "application/json", "TEXT/XML", "text/x-yaml"),
	}
	if strings.HasSuffix(a.path, "/") {
		a.path += pick("segment", "a", "A", "b.json", "b%2Ejson", "b.fasta", "a%2Fb", "b", "a.xml.json", "%61")
	}
	a.path += pick("suffix", "", "", "/", ".json", ".xml", ".jsonp")
	for range rapid.IntRange(0, 4).Draw(t, label+"pairs") {
		a.query += pick("sep", "&", ";")
		a.query += pick("name", "expand", "type", "object_type", "feature", "f", "division", "hide", "format", "unknown",
			"content-type", "callback", "redirect", "Expand", "%65xpand")
		a.query += "=" + pick("value", "", "0", "1", "gene", "full", "Full", "EnsemblVertebrates", "ensemblvertebrates", "text/xml", "text/javascript", "%67ene", "a+b", "%2b")
	}
	if a.method == "POST" {
		a.body = pick("body", `{"ids":["a"]}`, `{ "ids" : ["a"] }`, `{"ids":["a"],"x":1}`, `{"x":1,"ids":["\u0061"]}`, `[]`, `{"ids":["A"]}`)
	}
	return a
}

// meaning is all that an origin may make its answer of, said in another way
// than keys are made: per parameter, what a handler would read.
func meaning(t *rapid.T, ix *apispec.Index, a asked) (string, bool) {
	r := a.request()
	req, _, ok := ix.Resolve(a.method, r.URL.EscapedPath(), a.query, r.Header)
	if !ok {
		return "", false
	}
	e := req.Endpoint
	m := map[string][]string{}
	for name, v := range req.Path {
		if p, _ := e.Param(name); p.CaseBlind {
			v = strings.ToLower(v)
		}
		m["path "+name] = []string{v}
	}
	for _, v := range req.Query {
		m["query "+v.Name] = append(m["query "+v.Name], v.Value)
	}
	for _, p := range e.Params {
		name := "query " + p.Name
		values, sent := m[name]
		if p.In != apispec.InQuery {
			continue
		}
		if p.CaseBlind {
			for i := range values {
				values[i] = strings.ToLower(values[i])
			}
			p.Default = strings.ToLower(p.Default)
		}
		switch {
		case !sent && p.Type == apispec.Boolean, len(values) == 1 && p.Type == apispec.Boolean && values[0] == "":
			m[name] = []string{"0"}
		case !sent && p.Default != "":
			m[name] = []string{p.Default}
		}
	}
	if _, declared := e.Param("redirect"); !declared {
		delete(m, "query redirect")
	}
	format := req.Format
	if format == apispec.JSONP && req.Callback != "" {
		format = apispec.JSON
	}
	s := fmt.Sprint(e.ID, format, req.ErrorFormat, req.Unsupported && e.Refuse415)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		s += fmt.Sprintf("|%s%q", name, m[name])
	}
	if a.method == "POST" {
		var v any
		if err := json.Unmarshal([]byte(a.body), &v); err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(v)
		s += "|" + string(text)
	}
	return s, true
}

func keyOf(keys *Keys, a asked) (Canonical, bool) {
	var body []byte
	if a.method == "POST" {
		body = []byte(a.body)
	}
	c, ok := keys.Canonical(a.request(), body)
	return c, ok && c.Key != ""
}

// Two requests have one key exactly when they mean the same.
func TestKeyIsMeaning(t *testing.T) {
	ix := testIndex(t)
	keys := New(ix)
	equal, different := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		a := drawn(t, "a")
		b := a
		if rapid.Bool().Draw(t, "another") {
			b = drawn(t, "b")
		} else { // a near one
			c := drawn(t, "b")
			for i, part := range []struct{ to, from *string }{{&b.path, &c.path}, {&b.query, &c.query}, {&b.accept, &c.accept}, {&b.body, &c.body}} {
				if a.method == b.method && rapid.Bool().Draw(t, fmt.Sprint("part", i)) && *part.from != "" {
					*part.to = *part.from
				}
			}
		}
		ca, oka := keyOf(keys, a)
		cb, okb := keyOf(keys, b)
		if !oka || !okb {
			return
		}
		ma, _ := meaning(t, ix, a)
		mb, _ := meaning(t, ix, b)
		if (ca.Key == cb.Key) != (ma == mb) {
			t.Fatalf("%+v\n%+v\nkeys     %s\n         %s\nmeanings %s\n         %s", a, b, ca.Key, cb.Key, ma, mb)
		}
		if ma == mb {
			equal++
		} else {
			different++
		}
	})
	if equal == 0 || different == 0 {
		t.Errorf("%d equal and %d different pairs: the draw says nothing", equal, different)
	}
}

// What is fetched means what was asked, and is its own canonical form.
func TestTargetKeepsMeaning(t *testing.T) {
	ix := testIndex(t)
	keys := New(ix)
	rapid.Check(t, func(t *rapid.T) {
		a := drawn(t, "a")
		c, ok := keyOf(keys, a)
		if !ok {
			return
		}
		fetched := asked{method: a.method, body: a.body, accept: c.Accept}
		if a.method == "POST" {
			fetched.contentType = apispec.JSON
		}
		fetched.path, fetched.query, _ = strings.Cut(c.Target, "?")
		before, _ := meaning(t, ix, a)
		after, ok := meaning(t, ix, fetched)
		if !ok || before != after {
			t.Fatalf("%+v\nfetched as %+v\nmeant %s\nmeans %s", a, fetched, before, after)
		}
		again, ok := keyOf(keys, fetched)
		if !ok || again.Key != c.Key || again.Target != c.Target {
			t.Fatalf("%+v\n%q\nagain %q", a, c.Key, again.Key)
		}
	})
}

// The requests that the catalogue calls equal have one key, however written.
func TestEquivalentWritings(t *testing.T) {
	keys := New(testIndex(t))
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[A-Za-z0-9 _:/.-]{1,12}[a-z0-9]`).Draw(t, "id")
		names := []string{"expand", "object_type", "unknown", "other"}
		values := map[string]string{}
		for _, n := range names {
			if rapid.Bool().Draw(t, n) {
				values[n] = rapid.String().Draw(t, n+" value")
			}
		}
		write := func(label string) asked {
			a := asked{method: rapid.SampledFrom([]string{"GET", "HEAD"}).Draw(t, label+"method")}
			a.path = rapid.SampledFrom([]string{"/lookup/id/", "/lookup/"}).Draw(t, label+"path") + written(t, label, inPath.Replace(id))
			xml := rapid.SampledFrom([]string{"suffix", "parameter", "accept", "field"}).Draw(t, label+"format")
			var pairs []string
			for _, n := range rapid.Permutation(names).Draw(t, label+"order") {
				if v, ok := values[n]; ok {
					if n == "object_type" && rapid.Bool().Draw(t, label+"alias") {
						n = "type"
					}
					pairs = append(pairs, written(t, label, n)+"="+written(t, label, v))
				}
			}
			if rapid.Bool().Draw(t, label+"default") {
				pairs = append(pairs, "format=full", "mirror-prefer=asia", "callback=x")
			}
			switch xml {
			case "suffix":
				a.path += ".xml"
			case "parameter":
				pairs = append(pairs, "content-type=text/xml")
				a.accept = "application/json"
			case "accept":
				// Guard what would be a suffix: nobody means one here.
				if cut, _ := apispec.CutExtension(a.path, "", http.Header{}); cut != a.path {
					a.path = cut + "%2E" + a.path[len(cut)+1:]
				}
				a.accept = "text/xml"
			case "field":
				a.contentType = "Text/XML; charset=utf-8"
			}
			a.query = strings.Join(pairs, rapid.SampledFrom([]string{"&", ";", "&;&"}).Draw(t, label+"sep"))
			return a
		}
		a, b := write("a"), write("b")
		ca, oka := keyOf(keys, a)
		cb, okb := keyOf(keys, b)
		if !oka || !okb || ca.Key != cb.Key {
			t.Fatalf("%+v %v\n%+v %v\n%s\n%s", a, oka, b, okb, ca.Key, cb.Key)
		}
	})
}

// inPath writes what a path's second decoding would take for something else.
var inPath = strings.NewReplacer("%", "%25", "/", "%2F")

// written percent-encodes what must be, and some of the rest.
func written(t *rapid.T, label, s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~", c) >= 0
		switch {
		case plain && rapid.IntRange(0, 9).Draw(t, label+"plain") > 0:
			b.WriteByte(c)
		case rapid.Bool().Draw(t, label+"upper"):
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

func FuzzCanonical(f *testing.F) {
	f.Add("GET", "/lookup/id/ENSG1.json", "expand=1;content-type=text/xml", "text/xml;q=0.3, */*", "", "")
	f.Add("POST", "/lookup/id", "&;=%zz", ",;q=,", "application/json; charset", `{"ids":["\ud800",{"a":{}}],"a":[1e400]}`)
	f.Add("GET", "/info/ping.jsonp", "callback=if", "", "", "")
	f.Add("GET", "/lookup/symbol/ALL/x", "", "", "", "")
	f.Add("HEAD", "//..%2f/", "a=%", "", "", "{}")
	f.Add("GET", "/lookup/symbol/%E2%84%AA/a%2Ejson", "redirect=&redirect", "text/x-yaml", "", "")
	keys := New(testIndex(f))
	f.Fuzz(func(t *testing.T, method, path, query, accept, contentType, body string) {
		plain, err := url.PathUnescape(path)
		if err != nil {
			return
		}
		r := &http.Request{Method: method, URL: &url.URL{Path: plain, RawPath: path, RawQuery: query}, Header: http.Header{}, Host: "h"}
		r.Header.Set("Accept", accept)
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		Plain(r)
		c, ok := keys.Canonical(r, []byte(body))
		if !ok || c.Key == "" {
			return
		}
		// The canonical request is well formed, and its own canonical form.
		u, err := url.ParseRequestURI(c.Target)
		if err != nil {
			t.Fatalf("target %q: %v", c.Target, err)
		}
		again := &http.Request{Method: method, URL: u, Header: http.Header{"Accept": {c.Accept}}}
		if method == "POST" {
			again.Header.Set("Content-Type", apispec.JSON)
		}
		c2, ok := keys.Canonical(again, []byte(body))
		if !ok || c2.Key != c.Key {
			t.Fatalf("%q\nagain %v %q", c.Key, ok, c2.Key)
		}
	})
}

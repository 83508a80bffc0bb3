package apispec

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func canonicalIndex(t testing.TB) *Index {
	t.Helper()
	query := func(name string, typ Type, def string, blind bool, aliases ...string) Param {
		return Param{Name: name, In: InQuery, Type: typ, Default: def, CaseBlind: blind, Aliases: aliases}
	}
	ix, err := NewIndex(&Catalogue{Release: "1", Endpoints: []Endpoint{
		{ID: "thing", Method: "GET", Path: "/thing/{species}/{id}", Aliases: []string{"/thing/{species}", "/t/{species}/{id}"}, Formats: []string{JSON, JSONP, XML},
			Params: []Param{{Name: "species", In: InPath, Type: String, CaseBlind: true}, {Name: "id", In: InPath, Type: String},
				query("expand", Boolean, "0", false), query("division", String, "Vertebrates", true), query("kind", String, "", false, "type"),
				query("format", String, "full", false)}},
		{ID: "redirecting", Method: "GET", Path: "/redirecting", Formats: []string{JSON}, Params: []Param{query("redirect", String, "", false)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

// Requests of one row are equal to the API, and read the same.
func TestCanonical(t *testing.T) {
	ix := canonicalIndex(t)
	for _, tc := range []struct {
		want   string
		equals []string
	}{
		{"/thing/homo%20sapiens/A", []string{"/thing/homo%20sapiens/A", "/t/Homo%20Sapiens/%41/", "/thing/homo%20sapiens/A?expand=0", "/thing/homo%20sapiens/A?expand=",
			"/thing/homo%20sapiens/A?division=VERTEBRATES;format=full", "/thing/homo%20sapiens/A.json", "/thing/homo%20sapiens/A?callback=x&content-type=text/xml",
			"/thing/homo%20sapiens/A?redirect=no&mirror-avoid=x;Mirror-Prefer=y", "/thing/homo%20sapiens/A.xml?redirect=content-type="}},
		{"/thing/a", []string{"/thing/a", "/thing/A.xml"}},
		{"/thing/a/b?division=plants&expand=1&kind=Gene", []string{"/thing/a/b?type=Gene&expand=1;division=Plants", "/thing/a/b?kind=Gene;division=PLANTS;%65xpand=1"}},
		{"/thing/a/b?kind=x&kind=y", []string{"/thing/a/b?type=x;kind=y"}},
		{"/thing/a/b?kind=y&kind=x", []string{"/thing/a/b?kind=y;type=x"}},
		{"/thing/a/b?expand=0&expand=1", []string{"/thing/a/b?expand=0;expand=1"}}, // the first counts, and more than none
		{"/thing/a/b?expand=0&expand=0", []string{"/thing/a/b?expand=0;expand=0"}},
		{"/thing/a/b?division=", []string{"/thing/a/b?division="}}, // not the default
		{"/thing/a/b?Expand=1", []string{"/thing/a/b?Expand=1"}},
		{"/thing/a/b?division=%E2%84%AA", []string{"/thing/a/b?division=%e2%84%aa"}}, // K, of kelvin
		{"/thing/a/b%2Ejson", []string{"/thing/a/b.json?content-type=text/xml", "/thing/a/b%2Ejson", "/thing/a/b.json/"}},
		{"/redirecting?redirect=no", []string{"/redirecting?redirect=no;mirror-prefer=x"}},
	} {
		for _, target := range tc.equals {
			path, query, _ := strings.Cut(target, "?")
			r, _, ok := ix.Resolve("GET", path, query, http.Header{})
			if !ok || r.Target() != tc.want {
				t.Errorf("%s: %v %q, want %q", target, ok, r.Target(), tc.want)
			}
		}
	}
}

func TestValue(t *testing.T) {
	r, _, _ := canonicalIndex(t).Resolve("GET", "/thing/A/B", "type=Gene", http.Header{})
	for name, want := range map[string]string{"species": "a", "id": "B", "kind": "Gene", "division": "vertebrates", "format": "full", "nothing": ""} {
		if got := r.Value(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// What is written of a request is read as that request.
func FuzzTarget(f *testing.F) {
	for _, s := range [][2]string{{"/thing/Homo%20sapiens/x.json", "type=a;expand=&division=Plants"}, {"/t/a/%2e%2E", "a=%zz&&=;x"}, {"/thing/%00", "redirect=content-type="},
		{"/thing/a/b%2Fc.xml.json", "kind=1;type=2&expand=0;expand"}, {"/thing/%E2%84%AA/.fasta/", "%63ontent-type=text/xml;#"}} {
		f.Add(s[0], s[1])
	}
	ix := canonicalIndex(f)
	f.Fuzz(func(t *testing.T, path, query string) {
		r, _, ok := ix.Resolve("GET", path, query, http.Header{})
		if !ok {
			return
		}
		u, err := url.ParseRequestURI(r.Target())
		if err != nil {
			t.Fatalf("%q: %v", r.Target(), err)
		}
		again, _, ok := ix.Resolve("GET", u.EscapedPath(), u.RawQuery, http.Header{})
		if !ok || again.Endpoint != r.Endpoint || !slices.Equal(again.Query, r.Query) || again.Target() != r.Target() {
			t.Errorf("%q %q is %q, and that %v %q", path, query, r.Target(), ok, again.Target())
		}
		for name, v := range r.Path {
			if again.Path[name] != v {
				t.Errorf("%s was %q, is %q", name, v, again.Path[name])
			}
		}
	})
}

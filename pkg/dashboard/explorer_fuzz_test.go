package dashboard

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"mirrornet/pkg/apispec"
)

// FuzzExplorer: whatever is asked for, the page is one, and what was asked for is
// text in it.
func FuzzExplorer(f *testing.F) {
	for _, q := range []string{"", "endpoint=lookup_id", "endpoint=none", "q=sequence"} {
		f.Add(q)
	}
	v, p := full(), pages(f)
	v.Catalogue = catalogue(f)
	elements := map[string]map[string]int{} // of pages without a query, by endpoint
	count := func(t testing.TB, body string) map[string]int {
		n := map[string]int{}
		for e := range parsed(t, body).Descendants() {
			if e.Type == html.ElementNode {
				n[e.Data]++
			}
		}
		return n
	}
	for _, id := range append([]string{"", "no such"}, ids(v.Catalogue)...) {
		body, _ := visited(f, p, v, "endpoint="+url.QueryEscape(id))
		elements[id] = count(f, body)
	}
	f.Fuzz(func(t *testing.T, query string) {
		body, w := visited(t, p, v, query)
		id := apispec.ParseQuery(query).Get("endpoint")
		wanted := http.StatusOK
		if _, ok := elements[id]; !ok {
			id, wanted = "no such", http.StatusNotFound
		}
		if w.Code != wanted {
			t.Fatalf("%q: %d, want %d", query, w.Code, wanted)
		}
		d := parsed(t, body)
		d.sound(t, query)
		got := count(t, body)
		for _, name := range []string{"script", "style", "img", "iframe", "form", "main", "title", "textarea", "select", "pre", "h1", "h2", "table", "link", "meta", "base", "object", "embed", "svg"} {
			if got[name] != elements[id][name] {
				t.Errorf("%q: %d of <%s>, want %d", query, got[name], name, elements[id][name])
			}
		}
		for name := range got {
			if elements["lookup_id"][name]+elements["sequence_id_post"][name]+elements["overlap_region"][name]+elements["no such"][name] == 0 {
				t.Errorf("%q made a <%s>", query, name)
			}
		}
		for _, a := range d.all("", "href") {
			if href, _ := a.get("href"); !strings.HasPrefix(href, "/") && !strings.HasPrefix(href, "#") && !strings.HasPrefix(href, "http://") || strings.HasPrefix(href, "//") {
				t.Errorf("%q: a link to %q", query, href)
			}
		}
		for e := range d.Descendants() {
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Key, "on") {
					t.Errorf("%q: <%s %s>", query, e.Data, a.Key)
				}
			}
		}
	})
}

func ids(c *apispec.Catalogue) (list []string) {
	for _, e := range c.Endpoints {
		list = append(list, e.ID)
	}
	return list
}

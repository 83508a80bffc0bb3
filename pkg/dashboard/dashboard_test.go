package dashboard

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/status"
)

// page is a page as a browser reads it.
type page struct {
	text  string   // visible, blanks collapsed
	links []string // href of each a
	elems map[string]int
}

func read(t *testing.T, body string) page {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	p := page{elems: map[string]int{}}
	var words []string
	for n := range root.Descendants() {
		switch n.Type {
		case html.ElementNode:
			p.elems[n.Data]++
			for _, a := range n.Attr {
				if n.Data == "a" && a.Key == "href" {
					p.links = append(p.links, a.Val)
				}
				if strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s %s=%q>: data became a script", n.Data, a.Key, a.Val)
				}
			}
		case html.TextNode:
			if n.Parent.Data != "style" {
				words = append(words, strings.Fields(n.Data)...)
			}
		}
	}
	p.text = strings.Join(words, " ")
	return p
}

func (p page) says(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(p.text, w) {
			t.Errorf("the page does not say %q:\n%s", w, p.text)
		}
	}
}

func (p page) saysNot(t *testing.T, not ...string) {
	t.Helper()
	for _, w := range not {
		if strings.Contains(p.text, w) {
			t.Errorf("the page says %q:\n%s", w, p.text)
		}
	}
}

func (p page) linksTo(target string) bool {
	for _, l := range p.links {
		if l == target {
			return true
		}
	}
	return false
}

func request(method string) *http.Request {
	r := httptest.NewRequest(method, "http://from-the-request.example/?x=from-the-request", nil)
	r.Header.Set("X-Forwarded-Host", "from-the-request.example")
	return r
}

func ask(t *testing.T, method string, show func(*Pages, http.ResponseWriter, *http.Request)) *http.Response {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	show(p, w, request(method))
	return w.Result()
}

func body(t *testing.T, show func(*Pages, http.ResponseWriter, *http.Request)) string {
	t.Helper()
	r := ask(t, http.MethodGet, show)
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if ct := r.Header.Get("Content-Type"); r.StatusCode != http.StatusOK || ct != "text/html; charset=utf-8" {
		t.Fatalf("%s, %s", r.Status, ct)
	}
	if strings.Contains(text, "from-the-request") {
		t.Error("a page holds what the request says")
	}
	return text
}

func homePage(h status.Home) func(*Pages, http.ResponseWriter, *http.Request) {
	return func(p *Pages, w http.ResponseWriter, r *http.Request) { p.Home(w, r, h) }
}

func networkPage(s status.Report) func(*Pages, http.ResponseWriter, *http.Request) {
	return func(p *Pages, w http.ResponseWriter, r *http.Request) { p.Network(w, r, s) }
}

func far(km float64) *float64 { return &km }

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// full is a status with every field filled in, as a visitor from Tokyo to europe gets it.
func full() status.Home {
	lastOK := noon.Add(-3 * time.Second)
	return status.Home{
		Report: status.Report{Node: "europe-1", Region: "europe", Version: "v1", Time: noon, Started: noon.Add(-time.Hour), State: "serving",
			Revision: "r2", Canonical: []string{"http://rest.example.org"}, Home: "europe",
			Catalogue: &status.Catalogue{Title: "API", Hash: "c0ffee", Release: "115", Endpoints: 2},
			Regions: []status.Region{
				{Name: "asia", Title: "Asia Pacific (Singapore)", URL: "http://asia.example.org", Host: "asia.example.org", State: "serving", Why: "2 of its nodes serving", Nodes: 2, RTT: 161.27},
				{Name: "europe", Title: "Europe (Hinxton)", URL: "http://europe.example.org", Host: "europe.example.org", State: "serving", Why: "this one", Nodes: 1},
				{Name: "useast", Title: "US East", URL: "http://useast.example.org", Host: "useast.example.org", State: "unreachable", Why: "none of its nodes serving"}},
			Nodes: []status.Node{{Name: "asia-1", Region: "asia", Membership: "alive", State: "serving", Revision: "r1", Since: noon.Add(-5 * time.Minute), RTT: 161.27},
				{Name: "europe-1", Region: "europe", Membership: "alive", State: "serving", Revision: "r2", Since: noon.Add(-time.Hour), Self: true}},
			Origins: []status.Origin{{Order: 1, State: "serving", Release: "115", LastOK: &lastOK}, {Order: 2, State: "unreachable"}}},
		Decision: status.Explanation{Action: "redirect", Region: "asia", Nearest: "asia", Reason: "asia is the nearest region",
			Place: status.Place{City: "Tokyo", Country: "JP"},
			Candidates: []status.Candidate{{Region: "asia", Serving: true, Chosen: true, DistanceKm: far(5315.2), Reason: "chosen by its rule"},
				{Region: "europe", Serving: true, DistanceKm: far(9493.4), Reason: "farther"}, {Region: "useast", Reason: "unreachable"}}},
		StayURL: "http://rest.example.org/?redirect=no",
		Catalogue: &apispec.Catalogue{Endpoints: []apispec.Endpoint{
			{ID: "ping", Group: "Information", Method: "GET", Path: "/info/{what}", Summary: "Is it alive", Examples: []apispec.Example{{Target: "/info/ping?a=b&c=d", ContentType: "application/json"}}},
			{ID: "many", Group: "Lookup", Method: "POST", Path: "/lookup/id", Summary: "Many at once", Examples: []apispec.Example{{Target: "/lookup/id", Body: `{"ids":["ENSG1"]}`}}}}},
	}
}

func TestHome(t *testing.T) {
	p := read(t, body(t, homePage(full())))
	p.says(t, "Europe (Hinxton)", "You seem to be in Tokyo, JP; this mirror is 9,493 km away, and Asia Pacific (Singapore) is nearer: 5,315 km.",
		"Go to Asia Pacific (Singapore)", "asia is the nearest region", "chosen by its rule", "curl 'http://europe.example.org/info/ping?a=b&c=d'",
		"Information GET /info/{what} Is it alive", "Lookup POST /lookup/id Many at once", `{"ids":["ENSG1"]}`)
	p.saysNot(t, "no endpoint catalogue", "cannot reach")
	for _, l := range []string{"http://asia.example.org/", "http://rest.example.org/?redirect=no", "/info/ping?a=b&c=d", "/documentation", "/network", "/openapi.json", "/"} {
		if !p.linksTo(l) {
			t.Errorf("no link to %s in %q", l, p.links)
		}
	}
	if p.linksTo("/lookup/id") {
		t.Error("a link to what only POST answers")
	}

	here := full()
	here.Decision.Nearest, here.Report.Isolated = "europe", true
	p = read(t, body(t, homePage(here)))
	p.says(t, "this is the nearest serving mirror, 9,493 km away.", "cannot reach the rest of the network")
	p.saysNot(t, "Go to")
}

// Each candidate under "Why?" has its distance, where that is known.
func TestDistances(t *testing.T) {
	p := read(t, body(t, homePage(full())))
	p.says(t, "asia 5,315 km chosen by its rule", "europe 9,493 km farther", "useast – unreachable")
	p.saysNot(t, "%!")
}

func TestNetwork(t *testing.T) {
	s := full().Report
	p := read(t, body(t, networkPage(s)))
	p.says(t, "As europe-1 in europe sees it, at 2026-11-24T12:00:00Z.", "Not all nodes run the same revision",
		"asia Asia Pacific (Singapore) serving asia.example.org 2 161.3 ms 2 of its nodes serving",
		"useast US East unreachable useast.example.org 0 – none of its nodes serving",
		"asia-1 asia serving alive 5 min 161.3 ms r1", "europe-1 (this one) europe serving alive 60 min – r2",
		"1 serving 115 3 s", "2 unreachable –", "Catalogue c0ffee: 2 endpoints, release 115.")
	p.saysNot(t, "reaches no other region")
	for _, r := range s.Regions {
		if !p.linksTo(r.URL + "/") {
			t.Errorf("no link to %s in %q", r.URL, p.links)
		}
	}
	s.Nodes[0].Membership, s.Isolated = "dead", true
	p = read(t, body(t, networkPage(s)))
	p.saysNot(t, "same revision")
	p.says(t, "europe-1 reaches no other region")
}

// A node that knows nothing yet still shows whole pages.
func TestEmpty(t *testing.T) {
	p := read(t, body(t, homePage(status.Home{})))
	p.says(t, "This node has no endpoint catalogue")
	p.saysNot(t, "Go to", "curl", "<nil>", "%!", "0001-01-01")
	for _, l := range p.links {
		if !strings.HasPrefix(l, "/") {
			t.Errorf("a link to %q without a map", l)
		}
	}
	p = read(t, body(t, networkPage(status.Report{})))
	p.says(t, "Regions", "Nodes", "Origins")
	p.saysNot(t, "<nil>", "%!", "Catalogue", "same revision")
	for name, h := range map[string]status.Home{
		"region unknown to the map": {Report: status.Report{Region: "asia"}},
		"catalogue without entries": {Catalogue: &apispec.Catalogue{}},
	} {
		if p := read(t, body(t, homePage(h))); p.elems["main"] != 1 {
			t.Errorf("%s: %v", name, p.elems)
		}
	}
	if p := read(t, body(t, homePage(status.Home{Report: status.Report{Region: "asia"}}))); !strings.Contains(p.text, "asia") {
		t.Error("a region without a title is not named")
	}
}

// Whatever a field holds is text: it makes no element, and no link that runs.
func TestEscaped(t *testing.T) {
	const bad = `</style></script><script>alert(1)</script><img src=x onerror="alert(1)">'"&`
	km := 1.0
	at := noon
	h := status.Home{
		Report: status.Report{Node: bad, Region: bad, Version: bad, Time: noon, State: bad, Revision: bad, Canonical: []string{bad}, Home: bad, Isolated: true,
			Catalogue: &status.Catalogue{Title: bad, Hash: bad, Release: bad},
			Regions: []status.Region{{Name: bad, Title: bad, URL: "javascript:alert(1)//", Host: bad, State: bad, Why: bad},
				{Name: "x", Title: bad, URL: bad, Host: bad, State: bad, Why: bad}},
			Nodes:   []status.Node{{Name: bad, Region: bad, Membership: "alive", State: bad, Revision: "other" + bad}},
			Origins: []status.Origin{{Order: 1, State: bad, Release: bad, LastOK: &at}}},
		Decision: status.Explanation{Nearest: "x", Reason: bad, Place: status.Place{City: bad, Country: bad},
			Candidates: []status.Candidate{{Region: bad, Reason: bad, DistanceKm: &km, Chosen: true}, {Region: "x", Reason: bad, DistanceKm: &km}}},
		StayURL: "javascript:alert(1)",
		Catalogue: &apispec.Catalogue{Endpoints: []apispec.Endpoint{
			{Group: bad, Method: "GET", Path: bad, Summary: bad, Examples: []apispec.Example{{Target: "javascript:alert(1)", ContentType: bad}, {Target: bad}}},
			{Group: bad, Method: bad, Path: bad, Summary: bad, Examples: []apispec.Example{{Target: bad, Body: bad}}}}},
	}
	plain := strings.Join(strings.Fields(bad), " ")
	for name, show := range map[string]func(*Pages, http.ResponseWriter, *http.Request){"home": homePage(h), "network": networkPage(h.Report)} {
		p := read(t, body(t, show))
		if p.elems["script"] != 0 || p.elems["img"] != 0 || p.elems["style"] != 1 || p.elems["main"] != 1 {
			t.Errorf("%s: data became elements: %v", name, p.elems)
		}
		if n := strings.Count(p.text, plain); n < 8 {
			t.Errorf("%s: %d of the texts are shown as they are:\n%s", name, n, p.text)
		}
		for _, l := range p.links {
			if strings.HasPrefix(strings.ToLower(strings.TrimSpace(l)), "javascript:") {
				t.Errorf("%s: a link that runs: %s", name, l)
			}
		}
	}
}

func TestHead(t *testing.T) {
	for name, show := range map[string]func(*Pages, http.ResponseWriter, *http.Request){"home": homePage(full()), "network": networkPage(full().Report)} {
		get, head := ask(t, http.MethodGet, show), ask(t, http.MethodHead, show)
		if b, err := io.ReadAll(head.Body); err != nil || len(b) != 0 {
			t.Errorf("%s: HEAD has a body of %d bytes, %v", name, len(b), err)
		}
		if n := head.Header.Get("Content-Length"); n != get.Header.Get("Content-Length") || n == "" || n == "0" || head.StatusCode != http.StatusOK {
			t.Errorf("%s: HEAD %d %v, GET %v", name, head.StatusCode, head.Header, get.Header)
		}
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "just now", 0: "just now", 2 * time.Second: "2 s", 119 * time.Second: "119 s",
		2 * time.Minute: "2 min", 119 * time.Minute: "119 min", 2 * time.Hour: "2 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 days", 400 * 24 * time.Hour: "400 days"} {
		if got := ago(noon, noon.Add(-d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := ago(noon, time.Time{}); got != "" {
		t.Errorf("never: %q", got)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 20015: "20,015", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// The first example with a parameter in its path, of each group; POST is not for a link.
func TestTries(t *testing.T) {
	c := &apispec.Catalogue{}
	for _, e := range []struct{ group, method, path, target string }{{"a", "GET", "/a", "/a"}, {"a", "POST", "/a/{id}", "/a/0"}, {"a", "GET", "/a/{id}", "/a/1"},
		{"a", "GET", "/a/b/{id}", "/a/b/1"}, {"b", "GET", "/b/{id}", ""}, {"b", "GET", "/b/{id}", "/b/1"}, {"c", "GET", "/c/{id}", "/c/1"}} {
		x := apispec.Endpoint{Group: e.group, Method: e.method, Path: e.path}
		if e.target != "" {
			x.Examples = []apispec.Example{{Target: e.target}, {Target: e.target + "2"}}
		}
		c.Endpoints = append(c.Endpoints, x)
	}
	if got := strings.Join(tries(c), " "); got != "/a/1 /b/1 /c/1" {
		t.Error(got)
	}
}

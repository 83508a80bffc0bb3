package dashboard

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// inline are elements within a line of text.
var inline = map[string]bool{"a": true, "strong": true, "em": true, "b": true, "i": true, "code": true, "kbd": true, "span": true, "small": true, "abbr": true, "time": true, "wbr": true}

func read(t *testing.T, body string) page {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	p := page{elems: map[string]int{}}
	var words strings.Builder
	for n := range root.Descendants() {
		switch n.Type {
		case html.ElementNode:
			p.elems[n.Data]++
			if !inline[n.Data] {
				words.WriteByte(' ')
			}
			for _, a := range n.Attr {
				if n.Data == "a" && a.Key == "href" {
					p.links = append(p.links, a.Val)
				}
				if strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s %s=%q>: data became a script", n.Data, a.Key, a.Val)
				}
			}
		case html.TextNode:
			if n.Parent.Data != "style" && n.Parent.Data != "script" {
				words.WriteString(n.Data)
			}
		}
	}
	p.text = strings.Join(strings.Fields(words.String()), " ")
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

func homePage(h status.Visit) func(*Pages, http.ResponseWriter, *http.Request) {
	return func(p *Pages, w http.ResponseWriter, r *http.Request) { p.Explorer(w, r, h) }
}

func networkPage(v status.Visit) func(*Pages, http.ResponseWriter, *http.Request) {
	return func(p *Pages, w http.ResponseWriter, r *http.Request) { p.Network(w, r, v) }
}

func far(km float64) *float64 { return &km }

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// full is a status with every field filled in, as a visitor from Tokyo to europe gets it.
func full() status.Visit {
	lastOK := noon.Add(-3 * time.Second)
	return status.Visit{
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

// The note says where the visitor is, and links to the map's URLs alone.
func TestNote(t *testing.T) {
	for _, c := range map[string]struct {
		change func(*status.Visit)
		says   string
		links  []string
	}{
		"another is nearer": {func(*status.Visit) {}, "You are on europe. Asia Pacific (Singapore) is nearer to Tokyo, Japan: 5,315 km, not 9,493 km. Go to asia. Use rest.example.org instead.",
			[]string{"http://asia.example.org/", "http://rest.example.org/?redirect=no"}},
		"this one":           {func(v *status.Visit) { v.Decision.Nearest = "europe" }, "You are on europe, the nearest to Tokyo, Japan. Use rest.example.org instead.", []string{"http://rest.example.org/?redirect=no"}},
		"unknown":            {func(v *status.Visit) { v.Decision.Nearest, v.Decision.Place = "europe", status.Place{} }, "You are on europe, the mirror for those whose place is not known.", nil},
		"unknown, elsewhere": {func(v *status.Visit) { v.Decision.Place = status.Place{} }, "You are on europe. Where you are is not known; visitors of unknown place go to Asia Pacific (Singapore). Go to asia.", []string{"http://asia.example.org/"}},
		"farther, by a rule": {func(v *status.Visit) { v.Decision.Candidates[0].DistanceKm = far(10000) }, "You are on europe. Asia Pacific (Singapore) is the mirror for Tokyo, Japan. Go to asia.", nil},
		"nobody":             {func(v *status.Visit) { v.Decision.Nearest = "" }, "You are on europe. No other mirror can be chosen at the moment.", nil},
		"chosen":             {func(v *status.Visit) { v.Canonical, v.Decision.Nearest = true, "europe" }, "the nearest to Tokyo, Japan. ×", nil},
		"stayed":             {func(v *status.Visit) { v.Canonical = true }, "Let rest.example.org choose.", []string{"http://rest.example.org/?redirect=force"}},
	} {
		v := full()
		c.change(&v)
		p := read(t, body(t, homePage(v)))
		p.says(t, c.says)
		for _, l := range c.links {
			if !p.linksTo(l) {
				t.Errorf("no link to %s in %q", l, p.links)
			}
		}
	}
}

// What was hidden stays hidden, until it would say something else.
func TestNoteHidden(t *testing.T) {
	v := full()
	for cookie, hidden := range map[string]bool{"europe.asia": true, "europe.europe": false, "": false} {
		r := httptest.NewRequest(http.MethodGet, "http://x.example/", nil)
		r.AddCookie(&http.Cookie{Name: noteCookie, Value: cookie})
		if got := noteFor(r, &v, "/", "").Hidden; got != hidden {
			t.Errorf("%q: hidden %v", cookie, got)
		}
	}
}

func TestProblems(t *testing.T) {
	for want, change := range map[string]func(*status.Visit){
		"":                          func(*status.Visit) {},
		"reaches no other region":   func(v *status.Visit) { v.Report.Isolated = true },
		"stored here or in another": func(v *status.Visit) { v.Report.Origins = v.Report.Origins[1:] },
		"has not since":             func(v *status.Visit) { v.Report.Origins, v.Catalogue = v.Report.Origins[1:], nil },
		"does not know the API's":   func(v *status.Visit) { v.Catalogue = nil },
		"being taken out":           func(v *status.Visit) { v.Report.State = "draining" },
	} {
		v := full()
		change(&v)
		if list := strings.Join(problems(&v), " "); want == "" && list != "" || !strings.Contains(list, want) {
			t.Errorf("%q: %q", want, list)
		}
	}
}

// Pages are whole with what this node serves, and may ask the map's regions.
func TestPolicy(t *testing.T) {
	w := ask(t, http.MethodGet, homePage(full()))
	const regions = " http://asia.example.org http://europe.example.org http://useast.example.org"
	const want = "default-src 'self'; connect-src 'self'" + regions + "; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'" + regions
	if got := w.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := policy([]status.Region{{URL: "https://x;script-src *"}, {URL: "javascript:alert(1)"}, {URL: "https://a.example/b"}}); strings.Contains(got, "script-src") || !strings.Contains(got, "https://a.example;") {
		t.Error(got)
	}
}

func TestAssets(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string, fields ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for i := 0; i < len(fields); i += 2 {
			r.Header.Set(fields[i], fields[i+1])
		}
		w := httptest.NewRecorder()
		p.Assets().ServeHTTP(w, r)
		return w
	}
	total := 0
	for name, f := range p.assets.files {
		url, err := p.assets.url(name)
		if err != nil {
			t.Fatal(err)
		}
		w := get(url)
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Type") != f.mediaType || w.Body.String() != string(f.plain) {
			t.Errorf("%s: %d %v", url, w.Code, w.Header())
		}
		z := get(url, "Accept-Encoding", "br;q=1, gzip;q=0.5")
		if z.Header().Get("Content-Encoding") != "gzip" || z.Body.String() != string(f.zipped) || z.Header().Get("ETag") == w.Header().Get("ETag") {
			t.Errorf("%s: %v", url, z.Header())
		}
		if again := get(url, "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s: %d", url, again.Code)
		}
		if other := get(AssetPath + "0123456789abcdef/" + name); other.Code != 200 || other.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s of another version: %d %v", name, other.Code, other.Header())
		}
		total += len(f.zipped)
	}
	if w := get(AssetPath + "x/none.js"); w.Code != 404 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if total > 150_000 {
		t.Errorf("%d bytes of assets, compressed; 150,000 are allowed", total)
	}
}

func TestGzip(t *testing.T) {
	for field, want := range map[string]bool{"": false, "gzip": true, "br, GZIP ; q=0.1": true, "gzip;q=0": false, "gzip;q=x": false, "br": false, "*": false} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", field)
		if got := acceptsGzip(r); got != want {
			t.Errorf("%q: %v", field, got)
		}
	}
}

// A node that knows nothing yet still shows whole pages.
func TestEmpty(t *testing.T) {
	for name, show := range map[string]func(*Pages, http.ResponseWriter, *http.Request){"explorer": homePage(status.Visit{}), "network": networkPage(status.Visit{})} {
		p := read(t, body(t, show))
		p.saysNot(t, "Go to", "instead", "<nil>", "%!", "0001-01-01")
		for _, l := range p.links {
			if !strings.HasPrefix(l, "/") && !strings.HasPrefix(l, "#") {
				t.Errorf("%s: a link to %q without a map", name, l)
			}
		}
	}
}

// Whatever a field holds is text: it makes no element, and no link that runs.
func TestEscaped(t *testing.T) {
	const bad = `</style></script><script>alert(1)</script><img src=x onerror="alert(1)">'"&`
	km := 1.0
	at := noon
	h := status.Visit{
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
	h.Catalogue.Endpoints = append(h.Catalogue.Endpoints, apispec.Endpoint{ID: bad, Group: bad, Method: "POST", Path: "/{" + bad + "}", Aliases: []string{bad}, Summary: bad, Description: bad, Formats: []string{bad},
		Params:   []apispec.Param{{Name: bad, In: apispec.InQuery, Type: apispec.Enum, Required: true, Default: bad, Allowed: []string{bad}, Aliases: []string{bad}, Description: bad, Examples: []string{bad}}, {Name: bad, In: bad, Type: bad}},
		Body:     &apispec.Body{ListOf: bad, Fields: []apispec.Param{{Name: bad, Type: bad, Description: bad}}},
		Examples: []apispec.Example{{Target: bad, ContentType: bad, Body: bad}, {Target: "javascript:alert(1)", ContentType: bad}}})
	endpoint := func(p *Pages, w http.ResponseWriter, r *http.Request) {
		q := url.QueryEscape(bad)
		r.URL.RawQuery = "endpoint=" + q + "&" + q + "=" + q + "&body." + q + "=" + q + "&content-type=" + q + "&q=" + q + "&other" + q + "=" + q
		p.Explorer(w, r, h)
	}
	for name, show := range map[string]func(*Pages, http.ResponseWriter, *http.Request){"home": homePage(h), "endpoint": endpoint, "network": networkPage(h)} {
		p := read(t, body(t, show))
		scripts := map[string]int{"endpoint": 2}[name]
		if p.elems["script"] != max(scripts, 1) || p.elems["img"] != 0 || p.elems["style"] != 0 || p.elems["main"] != 1 {
			t.Errorf("%s: data became elements: %v", name, p.elems)
		}
		if n := strings.Count(p.text, plain); n < 4 {
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
	for name, show := range map[string]func(*Pages, http.ResponseWriter, *http.Request){"home": homePage(full()), "network": networkPage(full())} {
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

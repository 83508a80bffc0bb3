package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"mirrornet/pkg/dashboard/worldmap"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

// world is a network with figures, troubles and a question.
func world() status.Visit {
	v := full()
	r := &v.Report
	for i, at := range [][2]float64{{1.35, 103.82}, {52.08, 0.19}, {39.04, -77.49}} {
		r.Regions[i].Location = &status.Location{Lat: at[0], Lon: at[1]}
	}
	r.Regions[0].Votes = "2 of 2 nodes see it"
	r.Nodes[0].Figures = &status.Figures{Window: 60, Requests: 10, P50: 0.31, P99: 41.2, Hits: map[string]float64{"lane": 0.5, "memory": 0.2, "memcached": 0.1},
		Decisions: []status.Count{{Reason: "asia is the nearest region", N: 1234}}, Memory: &status.CacheSize{Bytes: 12_300_000, Limit: 256_000_000, Entries: 4321},
		Memcached: &status.CacheSize{Down: true}, GeoIP: &status.GeoIP{Type: "GeoLite2-City", Built: noon.Add(-72 * time.Hour)}, Release: "114",
		Origins: []status.Origin{{Order: 1, State: "unreachable"}, {Order: 2, State: "serving"}}}
	r.Nodes = append(r.Nodes, status.Node{Name: "asia-2", Region: "asia", Membership: "alive", State: "draining", Revision: "r2", Since: noon.Add(-time.Minute),
		Figures: &status.Figures{Window: 60, Requests: 30, P99: 80, Hits: map[string]float64{"lane": 0.1}, Memory: &status.CacheSize{Bytes: 700_000, Entries: 1}, Refused: 2}},
		status.Node{Name: "useast-1", Region: "useast", Membership: "dead", State: "unreachable", Revision: "r2"})
	r.Nearest = map[string]region.Name{"JP": "asia", "AU": "asia", "GB": "europe", "DE": "europe", "FR": "europe"}
	r.Events = []status.Event{{Seq: 8, Time: noon.Add(-10 * time.Second), Kind: status.State, Region: "useast", Text: "useast is unreachable.", Detail: "10.0.0.9:7946"},
		{Seq: 7, Time: noon.Add(-3 * time.Minute), Kind: status.Joined, Node: "asia-2", Text: "asia-2 joined."}}
	return v
}

func networkAt(t *testing.T, query string, v status.Visit, o *status.Operators) (page, *html.Node) {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "http://x.example/network?"+query, nil)
	if o == nil {
		p.Network(w, r, v)
	} else {
		p.Operators(w, r, v, *o)
	}
	root, err := html.Parse(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return read(t, w.Body.String()), root
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// all finds elements that have each of the attributes; "" stands for any value.
func every(root *html.Node, name string, attrs ...string) (list []*html.Node) {
	for n := range root.Descendants() {
		ok := n.Type == html.ElementNode && n.Data == name
		for i := 0; ok && i < len(attrs); i += 2 {
			found := false
			for _, a := range n.Attr {
				found = found || a.Key == attrs[i] && (attrs[i+1] == "" || a.Val == attrs[i+1])
			}
			ok = found
		}
		if ok {
			list = append(list, n)
		}
	}
	return list
}

func the(t *testing.T, root *html.Node, name string, attrs ...string) *html.Node {
	t.Helper()
	list := every(root, name, attrs...)
	if len(list) != 1 {
		t.Fatalf("%d of <%s %q>, want 1", len(list), name, attrs)
	}
	return list[0]
}

func said(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func expect(t *testing.T, what, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q: %s", what, w, text)
		}
	}
}

// Tables, map and summary say what the report says.
func TestNetwork(t *testing.T) {
	p, root := networkAt(t, "", world(), nil)
	p.says(t, "As europe-1 in europe sees it, at 2026-11-24 12:00:00 UTC", "2 of 3 regions serving, 2 of 4 nodes.",
		"useast is unreachable: none of its nodes serving.", "You are in Tokyo, Japan; asia is the region for you.")
	for name, want := range map[string][]string{
		"asia":   {"asia Asia Pacific (Singapore)", "serving", "2 of 2", "40", "80 ms", "28 %", "161.3 ms", "2"},
		"europe": {"Europe (Hinxton)", "serving", "1 of 1", "not known", "here", "3"},
		"useast": {"unreachable", "none of its nodes serving", "0 of 1", "not known", "0"},
	} {
		row := the(t, the(t, root, "table", "id", "regions"), "tr", "data-region", name)
		expect(t, name, said(row), want...)
		m := the(t, the(t, root, "svg", "id", "map"), "a", "data-region", name)
		if state := said(every(row, "span", "class", "state "+attr(m, "data-state"))[0]); state != attr(m, "data-state") || !strings.Contains(said(m), state) || !strings.Contains(attr(m, "aria-label"), state) {
			t.Errorf("%s on the map: %s, %s; in the table %s", name, attr(m, "data-state"), said(m), state)
		}
	}
	nodes := the(t, root, "table", "id", "nodes")
	expect(t, "asia-1", said(the(t, nodes, "tr", "data-node", "asia-1")), "serving", "alive", "5 min", "r1 differs")
	expect(t, "useast-1", said(the(t, nodes, "tr", "data-node", "useast-1")), "dead")
	if row := said(the(t, nodes, "tr", "data-node", "asia-2")); strings.Contains(row, "differs") {
		t.Error("a revision that is the same is said to differ:", row)
	}
	events := every(the(t, root, "ol", "id", "events"), "li", "data-kind", "")
	if len(events) != 2 || attr(events[0], "data-kind") != "state" {
		t.Fatalf("%d events", len(events))
	}
	expect(t, "the first event", said(events[0]), "10 s ago", "useast is unreachable.")
	p.saysNot(t, "10.0.0.9")
	if japan := said(the(t, root, "path", "data-key", "JP")); japan != "Japan: asia" {
		t.Error(japan)
	}
	if n := len(every(root, "path", "data-key", "you")); n != 1 {
		t.Errorf("%d lines of the visitor's route", n)
	}
}

// A region in detail: its nodes, measure by measure, and what they are together.
func TestNetworkDetail(t *testing.T) {
	_, root := networkAt(t, "region=asia", world(), nil)
	d := the(t, root, "section", "id", "region-detail")
	rows := map[string]string{}
	for _, tr := range every(d, "tr") {
		if th := every(tr, "th", "scope", "row"); len(th) == 1 {
			rows[said(th[0])] = strings.TrimPrefix(said(tr), said(th[0])+" ")
		}
	}
	for name, want := range map[string]string{
		"State": "serving serving draining", "Seen by others": "2 of 2 nodes see it not known not known", "Revision": "they differ r1 r2", "Release": "114 114 not known",
		"Requests per second": "40 10 30", "Answered within, p50": "0.3 ms 0.3 ms not known", "Answered within, p99": "41 to 80 ms 41 ms 80 ms",
		"Hits": "28 % 80 % 10 %", "Hits in lane": "20 % 50 % 10 %", "Origin": "serving, the 2nd of them serving, the 2nd of them not known",
		"Memory": "13 MB of 256 MB 4,322 answers 12 MB of 256 MB 4,321 answers 700 kB 1 answer", "memcached": "– does not answer not known",
		"GeoIP": "– GeoLite2-City 3 days old not known", "asia is the nearest region": "1,234 1,234 0",
	} {
		if rows[name] != want {
			t.Errorf("%s: %q, want %q", name, rows[name], want)
		}
	}
	expect(t, "the region", said(d), "asia serving", "asia.example.org", "by a region file", "Nearest for 2 countries")
	if row := the(t, the(t, root, "table", "id", "regions"), "tr", "data-region", "asia"); attr(row, "class") != "on" {
		t.Error("the row is not marked")
	}
	p, root := networkAt(t, "region=nowhere", world(), nil)
	p.says(t, "There is no such region on the map of this node.")
	if d := the(t, root, "section", "id", "region-detail"); attr(d, "data-region") != "europe" {
		t.Errorf("%q instead of one that is not there", attr(d, "data-region"))
	}
}

func TestNetworkAsked(t *testing.T) {
	v := world()
	x := v.Decision
	v.Asked = &status.Asked{Addr: "133.39.1.1", Explanation: &x}
	p, root := networkAt(t, "region=asia&addr=133.39.1.1", v, nil)
	p.says(t, "133.39.1.1, in Tokyo, Japan, would be sent to asia: asia is the nearest region.")
	answer := the(t, root, "section", "id", "answer-route")
	expect(t, "asia", said(the(t, answer, "tr", "data-candidate", "asia")), "chosen", "5,315 km", "chosen by its rule")
	expect(t, "europe", said(the(t, answer, "tr", "data-candidate", "europe")), "9,493 km here farther")
	expect(t, "useast", said(the(t, answer, "tr", "data-candidate", "useast")), "unreachable", "not known")
	if chosen := every(answer, "tr", "data-chosen", ""); len(chosen) != 1 || attr(chosen[0], "data-candidate") != "asia" {
		t.Error("not one, asia, is chosen")
	}
	form := the(t, root, "form", "id", "ask")
	if got := attr(the(t, form, "input", "name", "addr"), "value"); got != "133.39.1.1" {
		t.Errorf("the field holds %q", got)
	}
	if got := attr(the(t, form, "input", "name", "region"), "value"); got != "asia" {
		t.Errorf("the selection becomes %q", got)
	}
	if link := attr(the(t, the(t, root, "svg", "id", "map"), "a", "data-region", "europe"), "href"); link != "/network?addr=133.39.1.1&region=europe#region-detail" {
		t.Errorf("the question is lost by %s", link)
	}
	v.Asked = &status.Asked{Addr: "x", Error: "addr is not an IP address"}
	_, root = networkAt(t, "", v, nil)
	if got := said(the(t, root, "p", "id", "ask-error")); got != "That is not an IP address" {
		t.Errorf("%q", got)
	}
	v.Asked = &status.Asked{Country: "NZ", Explanation: &status.Explanation{Action: "serve", Region: "europe", Nearest: "europe", Reason: "it is", Place: status.Place{Country: "NZ"}}}
	p, root = networkAt(t, "", v, nil)
	p.says(t, "A client in New Zealand would be served by europe: it is.")
	v.Asked = &status.Asked{Addr: "192.168.1.1", Explanation: &status.Explanation{Action: "serve", Region: "europe", Nearest: "europe", Reason: "this region is the nearest",
		Candidates: []status.Candidate{{Region: "europe", Chosen: true, Reason: "chosen as home"}}}}
	p, _ = networkAt(t, "", v, nil)
	p.says(t, "192.168.1.1, whose place is not known, would be served by europe: chosen as home.")
	if n := len(every(root, "option", "selected", "", "value", "NZ")) + len(every(root, "option", "value", "NZ")); n == 0 {
		t.Error("New Zealand is not to be chosen")
	}
}

// Questions in words.
func TestAskedSentence(t *testing.T) {
	tokyo, nowhere := status.Place{Country: "JP", City: "Tokyo"}, status.Place{}
	for want, a := range map[string]status.Asked{
		"192.0.2.1, in Tokyo, Japan, would be sent to asia: it is near.":            {Addr: "192.0.2.1", Explanation: &status.Explanation{Place: tokyo, Action: "redirect"}},
		"192.0.2.1, whose place is not known, would be served by asia: it is near.": {Addr: "192.0.2.1", Explanation: &status.Explanation{Place: nowhere, Action: "serve"}},
		"A client at 35.7° N, 139.7° E, in Japan, would be refused: it is near.":    {Point: &status.Location{Lat: 35.7, Lon: 139.7}, Explanation: &status.Explanation{Place: status.Place{Country: "JP"}, Action: "refuse"}},
		"A client at 1.0° S, 2.0° W would be answered through asia: it is near.":    {Point: &status.Location{Lat: -1, Lon: -2}, Explanation: &status.Explanation{Action: "proxy"}},
		"A client in Japan would be sent to asia: it is near.":                      {Country: "JP", Explanation: &status.Explanation{Place: status.Place{Country: "JP"}, Action: "redirect"}},
	} {
		a.Explanation.Region, a.Explanation.Reason = "asia", "it is near"
		if got := readAsked(&a).Sentence; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What operators' words, figures and questions hold is text.
func TestNetworkEscaped(t *testing.T) {
	const bad = `</title></svg><script>alert(1)</script><img src=x onerror="alert(1)">'"&` + "\u2028"
	v := world()
	r := &v.Report
	r.Regions[0] = status.Region{Name: bad, Title: bad, State: bad, Why: bad, Drained: bad, Votes: bad, Without: []string{bad}, URL: "javascript:alert(1)", Location: &status.Location{}}
	r.Nodes[0].Region, r.Nodes[0].Name, r.Nodes[0].Drained = bad, bad, bad
	r.Nodes[0].Figures = &status.Figures{Release: bad, GeoIP: &status.GeoIP{Type: bad}, Hits: map[string]float64{bad: 1}, Decisions: []status.Count{{Reason: bad, N: 1}}, Requests: 1, Origins: []status.Origin{{State: "serving", Without: []string{bad}}}}
	r.Nearest = map[string]region.Name{"JP": bad}
	r.Events = []status.Event{{Kind: bad, Text: bad, Detail: bad}}
	v.Asked = &status.Asked{Addr: bad, Country: bad, Error: bad, Explanation: &status.Explanation{Place: status.Place{Country: "JP"}, Reason: bad, Node: bad, Host: bad, Candidates: []status.Candidate{{Region: bad, Rule: bad + "x", Reason: bad}}}}
	o := status.Operators{RegionsFolder: bad, Problems: []string{bad}, Addresses: map[string]string{bad: bad}, Drains: []status.Drain{{Kind: bad, Name: bad, By: bad, Why: bad}}, Announcements: []status.Announcement{{Node: bad, Region: bad, Outcome: bad, Text: bad}}}
	p, root := networkAt(t, "region="+url.QueryEscape(bad), v, &o)
	if p.elems["script"] != 1 || p.elems["img"] != 0 || p.elems["svg"] != 2 || p.elems["main"] != 1 {
		t.Errorf("data became elements: %v", p.elems)
	}
	if d := the(t, root, "section", "id", "region-detail"); attr(d, "data-region") != bad {
		t.Errorf("not in detail: %q", attr(d, "data-region"))
	}
	if n := strings.Count(p.text, "<script>alert(1)</script>"); n < 25 {
		t.Errorf("%d of the texts are shown as they are", n)
	}
	for _, l := range p.links {
		if strings.HasPrefix(l, "javascript:") {
			t.Errorf("a link that runs: %s", l)
		}
	}
}

// What only operators may know stands on their page alone.
func TestOperators(t *testing.T) {
	o := status.Operators{RegionsFolder: "/etc/regions", Problems: []string{`asia.yaml:3:5: no field "serve"; write serves`}, Addresses: map[string]string{"asia-1": "10.0.0.7:8080"},
		Drains:        []status.Drain{{Kind: "region", Name: "useast", By: "europe-1", Why: "kernel", Until: noon.Add(time.Hour)}, {Kind: "node", Name: "gone-1", By: "asia-1", Until: noon}},
		Announcements: []status.Announcement{{Node: "x-1", Region: "x", Outcome: "refused", Text: "its URL is not among announced"}}}
	secret := []string{"/etc/regions", "asia.yaml:3:5", "10.0.0.7:8080", "10.0.0.9:7946", "kernel", "its URL is not among announced"}
	p, root := networkAt(t, "region=asia", world(), &o)
	p.says(t, secret...)
	for _, want := range [][]string{{"data-drain", "asia", "data-kind", "region"}, {"data-resume", "useast", "data-kind", "region"}, {"data-drain", "asia-1", "data-kind", "node"}, {"data-resume", "gone-1", "data-kind", "node"}} {
		if b := the(t, root, "button", want...); !strings.Contains(said(b), want[1]) {
			t.Errorf("%q does not say what it is about", said(b))
		}
	}
	the(t, root, "dialog", "id", "drain")
	public, root := networkAt(t, "region=asia", world(), nil)
	public.saysNot(t, secret...)
	if n := len(every(root, "button", "data-drain", "")) + len(every(root, "dialog")); n != 0 {
		t.Errorf("%d controls of operators on the public page", n)
	}
}

// The script asks for the page without what it has; the rest is the same.
func TestLivePart(t *testing.T) {
	_, whole := networkAt(t, "region=asia", world(), nil)
	_, part := networkAt(t, "region=asia&part=live", world(), nil)
	for _, n := range every(whole, "path", "data-key", "JP") {
		if attr(n, "d") == "" {
			t.Error("a map without land")
		}
	}
	for _, n := range every(part, "path", "data-key", "JP") {
		if attr(n, "d") != "" || attr(n, "fill") == "" {
			t.Error("land is sent again, or not shaded")
		}
	}
	ids := 0
	for n := range whole.Descendants() {
		if n.Type != html.ElementNode || len(every(n.Parent, n.Data, "data-live", "")) == 0 || attr(n, "id") == "" {
			continue
		}
		ids++
		other := the(t, part, n.Data, "id", attr(n, "id"))
		if said(other) != said(n) {
			t.Errorf("#%s: %q, the whole page has %q", attr(n, "id"), said(other), said(n))
		}
	}
	if ids < 10 {
		t.Errorf("%d parts are live", ids)
	}
}

// Nothing is written into the page that its policy would not let run.
func TestNothingInline(t *testing.T) {
	o := status.Operators{}
	for _, ops := range []*status.Operators{nil, &o} {
		_, root := networkAt(t, "", world(), ops)
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if n.Data == "style" || n.Data == "script" && attr(n, "src") == "" || attr(n, "style") != "" {
				t.Errorf("<%s %v>", n.Data, n.Attr)
			}
		}
		ids := map[string]bool{}
		for n := range root.Descendants() {
			if id := attr(n, "id"); id != "" {
				if ids[id] {
					t.Errorf("two elements are #%s", id)
				}
				ids[id] = true
			}
		}
	}
}

// The page and what only it loads are light.
func TestNetworkWeight(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/network", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	p.Network(w, r, world())
	total := w.Body.Len()
	for name, a := range p.assets.files {
		if strings.HasPrefix(name, "network") {
			total += len(a.zipped)
		}
	}
	if total > 60_000 {
		t.Errorf("%d bytes, compressed; want 60,000 at most", total)
	}
	t.Logf("%d bytes of HTML, %d with its assets", w.Body.Len(), total)
}

func TestSummary(t *testing.T) {
	for want, change := range map[string]func(*status.Report){
		"":                                    func(r *status.Report) {},
		"bad asia is unreachable: no answer.": func(r *status.Report) { r.Regions[0].State, r.Regions[0].Why = "unreachable", "no answer." },
		"warn asia is drained until noon.":    func(r *status.Report) { r.Regions[0].State, r.Regions[0].Drained = "draining", "until noon" },
		"warn asia cannot serve vep from its origins.": func(r *status.Report) { r.Regions[0].Without = []string{"vep"} },
		"warn asia-1, a node of asia, is dead.":        func(r *status.Report) { r.Nodes[0].Membership = "dead" },
		"warn No node reaches an origin.": func(r *status.Report) {
			for i := range r.Nodes {
				r.Nodes[i].NoOrigin = true
			}
		},
		"warn The memcached of asia-1 does not answer.": func(r *status.Report) {
			r.Nodes[0].Figures = &status.Figures{Memcached: &status.CacheSize{Down: true}}
		},
		"warn asia-1 reaches no origin.":                                                func(r *status.Report) { r.Nodes[0].NoOrigin = true },
		"warn Not all nodes run the same revision of the region map.":                   func(r *status.Report) { r.Nodes[0].Revision = "r1" },
		"warn Mistakes in region files are refused by asia-1. What ran before goes on.": func(r *status.Report) { r.Nodes[0].Figures = &status.Figures{Refused: 1} },
	} {
		r := full().Report
		r.Regions, r.Nodes[0].Revision = r.Regions[:2], "r2"
		change(&r)
		s := summarise(&r)
		if got := strings.TrimSpace(s.Worst + " " + strings.Join(s.List, " ")); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What has no column on a phone stands in a line; an event's day is said when it is
// another one.
func TestBrief(t *testing.T) {
	g := regionRow{Requests: measure{Known: true, Text: "4.0"}, P99: measure{Known: true, Text: "41 ms"}}
	if got := g.Brief(); got != "4.0 requests/s, p99 41 ms" {
		t.Errorf("%q", got)
	}
	n := nodeRow{Node: status.Node{Membership: "alive", Since: noon.Add(-time.Hour), RTT: 5, Revision: "r1"}, Differs: true}
	if got := n.Brief(noon); got != "alive for 60 min, 5.0 ms away, another revision" {
		t.Errorf("%q", got)
	}
	n = nodeRow{Node: status.Node{Membership: "dead", Since: noon}}
	if got := n.Brief(noon); got != "dead just now" {
		t.Errorf("%q", got)
	}
	v := networkView{Now: noon}
	for at, want := range map[time.Time]string{noon.Add(-time.Minute): "11:59:00", noon.Add(-13 * time.Hour): noon.Add(-13*time.Hour).Format("2 Jan") + " 23:00:00"} {
		if got := v.Clock(at); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestListed(t *testing.T) {
	for want, names := range map[string]string{"": "", "a": "a", "a and b": "a b", "a, b and c": "a b c", "a, b and 2 others": "a b c d"} {
		if got := listed(strings.Fields(names)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Labels lie neither on each other nor on a mark, and are on the map; few are
// left out.
func TestLabels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		middle := rapid.Float64Range(0, 1).Draw(t, "crowded")
		n := rapid.IntRange(1, 24).Draw(t, "spots")
		var spots []*spot
		for range n {
			p, err := geo.At(50+middle*rapid.Float64Range(-107, 34).Draw(t, "lat"), middle*rapid.Float64Range(-180, 180).Draw(t, "lon"))
			if err != nil {
				t.Fatal(err)
			}
			s := &spot{name: rapid.StringMatching(`[a-z]{1,30}`).Draw(t, "name"), word: rapid.SampledFrom([]string{"", "serving", "unreachable"}).Draw(t, "word"),
				room: "unreachable", pips: rapid.IntRange(0, 6).Draw(t, "pips"), fixed: rapid.IntRange(0, 9).Draw(t, "fixed") == 0}
			s.x, s.y = worldmap.Project(p)
			spots = append(spots, s)
		}
		apart(spots)
		for _, size := range []labelSize{wideLabels, narrowLabels} {
			place(spots, size, func(s *spot) *label { return &s.Wide })
			for i, s := range spots {
				l := s.Wide
				if !l.Shown {
					continue
				}
				if !l.box.onMap() {
					t.Fatalf("%s is off the map: %v", s.name, l.box)
				}
				for j, o := range spots {
					if l.box.overlaps(o.around(size.mark)) || i != j && o.Wide.Shown && l.box.overlaps(o.Wide.box) {
						t.Fatalf("%s %v lies on %s %v", s.name, l.box, o.name, o.Wide.box)
					}
				}
			}
		}
	})
}

// The regions of a network that is spread over the world are all named.
func TestLabelsOfTwelve(t *testing.T) {
	for _, size := range []labelSize{wideLabels, narrowLabels} {
		var spots []*spot
		for _, line := range strings.Split("africa -1.29 36.82,asia 1.35 103.8,australia -33.87 151.2,europe 52.08 0.18,frankfurt 50.1 8.68,india 19.07 72.87,japan 35.68 139.7,"+
			"nordic 59.33 18.06,paris 48.85 2.35,southamerica -23.55 -46.63,useast 39.04 -77.49,uswest 45.5 -122.7", ",") {
			var name string
			var lat, lon float64
			fmt.Sscan(line, &name, &lat, &lon)
			p, _ := geo.At(lat, lon)
			s := &spot{name: name, word: "serving", room: "unreachable", pips: 2}
			s.x, s.y = worldmap.Project(p)
			spots = append(spots, s)
		}
		apart(spots)
		place(spots, size, func(s *spot) *label { return &s.Wide })
		for _, s := range spots {
			if !s.Wide.Shown {
				t.Errorf("%v: %s has no label", size, s.name)
			}
		}
	}
}

// The script finds the place of a click where worldmap has drawn it.
func TestProjectionOfScript(t *testing.T) {
	program, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("the script is not run: %v", err)
	}
	assets, err := filepath.Abs("assets")
	if err != nil {
		t.Fatal(err)
	}
	const ask = "const {place} = await import(process.argv[1] + '/network-projection.js');" +
		"const list = []; for (let x = 0; x <= 1000; x += 50) for (let y = 0; y <= 555; y += 37) list.push([x, y, ...place(x, y)]); console.log(JSON.stringify(list))"
	out, err := exec.Command(program, "--experimental-default-type=module", "--no-warnings", "--input-type=module", "-e", ask, assets).Output()
	if err != nil {
		t.Fatal(err)
	}
	var list [][4]float64
	if err := json.Unmarshal(out, &list); err != nil || len(list) != 21*16 {
		t.Fatalf("%d places, %v", len(list), err)
	}
	for _, at := range list {
		if p := worldmap.At(at[0], at[1]); math.Abs(p.Lat()-at[2]) > 1e-9 || math.Abs(p.Lon()-at[3]) > 1e-9 {
			t.Errorf("at %v, %v: %v; the script says %v, %v", at[0], at[1], p, at[2], at[3])
		}
	}
}

// The shortest way between two places does not run across the map.
func TestGreatCircle(t *testing.T) {
	tokyo, _ := geo.At(35.7, 139.7)
	oregon, _ := geo.At(45.5, -122.7)
	for _, path := range []string{greatCircle(tokyo, oregon), greatCircle(oregon, tokyo)} {
		if strings.Count(path, "M") != 2 {
			t.Errorf("%s: want it cut once, at 180°", path)
		}
	}
	if path := greatCircle(tokyo, tokyo); strings.Contains(path, "NaN") || !strings.HasPrefix(path, "M") {
		t.Error(path)
	}
}

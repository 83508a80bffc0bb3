package route

import (
	"fmt"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
)

func TestNavigation(t *testing.T) {
	const chromium = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, tt := range []struct {
		method string
		fields string // "Name: value|Name: value"
		want   bool
	}{
		{"GET", "Sec-Fetch-Mode: navigate|Accept: " + chromium, true},
		{"HEAD", "Sec-Fetch-Mode: navigate", true},
		{"GET", "Sec-Fetch-Mode: Navigate|X-Requested-With: x", true},
		{"POST", "Sec-Fetch-Mode: navigate|Accept: text/html", false},
		{"PUT", "Accept: text/html", false},
		{"GET", "Sec-Fetch-Mode: cors|Accept: text/html", false},
		{"GET", "Sec-Fetch-Mode: no-cors|Accept: " + chromium, false},
		{"GET", "Accept: " + chromium, true},
		{"GET", "Accept: Text/HTML;q=0.9", true},
		{"HEAD", "Accept:  text/html ", true},
		{"GET", "Accept: text/html|X-Requested-With: XMLHttpRequest", false},
		{"GET", "Accept: application/json, text/html", false},
		{"GET", "Accept: text/htmlx", false},
		{"GET", "Accept: */*", false},
		{"GET", "Accept: ", false},
		{"GET", "", false},
		{"", "Sec-Fetch-Mode: navigate", false},
	} {
		h := http.Header{}
		for field := range strings.SplitSeq(tt.fields, "|") {
			if name, value, ok := strings.Cut(field, ":"); ok {
				h.Add(name, strings.TrimPrefix(value, " "))
			}
		}
		if got := Navigation(tt.method, h); got != tt.want {
			t.Errorf("Navigation(%s, %v) = %v", tt.method, h, got)
		}
	}
}

func TestHostname(t *testing.T) {
	for host, want := range map[string]string{
		"rest.example.org": "rest.example.org", "rest.example.org:8080": "rest.example.org", "[2001:db8::1]:80": "2001:db8::1",
		"[2001:db8::1]": "2001:db8::1", "": "", ":80": "", "[": "", "[]": "", "a:b:c": "a",
	} {
		if got := hostname(host); got != want {
			t.Errorf("hostname(%q) = %q, want %q", host, got, want)
		}
	}
}

var names = []region.Name{"africa", "asia", "europe", "oceania", "useast"}

func drawRules(t *rapid.T, label string, sparse bool) (r region.Rules) {
	some := func(what string) int {
		if sparse && rapid.IntRange(0, 3).Draw(t, label+what+"?") > 0 {
			return 0
		}
		return 2
	}
	draw := func(what string, from []string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(from), 0, some(what)).Draw(t, label+what)
	}
	r.Continents = draw("continents", []string{"AF", "AS", "EU", "NA"})
	r.Countries = draw("countries", []string{"JP", "GB", "ZA", "US"})
	for _, p := range draw("networks", []string{"10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "0.0.0.0/0"}) {
		r.Networks = append(r.Networks, netip.MustParsePrefix(p))
	}
	r.ASNs = rapid.SliceOfN(rapid.SampledFrom([]uint32{64500, 64501}), 0, some("asns")).Draw(t, label+"asns")
	return r
}

func drawPoint(t *rapid.T, label string) geo.Point {
	// Few values, so that distances tie.
	p, err := geo.At(rapid.SampledFrom([]float64{-90, -30, 0, 30, 52}).Draw(t, label+"lat"),
		rapid.SampledFrom([]float64{-180, -77, 0, 104, 180}).Draw(t, label+"lon"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func drawRegions(t *rapid.T) (regions []region.Region) {
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, len(names), rapid.ID).Draw(t, "regions") {
		regions = append(regions, region.Region{
			Name: name, URL: "https://" + string(name) + ".example.org", Location: drawPoint(t, string(name)),
			Serves: drawRules(t, string(name)+" serves ", false), Avoid: drawRules(t, string(name)+" avoids ", true),
			State: rapid.SampledFrom([]region.State{"", "", "", region.Canary, region.Draining, region.Retired}).Draw(t, "state"),
			Share: rapid.IntRange(0, 100).Draw(t, "share"),
		})
	}
	return regions
}

func newMap(t interface{ Fatal(...any) }, network region.Network, regions []region.Region) *region.Map {
	m, err := region.NewMap(network, regions...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func drawWorld(t *rapid.T) (World, region.Network, []region.Region) {
	regions := drawRegions(t)
	network := region.Network{Canonical: []string{"https://rest.example.org"}, Home: regions[0].Name,
		Navigation: rapid.SampledFrom([]string{"redirect", "redirect", "serve"}).Draw(t, "navigation"),
		API:        rapid.SampledFrom([]string{"serve", "proxy", "redirect"}).Draw(t, "api")}
	w := World{Map: newMap(t, network, regions), Self: rapid.SampledFrom(names).Draw(t, "self"),
		Status: map[region.Name]Status{}, RTT: map[region.Name]time.Duration{}, Isolated: rapid.IntRange(0, 9).Draw(t, "isolated") == 9}
	for _, name := range names {
		switch rapid.IntRange(0, 5).Draw(t, "status of "+string(name)) {
		case 4:
		case 5:
			w.Status[name] = Status{Why: "down"}
		default:
			w.Status[name] = Status{Serving: true, Nodes: 1, Overloaded: rapid.IntRange(0, 4).Draw(t, "overloaded") == 4}
		}
		w.RTT[name] = time.Duration(rapid.IntRange(0, 3).Draw(t, "rtt")) * 50 * time.Millisecond
	}
	return w, network, regions
}

func drawQuery(t *rapid.T) Query {
	q := Query{
		Host: rapid.SampledFrom([]string{"rest.example.org", "rest.example.org", "rest.example.org", "REST.example.org:8443", "asia.example.org", "europe.example.org:80",
			"10.0.0.1:8080", "", "[::1]:80"}).Draw(t, "host"),
		Method:     rapid.SampledFrom([]string{"GET", "GET", "GET", "HEAD", "POST"}).Draw(t, "method"),
		Navigation: rapid.Bool().Draw(t, "navigation"), Stay: rapid.IntRange(0, 3).Draw(t, "stay") == 3, Force: rapid.IntRange(0, 3).Draw(t, "force") == 3,
		Forwarded: rapid.IntRange(0, 7).Draw(t, "forwarded") == 7,
		Prefer:    rapid.SliceOfN(rapid.SampledFrom(append(names, "nowhere")), 0, 2).Draw(t, "prefer"),
		Avoid:     rapid.SliceOfN(rapid.SampledFrom(append(names, "nowhere")), 0, 2).Draw(t, "avoid"),
	}
	if c := rapid.SampledFrom([]string{"", "10.0.0.1", "10.1.0.1", "::ffff:10.1.0.1", "192.0.2.1", "2001:db8::1", "fe80::1%eth0"}).Draw(t, "client"); c != "" {
		q.Client = netip.MustParseAddr(c)
	}
	q.Place = geo.Place{Country: rapid.SampledFrom([]string{"", "JP", "GB", "ZA", "US", "ZZ"}).Draw(t, "country"),
		Continent:  rapid.SampledFrom([]string{"", "", "AS", "AF"}).Draw(t, "continent"),
		AccuracyKm: rapid.SampledFrom([]int{0, 20, 500, 1000}).Draw(t, "accuracy"), ASN: rapid.SampledFrom([]uint32{0, 64500}).Draw(t, "asn")}
	if rapid.Bool().Draw(t, "point") {
		q.Place.Point = drawPoint(t, "client ")
	}
	return q
}

// What must hold of every decision.
func TestProperties(t *testing.T) {
	actions := map[Action]int{}
	check := func(t *rapid.T, w World, network region.Network, regions []region.Region, q Query) {
		d := Compile(w).Explain(q)
		actions[d.Action]++

		serving := func(name region.Name) bool {
			st, known := w.Status[name]
			return st.Serving || !known && name == w.Self
		}
		if (d.Action == Redirect || d.Action == Proxy) && (d.Region == w.Self || !serving(d.Region)) {
			t.Fatalf("%s to %s, which is not another serving region", d.Action, d.Region)
		}
		if d.Action == Serve && d.Region != w.Self || d.Action == Refuse || d.Reason() == "" {
			t.Fatalf("decision %+v", d)
		}
		if d.Nearest != "" && !serving(d.Nearest) {
			t.Fatalf("nearest %s is not serving", d.Nearest)
		}
		if d.Action != Serve && (q.Forwarded || w.Isolated) {
			t.Fatalf("%s of a forwarded request or by an isolated node", d.Action)
		}
		if d.Action == Redirect {
			r, _ := w.Map.Region(d.Region)
			switch {
			case q.Method != "GET" && q.Method != "HEAD":
				t.Fatalf("a %s was redirected", q.Method)
			case q.Stay && !q.Force:
				t.Fatal("a client that wants to stay was redirected")
			case d.HostKind != region.Canonical:
				t.Fatal("a redirect from a regional name")
			case d.Region != d.Nearest || d.URL != r.URL:
				t.Fatalf("redirect to %s (%s), nearest %s", d.Region, d.URL, d.Nearest)
			case slices.Contains(q.Avoid, d.Region):
				t.Fatalf("redirect to %s, which the client avoids", d.Region)
			}
			// There the same request, by the region's own name, is answered.
			there, again := w, q
			there.Self, again.Host = d.Region, r.Host
			if e := Compile(there).Explain(again); e.Action != Serve || e.Region != d.Region {
				t.Fatalf("redirected to %s, which says %s %s", d.Region, e.Action, e.Region)
			}
		}
		if d.Action == Proxy {
			there, again := w, q
			there.Self, again.Forwarded = d.Region, true
			if e := Compile(there).Explain(again); e.Action != Serve {
				t.Fatalf("passed to %s, which says %s %s", d.Region, e.Action, e.Region)
			}
		}

		// Every region of the map once, each with its reason, the chosen in front.
		var seen []region.Name
		for i, c := range d.Candidates {
			seen = append(seen, c.Region)
			if c.Reason == "" || c.Serving != serving(c.Region) || c.Chosen != (c.Region == d.Nearest) || c.Chosen && i != 0 {
				t.Fatalf("candidate %d of nearest %q: %+v", i, d.Nearest, c)
			}
		}
		slices.Sort(seen)
		var all []region.Name
		for _, r := range w.Map.Regions() {
			all = append(all, r.Name)
		}
		if !slices.Equal(seen, all) {
			t.Fatalf("candidates %v of regions %v", seen, all)
		}

		// The order of the files does not matter.
		shuffled := w
		shuffled.Map = newMap(t, network, rapid.Permutation(regions).Draw(t, "permutation"))
		if e := Compile(shuffled).Explain(q); !reflect.DeepEqual(d, e) {
			t.Fatalf("with other order\n%+v, before\n%+v", e, d)
		}
		// A region that does not serve changes nothing for the others.
		more := w
		more.Map = newMap(t, network, append(slices.Clone(regions), region.Region{Name: "zulu", URL: "https://zulu.example.org", Location: regions[0].Location}))
		if e := Compile(more).Explain(q); e.Action != d.Action || e.Region != d.Region || e.Nearest != d.Nearest {
			t.Fatalf("one more silent region made\n%+v of\n%+v", e, d)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		w, network, regions := drawWorld(t)
		q := drawQuery(t)
		check(t, w, network, regions, q)
		// The same client with a request that may be redirected: few are.
		q.Host, q.Method, q.Navigation, q.Stay, q.Forwarded = "rest.example.org", "GET", true, false, false
		check(t, w, network, regions, q)
	})
	for _, a := range []Action{Serve, Redirect, Proxy} {
		if actions[a] == 0 {
			t.Errorf("no decision was %s: the worlds drawn are too few", a)
		}
	}
}

// A region with an avoid rule for the client is never chosen for it, whatever
// the client wishes.
func TestAvoidHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, network, regions := drawWorld(t)
		q := drawQuery(t)
		q.Place.Country = "JP"
		i := rapid.IntRange(0, len(regions)-1).Draw(t, "which")
		regions[i].Avoid.Countries = []string{"JP"}
		w.Map = newMap(t, network, regions)
		q.Prefer = []region.Name{regions[i].Name}
		d := Compile(w).Explain(q)
		if d.Nearest == regions[i].Name || d.Action == Redirect && d.Region == regions[i].Name {
			t.Fatalf("%s was chosen: %+v", regions[i].Name, d)
		}
	})
}

// The share of a canary is about right, the same for all of a network, and
// grows without taking anybody out.
func TestCanaryShare(t *testing.T) {
	drawn := func(share int, client netip.Addr) bool {
		return inShare(&region.Region{Name: "tokyo", Share: share}, client)
	}
	const clients = 20000
	count := 0
	for i := range clients {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})
		in := drawn(5, a)
		if in {
			count++
		}
		if b := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 254}); drawn(5, b) != in {
			t.Fatalf("%s and %s are on two sides", a, b)
		}
		if in && !drawn(50, a) || drawn(0, a) || !drawn(100, a) {
			t.Fatalf("%s: in 5 %%: %v, 50 %%: %v, none: %v, all: %v", a, in, drawn(50, a), drawn(0, a), drawn(100, a))
		}
	}
	if count < clients*4/100 || count > clients*6/100 {
		t.Errorf("%d of %d clients in 5 %%", count, clients)
	}
	if drawn(100, netip.Addr{}) {
		t.Error("a client without an address was drawn")
	}
}

func FuzzDecide(f *testing.F) {
	f.Add("rest.example.org", "GET", "10.0.0.1", "JP", "AS", "asia")
	f.Add("[::1]:80", "POST", "2001:db8::1%eth0", "ZZ", "", "")
	m := newMap(f, region.Network{Canonical: []string{"https://rest.example.org"}, Home: "asia"},
		[]region.Region{{Name: "asia", URL: "https://asia.example.org", Location: mustAt(f, 1, 104)}, {Name: "europe", URL: "https://europe.example.org", Location: mustAt(f, 52, 0)}})
	f.Fuzz(func(t *testing.T, host, method, client, country, continent, prefer string) {
		a, _ := netip.ParseAddr(client)
		q := Query{Host: host, Method: method, Client: a, Place: geo.Place{Country: country, Continent: continent}, Prefer: []region.Name{region.Name(prefer)}, Navigation: true}
		d := Compile(World{Map: m, Self: "europe", Status: map[region.Name]Status{"asia": {Serving: true}}}).Explain(q)
		if d.Action == Redirect && (d.URL != "https://asia.example.org" || method != "GET" && method != "HEAD") {
			t.Errorf("%+v", d)
		}
	})
}

func mustAt(t interface{ Fatal(...any) }, lat, lon float64) geo.Point {
	p, err := geo.At(lat, lon)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{3, 30} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := World{Self: "r0", Status: map[region.Name]Status{}}
			var regions []region.Region
			for i := range n {
				name := region.Name(fmt.Sprint("r", i))
				regions = append(regions, region.Region{Name: name, URL: "https://" + string(name) + ".example.org",
					Location: mustAt(b, float64(i), float64(2*i)), Serves: region.Rules{Continents: []string{"AS"}}})
				w.Status[name] = Status{Serving: true}
			}
			w.Map = newMap(b, region.Network{Canonical: []string{"https://rest.example.org"}, Home: "r0"}, regions)
			q := Query{Host: "rest.example.org", Method: "GET", Navigation: true, Client: netip.MustParseAddr("192.0.2.1"),
				Place: geo.Place{Country: "JP", Continent: "AS", Point: mustAt(b, 35, 139)}}
			b.ReportAllocs()
			for b.Loop() {
				Compile(w).Explain(q)
			}
		})
	}
}

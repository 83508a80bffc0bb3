package route

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
)

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
	for _, p := range draw("networks", []string{"10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/24", "192.0.2.1/32", "2001:db8::/32", "2001:db8::1/128", "0.0.0.0/0", "::/0"}) {
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
			w.Status[name] = Status{Serving: true, Nodes: 1, Overloaded: rapid.IntRange(0, 4).Draw(t, "overloaded") == 4,
				Spill: rapid.SampledFrom([]int{0, 0, 50, 100}).Draw(t, "spill"), NoV4: seldom(t, "NoV4"), NoV6: seldom(t, "NoV6"),
				Without:  rapid.SampledFrom([][]string{nil, nil, {"sequence"}, {"lookup", "sequence"}}).Draw(t, "without"),
				Draining: rapid.SampledFrom([]string{"", "", "", "", "until 14:05 UTC, by asia-1: disks"}).Draw(t, "draining")}
		}
		w.RTT[name] = time.Duration(rapid.IntRange(0, 3).Draw(t, "rtt")) * 50 * time.Millisecond
	}
	if rapid.Bool().Draw(t, "client round trips?") {
		known := trips{}
		for _, client := range clients {
			for _, name := range names {
				if rapid.Bool().Draw(t, "known") {
					known[measurement{networkOf(client.Unmap()), name}] = time.Duration(rapid.IntRange(1, 12).Draw(t, "client rtt")) * 8 * time.Millisecond
				}
			}
		}
		w.Clients = known
	}
	return w, network, regions
}

func seldom(t *rapid.T, label string) bool { return rapid.IntRange(0, 7).Draw(t, label) == 7 }

var clients = []netip.Addr{{}, addr("10.0.0.1"), addr("10.1.0.1"), addr("::ffff:10.1.0.1"), addr("192.0.2.1"), addr("2001:db8::1"), addr("fe80::1%eth0")}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func drawQuery(t *rapid.T) Query {
	q := Query{
		Host: rapid.SampledFrom([]string{"rest.example.org", "rest.example.org", "rest.example.org", "REST.example.org:8443", "asia.example.org", "europe.example.org:80",
			"10.0.0.1:8080", "", "[::1]:80"}).Draw(t, "host"),
		Method:     rapid.SampledFrom([]string{"GET", "GET", "GET", "HEAD", "POST"}).Draw(t, "method"),
		Navigation: rapid.Bool().Draw(t, "navigation"), Stay: rapid.IntRange(0, 3).Draw(t, "stay") == 3, Force: rapid.IntRange(0, 3).Draw(t, "force") == 3,
		Forwarded: seldom(t, "forwarded"), Class: rapid.SampledFrom([]string{"", "", "lookup", "sequence"}).Draw(t, "class"),
		Prefer: rapid.SliceOfN(rapid.SampledFrom(append(names, "nowhere")), 0, 2).Draw(t, "prefer"),
		Avoid:  rapid.SliceOfN(rapid.SampledFrom(append(names, "nowhere")), 0, 2).Draw(t, "avoid"),
	}
	q.Client = rapid.SampledFrom(clients).Draw(t, "client")
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
		if got, want := printed(Compile(shuffled).Explain(q)), printed(d); got != want {
			t.Fatalf("with other order\n%s, before\n%s", got, want)
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

package route

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
)

// inHundred is the draw of a client's network, from its definition: two numbers
// mixed by SplitMix64, scaled to 0–99.
func inHundred(name region.Name, purpose int, client netip.Addr) (int, bool) {
	if !client.IsValid() {
		return 0, false
	}
	split := func(x uint64) uint64 {
		x ^= x >> 30
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 27
		x *= 0x94d049bb133111eb
		return x ^ x>>31
	}
	var network uint64
	if b := client.AsSlice(); len(b) == 4 {
		network = 1<<32 | uint64(b[0])<<16 | uint64(b[1])<<8 | uint64(b[2])
	} else {
		network = 1<<63 | binary.BigEndian.Uint64(append([]byte{0, 0}, b[:6]...))
	}
	sum := sha256.Sum256([]byte(name))
	x := split(binary.BigEndian.Uint64(sum[8*purpose:]) ^ split(network))
	return int(float64(x>>11) / (1 << 53) * 100), true
}

// oracle names the nearest region, step by step as the design says it, without
// orders, stretches or anything kept.
func oracle(w World, regions []region.Region, home region.Name, q Query) region.Name {
	client := q.Client.Unmap().WithZone("")
	continent := q.Place.Continent
	if continent == "" {
		continent = geo.ContinentOf(q.Place.Country)
	}
	point := q.Place.Point
	if at, ok := geo.CountryPoint(q.Place.Country); ok && (!point.Valid() || q.Place.AccuracyKm >= 500) {
		point = at
	}
	// How specific: 0 no rule, 1 continent, 2 country, 3 asn, 4 + bits network.
	specific := func(r region.Rules) (n int) {
		if slices.Contains(r.Continents, continent) {
			n = 1
		}
		if slices.Contains(r.Countries, q.Place.Country) {
			n = 2
		}
		if q.Place.ASN != 0 && slices.Contains(r.ASNs, q.Place.ASN) {
			n = 3
		}
		for _, p := range r.Networks {
			if p.Contains(client) {
				n = max(n, 4+p.Bits())
			}
		}
		return n
	}
	type candidate struct {
		name  region.Name
		group [4]int // equal in all: only place decides
		place [3]float64
	}
	var list []candidate
	for _, r := range regions {
		st, known := w.Status[r.Name]
		if !known && r.Name == w.Self {
			st.Serving = true
		}
		wish := slices.Index(q.Prefer, r.Name)
		share, drawable := inHundred(r.Name, 0, client)
		switch {
		case !st.Serving, st.Draining != "", r.State == region.Draining, r.State == region.Retired,
			w.Isolated && r.Name != w.Self, specific(r.Avoid) > 0, slices.Contains(q.Avoid, r.Name),
			q.Class != "" && slices.Contains(st.Without, q.Class),
			client.Is4() && st.NoV4, client.Is6() && st.NoV6,
			r.State == region.Canary && wish < 0 && (!drawable || share >= r.Share):
			continue
		}
		c := candidate{name: r.Name}
		if wish < 0 {
			wish = len(q.Prefer)
		}
		c.group[0], c.group[3] = wish, -specific(r.Serves)
		if st.Overloaded {
			c.group[1] = 1
		}
		if n, ok := inHundred(r.Name, 1, client); ok && n < st.Spill {
			c.group[2] = 1
		}
		if !point.Valid() {
			c.place = [3]float64{1, 1, 0}
			if r.Name == home {
				c.place[0] = 0
			}
			if r.Name == w.Self {
				c.place[1] = 0
			}
		} else {
			c.place[2] = point.DistanceKm(r.Location)
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return ""
	}
	slices.SortFunc(list, func(a, b candidate) int {
		if c := slices.Compare(a.group[:], b.group[:]); c != 0 {
			return c
		}
		if c := slices.Compare(a.place[:], b.place[:]); c != 0 {
			return c
		}
		if a.name < b.name {
			return -1
		}
		return 1
	})
	best := list[0]
	if w.Clients == nil || !client.IsValid() {
		return best.name
	}
	own, least, name := w.Clients.RoundTrip(client, best.name), time.Duration(math.MaxInt64), best.name
	for _, c := range list[1:] {
		if rtt := w.Clients.RoundTrip(client, c.name); rtt > 0 && rtt < least && c.group == best.group {
			least, name = rtt, c.name
		}
	}
	if own > 0 && own-least >= 10*time.Millisecond && float64(least) <= float64(own)*2/3 {
		return name
	}
	return best.name
}

// Decide and Explain are one ranking, and it is the oracle's, whatever a Router
// has kept from other worlds and clients.
func TestOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, network, regions := drawWorld(t)
		r := Compile(w)
		for range 3 {
			for range 4 {
				q := drawQuery(t)
				for range 2 {
					e, d := r.Explain(q), r.Decide(q)
					if d != e.Decision || d.Reason() != e.Reason() {
						t.Fatalf("decided\n%+v, explained\n%+v", d, e.Decision)
					}
					if want := oracle(w, regions, network.Home, q); d.Nearest != want {
						t.Fatalf("nearest %q, want %q:\n%s", d.Nearest, want, printed(e))
					}
				}
			}
			other, _, _ := drawWorld(t)
			other.Map, other.Self = w.Map, w.Self
			w, r = other, r.Recompile(other)
		}
	})
}

// What changes of a region moves nobody but to or from it.
func TestOnlyWhatShouldChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, network, regions := drawWorld(t)
		w.Clients = nil // a round trip counts against that of the first by place, who may change
		q := drawQuery(t)
		before := Compile(w).Decide(q).Nearest
		i := rapid.IntRange(0, len(regions)-1).Draw(t, "which")
		changed := regions[i].Name

		// It fails.
		failed := w
		failed.Status = map[region.Name]Status{}
		for name, st := range w.Status {
			failed.Status[name] = st
		}
		failed.Status[changed] = Status{Why: "down"}
		if after := Compile(failed).Recompile(failed).Decide(q).Nearest; before != changed && after != before || after == changed {
			t.Fatalf("%s failed, and the client of %q goes to %q", changed, before, after)
		}

		// It gets a rule.
		regions = slices.Clone(regions)
		rules := &regions[i].Serves
		if rapid.Bool().Draw(t, "avoid") {
			rules = &regions[i].Avoid
		}
		matches := false
		switch p := netip.MustParsePrefix(rapid.SampledFrom([]string{"10.0.0.0/9", "10.1.0.0/24", "2001:db8::/48"}).Draw(t, "network")); rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			rules.Networks = append(slices.Clone(rules.Networks), p)
			matches = p.Contains(q.Client.Unmap().WithZone(""))
		case 1:
			rules.Countries = append(slices.Clone(rules.Countries), "JP")
			matches = q.Place.Country == "JP"
		case 2:
			rules.ASNs = append(slices.Clone(rules.ASNs), 64500)
			matches = q.Place.ASN == 64500
		}
		w.Map = newMap(t, network, regions)
		after := Compile(w).Decide(q).Nearest
		if after != before && (!matches || before != changed && after != changed) {
			t.Fatalf("%s has a rule more (it matches: %v), and the client of %q goes to %q", changed, matches, before, after)
		}
	})
}

func TestNetworks(t *testing.T) {
	texts := []string{"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "10.1.2.0/24", "10.1.2.3/32", "255.255.255.0/24", "255.255.255.255/32", "0.0.0.0/32",
		"::/0", "2001:db8::/32", "2001:db8::/48", "2001:db8:0:1::/64", "2001:db8::8000:0:0:0/65", "2001:db8::1/128", "ffff::/16",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "ffff:ffff:ffff:ffff::/64", "::/128"}
	rapid.Check(t, func(t *rapid.T) {
		var regions []region.Region
		var all []netip.Prefix
		for range rapid.IntRange(0, 4).Draw(t, "regions") {
			var r region.Region
			for _, list := range []*[]netip.Prefix{&r.Serves.Networks, &r.Avoid.Networks} {
				for _, text := range rapid.SliceOfN(rapid.SampledFrom(texts), 0, 5).Draw(t, "networks") {
					p := netip.MustParsePrefix(text)
					*list, all = append(*list, p), append(all, p)
				}
			}
			regions = append(regions, r)
		}
		n := compileNetworks(regions)
		var probes []netip.Addr
		for _, p := range append(all, netip.MustParsePrefix("10.1.2.3/31"), netip.MustParsePrefix("2001:db9::/32")) {
			first := p.Masked().Addr()
			probes = append(probes, p.Addr(), first, first.Prev())
			// The last inside and the first behind.
			last := first.AsSlice()
			for i := p.Bits(); i < 8*len(last); i++ {
				last[i/8] |= 0x80 >> (i % 8)
			}
			a, _ := netip.AddrFromSlice(last)
			probes = append(probes, a, a.Next())
		}
		for _, a := range append(probes, netip.Addr{}) {
			want := netip.Prefix{}
			for _, p := range all {
				if p.Contains(a) && (!want.IsValid() || p.Bits() > want.Bits()) {
					want = p
				}
			}
			got := netip.Prefix{}
			if i := n.find(a); i >= 0 {
				got = n.list[i].prefix
			}
			if got != want {
				t.Fatalf("%s is in %s, want %s", a, got, want)
			}
		}
	})
}

// More places than are kept, each asked for again and again.
func TestManyPlaces(t *testing.T) {
	w, queries := benchWorld(t, 12)
	w.Clients = nil
	r := Compile(w)
	for i := range 3 * slots {
		q := queries[i%len(queries)]
		at := i * 7919 % (2 * slots)
		q.Place.Point, q.Place.AccuracyKm = mustAt(t, float64(at%1700)/10-85, float64(at%3500)/10-175), 20
		if got, want := r.Decide(q).Nearest, oracle(w, w.Map.Regions(), "r0", q); got != want {
			t.Fatalf("%+v: nearest %q, want %q", q, got, want)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	w, clients := benchWorld(t, 30)
	r := Compile(w)
	for _, q := range clients {
		r.Decide(q)
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() { r.Decide(clients[i%len(clients)]); i++ }); n != 0 {
		t.Errorf("%v allocations a decision", n)
	}
}

// benchWorld is a network with every kind of rule, and clients of many places.
func benchWorld(t testing.TB, n int) (World, []Query) {
	w := World{Self: "r0", Status: map[region.Name]Status{}, Clients: trips{}}
	var regions []region.Region
	for i := range n {
		name := region.Name("r" + string(rune('0'+i/10)) + string(rune('0'+i%10)))
		if i == 0 {
			name = "r0"
		}
		r := region.Region{Name: name, URL: "https://" + string(name) + ".example.org", Location: mustAt(t, float64(i*5%120-60), float64(i*12-180)),
			Serves: region.Rules{Continents: []string{[]string{"AS", "EU", "NA", "AF"}[i%4]}}}
		r.Serves.Networks = []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i), 0, 0, 0}), 8+i%3)}
		r.Avoid.Networks = []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i + 1), 64, 0, 0}), 16)}
		r.Serves.ASNs = []uint32{uint32(64500 + i)}
		w.Status[name] = Status{Serving: i%7 != 3, Spill: i % 5 * 10}
		regions = append(regions, r)
	}
	w.Map = newMap(t, region.Network{Canonical: []string{"https://rest.example.org"}, Home: "r0"}, regions)
	var queries []Query
	for i, code := range []string{"JP", "GB", "US", "ZA", "BR", "AU", "IN", "FR", "", "CN", "KE", "DE"} {
		at, _ := geo.CountryPoint(code)
		for j := range 20 {
			q := Query{Host: "rest.example.org", Method: "GET", Navigation: true, Place: geo.Place{Country: code, Continent: geo.ContinentOf(code), Point: at, AccuracyKm: 1000},
				Client: netip.AddrFrom4([4]byte{byte(i * 4), byte(j * 13), 2, 1})}
			if j%4 == 3 {
				q.Client = netip.AddrFrom16([16]byte{0x20, 1, byte(i), byte(j)})
				q.Place.ASN = uint32(64500 + i + j)
			}
			queries = append(queries, q)
		}
	}
	return w, queries
}

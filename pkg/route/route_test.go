package route

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

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

// The share of a canary is about right, the same for all of a network, and
// grows without taking anybody out.
func TestCanaryShare(t *testing.T) {
	seed := newPlan(newMap(t, region.Network{Canonical: []string{"https://rest.example.org"}, Home: "tokyo"},
		[]region.Region{{Name: "tokyo", URL: "https://tokyo.example.org", Location: mustAt(t, 35, 139)}}), "tokyo").draws[0].canary
	in := func(share int, client netip.Addr) bool {
		return drawn(seed, networkOf(client), share)
	}
	const clients = 20000
	count := 0
	for i := range clients {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})
		small := in(5, a)
		if small {
			count++
		}
		if b := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 254}); in(5, b) != small {
			t.Fatalf("%s and %s are on two sides", a, b)
		}
		if small && !in(50, a) || in(0, a) || !in(100, a) {
			t.Fatalf("%s: in 5 %%: %v, 50 %%: %v, none: %v, all: %v", a, small, in(50, a), in(0, a), in(100, a))
		}
	}
	if count < clients*4/100 || count > clients*6/100 {
		t.Errorf("%d of %d clients in 5 %%", count, clients)
	}
	if in(100, netip.Addr{}) {
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
		w, queries := benchWorld(b, n)
		r := Compile(w)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r.Decide(queries[i%len(queries)])
			}
		})
		b.Run(fmt.Sprint(n, "/new place"), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				q := &queries[i%len(queries)]
				r.plan.rank(spot{country: q.Place.Country, point: q.Place.Point, network: -1})
			}
		})
		b.Run(fmt.Sprint(n, "/recompile"), func(b *testing.B) {
			for b.Loop() {
				r.Recompile(w)
			}
		})
	}
}

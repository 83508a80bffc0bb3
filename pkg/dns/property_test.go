package dns

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

// Whatever the world, an answer holds every good choice first: of the regions
// that serve over the family and take clients the nearest, and something as
// long as anything is known.
func TestAnyWorld(t *testing.T) {
	base, _, _ := readWorld(t, "place 133.39.0.0/16 JP\nplace 193.62.0.0/16 GB\nplace 130.14.0.0/16 US\n")
	clients := map[string]string{"133.39.1.1": "JP", "193.62.1.1": "GB", "130.14.29.110": "US"}
	rapid.Check(t, func(t *rapid.T) {
		w := &testWorld{places: base.places, addresses: map[region.Name][]Address{},
			world: route.World{Map: base.world.Map, Self: "asia", Isolated: rapid.Bool().Draw(t, "isolated"), Status: map[region.Name]route.Status{}}}
		for i, r := range w.world.Map.Regions() {
			flag := func(name string) bool { return rapid.Bool().Draw(t, string(r.Name)+" "+name) }
			st := route.Status{Serving: flag("serving"), NoV4: flag("no v4"), NoV6: flag("no v6")}
			if flag("draining") {
				st.Draining = "until 14:05 UTC"
			}
			w.world.Status[r.Name] = st
			for n := range rapid.IntRange(0, 2).Draw(t, "nodes") {
				w.addresses[r.Name] = append(w.addresses[r.Name], Address{netip.AddrFrom4([4]byte{198, 51, 100, byte(10*i + n)}), flag("up")})
			}
			if flag("v6") {
				w.addresses[r.Name] = append(w.addresses[r.Name], Address{netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 15: byte(i)}), flag("up")})
			}
		}
		s := newTestServer(w)
		from := rapid.SampledFrom([]string{"133.39.1.1", "193.62.1.1", "130.14.29.110"}).Draw(t, "client")
		point, _ := geo.CountryPoint(clients[from])
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			var best region.Name
			nearest, known, good := 0.0, false, map[string]bool{}
			of := map[string]region.Name{}
			for _, r := range w.world.Map.Regions() {
				st, any, up := w.world.Status[r.Name], false, false
				for _, a := range w.addresses[r.Name] {
					any = any || a.Serving
				}
				for _, a := range w.addresses[r.Name] {
					if a.Addr.Is4() != (qtype == dns.TypeA) {
						continue
					}
					known, of[a.Addr.String()] = true, r.Name
					if a.Serving || !any {
						up, good[a.Addr.String()] = true, true
					}
				}
				if up && st.Serving && st.Draining == "" && !(st.NoV4 && qtype == dns.TypeA) && !(st.NoV6 && qtype == dns.TypeAAAA) {
					if km := point.DistanceKm(r.Location); best == "" || km < nearest {
						best, nearest = r.Name, km
					}
				}
			}
			m := &dns.Msg{}
			m.SetQuestion("rest.example.org.", qtype)
			p, _ := m.Pack()
			var a dns.Msg
			if err := a.Unpack(s.worker(&s.counts[0]).answer(p, netip.MustParseAddr(from), false, noon)); err != nil {
				t.Fatal(err)
			}
			anything := false
			for _, list := range w.addresses {
				anything = anything || len(list) > 0
			}
			switch {
			case !anything && a.Rcode != dns.RcodeServerFailure, anything && a.Rcode != dns.RcodeSuccess, known != (len(a.Answer) > 0):
				t.Fatalf("known %v, and: %v", known, &a)
			}
			for _, rr := range a.Answer {
				fields := strings.Fields(rr.String())
				addr := fields[len(fields)-1]
				if of[addr] == "" || !w.world.Isolated && best != "" && (of[addr] != best || !good[addr]) {
					t.Fatalf("%s of %q; the nearest that serves is %q: %v", addr, of[addr], best, w.addresses)
				}
			}
		}
	})
}

// changing is a Network that becomes another at once.
type changing struct{ now atomic.Pointer[testWorld] }

func (c *changing) World() route.World                   { return c.now.Load().world }
func (c *changing) Addresses() map[region.Name][]Address { return c.now.Load().addresses }

// While the world changes, every answer is that of one world, whole.
func TestChangesWhileAsked(t *testing.T) {
	one, _, _ := readWorld(t, "up europe\naddr europe 198.51.100.1\naddr europe 198.51.100.2\naddr europe 198.51.100.3\n")
	two, _, _ := readWorld(t, "up asia\naddr asia 203.0.113.1\naddr asia 203.0.113.2\naddr asia 203.0.113.3\n")
	c := &changing{}
	c.now.Store(one)
	s := newServer(Config{Network: c, Locator: one, Limit: 1_000_000, TTL: 20 * time.Second, Logger: slog.New(slog.DiscardHandler)})
	done := make(chan struct{})
	var wg sync.WaitGroup
	seen := [2]atomic.Int64{}
	for i := range 2 {
		wg.Go(func() {
			wk := s.worker(&s.counts[i])
			p := pack1(t, "rest.example.org A subnet=133.39.1.0/24 cookie", uint16(i))
			for {
				select {
				case <-done:
					return
				default:
				}
				var a dns.Msg
				if err := a.Unpack(wk.safely(p, netip.MustParseAddr("192.0.2.1"), false, noon)); err != nil {
					t.Error(err)
					return
				}
				var all []string
				for _, rr := range a.Answer {
					all = append(all, rr.(*dns.A).A.String())
				}
				slices.Sort(all)
				switch fmt.Sprint(all) {
				case "[198.51.100.1 198.51.100.2 198.51.100.3]":
					seen[0].Add(1)
				case "[203.0.113.1 203.0.113.2 203.0.113.3]":
					seen[1].Add(1)
				default:
					t.Errorf("%v", all)
					return
				}
			}
		})
	}
	for i := 0; i < 200 || (seen[0].Load() == 0 || seen[1].Load() == 0) && i < 1_000_000; i++ {
		c.now.Store([]*testWorld{one, two}[i%2])
		s.Refresh()
	}
	close(done)
	wg.Wait()
	if seen[0].Load() == 0 || seen[1].Load() == 0 {
		t.Errorf("of the two worlds %d and %d answers", seen[0].Load(), seen[1].Load())
	}
}

// A fault of the program costs one answer.
func TestPanic(t *testing.T) {
	w, _, _ := readWorld(t, "")
	s := newTestServer(w)
	s.current.Store(nil)
	if out := s.worker(&s.counts[0]).safely(pack1(t, "rest.example.org A", 1), netip.MustParseAddr("192.0.2.1"), false, noon); out != nil || s.counts[0].panics.Load() != 1 {
		t.Errorf("answered %x, %d panics", out, s.counts[0].panics.Load())
	}
}

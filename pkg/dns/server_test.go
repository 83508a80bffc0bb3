package dns

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

// RFC 9018, appendix A: what others make of the same secret.
func TestCookieVectors(t *testing.T) {
	for _, tt := range []struct{ secret, client, from, cookie string }{
		{"e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100", "010000005cf79f111f8130c3eee29480"},
		{"dd3bdf9344b678b185a6f5cb60fca715", "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", "010000005cf7c57926556bd0934c72f8"},
		{"445536bcd2513298075a5d379663c962", "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", "010000005cf7c609a6bb79d16625507a"},
	} {
		secret, _ := hex.DecodeString(tt.secret)
		client, _ := hex.DecodeString(tt.client)
		want, _ := hex.DecodeString(tt.cookie)
		c, from := newCookies([16]byte(secret)), netip.MustParseAddr(tt.from)
		at := time.Unix(int64(want[4])<<24|int64(want[5])<<16|int64(want[6])<<8|int64(want[7]), 0)
		got := c.append(nil, client, from, at)
		if hex.EncodeToString(got) != tt.client+tt.cookie {
			t.Errorf("%s: %x", tt.cookie, got)
		}
		for _, change := range []struct {
			what string
			good bool
		}{
			{"as it is", c.good(got, from, at)},
			{"an hour later", c.good(got, from, at.Add(time.Hour))},
			{"a clock behind", c.good(got, from, at.Add(-5*time.Minute))},
		} {
			if !change.good {
				t.Errorf("%s: refused %s", tt.from, change.what)
			}
		}
		bad := append([]byte(nil), got...)
		bad[23]++
		for what, good := range map[string]bool{
			"too old": c.good(got, from, at.Add(time.Hour+time.Second)), "of the future": c.good(got, from, at.Add(-5*time.Minute-time.Second)),
			"from elsewhere": c.good(got, from.Next(), at), "changed": c.good(bad, from, at), "the client's alone": c.good(got[:8], from, at),
			"cut": c.good(got[:23], from, at), "of another secret": newCookies([16]byte{1}).good(got, from, at),
		} {
			if good {
				t.Errorf("%s: believed one that is %s", tt.from, what)
			}
		}
	}
}

func TestLimiter(t *testing.T) {
	l := newLimiter(100, noon)
	victim, neighbour, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.200"), netip.MustParseAddr("192.0.3.1")
	count := func(a netip.Addr, tries int, at time.Time) (n int) {
		for range tries {
			if l.take(a, at) {
				n++
			}
		}
		return n
	}
	if n := count(victim, 1000, noon); n < 100 || n > 101 {
		t.Errorf("%d answers at once, want 100", n)
	}
	if l.take(neighbour, noon) {
		t.Error("another address of the same /24 has a limit of its own")
	}
	if !l.take(other, noon) || !l.take(netip.MustParseAddr("2001:db8::1"), noon) {
		t.Error("another network pays for the first")
	}
	if n := count(victim, 1000, noon.Add(500*time.Millisecond)); n < 49 || n > 51 {
		t.Errorf("%d answers half a second later, want 50", n)
	}
	if n := count(victim, 1000, noon.Add(time.Minute)); n < 100 || n > 101 {
		t.Errorf("%d answers a minute later, want 100", n)
	}
	a, b := netip.MustParseAddr("2001:db8:0:ff::1"), netip.MustParseAddr("2001:db8:0:100::1")
	count(netip.MustParseAddr("2001:db8::1"), 200, noon.Add(time.Minute))
	if l.take(a, noon.Add(time.Minute)) || !l.take(b, noon.Add(time.Minute)) {
		t.Error("IPv6 is not counted by /56")
	}
	// A flood of invented networks, each asking once, frees nobody who is over
	// the limit.
	now := noon.Add(2 * time.Minute)
	count(victim, 1000, now)
	addr := netip.MustParseAddr("10.0.0.0")
	for i := range 1 << 17 {
		b := addr.As4()
		b[1], b[2] = byte(i>>8), byte(i)
		b[0] += byte(i >> 16)
		l.take(netip.AddrFrom4(b), now)
	}
	if n := count(victim, 10, now); n != 0 {
		t.Errorf("%d answers after a flood, want none", n)
	}
	if newLimiter(-1, noon).interval != 0 {
		t.Error("a limit where none is wanted")
	}
}

// Many may count at once, and nobody gets much more than the limit.
func TestLimiterTogether(t *testing.T) {
	l := newLimiter(1000, noon)
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 8 {
		wg.Go(func() {
			n := 0
			for range 1000 {
				if l.take(netip.MustParseAddr("192.0.2.1"), noon) {
					n++
				}
			}
			mu.Lock()
			total += n
			mu.Unlock()
		})
	}
	wg.Wait()
	if total < 1000 || total > 1100 {
		t.Errorf("%d answers, want 1000", total)
	}
}

// Over the limit, half of the queries are told to come over TCP, and half get
// nothing; who shows our cookie, or comes over TCP, is answered.
func TestLimited(t *testing.T) {
	w, _, _ := readWorld(t, "up europe\naddr europe 198.51.100.1\n")
	s := newTestServer(w)
	s.limit = newLimiter(10, noon)
	from := netip.MustParseAddr("192.0.2.1")
	wk := s.worker(&s.counts[0])
	whole, cut, none := 0, 0, 0
	var cookie string
	for i := range 210 {
		m, _, _ := message(t, "rest.example.org A cookie")
		m.Id = uint16(i)
		p, _ := m.Pack()
		out := wk.answer(p, from, false, noon)
		if out == nil {
			none++
			continue
		}
		if len(out) > len(p)+serverCookie && len(m.Extra) > 0 && cut > 0 {
			t.Errorf("a limited answer of %d bytes to %d", len(out), len(p))
		}
		var a dns.Msg
		if err := a.Unpack(out); err != nil {
			t.Fatal(err)
		}
		if a.Truncated {
			cut++
			if len(a.Answer)+len(a.Ns) > 0 {
				t.Errorf("limited, and yet: %v", a)
			}
		} else {
			whole++
		}
		cookie = a.Extra[0].(*dns.OPT).Option[0].(*dns.EDNS0_COOKIE).Cookie
	}
	if whole < 10 || whole > 11 || cut != 100 || none < 99 {
		t.Errorf("%d whole, %d cut, %d not answered; want 10, 100, 100", whole, cut, none)
	}
	for _, tcp := range []bool{false, true} {
		m, _, _ := message(t, "rest.example.org A cookie")
		if !tcp {
			m.Extra[0].(*dns.OPT).Option[0].(*dns.EDNS0_COOKIE).Cookie = cookie
		}
		p, _ := m.Pack()
		var a dns.Msg
		if out := wk.answer(p, from, tcp, noon); out == nil || a.Unpack(out) != nil || len(a.Answer) != 1 {
			t.Errorf("tcp %v: a client that is known is limited: %v", tcp, a)
		}
	}
}

// An answer that is too long is cut to its question; over TCP it is whole.
func TestTruncation(t *testing.T) {
	long := strings.Repeat("a123456789b123456789c123456789d123456789e123456789f123456789.", 3) + "example.org"
	w, servers, _ := readWorld(t, "up europe\naddr europe 198.51.100.1\nnetwork| instead: canonical: [\"https://"+long+"\"]\n"+
		strings.Repeat("server "+strings.Repeat("s123456789t123456789u123456789v123456789w123456789x123456789.", 3)+"example.net\n", 3))
	s := newTestServer(w, servers...)
	for _, tt := range []struct {
		options string
		cut     bool
	}{{"", true}, {"bufsize=512", true}, {"bufsize=1232", false}, {"bufsize=4096", false}, {"tcp", false}, {"bufsize=512 cookie nsid", true}} {
		got := ask(t, s, long+" NS "+tt.options)
		if cut := strings.Contains(got, "aa tc"); cut != tt.cut || strings.Contains(got, "3600 IN NS") == tt.cut {
			t.Errorf("%s:\n%s", tt.options, got)
		}
	}
	if n := s.counts[0].truncated.Load(); n != 3 {
		t.Errorf("%d counted, want 3", n)
	}
}

// What a query can be made to cost somebody else: without a cookie, as an
// attacker sends it.
func TestAmplification(t *testing.T) {
	var lines []string
	for _, r := range []string{"europe", "asia", "useast"} {
		lines = append(lines, "up "+r)
		for i := range 9 {
			lines = append(lines, "addr "+r+" 198.51.100."+string(rune('1'+i)), "addr "+r+" 2001:db8::"+string(rune('1'+i)))
		}
	}
	w, _, _ := readWorld(t, strings.Join(lines, "\n"))
	s := newTestServer(w)
	const ip = 28 // bytes of IPv4 and UDP around each
	worst := 0.0
	for _, name := range []string{"rest.example.org", "x.rest.example.org", "example.com"} {
		for _, qtype := range []string{"A", "AAAA", "NS", "SOA", "ANY", "TXT", "AXFR", "TYPE0"} {
			for _, options := range []string{"", "edns", "bufsize=4096 do", "subnet=133.39.1.0/24", "nsid", "cookie"} {
				m, from, _ := message(t, name+" "+qtype+" "+options)
				p, _ := m.Pack()
				out := s.worker(&s.counts[0]).answer(p, from, false, noon)
				factor, wire := float64(len(out))/float64(len(p)), float64(len(out)+ip)/float64(len(p)+ip)
				if factor > worst {
					worst = factor
					t.Logf("%s %s %s: %d to %d bytes, %.1f (%.1f with the headers of IP and UDP)", name, qtype, options, len(p), len(out), factor, wire)
				}
				if factor > 4.5 {
					t.Errorf("%s %s %s: %d to %d bytes", name, qtype, options, len(p), len(out))
				}
			}
		}
	}
}

// Nothing is allocated for an answer.
func TestAllocations(t *testing.T) {
	w, _, _ := readWorld(t, "up europe asia\naddr europe 198.51.100.1\naddr asia 203.0.113.1\nasia| serves: {networks: [\"10.0.0.0/8\"]}\n")
	s := newTestServer(w)
	s.Locator = nil // the tests' own makes garbage
	s.limit = newLimiter(1<<30, noon)
	wk := s.worker(&s.counts[0])
	for _, text := range []string{"rest.example.org A", "Rest.Example.Org A cookie nsid", "rest.example.org NS", "x.rest.example.org A edns", "example.com A"} {
		m, from, _ := message(t, text)
		p, _ := m.Pack()
		if n := testing.AllocsPerRun(100, func() { wk.answer(p, from, false, noon) }); n > 0 {
			t.Errorf("%s: %.0f allocations", text, n)
		}
	}
}

// The scope says what it promises: all addresses that share so many bits get
// the same answer; and one bit less would be too few, or it would be wider.
func TestScopeHolds(t *testing.T) {
	w, _, _ := readWorld(t, strings.Join([]string{"up europe asia useast", "addr europe 198.51.100.1", "addr asia 203.0.113.1", "addr useast 192.0.2.1",
		"place 133.39.0.0/16 JP", "place 130.14.0.0/16 US", "place 193.62.0.0/16 GB", `europe| serves: {networks: ["133.39.7.0/24", "130.14.64.0/18"]}`,
		`asia| avoid: {networks: ["133.39.7.128/25", "133.0.0.0/8"]}`, `useast| avoid: {networks: ["130.14.64.32/27"]}`}, "\n"))
	s := newTestServer(w)
	snap := s.current.Load()
	answer := func(a netip.Addr) string {
		return string(snap.families[0].choose(a, w.Locate(a), "rest.example.org").bytes)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := [4]byte{rapid.SampledFrom([]byte{130, 133, 193, 8}).Draw(t, "a"), rapid.SampledFrom([]byte{14, 39, 62, 0}).Draw(t, "b"),
			rapid.SampledFrom([]byte{0, 7, 64, 65, 255}).Draw(t, "c"), rapid.Byte().Draw(t, "d")}
		a := netip.AddrFrom4(b)
		bits := snap.scopes.of(a, w.Network(a))
		p, err := a.Prefix(bits)
		if err != nil {
			t.Fatal(err)
		}
		for i := bits; i < 32; i++ {
			b[i/8] = b[i/8]&^(0x80>>(i%8)) | rapid.SampledFrom([]byte{0, 0x80 >> (i % 8)}).Draw(t, "bit")
		}
		if other := netip.AddrFrom4(b); !p.Contains(other) || answer(a) != answer(other) {
			t.Fatalf("%v has scope %d, but %v is answered otherwise", a, bits, other)
		}
	})
}

// A snapshot is made anew when, and only when, answers may differ.
func TestRefresh(t *testing.T) {
	w, _, _ := readWorld(t, "up europe asia\naddr europe 198.51.100.1\naddr asia 203.0.113.1\n")
	s := newTestServer(w)
	before := s.current.Load()
	st := w.world.Status["asia"]
	same := route.World{Map: w.world.Map, Self: "asia", Status: map[region.Name]route.Status{"europe": w.world.Status["europe"], "asia": st}}
	st.Why, st.Nodes, st.Without = "another word", 7, []string{"sequence"}
	same.Status["asia"] = st
	w.world = same
	if s.Refresh(); s.current.Load() != before {
		t.Error("made anew although no answer can differ")
	}
	for what, change := range map[string]func(*testWorld){
		"health":    func(w *testWorld) { w.world.Status["asia"] = route.Status{} },
		"isolation": func(w *testWorld) { w.world.Isolated = true },
		"address":   func(w *testWorld) { w.addresses["asia"] = []Address{{netip.MustParseAddr("203.0.113.1"), false}} },
		"spill":     func(w *testWorld) { st := st; st.Spill = 5; w.world.Status["asia"] = st },
	} {
		fresh, _, _ := readWorld(t, "up europe asia\naddr europe 198.51.100.1\naddr asia 203.0.113.1\n")
		fresh.world.Map = w.world.Map
		s := newTestServer(fresh)
		before := s.current.Load()
		next := *fresh
		next.world.Status = map[region.Name]route.Status{"europe": fresh.world.Status["europe"], "asia": fresh.world.Status["asia"]}
		next.addresses = map[region.Name][]Address{"europe": fresh.addresses["europe"], "asia": fresh.addresses["asia"]}
		change(&next)
		*fresh = next
		if s.Refresh(); s.current.Load() == before {
			t.Errorf("%s changed, the answers did not", what)
		}
	}
}

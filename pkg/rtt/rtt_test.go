package rtt

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mirrornet/pkg/region"
)

var start = time.Unix(1_800_000_000, 0)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestNetworks(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"203.0.113.1", "203.0.113.254", true}, {"203.0.113.1", "203.0.112.1", false}, {"203.0.113.1", "::ffff:203.0.113.7", true},
		{"2001:db8:1::1", "2001:db8:1:ffff::", true}, {"2001:db8:1::1", "2001:db8:2::1", false}, {"0.0.0.0", "::", false},
		{"255.255.255.255", "ffff:ffff:ffff::", false},
	} {
		a, aok := networkOf(addr(c.a))
		b, bok := networkOf(addr(c.b))
		if (a == b) != c.same || !aok || !bok || !a.valid() || !b.valid() {
			t.Errorf("%s is %x, %s is %x", c.a, a, c.b, b)
		}
	}
	if _, ok := networkOf(netip.Addr{}); ok {
		t.Error("no address has a network")
	}
}

func TestCodes(t *testing.T) {
	for trip := 10 * time.Microsecond; trip < 5*time.Second; trip += trip/100 + 1 {
		got := codeOf(trip).trip()
		if off := float64(got-trip) / float64(trip); trip > 110*time.Microsecond && (off > 0.023 || off < -0.023) {
			t.Fatalf("%s is written as %s", trip, got)
		}
	}
	if codeOf(0) != 0 || codeOf(-1) != 0 || codeOf(time.Hour) != 255 || codeOf(1) != 1 || code(0).trip() != 0 {
		t.Error("the ends of the scale")
	}
}

// What many clients were measured at comes back from digests, at their region.
func TestThereAndBack(t *testing.T) {
	tables := map[region.Name]*Table{"europe": NewTable(Config{}), "asia": NewTable(Config{})}
	for range 5 {
		for i := range 200 {
			v4 := netip.AddrFrom4([4]byte{byte(20 + i), 7, byte(i), byte(rand.IntN(256))})
			v6 := netip.AddrFrom16([16]byte{0x20, 1, 0, byte(i), 0, 1, 15: byte(rand.IntN(256))})
			for _, a := range []netip.Addr{v4, v6} {
				tables["europe"].Observe(a, time.Duration(10+i)*time.Millisecond, start)
				tables["asia"].Observe(a, time.Duration(210-i)*time.Millisecond, start)
			}
		}
	}
	tables["asia"].Observe(addr("8.8.8.8"), time.Millisecond, start) // seen once
	var all []Said
	for r, table := range tables {
		for _, part := range table.Digest(start) {
			all = append(all, Said{r, part})
		}
	}
	all = append(all, Said{"europe", []byte("x")}, Said{"africa", nil})
	m, bad := Merge(all)
	if bad != 2 || m.Len() != 400 {
		t.Errorf("%d networks, %d bad digests", m.Len(), bad)
	}
	for i := range 200 {
		a := netip.AddrFrom4([4]byte{byte(20 + i), 7, byte(i), 1})
		for r, want := range map[region.Name]float64{"europe": float64(10 + i), "asia": float64(210 - i), "africa": 0, "nowhere": 0} {
			if got := m.RoundTrip(a, r).Seconds() * 1000; got > want*1.03 || got < want*0.97 {
				t.Fatalf("%s to %s: %v ms, want %v", a, r, got, want)
			}
		}
	}
	if m.RoundTrip(addr("8.8.8.8"), "asia") != 0 || m.RoundTrip(netip.Addr{}, "asia") != 0 || (*Map)(nil).RoundTrip(addr("8.8.8.8"), "asia") != 0 {
		t.Error("a round trip of nobody")
	}
	if n := testing.AllocsPerRun(100, func() { m.RoundTrip(addr4, "asia") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

var addr4 = addr("21.7.1.1")

func TestSmoothing(t *testing.T) {
	tab := NewTable(Config{Least: 1})
	a := addr("198.51.100.1")
	of := func() time.Duration {
		var all []Said
		for _, p := range tab.Digest(start) {
			all = append(all, Said{"r", p})
		}
		m, _ := Merge(all)
		return m.RoundTrip(a, "r").Round(time.Millisecond)
	}
	tab.Observe(a, 100*time.Millisecond, start)
	if got := of(); got < 98*time.Millisecond || got > 102*time.Millisecond {
		t.Errorf("first: %s", got)
	}
	before := tab.Digest(start)
	tab.Observe(a, 140*time.Millisecond, start)
	if after := tab.Digest(start); !slices.EqualFunc(before[:], after[:], bytes.Equal) {
		t.Error("5 % changed the digest")
	}
	for range 6 {
		tab.Observe(a, 20*time.Millisecond, start)
	}
	if got := of(); got > 24*time.Millisecond {
		t.Errorf("after six of 20 ms: %s", got)
	}
	tab.Observe(a, 0, start)
	tab.Observe(a, -time.Second, start)
	if got := of(); got > 24*time.Millisecond || got < 19*time.Millisecond {
		t.Errorf("nothing measured changed it: %s", got)
	}
}

// However many networks there are, table and digests keep their bounds, the
// most used networks are spoken of, and what was not seen for long is not.
func TestBounds(t *testing.T) {
	tab := NewTable(Config{Networks: 5000, Least: 1, Keep: time.Hour})
	popular := addr("100.1.2.3")
	for range 100 {
		tab.Observe(popular, 50*time.Millisecond, start)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var b [16]byte
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		tab.Observe(netip.AddrFrom16(b), time.Second, start)
		if random.IntN(100) == 0 {
			tab.Observe(popular, 50*time.Millisecond, start)
		}
	}
	if tab.Len() != 5000 {
		t.Errorf("%d networks", tab.Len())
	}
	var all []Said
	for _, p := range tab.Digest(start) {
		if len(p) > MaxDigest || len(p) < MaxDigest*8/10 {
			t.Errorf("a digest of %d bytes", len(p))
		}
		all = append(all, Said{"r", p})
	}
	m, bad := Merge(all)
	if bad != 0 || m.RoundTrip(popular, "r") == 0 {
		t.Errorf("%d bad; popular at %s; %d networks", bad, m.RoundTrip(popular, "r"), m.Len())
	}
	for _, p := range tab.Digest(start.Add(2 * time.Hour)) {
		if p != nil {
			t.Error("it speaks of what was long ago")
		}
	}
	if tab.Len() != 0 {
		t.Errorf("%d networks are remembered for ever", tab.Len())
	}
}

// A network that appears changes one digest.
func TestDigestsStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab := NewTable(Config{Least: 1})
		for i, n := range rapid.SliceOfN(rapid.Uint32(), 1, 300).Draw(t, "networks") {
			tab.Observe(netip.AddrFrom4([4]byte{byte(n >> 16), byte(n >> 8), byte(n)}), time.Duration(i+1)*time.Millisecond, start)
		}
		before := tab.Digest(start)
		tab.Observe(addr("203.0.113.1"), time.Millisecond, start)
		changed := 0
		for i, p := range tab.Digest(start) {
			if !bytes.Equal(p, before[i]) {
				changed++
			}
		}
		if changed > 1 {
			t.Fatalf("%d digests changed", changed)
		}
	})
}

func FuzzDigest(f *testing.F) {
	tab := NewTable(Config{Least: 1})
	for i := range 50 {
		tab.Observe(netip.AddrFrom4([4]byte{byte(i), 1, 2}), time.Duration(i+1)*time.Millisecond, start)
		tab.Observe(netip.AddrFrom16([16]byte{0x20, 1, byte(i)}), time.Duration(i+1)*time.Millisecond, start)
	}
	for _, p := range tab.Digest(start) {
		f.Add(p)
	}
	f.Add([]byte{version})
	f.Add([]byte{version, 0, 1, 1, 1})
	f.Add([]byte{version, 0x80, 0x00, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var list []*measured
		if decode(b, func(n network, c code) {
			list = append(list, &measured{network: n, trip: c.trip(), said: c})
		}) != nil {
			return
		}
		for _, m := range list {
			if !m.network.valid() || m.said == 0 {
				t.Fatalf("%v", *m)
			}
		}
		if again := encode(list); !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
		if m, bad := Merge([]Said{{"r", b}}); bad != 0 || m.Len() != len(list) {
			t.Fatalf("%d networks of %d, %d bad", m.Len(), len(list), bad)
		}
	})
}

// The kernel's own measure of a connection over loopback.
func TestKernel(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this system does not tell")
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan string, 1)
	ln := Listen(inner, func(c *net.TCPConn) { done <- fmt.Sprint(Of(c) > 0 && Of(c) < time.Second, " ", c.RemoteAddr() != nil) })
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		io.Copy(c, c)
		c.Close()
	}()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Write([]byte("x"))
	io.ReadFull(c, make([]byte, 1))
	c.Close()
	if got := <-done; got != "true true" {
		t.Errorf("measured: %s", got)
	}
	closed := c.(*net.TCPConn)
	if got := Of(closed); got != 0 {
		t.Errorf("a closed connection has %s", got)
	}
}

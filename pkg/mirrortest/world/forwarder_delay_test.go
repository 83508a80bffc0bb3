//go:build linux

package world

import (
	"io"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// wire is the forwarder's end of a device, in memory.
type wire struct {
	in, out chan []byte
	closed  chan struct{}
}

func newWire() *wire { return &wire{make(chan []byte), make(chan []byte, 100), make(chan struct{})} }

func (w *wire) Read(p []byte) (int, error) {
	select {
	case b := <-w.in:
		return copy(p, b), nil
	case <-w.closed:
		return 0, io.EOF
	}
}

func (w *wire) Write(p []byte) (int, error) { w.out <- p; return len(p), nil }
func (w *wire) Close() error                { close(w.closed); return nil }

// TestForwarder holds what befalls packets between London and Singapore.
func TestForwarder(t *testing.T) {
	const km, way = 10849, 109 * time.Millisecond // 108.5 and a half
	for _, c := range []struct {
		name   string
		effect effect // from and to are London and Singapore unless all is set
		all    bool
		here   []time.Duration // when a packet to Singapore comes there
		there  []time.Duration // and one back
	}{
		{name: "nothing", here: []time.Duration{way}, there: []time.Duration{way}},
		{name: "blocked one way", effect: effect{block: true}, there: []time.Duration{way}},
		{name: "blocked both ways", effect: effect{block: true, both: true}},
		{name: "all blocked", effect: effect{block: true}, all: true},
		{name: "lost one way", effect: effect{loss: 1}, there: []time.Duration{way}},
		{name: "twice", effect: effect{repeat: 1}, here: []time.Duration{way, way}, there: []time.Duration{way}},
		{name: "later", effect: effect{later: 500 * time.Millisecond}, here: []time.Duration{way + 500*time.Millisecond}, there: []time.Duration{way}},
		{name: "down at first", effect: effect{flap: func(d time.Duration) bool { return d < time.Second }}, there: []time.Duration{way}},
		{name: "up at first", effect: effect{flap: func(d time.Duration) bool { return d >= time.Second }}, here: []time.Duration{way}, there: []time.Duration{way}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				london, singapore := newWire(), newWire()
				a := &endpoint{name: "london", addr: netip.MustParseAddr("193.62.193.11"), at: at(51.5074, -0.1278), wire: london}
				b := &endpoint{name: "singapore", addr: netip.MustParseAddr("137.132.1.11"), at: at(1.3521, 103.8198), wire: singapore}
				if got := a.at.DistanceKm(b.at); got < km-10 || got > km+10 {
					t.Fatalf("%.0f km", got)
				}
				f := newForwarder([]*endpoint{a, b})
				defer f.end()
				if e := c.effect; c.name != "nothing" {
					if !c.all {
						e.from, e.to = set{a: true}, set{b: true}
					}
					defer f.apply(e)()
				}
				arrivals := func(from, to *wire, src, dst *endpoint) (times []time.Duration) {
					begin := time.Now()
					from.in <- packetTo(src.addr, dst.addr)
					end := time.After(2 * time.Second)
					for {
						select {
						case p := <-to.out:
							if got := netip.AddrFrom4([4]byte(p[12:16])); got != src.addr {
								t.Errorf("a packet of %s", got)
							}
							times = append(times, time.Since(begin).Round(time.Millisecond))
						case <-end:
							return times
						}
					}
				}
				compare(t, "there", arrivals(london, singapore, a, b), c.here)
				compare(t, "back", arrivals(singapore, london, b, a), c.there)
				london.in <- packetTo(a.addr, netip.MustParseAddr("198.51.100.1"))
				london.in <- []byte{0x60, 0}
				synctest.Wait()
			})
		})
	}
}

func compare(t *testing.T, way string, got, want []time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: came after %v, want %v", way, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: came after %v, want %v", way, got, want)
		}
	}
}

func packetTo(src, dst netip.Addr) []byte {
	p := make([]byte, 28)
	p[0] = 0x45
	copy(p[12:], src.AsSlice())
	copy(p[16:], dst.AsSlice())
	return p
}

// TestOrder: packets due at once keep their order.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := newWire(), newWire()
		a := &endpoint{addr: netip.MustParseAddr("193.62.193.11"), at: at(51, 0), wire: here}
		b := &endpoint{addr: netip.MustParseAddr("137.132.1.11"), at: at(1, 103), wire: there}
		f := newForwarder([]*endpoint{a, b})
		defer f.end()
		for i := range 50 {
			p := packetTo(a.addr, b.addr)
			p[27] = byte(i)
			here.in <- p
		}
		for i := range 50 {
			if p := <-there.out; p[27] != byte(i) {
				t.Fatalf("packet %d came as number %d", p[27], i)
			}
		}
	})
}

package gossip

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/serf/coordinate"
	"pgregory.net/rapid"
)

// Forty nodes ping their like, each over a path of its own length and with an
// access link of its own; then nodes that never pinged each other know about how
// far they are.
func TestEstimates(t *testing.T) {
	const n = 40
	rng := rand.New(rand.NewPCG(1, 2))
	type place struct{ x, y, link float64 } // in ms of round trip
	at := make([]place, n)
	all := make([]*coordinates, n)
	for i := range n {
		at[i] = place{rng.Float64() * 250, rng.Float64() * 80, 1 + 5*rng.Float64()}
		all[i] = newCoordinates()
	}
	rtt := func(i, j int) time.Duration {
		ms := math.Hypot(at[i].x-at[j].x, at[i].y-at[j].y) + at[i].link + at[j].link
		return time.Duration(ms * (1 + 0.05*rng.Float64()) * float64(time.Millisecond))
	}
	name := func(i int) string { return string(rune('A' + i)) }
	never := func(i, j int) bool { return (i+j)%3 == 0 }
	for round := range 300 {
		for i := range n {
			if j := rng.IntN(n); i != j && !never(i, j) {
				all[i].pinged(name(j), rtt(i, j), all[j].own())
			}
			if round%30 == 29 {
				if b := all[i].due(); b != nil {
					for k := range n {
						all[k].heard(name(i), b)
					}
				}
			}
		}
	}
	var off []float64
	for i := range n {
		for j := range n {
			if i != j && never(i, j) {
				want := rtt(i, j).Seconds()
				off = append(off, math.Abs(all[i].between("", name(j)).Seconds()-want)/want)
			}
		}
	}
	slices.Sort(off)
	t.Logf("estimates are off by %.0f %% at the median, %.0f %% at p90", 100*off[len(off)/2], 100*off[len(off)*9/10])
	if off[len(off)/2] > 0.15 || off[len(off)*9/10] > 0.5 {
		t.Error("estimates are worth nothing")
	}
	for i := range n {
		var told []byte
		for range 2 {
			told = all[i].due()
		}
		if told != nil {
			t.Errorf("%d is to be told though it has not moved", i)
		}
	}
}

// Whatever coordinates others claim, the own one stays sane and usable.
func TestBadCoordinates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCoordinates()
		number := rapid.OneOf(rapid.Float32(), rapid.Float32Range(-10, 10), rapid.Float32Range(-1e-6, 1e-6),
			rapid.SampledFrom([]float32{0, -1, 10, 11, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}))
		for range rapid.IntRange(1, 60).Draw(t, "pings") {
			claim := coordinate.NewCoordinate(coordinate.DefaultConfig())
			for i := range claim.Vec {
				claim.Vec[i] = float64(number.Draw(t, "x"))
			}
			claim.Error, claim.Adjustment, claim.Height = float64(number.Draw(t, "error")), float64(number.Draw(t, "adjustment")), float64(number.Draw(t, "height"))
			c.pinged("a", time.Duration(rapid.Int64().Draw(t, "rtt")), encodeCoordinate(claim))
			c.heard("b", encodeCoordinate(claim))
			if own, err := decodeCoordinate(c.own()); err != nil {
				t.Fatalf("own coordinate %+v", own)
			}
			for _, d := range []time.Duration{c.between("", "a"), c.between("a", "b"), c.between("", "x")} {
				if d < 0 || d > 2*time.Minute {
					t.Fatalf("%v far", d)
				}
			}
			c.due()
		}
	})
}

func FuzzCoordinate(f *testing.F) {
	f.Add(newCoordinates().own(), int64(time.Millisecond))
	f.Add([]byte{}, int64(0))
	f.Add(make([]byte, coordinateSize), int64(-1))
	f.Fuzz(func(t *testing.T, b []byte, rtt int64) {
		if c, err := decodeCoordinate(b); err == nil && string(encodeCoordinate(c)) != string(b) {
			t.Errorf("%x came back as %x", b, encodeCoordinate(c))
		}
		c := newCoordinates()
		for range 20 {
			c.pinged("a", time.Duration(rtt), b)
			if own, err := decodeCoordinate(c.own()); err != nil {
				t.Fatalf("own coordinate %+v", own)
			}
		}
		if d := c.between("", "a"); d < 0 || d > 2*time.Minute {
			t.Errorf("%v far", d)
		}
	})
}

// Nodes measure each other, and know about how far two others are. One that was
// not measured is estimated, and marked so.
func TestDistance(t *testing.T) {
	place := func(c *Config) { c.placeEvery = 100 * time.Millisecond }
	a := start(t, "a", place)
	b := start(t, "b", place, a)
	c := start(t, "c", place, a)
	a.untilState("c", Alive)
	n := a.until("b", "measured", func(n Node) bool { return n.RTT > 0 && !n.Estimated })
	if d := a.Distance("a", "b"); d <= 0 || d > time.Second || a.Distance("a", "a") != 0 || a.Distance("a", "x") != 0 || a.Distance("x", "y") != 0 {
		t.Errorf("b measured at %v is %v away", n.RTT, d)
	}
	poll(t, "a to know how far b is from c", func() bool { return a.Distance("b", "c") > 0 })
	poll(t, "coordinates of all to be shared", func() bool { return len(c.Statements(coordinateTopic)) == 3 })
	if a.Distance("b", "c") != a.Distance("c", "b") || a.Distance("b", "a") != a.Distance("a", "b") {
		t.Error("there and back differ")
	}
	// A node that b knows of and cannot ping.
	b.members.mu.Lock()
	b.members.nodes["d"] = &Node{Name: "d", State: Left, Since: time.Now()}
	b.members.mu.Unlock()
	poll(t, "b to estimate d", func() bool {
		b.coordinates.heard("d", c.coordinates.own())
		d := b.Nodes()[3]
		return d.Name == "d" && d.RTT > 0 && d.Estimated
	})
}

// poll waits for what nobody tells of.
func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(20 * time.Second); !ok(); {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}

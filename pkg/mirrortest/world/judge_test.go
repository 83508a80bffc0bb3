//go:build linux

package world

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// TestNearest holds the test's own idea of who is nearest, which the network's
// answers are measured by.
func TestNearest(t *testing.T) {
	for i, want := range [][]string{
		{"europe", "useast", "africa", "asia", "samerica"}, // Berlin
		{"asia", "europe", "useast", "africa", "samerica"}, // Tokyo
		{"useast", "europe", "samerica", "africa", "asia"}, // Bethesda
		{"samerica", "africa", "useast", "europe", "asia"}, // Buenos Aires
		{"africa", "europe", "asia", "samerica", "useast"}, // Nairobi
		{"asia", "africa", "samerica", "useast", "europe"}, // Sydney
	} {
		if got := nearest(homes[i], sites); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", homes[i].city, got, want)
		}
	}
	if got := nearest(homes[5], append(slices.Clone(sites), oceania)); got[0] != "oceania" || got[1] != "asia" {
		t.Errorf("Sydney with a region of its own: %v", got)
	}
	if got := without("asia", "africa")(homes[5]); !slices.Equal(got, []string{"samerica"}) {
		t.Errorf("Sydney without its two nearest: %v", got)
	}
}

// TestFigures holds how a series of outcomes is read.
func TestFigures(t *testing.T) {
	begin := time.Now()
	second := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Second) }
	out := func(client string, n int, o outcome) outcome {
		o.client, o.kind, o.begin, o.end, o.expected = client, api, second(n), second(n).Add(100*time.Millisecond), []string{"asia"}
		return o
	}
	good, other, fails := outcome{named: "asia"}, outcome{named: "europe"}, outcome{err: errors.New("reset")}
	series := []outcome{out("EU", 0, good), out("EU", 3, fails), out("AS", 1, good), out("EU", 1, fails), out("EU", 2, other), out("EU", 4, good), out("AS", 2, other), out("EU", 5, good)}
	states := wrongStates(series)
	slices.Sort(states)
	if want := []time.Duration{100 * time.Millisecond, 3100 * time.Millisecond}; !slices.Equal(states, want) {
		t.Errorf("wrong states of %v, want %v", states, want)
	}
	if got := back(series, begin, failed); got != 3*time.Second {
		t.Errorf("failed until %v", got)
	}
	if got := back(append(series, out("EU", 6, fails)), begin, failed); got != never {
		t.Errorf("the last one failed, and yet they succeed again: %v", got)
	}
	if got := back(series, begin, lost); got != 0 {
		t.Errorf("nothing was lost, and yet until %v", got)
	}
	for p, want := range map[float64]time.Duration{0: 1, 0.5: 2, 0.51: 3, 0.99: 4, 1: 4} {
		if got := percentile([]time.Duration{4, 1, 3, 2}, p); got != want {
			t.Errorf("percentile %v: %d, want %d", p, got, want)
		}
	}
	f := figures{}
	f.add("one", time.Second, 2*time.Second)
	f.add("other", 0, time.Hour)
	if f.settle(false); len(f.failures) != 0 {
		t.Errorf("with patience: %v", f.failures)
	}
	if f.settle(true); len(f.failures) != 1 {
		t.Errorf("strictly: %v", f.failures)
	}
}

// TestPerMinute holds the count of changes.
func TestPerMinute(t *testing.T) {
	begin := time.Now()
	at := func(n int, node, target string) change {
		return change{at: begin.Add(time.Duration(n) * time.Second), node: node, target: target, kind: "edge"}
	}
	all := []change{at(0, "a", "x"), at(10, "a", "y"), at(59, "b", "x"), at(61, "a", "x"), at(62, "b", "x"), {at: begin, node: "b", target: "x", kind: "origin"}}
	if most, c := mostPerMinute(all, "edge"); most != 2 || c.node != "b" {
		t.Errorf("%d of %+v", most, c)
	}
	if most, _ := mostPerMinute(all[:4], "edge"); most != 1 {
		t.Errorf("%d, want 1", most)
	}
}

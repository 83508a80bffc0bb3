package health

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite golden files")

var t0 = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// letters of a history: probe ok, probe failed, draining, request ok, request failed.
func decode(t interface{ Fatalf(string, ...any) }, c rune) sample {
	switch c {
	case 'o':
		return sample{outcome: succeeded}
	case 'f':
		return sample{outcome: failed, err: "probe"}
	case 'd':
		return sample{outcome: drains}
	case 'O':
		return sample{outcome: succeeded, real: true}
	case 'F':
		return sample{outcome: failed, real: true, err: "request"}
	}
	t.Fatalf("history: unknown letter %q", c)
	return sample{}
}

// TestHistories runs testdata/histories.txt: each line a machine (strong or
// weak, n/m) and a history; the golden part is the state after each letter.
func TestHistories(t *testing.T) {
	name := filepath.Join("testdata", "histories.txt")
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			fmt.Fprintln(&got, line)
			continue
		}
		in, _, _ := strings.Cut(line, " -> ")
		var kind, history string
		var n, m int
		if _, err := fmt.Sscanf(strings.Replace(in, "/", " ", 1), "%s %d %d %s", &kind, &n, &m, &history); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		now := t0
		mach := newMachine(n, m, kind == "weak", now)
		var states []byte
		for _, c := range history {
			now = now.Add(time.Second)
			if c == '.' { // a minute passes
				now = now.Add(time.Minute)
				states = append(states, '.')
				continue
			}
			mach.step(decode(t, c), now)
			states = append(states, map[State]byte{Unknown: '?', Serving: 'S', Unreachable: '-', Draining: 'D'}[mach.state])
		}
		fmt.Fprintf(&got, "%s -> %s\n", in, states)
	}
	if *update {
		if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(raw), got.String()); d != "" {
		t.Errorf("histories (-want +got):\n%s", d)
	}
}

func thresholds(t *rapid.T) (n, m int) {
	n = rapid.IntRange(1, 6).Draw(t, "n")
	return n, n + rapid.IntRange(1, 6).Draw(t, "m-n")
}

// after plays a history, one letter a second, and gives the machine.
func after(t *rapid.T, n, m int, weak bool, history []rune) machine {
	mach := newMachine(n, m, weak, t0)
	for i, c := range history {
		mach.step(decode(t, c), t0.Add(time.Duration(i+1)*time.Second))
	}
	return mach
}

var anyHistory = rapid.SliceOfN(rapid.SampledFrom([]rune("ofdOF")), 0, 40)

// Whatever happened before, n failed probes in a row convict, m good ones acquit.
func TestVerdictsAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := thresholds(t)
		weak := rapid.Bool().Draw(t, "weak")
		mach := after(t, n, m, weak, anyHistory.Draw(t, "history"))
		now := t0.Add(time.Hour)
		bad := mach
		for range n {
			bad.step(sample{outcome: failed}, now)
		}
		if bad.state != Unreachable {
			t.Fatalf("%s after %d failures, want unreachable", bad.state, n)
		}
		good := mach
		for range m {
			good.step(sample{outcome: succeeded}, now)
		}
		if good.state != Serving || !good.settled() {
			t.Fatalf("%s (settled %v) after %d successes, want serving", good.state, good.settled(), m)
		}
		mach.step(sample{outcome: drains}, now)
		if mach.state != Draining {
			t.Fatalf("%s after draining was announced", mach.state)
		}
	})
}

// From a verdict on, no history without n failures or m successes in a row changes it.
func TestNoFlapping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "n")
		m := n + rapid.IntRange(1, 6).Draw(t, "m-n")
		mach := after(t, n, m, rapid.Bool().Draw(t, "weak"), anyHistory.Draw(t, "history"))
		start := rapid.SampledFrom([]outcome{failed, succeeded}).Draw(t, "start")
		now := t0.Add(time.Hour)
		for range m {
			mach.step(sample{outcome: start}, now)
		}
		verdict := mach.state
		// Runs of the opposite, each too short, parted by one that confirms.
		limit := n - 1
		if start == failed {
			limit = m - 1
		}
		for _, run := range rapid.SliceOfN(rapid.IntRange(1, limit), 1, 30).Draw(t, "runs") {
			for range run {
				if mach.step(sample{outcome: failed + succeeded - start}, now) {
					t.Fatalf("%s became %s", verdict, mach.state)
				}
			}
			if mach.step(sample{outcome: start}, now) {
				t.Fatalf("%s became %s", verdict, mach.state)
			}
		}
	})
}

func rank(s State) int { return map[State]int{Unreachable: 0, Unknown: 1, Serving: 2}[s] }

// Of two histories that differ only where one has a failed probe and the other
// a good one, the better never ends worse.
func TestMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := thresholds(t)
		history := rapid.SliceOfN(rapid.SampledFrom([]rune("of")), 1, 60).Draw(t, "history")
		history[0] = 'o' // both have a verdict from here on
		better := append([]rune(nil), history...)
		for _, i := range rapid.SliceOf(rapid.IntRange(0, len(history)-1)).Draw(t, "mended") {
			better[i] = 'o'
		}
		a, b := after(t, n, m, false, history), after(t, n, m, false, better)
		if rank(a.state) > rank(b.state) {
			t.Fatalf("%s → %s, but %s → %s", string(history), a.state, string(better), b.state)
		}
	})
}

// Failed requests alone never convict a target whose probes say something, and
// good ones never rescue it from failing probes.
func TestRealRequestsDoNotDecideAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := thresholds(t)
		mach := after(t, n, m, false, []rune{'o'})
		for _, c := range rapid.SliceOfN(rapid.SampledFrom([]rune("OF")), 0, 50).Draw(t, "requests") {
			mach.step(decode(t, c), t0)
			if mach.state != Serving {
				t.Fatalf("%s without a failed probe", mach.state)
			}
		}
		for range n {
			mach.step(sample{outcome: failed}, t0)
			if mach.state == Unreachable {
				break
			}
			mach.step(sample{outcome: succeeded, real: true}, t0)
		}
		if mach.state != Unreachable {
			t.Fatalf("%s after %d failed probes", mach.state, n)
		}
		for range 3 * m {
			mach.step(sample{outcome: succeeded, real: true}, t0)
		}
		if mach.state != Unreachable {
			t.Fatalf("%s without a good probe", mach.state)
		}
	})
}

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
		mach := newMachine(n, m, kind == "weak", damping{}, now)
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
	mach := newMachine(n, m, weak, damping{}, t0)
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

// drive gives the machine one probe each half second, good while pattern says
// so, and returns the times of its changes after the first verdict.
func drive(m *machine, d time.Duration, good func(time.Duration) bool) (changes []time.Duration, states []State) {
	for at := time.Duration(0); at < d; at += 500 * time.Millisecond {
		s := sample{outcome: failed}
		if good(at) {
			s.outcome = succeeded
		}
		if m.step(s, t0.Add(at)) && at > 0 {
			changes, states = append(changes, at), append(states, m.state)
		}
	}
	return changes, states
}

// Whatever the evidence: a conviction comes at most a minute's budget ahead,
// and an acquittal never sooner than a minute after the conviction and two
// minutes after the last acquittal. So there is no more than one change a
// minute, but for a conviction, which is never late.
func TestChangesAreRare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runs := rapid.SliceOfN(rapid.IntRange(1, 600), 1, 60).Draw(t, "runs of equal samples")
		m := newMachine(3, 4, false, damped, t0)
		now, good := t0, true
		var convicted, acquitted time.Time
		changes, began := 0, time.Time{}
		for _, run := range runs {
			for i := range run {
				s := sample{outcome: failed}
				if good {
					s.outcome = succeeded
				}
				before := m.state
				if m.step(s, now) && before != Unknown {
					if changes++; changes == 1 {
						began = now
					}
					if allowed := 2 + int(now.Sub(began)/time.Minute); changes > allowed {
						t.Fatalf("%d changes in %v", changes, now.Sub(began))
					}
					if m.state == Unreachable {
						convicted = now
					} else {
						if d := now.Sub(convicted); d < time.Minute {
							t.Fatalf("acquitted %v after the conviction", d)
						}
						if d := now.Sub(acquitted); !acquitted.IsZero() && d < 2*time.Minute {
							t.Fatalf("acquitted %v after the last acquittal", d)
						}
						acquitted = now
					}
				}
				if !good && i >= 2 && m.state != Unreachable {
					t.Fatalf("%s after %d failures in a row", m.state, i+1)
				}
				now = now.Add(500 * time.Millisecond)
			}
			good = !good
		}
	})
}

// A link that comes and goes faster than a minute is convicted once, and stays
// so; a slower one is let in ever more rarely.
func TestPeriodicInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		up := time.Duration(rapid.IntRange(1, 1200).Draw(t, "up")) * 500 * time.Millisecond
		down := time.Duration(rapid.IntRange(3, 600).Draw(t, "down")) * 500 * time.Millisecond
		m := newMachine(3, 4, false, damped, t0)
		changes, states := drive(&m, 2*time.Hour, func(at time.Duration) bool { return at%(up+down) < up })
		if len(changes) == 0 || states[0] != Unreachable {
			t.Fatalf("changes %v %v", changes, states)
		}
		if up < time.Minute && len(changes) > 1 {
			t.Fatalf("up %v, down %v: changes at %v", up, down, changes)
		}
		for i := range changes {
			for j := i + 2; j < len(changes); j++ {
				if n, d := j-i+1, changes[j]-changes[i]; n > 2+int(d/time.Minute) {
					t.Fatalf("up %v, down %v: %d changes in %v: %v", up, down, n, d, changes)
				}
			}
		}
	})
}

// A target that is good at last serves within eight minutes, and a new process
// after M successes.
func TestAcquittalIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(3, 4, false, damped, t0)
		now := t0
		for _, good := range rapid.SliceOfN(rapid.Bool(), 0, 2000).Draw(t, "history") {
			s := sample{outcome: failed}
			if good {
				s.outcome = succeeded
			}
			m.step(s, now)
			now = now.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "gap")) * 250 * time.Millisecond)
		}
		for range 3 {
			m.step(sample{outcome: failed}, now)
		}
		again := m
		end := now.Add(8*time.Minute + 2*time.Second)
		for ; now.Before(end); now = now.Add(500 * time.Millisecond) {
			m.step(sample{outcome: succeeded}, now)
		}
		if m.state != Serving {
			t.Fatalf("%s after 8 good minutes", m.state)
		}
		if again.acquitted.IsZero() {
			for i := range 4 {
				again.step(sample{outcome: succeeded, renewed: i == 0}, now)
			}
			if again.state != Serving {
				t.Fatalf("%s after 4 successes of a new process", again.state)
			}
		}
	})
}

// A crash loop is let in every other minute.
func TestCrashLoop(t *testing.T) {
	m := newMachine(3, 4, false, damped, t0)
	m.step(sample{outcome: succeeded}, t0)
	var acquitted []time.Time
	for now := t0; now.Before(t0.Add(20 * time.Minute)); now = now.Add(10 * time.Second) {
		for i := range 20 {
			s := sample{outcome: failed}
			if i >= 8 {
				s = sample{outcome: succeeded, renewed: i == 8}
			}
			if m.step(s, now.Add(time.Duration(i)*500*time.Millisecond)) && m.state == Serving {
				acquitted = append(acquitted, now)
			}
		}
	}
	if len(acquitted) < 5 || len(acquitted) > 10 {
		t.Fatalf("%d acquittals in 20 minutes: %v", len(acquitted), acquitted)
	}
}

// Up to the first change the damped machine is monotone too: better evidence
// never convicts sooner, nor acquits later.
func TestMonotoneUntilTheFirstChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newMachine(3, 4, false, damped, t0)
		now := t0
		for _, run := range rapid.SliceOfN(rapid.IntRange(1, 300), 0, 8).Draw(t, "before") {
			for range run {
				now = now.Add(500 * time.Millisecond)
				a.step(sample{outcome: outcome(now.Unix() / 7 % 2)}, now)
			}
		}
		if a.state == Unknown {
			a.step(sample{outcome: succeeded}, now)
		}
		b, start := a, a.state
		worse := rapid.SliceOfN(rapid.IntRange(0, 20), 1, 600).Draw(t, "evidence") // 0 and 1 fail, 1 is mended
		for _, e := range worse {
			now = now.Add(500 * time.Millisecond)
			x, y := sample{outcome: succeeded}, sample{outcome: succeeded}
			if e <= 1 {
				x.outcome = failed
			}
			if e == 0 {
				y.outcome = failed
			}
			a.step(x, now)
			b.step(y, now)
			if rank(a.state) > rank(b.state) {
				t.Fatalf("%s, but %s on better evidence", a.state, b.state)
			}
			if a.state != start || b.state != start {
				return
			}
		}
	})
}

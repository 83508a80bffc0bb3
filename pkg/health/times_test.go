package health

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// process is the answer of an edge that is in its nth run.
func process(n int) func(*http.Request) (*http.Response, error) {
	return answer(200, fmt.Sprintf(`{"state":"serving","process":"run%d"}`, n))
}

// far puts half the round trip before and behind an answer.
func far(rtt time.Duration, f func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		for range 2 {
			select {
			case <-time.After(rtt / 2):
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}
		if f == nil {
			return nil, errors.New("connection refused")
		}
		return f(r)
	}
}

func TestTimes(t *testing.T) {
	for _, tc := range []struct {
		name string
		rtt  time.Duration
		fail func(*http.Request) (*http.Response, error)
		down time.Duration
	}{
		{"refused", 0, nil, 1050 * time.Millisecond},
		{"refused", 300 * time.Millisecond, nil, 1650 * time.Millisecond},
		{"swallowed", 0, swallow, 2100 * time.Millisecond},
		{"swallowed", 100 * time.Millisecond, swallow, 2100 * time.Millisecond},
		{"swallowed", 300 * time.Millisecond, swallow, 2500 * time.Millisecond},
		{"error", 300 * time.Millisecond, answer(500, "oops"), 1650 * time.Millisecond},
		{"redirect", 0, answer(307, "", "Location", "http://b/"), 1050 * time.Millisecond},
		{"unready", 0, answer(503, `{"state":"starting"}`), 1050 * time.Millisecond},
	} {
		t.Run(fmt.Sprint(tc.name, " ", tc.rtt), func(t *testing.T) {
			var worst time.Duration
			for round := range 20 { // the failure falls in another place between two probes
				run(t, Config{}, func(f *fixture) {
					f.net.set("a", far(tc.rtt, process(1)))
					f.until("a", Serving, 2*time.Second)
					f.pass(20*time.Second + time.Duration(round)*25*time.Millisecond)
					f.net.set("a", far(tc.rtt, tc.fail))
					worst = max(worst, f.until("a", Unreachable, tc.down))
					s := f.View().Status["a"]
					if s.Err == "" {
						t.Error("unreachable without a reason")
					}
					if f.net.count("b") != 0 {
						t.Error("the probe followed a redirect")
					}
					f.pass(5 * time.Second)
					f.net.set("a", far(tc.rtt, process(2)))
					took := f.until("a", Serving, 5*time.Second)
					if took < time.Second {
						t.Errorf("back after %v: that damps nothing", took)
					}
					if s := f.View().Status["a"]; s.Err != "" {
						t.Errorf("serving with error %q", s.Err)
					}
				}, edge("a"))
			}
			t.Logf("down after %v at most", worst)
		})
	}
}

// A link that was cut, with the same process behind it, has to be good for a
// minute, and for longer when it is cut again.
func TestHold(t *testing.T) {
	run(t, Config{}, func(f *fixture) {
		f.net.set("a", process(1))
		f.until("a", Serving, time.Second)
		for i, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 8 * time.Minute} {
			f.net.set("a", nil)
			f.until("a", Unreachable, 1100*time.Millisecond)
			f.pass(3 * time.Second)
			f.net.set("a", process(1))
			if took := f.until("a", Serving, want+2*time.Second); took < want {
				t.Errorf("cut %d: back after %v, want %v", i+1, took, want)
			}
			f.pass(30 * time.Second)
		}
		f.pass(11 * time.Minute)
		f.net.set("a", nil)
		f.until("a", Unreachable, 1100*time.Millisecond)
		f.net.set("a", process(1))
		f.until("a", Serving, time.Minute+2*time.Second)
	}, edge("a"))
}

// A link becomes slower by half a second at once, and stays so.
func TestSlowIsServing(t *testing.T) {
	for _, rtt := range []time.Duration{time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
		run(t, Config{}, func(f *fixture) {
			f.net.set("a", far(rtt, process(1)))
			f.until("a", Serving, 2*time.Second)
			f.pass(20 * time.Second)
			generation := f.View().Generation
			f.net.set("a", far(rtt+500*time.Millisecond, process(1)))
			for range 600 {
				f.pass(100 * time.Millisecond)
				s := f.View().Status["a"]
				if s.Err != "" || time.Since(s.LastOK) > 1300*time.Millisecond {
					t.Fatalf("%v: error %q, confirmed %v ago", rtt, s.Err, time.Since(s.LastOK))
				}
			}
			if f.View().Generation != generation {
				t.Errorf("%v: %+v", rtt, f.View().Status["a"])
			}
			f.net.set("a", swallow)
			f.until("a", Unreachable, 4*time.Second)
		}, edge("a"))
	}
}

// A link that is cut and mended every few seconds changes the state once.
func TestFlappingLink(t *testing.T) {
	for _, half := range []time.Duration{time.Second, 3 * time.Second, 10 * time.Second, 50 * time.Second} {
		run(t, Config{}, func(f *fixture) {
			f.net.set("a", far(100*time.Millisecond, process(1)))
			f.until("a", Serving, time.Second)
			last, changes, back := Serving, 0, 0
			for began, up := time.Now(), false; time.Since(began) < 10*time.Minute; up = !up {
				f.net.set("a", swallow)
				if up {
					f.net.set("a", far(100*time.Millisecond, process(1)))
				}
				for range half / (100 * time.Millisecond) {
					f.pass(100 * time.Millisecond)
					s := f.View().Status["a"]
					if s.State != last {
						last = s.State
						changes++
					}
					if s.Back {
						back++
					}
				}
			}
			if changes > 1 {
				t.Errorf("every %v: %d changes in 10 minutes", half, changes)
			}
			if half > 5*time.Second && back == 0 {
				t.Errorf("every %v: not worth asking in the good times", half)
			}
		}, edge("a"))
	}
}

// What an edge says it is without is lost at once, and found after a minute.
func TestWithout(t *testing.T) {
	run(t, Config{}, func(f *fixture) {
		f.until("a", Serving, time.Second)
		f.net.set("a", answer(200, `{"state":"serving","without":["sequence","lookup"],"no_origin":true}`))
		f.pass(600 * time.Millisecond)
		if s := f.View().Status["a"]; s.State != Serving || fmt.Sprint(s.Without) != "[lookup sequence]" || !s.NoOrigin {
			t.Errorf("%+v", s)
		}
		generation := f.View().Generation
		f.net.set("a", answer(200, `{"state":"serving","without":["lookup"]}`))
		f.pass(59 * time.Second)
		if s := f.View().Status["a"]; fmt.Sprint(s.Without) != "[lookup sequence]" || s.NoOrigin {
			t.Errorf("after 59 s: %+v", s)
		}
		f.pass(3 * time.Second)
		if s := f.View().Status["a"]; fmt.Sprint(s.Without) != "[lookup]" {
			t.Errorf("after 62 s: %+v", s)
		}
		if got := f.View().Generation - generation; got != 2 {
			t.Errorf("%d changes, want 2: the origin's and the class's", got)
		}
	}, edge("a"))
}

package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is a RoundTripper in memory: hosts answer as they are told to.
type network struct {
	mu    sync.Mutex
	hosts map[string]func(*http.Request) (*http.Response, error)
	asked map[string]int
	most  int // probes at once
	now   int
}

func newNetwork() *network {
	return &network{hosts: map[string]func(*http.Request) (*http.Response, error){}, asked: map[string]int{}}
}

func (n *network) set(host string, f func(*http.Request) (*http.Response, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = f
}

func (n *network) count(host string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[host]
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	f := n.hosts[r.URL.Host]
	n.asked[r.URL.Host]++
	n.now++
	n.most = max(n.most, n.now)
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		n.now--
		n.mu.Unlock()
	}()
	if f == nil {
		return nil, errors.New("connection refused")
	}
	return f(r)
}

func answer(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

// swallow never answers.
func swallow(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// fixture is a Health that runs in a synctest bubble.
type fixture struct {
	*Health
	t       *testing.T
	net     *network
	mu      sync.Mutex
	targets []Target
	changes int
}

func (f *fixture) aim(ts ...Target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.targets = ts
}

func edge(name string) Target {
	return Target{ID: name, Kind: Edge, Region: "europe", URL: "http://" + name + "/-/healthz"}
}

// run runs test in a bubble, with the given targets up.
func run(t *testing.T, c Config, test func(*fixture), targets ...Target) {
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{t: t, net: newNetwork(), targets: targets}
		for _, target := range targets {
			addr, err := authority(target.URL)
			if err != nil {
				t.Fatal(err)
			}
			f.net.set(strings.TrimSuffix(addr, ":80"), answer(200, `{"state":"serving"}`))
		}
		c.Targets = func() []Target {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.targets
		}
		c.Client = &http.Client{Transport: f.net}
		c.OnChange = func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.changes++
		}
		f.Health = New(c)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		test(f)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// until waits in bubble time for id to be in a state, and gives how long it took.
func (f *fixture) until(id string, want State, limit time.Duration) time.Duration {
	f.t.Helper()
	start := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		synctest.Wait()
		if f.View().Status[id].State == want {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			f.t.Fatalf("%s is %+v after %v, want %s", id, f.View().Status[id], limit, want)
		}
		<-tick.C
	}
}

func (f *fixture) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestDrainingAtOnce(t *testing.T) {
	run(t, Config{}, func(f *fixture) {
		f.until("a", Serving, time.Second)
		f.net.set("a", answer(503, `{"state":"draining"}`))
		f.until("a", Draining, 600*time.Millisecond)
		f.pass(10 * time.Second)
		f.until("a", Draining, 0)
		f.net.set("a", nil)
		f.until("a", Unreachable, 2*time.Second)
	}, edge("a"))
}

func TestAlternatingAnswersChangeNothing(t *testing.T) {
	run(t, Config{}, func(f *fixture) {
		f.until("a", Serving, time.Second)
		var mu sync.Mutex
		n := 0
		f.net.set("a", func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			if n++; n%2 == 0 {
				return nil, errors.New("reset")
			}
			return answer(200, "")(r)
		})
		generation := f.View().Generation
		f.pass(5 * time.Minute)
		if v := f.View(); v.Generation != generation || v.Status["a"].State != Serving {
			t.Errorf("%+v at generation %d, was %d", v.Status["a"], v.Generation, generation)
		}
	}, edge("a"))
}

// A target that takes its time is probed as often as another.
func TestPeriodsBeginWithTheProbe(t *testing.T) {
	run(t, Config{}, func(f *fixture) {
		f.net.set("a", func(r *http.Request) (*http.Response, error) {
			<-time.After(800 * time.Millisecond)
			return answer(200, "")(r)
		})
		f.until("a", Serving, 2*time.Second)
		before := f.net.count("a")
		f.pass(30 * time.Second)
		if got := f.net.count("a") - before; got < 50 || got > 70 {
			t.Errorf("%d probes in 30 s, want about 60", got)
		}
		if rtt := f.View().Status["a"].RTT; rtt < 790*time.Millisecond || rtt > 810*time.Millisecond {
			t.Errorf("round trip %v", rtt)
		}
	}, edge("a"))
}

func TestSlowTargetsDelayNobody(t *testing.T) {
	var targets []Target
	for i := range maxProbes - 1 {
		targets = append(targets, edge(fmt.Sprintf("slow%d", i)))
	}
	run(t, Config{}, func(f *fixture) {
		for i := range maxProbes - 1 {
			f.net.set(fmt.Sprintf("slow%d", i), swallow)
		}
		f.until("a", Serving, time.Second)
		before := f.net.count("a")
		f.pass(30 * time.Second)
		if got := f.net.count("a") - before; got < 50 || got > 70 {
			t.Errorf("%d probes in 30 s, want about 60", got)
		}
		if s := f.View().Status["a"]; time.Since(s.LastOK) > 1200*time.Millisecond {
			t.Errorf("last confirmed %v ago", time.Since(s.LastOK))
		}
		if s := f.View().Status["slow1"]; s.State != Unreachable || !strings.Contains(s.Err, "no answer within 2s") {
			t.Errorf("slow1: %+v", s)
		}
	}, append(targets, edge("a"))...)
}

func TestProbesAreBounded(t *testing.T) {
	var targets []Target
	for i := range 3 * maxProbes {
		targets = append(targets, edge(fmt.Sprintf("slow%d", i)))
	}
	run(t, Config{}, func(f *fixture) {
		for _, target := range targets {
			f.net.set(target.ID, swallow)
		}
		f.pass(30 * time.Second)
		if f.net.most != maxProbes {
			t.Errorf("%d probes at once, want %d", f.net.most, maxProbes)
		}
		for _, target := range targets {
			if s := f.View().Status[target.ID]; s.State != Unreachable {
				t.Errorf("%s: %s", target.ID, s.State)
			}
		}
	}, targets...)
}

func TestRealFailuresHasten(t *testing.T) {
	run(t, Config{Interval: time.Second}, func(f *fixture) {
		f.until("a", Serving, time.Second)
		f.pass(10*time.Second + 500*time.Millisecond)
		f.net.set("a", nil)
		start := f.net.count("a")
		for range 100 {
			f.ReportFailure("a", errors.New("connection refused"))
		}
		took := f.until("a", Unreachable, 300*time.Millisecond)
		t.Logf("down after %v and %d probes", took, f.net.count("a")-start)

		// Requests that go on failing do not make probes faster than Fast.
		f.net.set("b", answer(200, ""))
		f.aim(edge("b"))
		f.until("b", Serving, 2*time.Second)
		start = f.net.count("b")
		for range 1000 {
			f.ReportFailure("b", nil)
			f.pass(10 * time.Millisecond)
		}
		if got := f.net.count("b") - start; got > 60 {
			t.Errorf("%d probes in 10 s, want at most one each 200 ms", got)
		}
		f.until("b", Serving, 0)
	}, edge("a"))
}

func TestRealRequestsOfAConnectOnlyTarget(t *testing.T) {
	origin := Target{ID: "o", Kind: Origin, URL: "http://o:8000", ConnectOnly: true, AlwaysTry: true}
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{Targets: func() []Target { return []Target{origin} }})
		h.dial = func(_ context.Context, _, addr string) (net.Conn, error) {
			if addr != "o:8000" {
				t.Errorf("dialled %q", addr)
			}
			a, b := net.Pipe()
			b.Close()
			return a, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.Run(ctx) }()
		f := &fixture{t: t, Health: h}
		f.until("o", Serving, time.Second)
		if !h.View().Status["o"].Target.AlwaysTry {
			t.Error("AlwaysTry was lost")
		}
		h.ReportFailure("o", errors.New("EOF"))
		h.ReportFailure("o", errors.New("EOF"))
		f.pass(10 * time.Second) // connects that work excuse nothing
		f.until("o", Serving, 0)
		h.ReportFailure("o", errors.New("EOF"))
		f.until("o", Unreachable, 0)
		h.ReportSuccess("o")
		h.ReportSuccess("o")
		h.ReportSuccess("o")
		f.until("o", Unreachable, 0)
		f.pass(2 * time.Second)
		if s := h.View().Status["o"]; !s.Back || !s.Answers() || s.State != Unreachable {
			t.Errorf("after 2 s of connects: %+v", s)
		}
		for range 3 {
			h.ReportFailure("o", errors.New("EOF"))
		}
		if s := h.View().Status["o"]; s.Answers() {
			t.Errorf("after three more failures: %+v", s)
		}
		f.until("o", Serving, 2*time.Minute)
		cancel()
		<-done
	})
}

func TestTargetsComeAndGo(t *testing.T) {
	run(t, Config{}, func(f *fixture) {
		f.until("a", Serving, time.Second)
		generation := f.View().Generation

		f.net.set("b", answer(200, "", "Ensembl-Release", "114", "ETag", `"x1"`))
		moved := edge("a")
		moved.Region = "asia"
		b := Target{ID: "b", Kind: Origin, URL: "http://b/.well-known/catalogue.json"}
		f.aim(moved, b, b, Target{URL: "http://nobody"})
		f.until("b", Serving, 1500*time.Millisecond)
		v := f.View()
		if s := v.Status["b"]; s.Release != "114" || s.Tag != `"x1"` || s.RTT < 0 || s.Target.Kind != Origin {
			t.Errorf("b: %+v", s)
		}
		if s := v.Status["a"]; s.State != Serving || s.Target.Region != "asia" {
			t.Errorf("a lost its state with its region: %+v", s)
		}
		if len(v.Status) != 2 || v.Generation <= generation {
			t.Errorf("%d targets, generation %d after %d", len(v.Status), v.Generation, generation)
		}

		f.mu.Lock()
		changes := f.changes
		f.mu.Unlock()
		generation = v.Generation
		f.pass(10 * time.Second)
		if f.View().Generation != generation || f.changes != changes {
			t.Error("a change was announced where nothing changed")
		}
		f.net.set("b", answer(200, "", "Ensembl-Release", "115", "ETag", `"x2"`))
		f.pass(1500 * time.Millisecond)
		if v := f.View(); v.Generation != generation+1 || v.Status["b"].Release != "115" || f.changes != changes+1 {
			t.Errorf("new release: %+v, generation %d after %d, %d changes after %d", v.Status["b"], v.Generation, generation, f.changes, changes)
		}

		// Another address is another server: nothing is known of it.
		f.net.set("c", swallow)
		b.URL = "http://c/.well-known/catalogue.json"
		f.aim(b)
		f.until("b", Unknown, 1100*time.Millisecond)
		if _, ok := f.View().Status["a"]; ok {
			t.Error("a is still there")
		}
		asked := f.net.count("a")
		f.pass(5 * time.Second)
		if f.net.count("a") != asked {
			t.Error("a is still probed")
		}
		f.ReportFailure("a", nil) // nobody: no effect, no panic
		f.ReportSuccess("a")
	}, edge("a"))
}

func TestBadTargets(t *testing.T) {
	for _, url := range []string{"", "a:8080", "/healthz", "http://", "ftp://a/", "http://a b/", "http://[::1/"} {
		for _, connect := range []bool{false, true} {
			h := New(Config{Client: &http.Client{Transport: newNetwork()}})
			got := h.probe(t.Context(), h.client, Target{ID: "x", URL: url, ConnectOnly: connect}, time.Second)
			if got.outcome != failed || got.err == "" {
				t.Errorf("URL %q: %+v, want a failure with a reason", url, got)
			}
		}
	}
}

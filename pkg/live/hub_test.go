package live

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"mirrornet/pkg/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is a node whose report is the test's to change.
type network struct {
	mu      sync.Mutex // guards the fields below
	report  status.Report
	refused []string
	silent  map[string]bool
	asked   map[string][]time.Time
	asks    int
	most    int // asks at once
}

func newNetwork() *network {
	r := twoRegions()
	for i := range r.Nodes {
		r.Nodes[i].Figures = nil
	}
	return &network{report: r, silent: map[string]bool{}, asked: map[string][]time.Time{}}
}

func (n *network) set(change func(r *status.Report)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(&n.report)
}

func (n *network) config() Config {
	return Config{
		Report: func() status.Report {
			n.mu.Lock()
			defer n.mu.Unlock()
			r := n.report
			r.Time = time.Now()
			r.Nodes, r.Regions, r.Origins = slices.Clone(r.Nodes), slices.Clone(r.Regions), slices.Clone(r.Origins)
			for i := range r.Origins {
				now := r.Time
				r.Origins[i].LastOK = &now // which always differs
			}
			return r
		},
		Refused: func() []string {
			n.mu.Lock()
			defer n.mu.Unlock()
			return n.refused
		},
		Figures: func(context.Context) status.Figures {
			return status.Figures{Hits: map[string]float64{}, Decisions: []status.Count{}}
		},
		Ask: func(ctx context.Context, node string) (*status.Figures, error) {
			n.mu.Lock()
			n.asked[node] = append(n.asked[node], time.Now())
			n.asks++
			n.most = max(n.most, n.asks)
			silent := n.silent[node]
			n.mu.Unlock()
			defer func() {
				n.mu.Lock()
				n.asks--
				n.mu.Unlock()
			}()
			if silent {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			<-time.After(10 * time.Millisecond)
			return &status.Figures{Requests: 7}, nil
		},
		Operators: func() any { return map[string]string{"secret": "198.51.100.7"} },
		Detail:    func(e status.Event) string { return "secret detail of " + e.Text },
	}
}

// client reads a stream, as fast as it is let.
type client struct {
	mu       sync.Mutex // guards the fields below
	header   http.Header
	code     int
	reports  []status.Report
	at       []time.Time
	text     strings.Builder
	beats    int
	deadline time.Time
	wait     chan struct{} // nil: reads at once
	err      error
	done     chan struct{}
	stop     context.CancelFunc
}

func (c *client) Header() http.Header  { return c.header }
func (c *client) WriteHeader(code int) { c.code = code }
func (c *client) Flush()               {}
func (c *client) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return nil
}

func (c *client) Write(b []byte) (int, error) {
	c.mu.Lock()
	wait, until := c.wait, c.deadline
	c.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-time.After(time.Until(until)):
			return 0, errors.New("timeout")
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.code == 0 {
		c.code = 200
	}
	c.text.Write(b)
	if string(b) == ":\n\n" {
		c.beats++
		return len(b), nil
	}
	for line := range strings.Lines(string(b)) {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var r status.Report
			if c.err = json.Unmarshal([]byte(data), &r); c.err == nil {
				c.reports, c.at = append(c.reports, r), append(c.at, time.Now())
			}
		}
	}
	return len(b), nil
}

func locked[T any](c *client, f func() T) T {
	c.mu.Lock()
	defer c.mu.Unlock()
	return f()
}

func (c *client) last() status.Report {
	return locked(c, func() status.Report { return c.reports[len(c.reports)-1] })
}
func (c *client) lastAt() time.Time { return locked(c, func() time.Time { return c.at[len(c.at)-1] }) }
func (c *client) count() int        { return locked(c, func() int { return len(c.reports) }) }
func (c *client) heard() int        { return locked(c, func() int { return c.beats }) }
func (c *client) said() string      { return locked(c, c.text.String) }
func (c *client) noDeadline() bool  { return locked(c, c.deadline.IsZero) }

// watch opens a stream; its end is done.
func watch(t *testing.T, h http.Handler, wait chan struct{}) *client {
	ctx, stop := context.WithCancel(t.Context())
	c := &client{header: http.Header{}, wait: wait, done: make(chan struct{}), stop: stop}
	go func() {
		defer close(c.done)
		h.ServeHTTP(c, httptest.NewRequestWithContext(ctx, "GET", "/-/events", nil))
	}()
	return c
}

// pass lets time go by, and all that happens meanwhile come to rest.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// running is a Hub that runs in a bubble, and has settled.
func running(t *testing.T, n *network, change ...func(*Config)) (h *Hub, stop func()) {
	c := n.config()
	for _, f := range change {
		f(&c)
	}
	h = New(c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	pass(settle + 1500*time.Millisecond) // between two looks
	return h, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.report.Origins = []status.Origin{{Order: 1, State: "serving"}}
		h, stop := running(t, n, func(c *Config) { c.FiguresEvery = time.Hour })
		c := watch(t, h.Events(), nil)
		synctest.Wait()
		if c.code != 200 || c.header.Get("Content-Type") != "text/event-stream" || c.header.Get("Cache-Control") != "no-store" ||
			c.header.Get("X-Accel-Buffering") != "no" || c.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%d %v", c.code, c.header)
		}
		if c.count() != 1 || !strings.HasPrefix(c.said(), "event: report\nid: ") || c.last().Nodes[0].Figures == nil || c.last().Nodes[1].Figures == nil {
			t.Fatalf("%d reports: %s", c.count(), c.said())
		}
		if len(c.last().Events) != 0 {
			t.Errorf("events before anything happened: %+v", c.last().Events)
		}
		// Nothing new: the connection shows that it holds.
		pass(time.Minute)
		if c.count() != 1 || c.heard() < 29 || c.heard() > 30 {
			t.Errorf("%d reports, %d beats in a minute without news", c.count(), c.heard())
		}
		// A change is there with the next look, and at once if the Hub is told.
		for i, told := range []bool{false, true} {
			begin := time.Now()
			state := []string{"unreachable", "serving"}[i]
			n.set(func(r *status.Report) { r.Nodes[0].State = state })
			if told {
				h.Notice()
			}
			pass(2 * time.Second)
			if took := c.lastAt().Sub(begin); c.count() != i+2 || took > lookEvery || told && took > lookLeast || took < 0 {
				t.Errorf("%d reports, the last after %v", c.count(), took)
			}
			if e := c.last().Events; len(e) != i+1 || e[0].Seq != uint64(i+1) || e[0].Node != "asia-1" || e[0].To != state || c.last().Nodes[0].State != state {
				t.Errorf("%+v", e)
			}
		}
		// Who is told often looks four times a second at most.
		before := c.count()
		for i := range 1000 {
			n.set(func(r *status.Report) { r.Regions[0].Why = fmt.Sprint(i) })
			h.Notice()
			pass(time.Millisecond)
		}
		if got := c.count() - before; got < 2 || got > 6 {
			t.Errorf("%d reports in a second", got)
		}
		// The end of the node is told, and is the end.
		n.set(func(r *status.Report) { r.State = "draining" })
		stop()
		<-c.done
		if c.last().State != "draining" || !c.noDeadline() {
			t.Errorf("the last report says %s, no deadline: %v", c.last().State, c.noDeadline())
		}
		w := httptest.NewRecorder()
		h.Events().ServeHTTP(w, httptest.NewRequest("GET", "/-/events", nil))
		if w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("after the end: %d %v", w.Code, w.Header())
		}
	})
}

// Figures alone are no news at each look: they come when those before are old, and
// with what else there is.
func TestFiguresAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, count := newNetwork(), 0.0
		h, stop := running(t, n, func(c *Config) {
			c.FiguresEvery = 100 * time.Millisecond
			c.Figures = func(context.Context) status.Figures {
				count++
				return status.Figures{Requests: count}
			}
		})
		defer stop()
		c := watch(t, h.Events(), nil)
		synctest.Wait()
		before := c.count()
		pass(time.Minute)
		if got := c.count() - before; got < 14 || got > 16 {
			t.Errorf("%d reports in a minute", got)
		}
		own := func() float64 {
			r := c.last()
			return r.Nodes[slices.IndexFunc(r.Nodes, func(n status.Node) bool { return n.Self })].Figures.Requests
		}
		before, shown := c.count(), own()
		n.set(func(r *status.Report) { r.Nodes[0].State = "unreachable" })
		h.Notice()
		pass(lookLeast)
		if c.count() != before+1 || own() <= shown {
			t.Errorf("%d reports of a change, with the figures of %v after %v", c.count()-before, own(), shown)
		}
		c.stop()
		<-c.done
	})
}

// What is for operators is in no form that everybody may read.
func TestOperatorsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		h, stop := running(t, n)
		defer stop()
		public, operators := watch(t, h.Events(), nil), watch(t, h.OperatorEvents(), nil)
		n.mu.Lock()
		n.refused = []string{"secret/asia.yaml:1:2: a mistake"}
		n.report.Regions[0].State, n.report.Regions[0].Drained = "draining", "until 14:05 UTC"
		n.mu.Unlock()
		pass(2 * time.Second)
		all, err := json.Marshal(h.Complete(n.config().Report()))
		if err != nil {
			t.Fatal(err)
		}
		for where, text := range map[string]string{"the stream": public.said(), "the report": string(all)} {
			if strings.Contains(text, "secret") || strings.Contains(text, "operators") {
				t.Errorf("%s says %s", where, text)
			}
			if !strings.Contains(text, "refuses its region files for a mistake") || !strings.Contains(text, "asia is drained until 14:05 UTC") || !strings.Contains(text, `"refused":1`) {
				t.Errorf("%s does not say what happened: %s", where, text)
			}
		}
		if text := operators.said(); !strings.Contains(text, "secret detail of asia is drained") || !strings.Contains(text, `"operators":{"secret":"198.51.100.7"}`) {
			t.Errorf("operators: %s", text)
		}
		if operators.header.Get("Access-Control-Allow-Origin") != "" {
			t.Error("other sites may read what is for operators")
		}
		if r := h.Operators(n.config().Report()); len(r.Events) != 2 || r.Events[0].Detail == "" {
			t.Errorf("%+v", r.Events)
		}
		public.stop()
		operators.stop()
		<-public.done
		<-operators.done
	})
}

// A watcher that does not read misses what others get, then gets the newest;
// one that never reads is cut off.
func TestSlowWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		h, stop := running(t, n, func(c *Config) { c.FiguresEvery = time.Hour })
		defer stop()
		wait := make(chan struct{})
		slow, quick, stuck := watch(t, h.Events(), wait), watch(t, h.Events(), nil), watch(t, h.Events(), make(chan struct{}))
		for i := range 3 {
			n.set(func(r *status.Report) { r.Nodes[0].Revision = fmt.Sprint("r", i+2) })
			pass(time.Second)
		}
		close(wait)
		synctest.Wait()
		if quick.count() != 4 || slow.count() != 2 || slow.last().Nodes[0].Revision != "r4" {
			t.Errorf("%d and %d reports, the last with %s", quick.count(), slow.count(), slow.last().Nodes[0].Revision)
		}
		pass(writeFor)
		<-stuck.done
		if stuck.count() != 0 {
			t.Error("who does not read got something")
		}
		quick.stop()
		slow.stop()
		<-quick.done
		<-slow.done
		if left := h.public.watchers.Load(); left != 0 {
			t.Errorf("%d watchers are counted after all are gone", left)
		}
	})
}

func TestTooManyWatchers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := running(t, newNetwork(), func(c *Config) { c.Watchers = 2 })
		defer stop()
		one, two := watch(t, h.Events(), nil), watch(t, h.Events(), nil)
		synctest.Wait()
		three := watch(t, h.Events(), nil)
		<-three.done
		if three.code != 503 || three.header.Get("Retry-After") != "5" || !strings.Contains(three.said(), `{"error":`) {
			t.Errorf("%d %v %s", three.code, three.header, three.said())
		}
		operator := watch(t, h.OperatorEvents(), nil) // who keeps a place of their own
		synctest.Wait()
		if operator.count() != 1 {
			t.Error("no place for an operator")
		}
		one.stop()
		<-one.done
		four := watch(t, h.Events(), nil)
		synctest.Wait()
		if four.code != 200 {
			t.Errorf("%d though one has gone", four.code)
		}
		for _, c := range []*client{two, four, operator} {
			c.stop()
			<-c.done
		}
		for method, want := range map[string]int{"HEAD": 200, "POST": 405, "OPTIONS": 405} {
			w := httptest.NewRecorder()
			h.Events().ServeHTTP(w, httptest.NewRequest(method, "/-/events", strings.NewReader("x")))
			if w.Code != want || want == 405 && w.Header().Get("Allow") != "GET, HEAD" || want == 200 && (w.Body.Len() > 0 || w.Header().Get("Content-Type") != "text/event-stream") {
				t.Errorf("%s: %d %v %s", method, w.Code, w.Header(), w.Body)
			}
		}
	})
}

// TestOneClient: nobody takes all places.
func TestOneClient(t *testing.T) {
	for name, tc := range map[string]struct {
		clients []string
		want    int // who watch, of 8 places
	}{
		"one address":     {[]string{"192.0.2.1"}, 2},
		"one network":     {[]string{"2001:db8::1", "2001:db8::2", "2001:db8::3"}, 2},
		"three addresses": {[]string{"192.0.2.1", "192.0.2.2", "2001:db8::1"}, 6},
		"unknown":         {[]string{""}, 8},
	} {
		synctest.Test(t, func(t *testing.T) {
			h, stop := running(t, newNetwork(), func(c *Config) {
				c.Watchers = 8
				c.Client = func(r *http.Request) netip.Addr {
					a, _ := netip.ParseAddr(r.Header.Get("From"))
					return a
				}
			})
			defer stop()
			for range 2 { // places are given back
				var all []*client
				for i := range 12 {
					all = append(all, watch(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						r.Header.Set("From", tc.clients[i%len(tc.clients)])
						h.Events().ServeHTTP(w, r)
					}), nil))
					synctest.Wait()
				}
				if got := h.public.watchers.Load(); got != int64(tc.want) {
					t.Errorf("%s: %d watch, want %d", name, got, tc.want)
				}
				for _, c := range all {
					c.stop()
					<-c.done
				}
				if len(h.public.clients) != 0 {
					t.Errorf("%s: %v are counted after all are gone", name, h.public.clients)
				}
			}
		})
	}
}

// Figures of others: asked for seldom, often while somebody watches, and
// forgotten when a node is silent.
func TestFiguresOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		for i := range 20 {
			n.report.Nodes = append(n.report.Nodes, status.Node{Name: fmt.Sprint("africa-", i), Region: "africa", Membership: "alive", State: "serving"})
		}
		n.report.Nodes = append(n.report.Nodes, status.Node{Name: "gone-1", Region: "africa", Membership: "dead"})
		h, stop := running(t, n)
		defer stop()
		figures := func(name string) *status.Figures {
			r := h.Complete(n.config().Report())
			return byName(&r)[name].Figures
		}
		asks := func(name string, d time.Duration) int {
			n.mu.Lock()
			before := len(n.asked[name])
			n.mu.Unlock()
			pass(d)
			n.mu.Lock()
			defer n.mu.Unlock()
			return len(n.asked[name]) - before
		}
		if f := figures("asia-1"); f == nil || f.Requests != 7 {
			t.Errorf("%+v", f)
		}
		if f := figures("gone-1"); f != nil || len(n.asked["gone-1"])+len(n.asked["europe-1"]) != 0 {
			t.Errorf("who is gone was asked, or this node itself: %v", n.asked)
		}
		if got := asks("asia-1", time.Minute); got != 6 {
			t.Errorf("asked %d times a minute", got)
		}
		c := watch(t, h.Events(), nil)
		if got := asks("asia-1", time.Minute); got < 28 || got > 31 {
			t.Errorf("asked %d times a minute while somebody watches", got)
		}
		n.mu.Lock()
		most := n.most
		n.mu.Unlock()
		if most != askAtOnce {
			t.Errorf("%d were asked at once", most)
		}
		n.mu.Lock()
		for i := range 20 {
			n.silent[fmt.Sprint("africa-", i)] = true
		}
		n.mu.Unlock()
		pass(forgetAfter - 3*time.Second)
		if figures("africa-3") == nil {
			t.Error("forgotten too soon")
		}
		pass(8 * time.Second)
		if figures("africa-3") != nil || figures("asia-1") == nil {
			t.Error("not forgotten, or not the right one")
		}
		n.set(func(r *status.Report) { r.Nodes = r.Nodes[:2] })
		pass(5 * time.Second)
		h.mu.Lock()
		kept := len(h.others)
		h.mu.Unlock()
		if kept != 1 {
			t.Errorf("%d nodes are kept", kept)
		}
		c.stop()
		<-c.done
	})
}

// Only so many events are kept, and those that were given away stay as they were.
// In a large network each node is asked more seldom, and none is forgotten.
func TestManyNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		for i := range 300 {
			n.report.Nodes = append(n.report.Nodes, status.Node{Name: fmt.Sprint("africa-", i), Region: "africa", Membership: "alive", State: "serving"})
		}
		h, stop := running(t, n)
		defer stop()
		c := watch(t, h.Events(), nil)
		pass(time.Minute)
		asks := 0
		n.mu.Lock()
		for _, at := range n.asked {
			asks += len(at)
		}
		n.mu.Unlock()
		if asks < 300*7 || asks > 60*int(time.Second/askRest)+2*300 {
			t.Errorf("%d questions in a minute", asks)
		}
		for _, node := range c.last().Nodes {
			if node.Figures == nil && !node.Self && node.Name != "useast-1" {
				t.Errorf("no figures of %s", node.Name)
			}
		}
		c.stop()
		<-c.done
	})
}

func TestEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		h, stop := running(t, n)
		defer stop()
		var first []status.Event
		for i := range keep + 5 {
			n.set(func(r *status.Report) { r.Nodes[0].Revision = fmt.Sprint("r", i+2) })
			pass(time.Second)
			if i == 0 {
				first = h.Complete(n.config().Report()).Events
			}
		}
		synctest.Wait()
		e := h.Complete(n.config().Report()).Events
		if len(e) != keep || e[0].Seq != keep+5 || e[keep-1].Seq != 6 || len(first) != 1 || first[0].Seq != 1 {
			t.Errorf("%d events, %d to %d; at first %+v", len(e), e[0].Seq, e[len(e)-1].Seq, first)
		}
	})
}

// Over real connections of each kind, the server's shutdown is not held up by
// those who watch.
func TestOverHTTP(t *testing.T) {
	h := New(newNetwork().config())
	ctx, end := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- h.Run(ctx) }()
	s := httptest.NewUnstartedServer(h.Events())
	s.EnableHTTP2 = true
	s.StartTLS()
	plain := httptest.NewServer(h.Events())
	event := func(r *bufio.Reader) {
		t.Helper()
		for _, want := range []string{"event: report\n", "id: ", "data: {", "\n"} {
			line, err := r.ReadString('\n')
			if err != nil || !strings.HasPrefix(line, want) {
				t.Fatalf("%q %v, want %q", line, err, want)
			}
		}
	}
	for h.newest.Load() == nil {
		<-time.After(time.Millisecond)
	}
	var open []*http.Response
	for _, base := range []string{s.URL, plain.URL} {
		resp, err := s.Client().Get(base + "/-/events")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		event(bufio.NewReader(resp.Body))
		open = append(open, resp)
	}
	if open[0].ProtoMajor != 2 || open[1].ProtoMajor != 1 {
		t.Errorf("%s and %s", open[0].Proto, open[1].Proto)
	}
	old, err := net.Dial("tcp", plain.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	fmt.Fprint(old, "GET /-/events HTTP/1.0\r\n\r\n")
	r := bufio.NewReader(old)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != 200 || len(resp.TransferEncoding) > 0 {
		t.Fatalf("HTTP/1.0: %v %v", resp, err)
	}
	event(bufio.NewReader(resp.Body))
	begin := time.Now()
	end()
	for _, server := range []*http.Server{s.Config, plain.Config} {
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the end took %v", took)
	}
	if err := <-ran; err != nil {
		t.Error(err)
	}
	s.Client().CloseIdleConnections()
}

// What a look costs in a network of 300 nodes.
func BenchmarkLook(b *testing.B) {
	n := newNetwork()
	f := status.Figures{Hits: map[string]float64{"lane": 0.5, "memory": 0.4, "memcached": 0.1}, Decisions: make([]status.Count, 5), Origins: make([]status.Origin, 2)}
	for i := range 300 {
		own := f
		n.report.Nodes = append(n.report.Nodes, status.Node{Name: fmt.Sprint("africa-", i), Region: "africa", Membership: "alive", State: "serving", Figures: &own})
	}
	c := n.config()
	h := New(c)
	seen := h.look(nil, false, false)
	b.Run("same", func(b *testing.B) {
		for b.Loop() {
			seen = h.look(seen, true, false)
		}
	})
	b.Run("written", func(b *testing.B) {
		size := 0
		for b.Loop() {
			seen = h.look(seen, true, true)
			size = len(h.newest.Load().public())
		}
		b.ReportMetric(float64(size), "B/report")
	})
}

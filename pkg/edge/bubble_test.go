package edge

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/health"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/store"
)

// origins answer in the place of a network, so that time in a test is the
// bubble's.
type origins map[string]func(*http.Request) (status int, body string)

func (o origins) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer, ok := o[r.URL.Host]
	if !ok || r.URL.Path == apispec.WellKnown { // the catalogue is in place already
		return nil, io.EOF
	}
	status, body := answer(r)
	h := http.Header{"Content-Type": {"application/json"}, "Etag": {fmt.Sprintf("%q", body)}}
	if h.Get("Etag") == r.Header.Get("If-None-Match") {
		status, body = 304, ""
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
}

// bubble is an edge without sockets. Its background runs until the test ends.
func bubble(t *testing.T, o origins, change ...func(*Config)) *setup {
	t.Helper()
	s := &setup{world: &testWorld{m: testMap(t), states: map[string]health.TargetStatus{}, places: nil,
		members: []Member{{Node: "europe-1", Region: "europe", State: "alive", Self: true}}}}
	c := Config{Node: "europe-1", Region: "europe", TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Maps: s.world, Members: s.world, Health: s.world, Locator: s.world, Store: store.NewMemory(store.MemoryConfig{}),
		Metrics: observe.NewMetrics("europe-1", "europe"), Logger: slog.New(slog.DiscardHandler), Transport: o}
	for _, name := range [...]string{"a", "b"} {
		if _, ok := o[name+".test"]; ok {
			c.Origins = append(c.Origins, &url.URL{Scheme: "http", Host: name + ".test"})
		}
	}
	for _, f := range change {
		f(&c)
	}
	var err error
	if s.edge, err = New(c); err != nil {
		t.Fatal(err)
	}
	if c.Catalogue != None {
		if err := s.edge.catalogue.install(catalogueText(t), "", "test"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.edge.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	synctest.Wait()
	return s
}

// cacheStatus asks, and gives status, body and Cache-Status without the node.
func (s *setup) cacheStatus(fields ...string) string {
	w := s.ask("GET", "/thing/x", "", fields...)
	return fmt.Sprint(w.Code, " ", w.Body, " ", strings.TrimPrefix(w.Header().Get("Cache-Status"), "europe-1; "))
}

func TestLeaderLeavesWhileAnotherWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := bubble(t, origins{"a.test": func(*http.Request) (int, string) {
			asked++
			<-time.After(time.Second)
			return 200, "one"
		}})
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan struct{})
		go func() {
			r := httptest.NewRequestWithContext(ctx, "GET", "/thing/x", nil)
			r.RemoteAddr, r.Host = "127.0.0.1:5", "europe.test"
			s.edge.ServeHTTP(httptest.NewRecorder(), r)
			close(left)
		}()
		synctest.Wait()
		got := make(chan string)
		go func() { got <- s.cacheStatus() }()
		synctest.Wait()
		leave()
		<-left
		if w := <-got; w != "200 one fwd=uri-miss; fwd-status=200; ttl=59; stored; collapsed" || asked != 1 {
			t.Errorf("%s; origin asked %d times", w, asked)
		}
	})
}

// What an origin says in place of a stored 200, step by step.
func TestNegativeAnswers(t *testing.T) {
	const hour = time.Hour // past all freshness, within leave to be stale
	for name, steps := range map[string][]struct {
		wait time.Duration
		a, b int // what the origins say; 0 for b: there is none
		want string
	}{
		"one origin that means it": {
			{hour, 404, 0, `200 stored fwd=stale; fwd-status=404; ttl=-3540; detail="404 not confirmed"`},
			{hour / 7200, 404, 0, `200 stored hit; ttl=-3540; detail="404 not confirmed"`}, // within the second
			{2 * time.Second, 404, 0, `404 gone hit; ttl=3`},                               // asked again in the background
		},
		"one origin that recovers": {
			{hour, 404, 0, `200 stored fwd=stale; fwd-status=404; ttl=-3540; detail="404 not confirmed"`},
			{2 * time.Second, 200, 0, `200 stored hit; ttl=59`},
		},
		"400 then 404": {
			{hour, 400, 0, `200 stored fwd=stale; fwd-status=400; ttl=-3540; detail="400 not confirmed"`},
			{1500 * time.Millisecond, 404, 0, `200 stored hit; ttl=-3541; detail="404 not confirmed"`},
			{1500 * time.Millisecond, 404, 0, `404 gone hit; ttl=4`},
		},
		"a second origin agrees":        {{hour, 404, 404, `404 gone fwd=stale; fwd-status=404; ttl=5; stored`}},
		"a second origin has it":        {{hour, 404, 200, `200 stored fwd=stale; fwd-status=304; ttl=60; stored`}},
		"a second origin is broken":     {{hour, 404, 500, `200 stored fwd=stale; fwd-status=404; ttl=-3540; detail="404 not confirmed"`}},
		"401 at once":                   {{hour, 401, 200, `401 gone fwd=stale; fwd-status=401; detail=no-store`}},
		"403 at once":                   {{hour, 403, 200, `403 gone fwd=stale; fwd-status=403; detail=no-store`}, {0, 500, 500, `500 gone fwd=uri-miss; fwd-status=500; detail="an error does not replace an answer"`}},
		"410 at once":                   {{hour, 410, 200, `410 gone fwd=stale; fwd-status=410; detail=no-store`}},
		"451 at once":                   {{hour, 451, 200, `451 gone fwd=stale; fwd-status=451; detail=no-store`}},
		"429 leaves the stored one":     {{hour, 429, 429, `200 stored fwd=stale; fwd-status=429; ttl=-3540; detail=stale-if-error`}},
		"fresh for a short time":        {{hour, 404, 404, `404 gone fwd=stale; fwd-status=404; ttl=5; stored`}, {4 * time.Second, 200, 200, `404 gone hit; ttl=1`}, {4 * time.Second, 200, 200, `200 stored fwd=stale; fwd-status=200; ttl=60; stored`}},
		"while it may be used as it is": {{65 * time.Second, 404, 0, `200 stored hit; ttl=-5; detail=stale-while-revalidate`}, {time.Second / 2, 404, 0, `200 stored hit; ttl=-5; detail=stale-while-revalidate`}, {2 * time.Second, 404, 0, `404 gone hit; ttl=3`}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var a, b atomic.Int64 // what each origin says
				answer := func(status *atomic.Int64) func(*http.Request) (int, string) {
					return func(*http.Request) (int, string) {
						if n := int(status.Load()); n > 0 && n != 200 {
							return n, "gone"
						}
						return 200, "stored"
					}
				}
				o := origins{"a.test": answer(&a)}
				if steps[0].b != 0 {
					o["b.test"] = answer(&b)
				}
				s := bubble(t, o)
				s.cacheStatus()
				for i, step := range steps {
					a.Store(int64(step.a))
					b.Store(int64(step.b))
					<-time.After(step.wait)
					synctest.Wait()
					if got := s.cacheStatus(); got != step.want {
						t.Errorf("step %d:\n got %s\nwant %s", i, got, step.want)
					}
					synctest.Wait()
				}
			})
		})
	}
}

// Without a catalogue a 404 is an answer like any other.
func TestNegativeAnswersByTheRFCAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var status atomic.Int64
		s := bubble(t, origins{"a.test": func(*http.Request) (int, string) {
			if n := int(status.Load()); n > 0 {
				return n, "gone"
			}
			return 200, "stored"
		}}, plainMode)
		s.cacheStatus()
		status.Store(404)
		if got := s.cacheStatus(); !strings.HasPrefix(got, "404 gone fwd=stale; fwd-status=404") || !strings.Contains(got, "stored") {
			t.Errorf("a 404: %s", got)
		}
	})
}

// A 429 is never stored, and neither is what an origin says of this node's
// use of it.
func TestLimitsAreNotStored(t *testing.T) {
	s := newEdge(t)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	for range 2 {
		s.ask("GET", "/thing/x", "")
	}
	if n := s.origin.total(); n != 2 {
		t.Errorf("a 429 with freshness: the origin was asked %d times, want 2", n)
	}
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit", "RateLimit-Policy", "X-Rate-Limit-Used"} {
			w.Header().Set(name, "1")
		}
		io.WriteString(w, "{}")
	})
	for i := range 2 {
		w := s.ask("GET", "/thing/x", "")
		if hit := strings.Contains(w.Header().Get("Cache-Status"), "hit"); hit != (i == 1) {
			t.Errorf("%v", w.Header())
		}
		for name := range w.Header() {
			if strings.Contains(strings.ToLower(name), "rate") {
				t.Errorf("answer %d has %s", i, name)
			}
		}
	}
}

package edge

// Each test of this file shows a fault that the edge once had; its comment names the fault.

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/health"
)

func plainMode(c *Config) { c.Catalogue = None }

func withTimeout(d time.Duration) func(*Config) { return func(c *Config) { c.Timeout = d } }

func withOrigins(t testing.TB, bases ...string) func(*Config) {
	return func(c *Config) {
		c.Origins = nil
		for _, b := range bases {
			u, err := url.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			c.Origins = append(c.Origins, u)
		}
	}
}

// hangingServer is a server that takes requests and never answers.
func hangingServer(t *testing.T) *httptest.Server {
	release := make(chan struct{})
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(release); h.CloseClientConnections(); h.Close() })
	return h
}

func rawServer(t *testing.T, answer string) *httptest.Server {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		io.WriteString(c, answer)
		c.Close()
	}))
	t.Cleanup(h.Close)
	return h
}

// An origin's 429 although a stale copy is there.
func Test429WithStaleCopy(t *testing.T) {
	s := newEdge(t)
	s.ask("GET", "/thing/x", "")
	s.clock.Store(int64(10 * time.Minute))
	s.origin.set(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(429) })
	if w := s.ask("GET", "/thing/x", ""); w.Code != 200 {
		t.Errorf("%d %s; %s", w.Code, w.Body, w.Header().Get("Cache-Status"))
	}
}

// The first origin hangs: the second is never asked.
func TestHangingFirstOrigin(t *testing.T) {
	hang := hangingServer(t)
	s := newEdge(t, withTimeout(2*time.Second))
	u, _ := url.Parse(hang.URL)
	s.edge.Origins = append([]*url.URL{u}, s.edge.Origins...)
	s.edge.Refresh()
	start := time.Now()
	w := s.ask("GET", "/thing/x", "")
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if w.Code != 200 {
		t.Errorf("%d after %s (second origin asked %d times; failures reported to health: %v): %s", w.Code, time.Since(start), s.origin.total(), s.world.failed, w.Body)
	}
}

// A 5xx with freshness replaces the good copy.
func Test5xxOverwritesGoodCopy(t *testing.T) {
	s := newEdge(t)
	s.ask("GET", "/thing/x", "")
	s.clock.Store(int64(10 * time.Minute))
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=10")
		w.WriteHeader(503)
		io.WriteString(w, "broken")
	})
	if w := s.ask("GET", "/thing/x", ""); w.Code != 200 {
		t.Errorf("first: %d", w.Code)
	}
	if w := s.ask("GET", "/thing/x", ""); w.Code != 200 {
		t.Errorf("second: %d %s %s: the stale copy was replaced by the error", w.Code, w.Body, w.Header().Get("Cache-Status"))
	}
}

// A long chunked body that is cut looks whole.
func TestCutLongBody(t *testing.T) {
	s := newEdge(t)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, strings.Repeat("x", maxBody+4096))
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	srv := httptest.NewServer(s.edge)
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/thing/x")
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if err == nil {
		t.Errorf("%d bytes of a cut body, read without error (status %d)", n, resp.StatusCode)
	}
}

// Client leaves while the rest of a long body stalls.
func TestClientLeavesStalledRest(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	gone := make(chan struct{})
	s := newEdge(t)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("x", maxBody+4096))
		http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			close(gone)
		case <-release:
		}
	})
	returned := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(returned)
		s.edge.ServeHTTP(w, r)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", srv.URL+"/thing/x", nil)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	io.CopyN(io.Discard, resp.Body, maxBody)
	cancel()
	resp.Body.Close()
	select {
	case <-returned:
	case <-time.After(3 * time.Second):
		buf := make([]byte, 1<<20)
		st := string(buf[:runtime.Stack(buf, true)])
		i := strings.Index(st, "edge.(*Edge).answer")
		t.Errorf("3 s after the client left, its handler still waits for the origin (in answer: %v)", i >= 0)
	}
	s.origin.Server.CloseClientConnections()
}

// Unkeyed X-Forwarded-* of one client poison the plain cache.
func TestPlainForwardedPoisoning(t *testing.T) {
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Forwarded-Port", "X-Original-Url", "X-Rewrite-Url"} {
		s := newEdge(t, plainMode, func(c *Config) { c.TrustedProxies = nil })
		s.origin.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			fmt.Fprintf(w, "%s=%s", name, r.Header.Get(name))
		})
		s.ask("GET", "/a", "", name, "evil.example")
		if w := s.ask("GET", "/a", ""); strings.Contains(w.Body.String(), "evil") {
			t.Errorf("the next client gets %q (%s)", w.Body, w.Header().Get("Cache-Status"))
		}
	}
}

type cutBody struct{ n int }

func (c *cutBody) Read(p []byte) (int, error) {
	if c.n == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := min(c.n, len(p))
	c.n -= n
	return n, nil
}

// A client that cuts its own request body counts as a failure of the origin.
func TestClientCutBodyBlamesOrigin(t *testing.T) {
	s := newEdge(t)
	srv := httptest.NewServer(s.edge)
	defer srv.Close()
	s.origin.set(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	for range 3 {
		c, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /other HTTP/1.1\r\nHost: europe.test\r\nContent-Length: 100\r\n\r\nshort")
		c.(*net.TCPConn).CloseWrite()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			t.Logf("client sees %d", resp.StatusCode)
		}
		c.Close()
	}
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if len(s.world.failed) > 0 {
		t.Errorf("health was told that %v failed", s.world.failed)
	}
}

// The API's own Link is lost for clients that are nearer elsewhere.
func TestLinkOfAPILost(t *testing.T) {
	s := newEdge(t)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", `</thing/x?page=2>; rel="next"`)
		io.WriteString(w, "{}")
	})
	w := s.ask("GET", "/thing/x", "", "X-Forwarded-For", "133.39.1.1", "Host", "rest.test")
	if l := strings.Join(w.Header().Values("Link"), ", "); !strings.Contains(l, "next") {
		t.Errorf("Link %q", l)
	}
}

// The query is written raw into Link.
func TestLinkInjection(t *testing.T) {
	s := newEdge(t)
	srv := httptest.NewServer(s.edge)
	defer srv.Close()
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /thing/x?a>;rel=\"x\",<https://evil.example/e.css>;rel=stylesheet;x=\"y HTTP/1.1\r\nHost: rest.test\r\nX-Forwarded-For: 133.39.1.1\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if l := resp.Header.Get("Link"); strings.Contains(l, ",<https://evil.example/e.css>;rel=stylesheet") {
		t.Errorf("status %d Link: %s", resp.StatusCode, l)
	}
}

// HEAD in plain mode says Content-Length: 0.
func TestPlainHeadLength(t *testing.T) {
	s := newEdge(t, plainMode)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		if r.Method != "HEAD" {
			io.WriteString(w, "hello")
		}
	})
	if w := s.ask("HEAD", "/a", ""); w.Header().Get("Content-Length") == "0" {
		t.Errorf("Content-Length %q, the origin said 5", w.Header().Get("Content-Length"))
	}
}

// Unsafe request in auto mode outside of the catalogue.
func TestAutoInvalidatesPlain(t *testing.T) {
	s := newEdge(t)
	var version atomic.Int64
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		if r.Method == "POST" {
			version.Add(1)
		}
		fmt.Fprint(w, version.Load())
	})
	s.ask("GET", "/other", "")
	s.ask("POST", "/other", "x")
	if w := s.ask("GET", "/other", ""); w.Body.String() != "1" {
		t.Errorf("after the POST: %s (%s)", w.Body, w.Header().Get("Cache-Status"))
	}
}

// Variants come back after their invalidation.
func TestInvalidatedVariantReturns(t *testing.T) {
	s := newEdge(t, plainMode)
	var version atomic.Int64
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "Accept-Language")
		if r.Method == "POST" {
			version.Add(1)
		}
		fmt.Fprint(w, r.Header.Get("Accept-Language"), version.Load())
	})
	s.ask("GET", "/a", "", "Accept-Language", "en")
	s.ask("GET", "/a", "", "Accept-Language", "de")
	s.ask("POST", "/a", "x")
	if w := s.ask("GET", "/a", "", "Accept-Language", "en"); w.Body.String() != "en1" {
		t.Errorf("en: %s", w.Body)
	}
	if w := s.ask("GET", "/a", "", "Accept-Language", "de"); w.Body.String() != "de1" {
		t.Errorf("de after the POST: %s (%s)", w.Body, w.Header().Get("Cache-Status"))
	}
}

// Nothing answered, but 504 and not 503: hanging origins known to be lost.
func TestLostHangingOriginIs503(t *testing.T) {
	s := newEdge(t)
	u, _ := url.Parse(hangingServer(t).URL)
	s.edge.Origins = []*url.URL{u}
	s.world.set(nodeID("asia-1"), health.Unreachable, s.edge)
	s.world.set(originID(u), health.Unreachable, s.edge)
	if w := s.ask("GET", "/thing/x", ""); w.Code != 503 {
		t.Errorf("%d, want 503: nothing answered, and the client did not run out of time", w.Code)
	}
}

// A dial timeout is a 504.
func TestDialTimeoutIs503(t *testing.T) {
	d := &net.Dialer{Timeout: time.Nanosecond}
	s2 := newEdge(t, plainMode, func(c *Config) { c.Transport = &http.Transport{DialContext: d.DialContext} })
	s2.world.set(nodeID("asia-1"), health.Unreachable, s2.edge)
	if w := s2.ask("GET", "/a", ""); w.Code != 503 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// What passes through waits the full time for origins known to be lost.
func TestPassWaitsForLostOrigin(t *testing.T) {
	s := newEdge(t, withTimeout(5*time.Second))
	u, _ := url.Parse(hangingServer(t).URL)
	s.edge.Origins = []*url.URL{u}
	s.world.set(nodeID("asia-1"), health.Unreachable, s.edge)
	s.world.set(originID(u), health.Unreachable, s.edge)
	start := time.Now()
	w := s.ask("GET", "/thing/x", "", "Authorization", "Basic x")
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("%d after %s", w.Code, d)
	}
}

// An answer that is not HTTP's becomes an empty 200.
func TestOddStatus(t *testing.T) {
	for _, line := range []string{"099 X", "000 X", "101 Switching Protocols"} {
		s := newEdge(t)
		raw := rawServer(t, "HTTP/1.1 "+line+"\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
		u, _ := url.Parse(raw.URL)
		s.edge.Origins = []*url.URL{u}
		s.world.set(nodeID("asia-1"), health.Unreachable, s.edge)
		if w := s.ask("GET", "/thing/x", ""); w.Code != 502 {
			t.Errorf("stored path, status line %q: %d %q", line, w.Code, w.Body)
		}
		if w := s.ask("POST", "/other", ""); w.Code != 502 {
			t.Errorf("passed through, status line %q: %d %q", line, w.Code, w.Body)
		}
	}
}

// A callback that is no identifier.
func TestOddCallback(t *testing.T) {
	s := newEdge(t)
	for _, cb := range []string{"a%20b", "alert(1)", "var", strings.Repeat("a", 500)} {
		w := s.ask("GET", "/thing/x.jsonp?callback="+cb, "")
		if w.Code == 200 && w.Body.Len() == 0 {
			t.Errorf("callback %.20s: empty 200 %v", cb, w.Header())
		}
	}
}

// 304 to a request without preconditions.
func TestForeign304(t *testing.T) {
	s := newEdge(t)
	s.world.set(nodeID("asia-1"), health.Unreachable, s.edge)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) })
	if w := s.ask("GET", "/thing/x", ""); w.Code == 304 {
		t.Errorf("304 to a client that has nothing")
	}
}

// Methods that the router does not know skip the loop guard.
func TestUnknownMethodLoops(t *testing.T) {
	var n atomic.Int64
	var e atomic.Pointer[Edge]
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) > 50 {
			w.WriteHeader(200)
			return
		}
		e.Load().ServeHTTP(w, r)
	}))
	defer srv.Close()
	s := newEdge(t)
	u, _ := url.Parse(srv.URL)
	s.edge.Origins = []*url.URL{u}
	s.edge.Refresh()
	e.Store(s.edge)
	w := s.ask("POST", "/other", "")
	t.Logf("POST: %d, %d rounds", w.Code, n.Load())
	n.Store(0)
	w = s.ask("PROPFIND", "/other", "")
	if n.Load() > 10 {
		t.Errorf("PROPFIND went round %d times: %d", n.Load(), w.Code)
	}
}

// A safe POST of 1 to 4 MiB is not repeated at the next origin.
func TestLongSafePostNextOrigin(t *testing.T) {
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	defer bad.Close()
	s := newEdge(t)
	u, _ := url.Parse(bad.URL)
	s.edge.Origins = append([]*url.URL{u}, s.edge.Origins...)
	s.world.set(nodeID("asia-1"), health.Unreachable, s.edge)
	body := `{"ids":["` + strings.Repeat("a", 2<<20) + `"]}`
	if w := s.ask("POST", "/thing", body, "Content-Type", "application/json"); w.Code != 200 {
		t.Errorf("%d %.100s", w.Code, w.Body)
	}
}

// Rate limit fields of answers that are not stored.
func TestRateLimitFieldsLeak(t *testing.T) {
	s := newEdge(t)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-RateLimit-Remaining", "7")
		w.Header().Set("Cache-Control", "no-store")
		io.WriteString(w, "{}")
	})
	if w := s.ask("GET", "/thing/x", ""); w.Header().Get("X-RateLimit-Remaining") != "" {
		t.Errorf("X-RateLimit-Remaining %s", w.Header().Get("X-RateLimit-Remaining"))
	}
}

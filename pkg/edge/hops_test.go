package edge

// Faults that once stood between this node and the hops before and behind it; each comment names one.

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
	"mirrornet/pkg/store"
)

// Two edges without an answer ask each other, and neither waits for the other. The shared origin takes both requests before it
// answers 503, so that both flights are under way when each asks the other.
func TestEdgesWaitForEachOther(t *testing.T) {
	var arrived sync.WaitGroup
	arrived.Add(2)
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= 2 {
			arrived.Done()
			arrived.Wait()
		}
		w.WriteHeader(503)
	}))
	defer origin.Close()
	text := newEdge(t).edge.catalogue.current.Load().text
	one := func(node string, reg region.Name) (*setup, *httptest.Server) {
		s := newEdge(t, plainMode, withOrigins(t, origin.URL), withTimeout(4*time.Second), func(c *Config) { c.Node, c.Region = node, reg })
		s.edge.Catalogue = Auto
		if err := s.edge.catalogue.install(text, "", "test"); err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(s.edge)
		t.Cleanup(srv.Close)
		return s, srv
	}
	a, as := one("europe-1", "europe")
	b, bs := one("asia-1", "asia")
	link := func(s *setup, self, other string, reg region.Name, url string) {
		s.world.mu.Lock()
		s.world.members = []Member{{Node: self, Region: s.edge.Region, State: "alive", Self: true}, {Node: other, Region: reg, State: "alive", Advertise: url}}
		s.world.states[nodeID(other)] = health.TargetStatus{State: health.Serving, LastOK: time.Now()}
		s.world.mu.Unlock()
		s.edge.Refresh()
	}
	link(a, "europe-1", "asia-1", "asia", bs.URL)
	link(b, "asia-1", "europe-1", "europe", as.URL)
	var wg sync.WaitGroup
	start := time.Now()
	var codes [2]int
	wg.Go(func() { codes[0] = a.ask("GET", "/thing/d", "").Code })
	wg.Go(func() { codes[1] = b.ask("GET", "/thing/d", "", "Host", "asia.test").Code })
	wg.Wait()
	if d := time.Since(start); d > time.Second {
		t.Errorf("%s, answers %v: each edge's flight waits for the other's (up to Timeout)", d, codes)
	}
}

// dialTo sends every connection to one address, so that names that are not loopback can be used.
func dialTo(to net.Addr, only string) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if !strings.HasPrefix(addr, only) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		}
		return (&net.Dialer{}).DialContext(ctx, network, to.String())
	}}
}

func withPeer(t *testing.T, h http.HandlerFunc, change ...func(*Config)) *setup {
	peer := httptest.NewServer(h)
	t.Cleanup(peer.Close)
	s := newEdge(t, append([]func(*Config){plainMode, withOrigins(t, "http://origin.test"), func(c *Config) { c.Transport = dialTo(peer.Listener.Addr(), "peer.test") }}, change...)...)
	s.world.mu.Lock()
	s.world.members[1].Advertise = "http://peer.test"
	s.world.mu.Unlock()
	s.edge.Refresh()
	return s
}

// Plain mode sends the client's cookies to another region in clear text.
func TestPlainCookieToRegion(t *testing.T) {
	var seen atomic.Value
	s := withPeer(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Header.Get("Cookie"))
		io.WriteString(w, "x")
	})
	s.ask("GET", "/a", "", "Cookie", "session=secret")
	if c, _ := seen.Load().(string); c != "" {
		t.Errorf("http://peer.test was sent Cookie %q; pass and proxy take it out (withoutSecrets)", c)
	}
}

// A request with credentials is answered by what another region says to nobody.
func TestAuthorizedAnswer(t *testing.T) {
	s := withPeer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(401)
		}
	})
	if w := s.ask("GET", "/a", "", "Authorization", "Basic x"); w.Code == 401 {
		t.Errorf("401 to a client with credentials that no origin saw; want 503")
	}
}

// Http and https share a plain key, even by Vary: X-Forwarded-Proto.
func TestSchemeShared(t *testing.T) {
	s := newEdge(t, plainMode)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "X-Forwarded-Proto")
		if r.Header.Get("X-Forwarded-Proto") != "https" {
			http.Redirect(w, r, "https://europe.test/a", http.StatusMovedPermanently)
			return
		}
		io.WriteString(w, "secure")
	})
	s.ask("GET", "/a", "")
	r := httptest.NewRequest("GET", "/a", nil)
	r.RemoteAddr, r.Host, r.TLS = "127.0.0.1:5", "europe.test", &tls.ConnectionState{}
	w := httptest.NewRecorder()
	s.edge.ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("the https client gets %d to %s (%s): it goes round for ever", w.Code, w.Header().Get("Location"), w.Header().Get("Cache-Status"))
	}
}

// An answer that is cut is neither counted nor logged.
func TestAbortedNotLogged(t *testing.T) {
	var log bytes.Buffer
	s := newEdge(t, func(c *Config) { c.AccessLog = slog.New(slog.NewTextHandler(&log, nil)) })
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "part")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	func() {
		defer func() { recover() }()
		s.ask("POST", "/other", "")
	}()
	if !strings.Contains(log.String(), "/other") {
		t.Errorf("access log: %q", log.String())
	}
}

func mustURL(s string) *url.URL { u, _ := url.Parse(s); return u }

// The client's own body fails: the origin is blamed.
func TestClientBodyBlamesOrigin(t *testing.T) {
	for _, length := range []int64{100, 5 << 20} {
		s := newEdge(t)
		s.origin.set(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
		r := httptest.NewRequest("POST", "/other", &cutBody{50})
		r.ContentLength, r.RemoteAddr, r.Host = length, "127.0.0.1:5", "europe.test"
		w := httptest.NewRecorder()
		s.edge.ServeHTTP(w, r)
		s.world.mu.Lock()
		if len(s.world.failed) > 0 || w.Code >= 500 {
			t.Errorf("length %d: %d; health was told that %v failed", length, w.Code, s.world.failed)
		}
		s.world.mu.Unlock()
	}
}

// Peers' Link is stored as if it were the API's.
func TestPeerFieldsStored(t *testing.T) {
	s := withPeer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Link", `<http://europe.test/a>; rel="alternate"`)
		w.Header().Set("Via", "1.1 asia-1")
		w.Header().Set("Cache-Status", "asia-1; hit; ttl=10")
		io.WriteString(w, "x")
	})
	w := s.ask("GET", "/a", "")
	if l := w.Header().Get("Link"); l != "" {
		t.Errorf("Link %q, written by a peer for this node, goes to the client and to store", l)
	}
	if v := strings.Join(w.Header().Values("Via"), ", "); !strings.Contains(v, "asia-1") {
		t.Errorf("Via %q lost the hop before (RFC 9110 §7.6.3)", v)
	}
	if v := strings.Join(w.Header().Values("Cache-Status"), ", "); !strings.Contains(v, "asia-1") {
		t.Errorf("Cache-Status %q is not appended (design §7)", v)
	}
}

// The stay cookie is lost when the API sets its own.
func TestStayCookieLost(t *testing.T) {
	s := newEdge(t)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "a=b")
		io.WriteString(w, "x")
	})
	w := s.ask("GET", "/thing/x?redirect=no", "", "Sec-Fetch-Mode", "navigate", "Accept", "text/html")
	if c := strings.Join(w.Header().Values("Set-Cookie"), "; "); !strings.Contains(c, stayCookie) || !strings.Contains(c, "a=b") {
		t.Errorf("Set-Cookie %q", c)
	}
}

// A GET fetch begun before an invalidation stores as fresh after it.
func TestFetchAcrossInvalidation(t *testing.T) {
	s := newEdge(t, plainMode)
	release, in := make(chan struct{}), make(chan struct{})
	var version atomic.Int64
	var first sync.Once
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		if r.Method == "POST" {
			version.Add(1)
			return
		}
		v := version.Load()
		first.Do(func() { close(in); <-release })
		io.WriteString(w, string(rune('0'+v)))
	})
	var wg sync.WaitGroup
	wg.Go(func() { s.ask("GET", "/a", "") })
	<-in
	s.ask("POST", "/a", "")
	close(release)
	wg.Wait()
	if w := s.ask("GET", "/a", ""); w.Body.String() != "1" {
		t.Errorf("after the POST: %s (%s)", w.Body, w.Header().Get("Cache-Status"))
	}
}

// GET with a body, passed on, then to a region: the body is used up.
func TestBodyUsedUp(t *testing.T) {
	var got atomic.Value
	s := withPeer(t, func(w http.ResponseWriter, r *http.Request) { b, _ := io.ReadAll(r.Body); got.Store(string(b)) })
	w := s.ask("GET", "/a", "hello", "Range", "bytes=0-1")
	if g, _ := got.Load().(string); w.Code == 200 && g != "hello" {
		t.Errorf("%d, the region got body %q", w.Code, g)
	}
}

// Only-if-cached is ignored where nothing is stored by rule.
func TestOnlyIfCachedPassed(t *testing.T) {
	s := newEdge(t)
	w := s.ask("GET", "/thing/x", "", "Cache-Control", "only-if-cached", "Authorization", "Basic x")
	if w.Code != 504 || s.origin.total() != 0 {
		t.Errorf("%d, the origin was asked %d times (RFC 9111 §5.2.1.7)", w.Code, s.origin.total())
	}
}

// Over a real connection: a malformed chunk.
func TestMalformedChunkBlamesOrigin(t *testing.T) {
	s := newEdge(t)
	srv := httptest.NewServer(s.edge)
	defer srv.Close()
	s.origin.set(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST /other HTTP/1.1\r\nHost: europe.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")
	c.SetReadDeadline(time.Now().Add(3 * time.Second))
	b := make([]byte, 64)
	n, _ := c.Read(b)
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if len(s.world.failed) > 0 {
		t.Errorf("client sees %.30q; health was told that %v failed", b[:n], s.world.failed)
	}
}

func TestRaceOnReplay(t *testing.T) {
	early := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(500)
		http.NewResponseController(w).Flush()
		io.CopyN(io.Discard, r.Body, 1<<20)
	}))
	defer early.Close()
	s := newEdge(t)
	s.edge.Origins = append([]*url.URL{mustURL(early.URL)}, s.edge.Origins...)
	s.edge.Refresh()
	body := `{"ids":["` + strings.Repeat("a", 3<<20) + `"]}`
	for range 5 {
		s.ask("POST", "/thing", body, "Content-Type", "application/json", "Cache-Control", "no-cache")
	}
}

// lateStore gives the first caller's miss back late.
type lateStore struct {
	store.Store
	n    atomic.Int64
	gate chan struct{}
	in   chan struct{}
}

func (s *lateStore) Get(ctx context.Context, key string) (*store.Response, store.Tier, bool) {
	r, tier, ok := s.Store.Get(ctx, key)
	if s.n.Add(1) == 1 {
		close(s.in)
		<-s.gate
	}
	return r, tier, ok
}

// A look-up that missed before another request's flight ended starts a second one.
func TestMissThenFlightEnded(t *testing.T) {
	late := &lateStore{gate: make(chan struct{}), in: make(chan struct{})}
	s := newEdge(t, func(c *Config) { late.Store = c.Store; c.Store = late })
	var wg sync.WaitGroup
	wg.Go(func() { s.ask("GET", "/thing/x", "") })
	<-late.in
	s.ask("GET", "/thing/x", "")
	close(late.gate)
	wg.Wait()
	if n := s.origin.total(); n != 1 {
		t.Errorf("two concurrent requests for one cold key: the origin was asked %d times", n)
	}
}

// An origin's own address in Location goes to the client, and into store.
func TestLocationOfTheOrigin(t *testing.T) {
	s := newEdge(t)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		http.Redirect(w, r, "http://"+r.Host+"/new?x=1", http.StatusMovedPermanently)
	})
	for _, method := range []string{"GET", "GET", "PUT"} {
		if l := s.ask(method, "/old", "").Header().Get("Location"); l != "/new?x=1" {
			t.Errorf("%s: Location %q", method, l)
		}
	}
	if w := s.ask("TRACE", "/old", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("TRACE: %d", w.Code)
	}
}

// A field with underscores is to many an origin the one with hyphens.
func TestUnderscores(t *testing.T) {
	s := newEdge(t, plainMode)
	var got atomic.Value
	s.origin.set(func(w http.ResponseWriter, r *http.Request) { got.Store(r.Header.Clone()) })
	s.ask("GET", "/a", "", "X_forwarded_host", "evil.test", "X_real-Ip", "192.0.2.1", "X_rewrite_url", "/b", "X_own", "1")
	for name := range got.Load().(http.Header) {
		if strings.Contains(name, "_") != (name == "X_own") && strings.HasPrefix(name, "X_") {
			t.Errorf("the origin was sent %s", name)
		}
	}
	if got.Load().(http.Header).Get("X_own") == "" {
		t.Error("other fields are the client's own")
	}
}

// What another region said to nobody is stored for those with that cookie.
func TestWithoutCookieStoredForCookie(t *testing.T) {
	s := withPeer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "Cookie")
		io.WriteString(w, "for "+r.Header.Get("Cookie"))
	})
	s.ask("GET", "/a", "", "Cookie", "user=a")
	if w := s.ask("GET", "/a", "", "Cookie", "user=a"); strings.Contains(w.Header().Get("Cache-Status"), "hit") {
		t.Errorf("%s %s", w.Body, w.Header().Get("Cache-Status"))
	}
	if w := s.ask("GET", "/a", ""); !strings.Contains(w.Header().Get("Cache-Status"), "hit") {
		t.Errorf("without: %s %s", w.Body, w.Header().Get("Cache-Status"))
	}
}

// A client that says that it sends no more gets a cut answer that looks whole.
func TestCutForHalfClosedClient(t *testing.T) {
	s := newEdge(t, plainMode)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begin")
		http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(time.Second):
		}
		io.WriteString(w, "end")
	})
	c, err := net.Dial("tcp", strings.TrimPrefix(s.serve(t), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /a HTTP/1.1\r\nHost: europe.test\r\nRange: bytes=0-\r\n\r\n")
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 5)
	io.ReadFull(resp.Body, first)
	c.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(resp.Body); err == nil && string(rest) != "end" {
		t.Errorf("%q looks whole", string(first)+string(rest))
	}
}

// Of two lines of cookies the second is lost.
func TestCookieLines(t *testing.T) {
	s := newEdge(t, plainMode)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Join(r.Header["Cookie"], "|"))
	})
	r := httptest.NewRequest("GET", "/a", nil)
	r.RemoteAddr, r.Host = "127.0.0.1:5", "europe.test"
	r.Header["Cookie"] = []string{"a=1; redirect_mirror=no", "b=2"}
	w := httptest.NewRecorder()
	s.edge.ServeHTTP(w, r)
	if w.Body.String() != "a=1; b=2" {
		t.Errorf("the origin was sent %q", w.Body)
	}
}

// An unsafe request that another region answers leaves what is stored here.
func TestProxiedInvalidates(t *testing.T) {
	s := newEdge(t, plainMode)
	s.world.mu.Lock()
	s.world.members[1].Advertise = s.origin.URL
	s.world.mu.Unlock()
	s.origin.set(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Cache-Control", "max-age=60") })
	get := func() string {
		s.world.set(nodeID("asia-1"), health.Unreachable, s.edge)
		return s.ask("GET", "/a", "", "Host", "asia.test").Header().Get("Cache-Status")
	}
	if get(); !strings.Contains(get(), "; hit") {
		t.Fatal(get())
	}
	s.world.set(nodeID("asia-1"), health.Serving, s.edge)
	if w := s.ask("PUT", "/a", "x", "Host", "asia.test"); w.Code != 200 || w.Header().Get("Mirror-Region") != "asia" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if cs := get(); strings.Contains(cs, "; hit") {
		t.Errorf("after the PUT: %s", cs)
	}
}

// A request with credentials is proxied without them, where they may not be
// sent in clear text: the client is refused what its credentials allow.
func TestProxiedWithoutCredentials(t *testing.T) {
	var asked atomic.Int32
	s := withPeer(t, func(w http.ResponseWriter, r *http.Request) { asked.Add(1); w.WriteHeader(401) })
	w := s.ask("GET", "/a", "", "Host", "asia.test", "Authorization", "Basic x")
	if w.Code == 401 || asked.Load() != 0 {
		t.Errorf("%d %s; the region was asked %d times", w.Code, w.Body, asked.Load())
	}
}

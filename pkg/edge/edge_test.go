package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
	"mirrornet/pkg/store"
)

// testOrigin is an HTTP server with a catalogue. It counts what it is asked.
type testOrigin struct {
	*httptest.Server
	mu       sync.Mutex // guards the fields below
	requests map[string]int
	answer   http.HandlerFunc // of everything but the catalogue
}

func testCatalogue() *apispec.Catalogue {
	fresh := apispec.Freshness{MaxAge: 60, StaleWhileRevalidate: 30, StaleIfError: 3600, Negative: 5}
	return &apispec.Catalogue{Title: "test", Version: "1", Release: "1", Endpoints: []apispec.Endpoint{
		{ID: "thing", Group: "G", Method: "GET", Path: "/thing/{id}", Freshness: fresh, Formats: []string{apispec.JSON, apispec.JSONP, apispec.Plain},
			Params:   []apispec.Param{{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true}, {Name: "expand", In: apispec.InQuery, Type: apispec.Boolean, Default: "0"}},
			Canaries: []string{"/thing/a"}, Examples: []apispec.Example{{Target: "/thing/a", ContentType: apispec.JSON}}},
		{ID: "things", Group: "G", Method: "POST", Path: "/thing", Freshness: fresh, Formats: []string{apispec.JSON},
			Body: &apispec.Body{ListOf: "ids", Safe: true, Fields: []apispec.Param{{Name: "ids", In: apispec.InQuery, Type: apispec.String, Repeated: true}}}},
	}}
}

func catalogueText(t testing.TB) []byte {
	t.Helper()
	text, err := json.Marshal(testCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newOrigin(t testing.TB) *testOrigin {
	o := &testOrigin{requests: map[string]int{}}
	o.answer = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Accept"))
		w.Header().Set("ETag", `"v1"`)
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"target":%q,"body":%q}`, r.URL.RequestURI(), body)
	}
	text := catalogueText(t)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == apispec.WellKnown {
			w.Write(text)
			return
		}
		o.mu.Lock()
		o.requests[r.Method+" "+r.URL.RequestURI()]++
		answer := o.answer
		o.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(o.Server.Close)
	return o
}

func (o *testOrigin) total() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.requests {
		n += c
	}
	return n
}

func (o *testOrigin) set(h http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = h
}

// testWorld stands in for gossip, health and GeoIP: their states are the
// test's to set.
type testWorld struct {
	mu      sync.Mutex // guards the fields below
	m       *region.Map
	members []Member
	states  map[string]health.TargetStatus
	places  map[netip.Addr]geo.Place
	failed  []string
}

func (w *testWorld) Map() *region.Map { return w.m }
func (w *testWorld) Members() []Member {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.members
}
func (w *testWorld) View() *health.View {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := &health.View{Status: map[string]health.TargetStatus{}}
	for id, s := range w.states {
		v.Status[id] = s
	}
	return v
}
func (w *testWorld) ReportFailure(id string, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = append(w.failed, id)
}
func (w *testWorld) ReportSuccess(string)          {}
func (w *testWorld) Locate(a netip.Addr) geo.Place { return w.places[a] }
func (w *testWorld) set(id string, s health.State, e *Edge) {
	w.mu.Lock()
	w.states[id] = health.TargetStatus{State: s, LastOK: time.Now()}
	w.mu.Unlock()
	e.Refresh()
}

func testMap(t testing.TB) *region.Map {
	t.Helper()
	point := func(lat, lon float64) geo.Point {
		p, err := geo.At(lat, lon)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	m, err := region.NewMap(region.Network{Canonical: []string{"http://rest.test"}, Home: "europe", Navigation: "redirect", API: "serve"},
		region.Region{Name: "europe", Title: "Europe", URL: "http://europe.test", Host: "europe.test", Location: point(52.1, 0.2), Country: "GB", State: region.Serving, Serves: region.Rules{Continents: []string{"EU"}}},
		region.Region{Name: "asia", Title: "Asia", URL: "http://asia.test", Host: "asia.test", Location: point(1.35, 103.8), Country: "SG", State: region.Serving, Serves: region.Rules{Continents: []string{"AS", "OC"}}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var japan = netip.MustParseAddr("133.39.1.1")
var japan6 = netip.MustParseAddr("2001:200::1")

type setup struct {
	edge   *Edge
	world  *testWorld
	origin *testOrigin
	clock  *atomic.Int64 // added to the time, in nanoseconds
}

func newEdge(t testing.TB, change ...func(*Config)) *setup {
	t.Helper()
	s := &setup{origin: newOrigin(t), clock: &atomic.Int64{}}
	tokyo, err := geo.At(35.7, 139.7)
	if err != nil {
		t.Fatal(err)
	}
	place := geo.Place{Country: "JP", Continent: "AS", City: "Tokyo", Point: tokyo, AccuracyKm: 20}
	s.world = &testWorld{m: testMap(t), states: map[string]health.TargetStatus{}, places: map[netip.Addr]geo.Place{japan: place, japan6: place},
		members: []Member{{Node: "europe-1", Region: "europe", State: "alive", Self: true},
			{Node: "asia-1", Region: "asia", State: "alive", Advertise: "http://127.0.0.1:1"}}}
	s.world.states[nodeID("asia-1")] = health.TargetStatus{State: health.Serving, LastOK: time.Now()}
	base, err := url.Parse(s.origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Node: "europe-1", Region: "europe", Origins: []*url.URL{base}, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Maps: s.world, Members: s.world, Health: s.world, Locator: s.world, Store: store.NewMemory(store.MemoryConfig{}),
		Home: func(w http.ResponseWriter, _ *http.Request, h status.Visit) {
			fmt.Fprintf(w, "home of %s", h.Report.Region)
		},
		Network: func(w http.ResponseWriter, _ *http.Request, v status.Visit) {
			fmt.Fprintf(w, "%d regions", len(v.Report.Regions))
		},
		Metrics: observe.NewMetrics("europe-1", "europe"), Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(time.Duration(s.clock.Load())) }, State: t.TempDir()}
	for _, f := range change {
		f(&c)
	}
	if s.edge, err = New(c); err != nil {
		t.Fatal(err)
	}
	if c.Catalogue != None {
		sources, _ := s.edge.world.Load().originSources("")
		if !s.edge.catalogue.poll(t.Context(), sources) {
			t.Fatal("no catalogue from the origin")
		}
	}
	return s
}

// ask makes one request from loopback. fields are alternating names and values.
func (s *setup) ask(method, target, body string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:5"
	r.Host = "europe.test"
	for i := 0; i < len(fields); i += 2 {
		if fields[i] == "Host" {
			r.Host = fields[i+1]
			continue
		}
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	s.edge.ServeHTTP(w, r)
	return w
}

func TestHitAfterMiss(t *testing.T) {
	s := newEdge(t)
	first := s.ask("GET", "/thing/x?expand=1", "")
	if first.Code != 200 || !strings.Contains(first.Header().Get("Cache-Status"), "europe-1; fwd=uri-miss; fwd-status=200") ||
		!strings.Contains(first.Header().Get("Cache-Status"), "stored") {
		t.Fatalf("first: %d %v", first.Code, first.Header())
	}
	for _, same := range []string{"/thing/x?expand=1", "/thing/x.json?expand=1", "/thing/x?content-type=application/json;expand=1", "/thing/x?;expand=1&redirect=no"} {
		w := s.ask("GET", same, "")
		if !strings.HasPrefix(w.Header().Get("Cache-Status"), "europe-1; hit") || w.Body.String() != first.Body.String() {
			t.Errorf("%s: Cache-Status %q, body %s", same, w.Header().Get("Cache-Status"), w.Body)
		}
		if timing := w.Header().Get("Server-Timing"); !strings.HasSuffix(timing, ", memory") {
			t.Errorf("%s: Server-Timing %q does not say which tier had it", same, timing)
		}
		for _, name := range []string{"Age", "Via", "Mirror-Region", "ETag", "Access-Control-Allow-Origin", "Timing-Allow-Origin"} {
			if w.Header().Get(name) == "" {
				t.Errorf("%s: no %s in %v", same, name, w.Header())
			}
		}
	}
	if h := s.ask("HEAD", "/thing/x?expand=1", ""); h.Body.Len() != 0 || !strings.Contains(h.Header().Get("Cache-Status"), "hit") {
		t.Errorf("HEAD: %q %v", h.Body, h.Header())
	}
	if p := s.ask("GET", "/thing/x?expand=1;callback=f;content-type=text/javascript", ""); !strings.HasPrefix(p.Body.String(), "f({") {
		t.Errorf("JSONP: %s", p.Body)
	}
	if w := s.ask("GET", "/thing/x?expand=1", "", "If-None-Match", first.Header().Get("ETag")); w.Code != 304 {
		t.Errorf("If-None-Match: %d", w.Code)
	}
	if n := s.origin.total(); n != 1 {
		t.Errorf("the origin was asked %d times, want 1: %v", n, s.origin.requests)
	}
	if w := s.ask("GET", "/thing/x?expand=1", "", "Accept", "text/plain"); strings.Contains(w.Header().Get("Cache-Status"), "hit") {
		t.Errorf("another format was a hit: %v", w.Header())
	}
}

func TestSafePostIsStoredByBody(t *testing.T) {
	s := newEdge(t)
	a := s.ask("POST", "/thing", `{"ids":["a"]}`, "Content-Type", "application/json")
	b := s.ask("POST", "/thing", `{ "ids" : ["a"] }`, "Content-Type", "application/json")
	c := s.ask("POST", "/thing", `{"ids":["c"]}`, "Content-Type", "application/json")
	if a.Code != 200 || !strings.Contains(b.Header().Get("Cache-Status"), "hit") || a.Body.String() != b.Body.String() {
		t.Errorf("second equal POST: %v\n%s\n%s", b.Header(), a.Body, b.Body)
	}
	if strings.Contains(c.Header().Get("Cache-Status"), "hit") || !strings.Contains(c.Body.String(), "c") {
		t.Errorf("another body: %v %s", c.Header(), c.Body)
	}
}

func TestCollapse(t *testing.T) {
	s := newEdge(t)
	release := make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		<-release
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"one":1}`)
	})
	var wg sync.WaitGroup
	var good atomic.Int32
	for range 1000 {
		wg.Go(func() {
			if w := s.ask("GET", "/thing/cold", ""); w.Code == 200 && w.Body.String() == `{"one":1}` {
				good.Add(1)
			}
		})
	}
	for s.origin.total() == 0 { // the leader is there
		select {
		case <-t.Context().Done():
			t.Fatal("the origin was never asked")
		default:
		}
	}
	close(release)
	wg.Wait()
	if n := s.origin.total(); n != 1 || good.Load() != 1000 {
		t.Errorf("origin asked %d times, want 1; %d good answers, want 1000", n, good.Load())
	}
}

func TestStaleWhenOriginsAreLost(t *testing.T) {
	s := newEdge(t)
	if w := s.ask("GET", "/thing/kept", ""); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	s.origin.Close()
	s.clock.Store(int64(40 * time.Minute)) // past freshness and past stale-while-revalidate
	s.edge.Refresh()
	w := s.ask("GET", "/thing/kept", "")
	if cs := w.Header().Get("Cache-Status"); w.Code != 200 || !strings.Contains(cs, "fwd=stale") || !strings.Contains(cs, "stale-if-error") {
		t.Errorf("stored: %d, Cache-Status %q", w.Code, cs)
	}
	if w.Header().Get("Age") != "2400" {
		t.Errorf("Age %q, want 2400", w.Header().Get("Age"))
	}
	s.world.set(originID(s.edge.Origins[0]), health.Unreachable, s.edge)
	if w := s.ask("GET", "/thing/kept", ""); w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Status"), "hit") {
		t.Errorf("stored, origins known to be lost: %d %v", w.Code, w.Header())
	}
	w = s.ask("GET", "/thing/new", "")
	var body struct{ Error string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); w.Code != 503 || err != nil || body.Error == "" || w.Header().Get("Retry-After") == "" || w.Header().Get("Cache-Status") == "" {
		t.Errorf("new: %d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestOtherRegionsAnswerWhenOriginsCannot(t *testing.T) {
	s := newEdge(t)
	var got http.Header
	asia := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Set("Cache-Status", "asia-1; hit")
		io.WriteString(w, "from asia")
	}))
	defer asia.Close()
	s.world.members[1].Advertise = asia.URL
	s.edge.Refresh()
	s.origin.set(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", http.StatusInternalServerError) })
	w := s.ask("GET", "/thing/y", "")
	if w.Code != 200 || w.Body.String() != "from asia" || !strings.Contains(got.Get("CDN-Loop"), "mirrornet") {
		t.Errorf("%d %s, CDN-Loop %q", w.Code, w.Body, got.Get("CDN-Loop"))
	}
	if w := s.ask("GET", "/thing/z", "", "CDN-Loop", "mirrornet"); w.Code != 500 {
		t.Errorf("a request from another edge went on to a third: %d %s", w.Code, w.Body)
	}
	if w := s.ask("GET", "/thing/z", "", "CDN-Loop", "mirrornet, mirrornet, mirrornet"); w.Code != http.StatusLoopDetected {
		t.Errorf("a circle: %d", w.Code)
	}
}

func TestDecisions(t *testing.T) {
	const nav = "navigate"
	tests := []struct {
		name, method, target string
		fields               []string
		status               int
		location, nearest    string
	}{
		{"navigation on the canonical name", "GET", "/?a=1;b=2", []string{"Host", "rest.test", "X-Forwarded-For", japan.String(), "Accept", "text/html", "Sec-Fetch-Mode", nav}, 307, "http://asia.test/?a=1;b=2", "asia"},
		{"IPv6", "GET", "/network", []string{"Host", "rest.test", "X-Forwarded-For", japan6.String(), "Accept", "text/html", "Sec-Fetch-Mode", nav}, 307, "http://asia.test/network", "asia"},
		{"stays", "GET", "/?redirect=no", []string{"Host", "rest.test", "X-Forwarded-For", japan.String(), "Accept", "text/html", "Sec-Fetch-Mode", nav}, 200, "", "asia"},
		{"stays by cookie", "GET", "/", []string{"Host", "rest.test", "X-Forwarded-For", japan.String(), "Accept", "text/html", "Sec-Fetch-Mode", nav, "Cookie", "a=b; redirect_mirror=no"}, 200, "", "asia"},
		{"forced against the cookie", "GET", "/?redirect=force", []string{"Host", "rest.test", "X-Forwarded-For", japan.String(), "Accept", "text/html", "Sec-Fetch-Mode", nav, "Cookie", "redirect_mirror=no"}, 307, "http://asia.test/", "asia"},
		{"API call", "GET", "/thing/x", []string{"Host", "rest.test", "X-Forwarded-For", japan.String()}, 200, "", "asia"},
		{"POST", "POST", "/thing", []string{"Host", "rest.test", "X-Forwarded-For", japan.String(), "Accept", "text/html", "Sec-Fetch-Mode", nav}, 200, "", "asia"},
		{"regional name", "GET", "/", []string{"Host", "europe.test", "X-Forwarded-For", japan.String(), "Accept", "text/html", "Sec-Fetch-Mode", nav}, 200, "", "asia"},
		{"nobody knows where", "GET", "/", []string{"Host", "rest.test", "Accept", "text/html", "Sec-Fetch-Mode", nav}, 200, "", "europe"},
	}
	s := newEdge(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := s.ask(tt.method, tt.target, "", tt.fields...)
			h := w.Header()
			if w.Code != tt.status || h.Get("Location") != tt.location || h.Get("Mirror-Nearest") != tt.nearest {
				t.Errorf("%d, Location %q, Mirror-Nearest %q; want %d, %q, %q (%s)", w.Code, h.Get("Location"), h.Get("Mirror-Nearest"), tt.status, tt.location, tt.nearest, w.Body)
			}
			if tt.status == 307 && (h.Get("Cache-Control") != "private, no-store" || h.Get("Vary") == "") {
				t.Errorf("a redirect that others may keep: %v", h)
			}
			if tt.name == "stays" && !strings.Contains(h.Get("Set-Cookie"), "redirect_mirror=no") {
				t.Errorf("no cookie: %v", h)
			}
		})
	}
	s.world.set(nodeID("asia-1"), health.Unreachable, s.edge)
	if w := s.ask("GET", "/", "", "Host", "rest.test", "X-Forwarded-For", japan.String(), "Accept", "text/html", "Sec-Fetch-Mode", nav); w.Code != 200 {
		t.Errorf("redirected to a region that does not serve: %d %s", w.Code, w.Header().Get("Location"))
	}
}

// The client's address: who may speak for others.
func TestClientAddress(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	tests := []struct {
		name    string
		trusted []netip.Prefix
		remote  string
		xff     []string
		want    string
	}{
		{"nobody trusted", nil, "127.0.0.1:5", []string{"133.39.1.1"}, "127.0.0.1"},
		{"trusted proxy", loopback, "127.0.0.1:5", []string{"133.39.1.1"}, "133.39.1.1"},
		{"untrusted peer", loopback, "203.0.113.4:5", []string{"133.39.1.1"}, "203.0.113.4"},
		{"forged left-most", loopback, "127.0.0.1:5", []string{"133.39.1.1, 198.51.100.9, 10.1.2.3"}, "198.51.100.9"},
		{"two lines", loopback, "127.0.0.1:5", []string{"133.39.1.1", "198.51.100.9"}, "198.51.100.9"},
		{"mapped alias of a trusted one", loopback, "127.0.0.1:5", []string{"198.51.100.9, ::ffff:10.1.2.3"}, "198.51.100.9"},
		{"garbage in the chain", loopback, "127.0.0.1:5", []string{"133.39.1.1, <x>, 10.1.2.3"}, "invalid IP"},
		{"IPv6", loopback, "127.0.0.1:5", []string{"2001:200::1"}, "2001:200::1"},
		{"mapped peer", loopback, "[::ffff:127.0.0.1]:5", []string{"133.39.1.1"}, "133.39.1.1"},
		{"no field", loopback, "127.0.0.1:5", nil, "invalid IP"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &Edge{Config: Config{TrustedProxies: tt.trusted}}
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.remote
			r.Header["X-Forwarded-For"] = tt.xff
			e.addressed = e.clientAddress()
			if got := e.clientOf(r); got.String() != tt.want {
				t.Errorf("client %s, want %s", got, tt.want)
			}
		})
	}
}

func TestCutSteering(t *testing.T) {
	for _, tt := range []struct{ raw, rest, redirect string }{
		{"", "", ""},
		{"a=1;b=2&c=%3b", "a=1;b=2&c=%3b", ""},
		{"redirect=no", "", "no"},
		{"a=1;redirect=no", "a=1", "no"},
		{"redirect=force&a=1;mirror-prefer=asia", "a=1", "force"},
		{"mirror-avoid=asia,useast&q=redirect=no", "q=redirect=no", ""},
	} {
		s, rest := cutSteering(tt.raw, http.Header{})
		if rest != tt.rest || s.redirect != tt.redirect {
			t.Errorf("%q: rest %q, redirect %q; want %q, %q", tt.raw, rest, s.redirect, tt.rest, tt.redirect)
		}
	}
	// A header full of names must not cost a look at each for each region.
	if s, _ := cutSteering("", http.Header{"Mirror-Prefer": {"asia," + strings.Repeat("x,", 30000)}}); len(s.prefer) != maxWishes || s.prefer[0] != "asia" {
		t.Errorf("%d names count", len(s.prefer))
	}
	s, _ := cutSteering("mirror-prefer=asia", http.Header{"Mirror-Avoid": {"useast, Europe"}})
	if fmt.Sprint(s.prefer, s.avoid) != "[asia] [useast europe]" {
		t.Errorf("prefer %v, avoid %v", s.prefer, s.avoid)
	}
}

func TestLongBodyStreamsOnce(t *testing.T) {
	s := newEdge(t)
	long := strings.Repeat("x", maxBody+1000)
	s.origin.set(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, long)
	})
	for range 2 {
		w := s.ask("GET", "/thing/long", "")
		if w.Code != 200 || w.Body.Len() != len(long) || strings.Contains(w.Header().Get("Cache-Status"), "stored") {
			t.Errorf("%d, %d bytes, %v", w.Code, w.Body.Len(), w.Header())
		}
	}
}

func TestCutAnswerIsNotServed(t *testing.T) {
	s := newEdge(t)
	s.origin.set(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	if w := s.ask("GET", "/thing/cut", ""); w.Code != 502 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRateLimitOfTheOriginIsNotTheClients(t *testing.T) {
	s := newEdge(t)
	s.origin.set(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	for _, method := range []string{"GET", "PUT"} {
		w := s.ask(method, "/thing/busy", "")
		if w.Code != 503 || w.Header().Get("Retry-After") != "7" || w.Header().Get("X-RateLimit-Remaining") != "" {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
	}
}

// Without a catalogue, RFC 9111 alone decides.
func TestPlain(t *testing.T) {
	s := newEdge(t, func(c *Config) { c.Catalogue = None })
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "Accept-Language")
		fmt.Fprintf(w, "%s in %s", r.URL.Path, r.Header.Get("Accept-Language"))
	})
	for i, tt := range []struct{ path, language, cs string }{
		{"/p", "en", "fwd=uri-miss"}, {"/p", "en", "hit"}, {"/p", "de", "fwd=vary-miss"}, {"/p", "de", "hit"}, {"/p", "en", "hit"}, {"/q", "en", "fwd=uri-miss"},
	} {
		w := s.ask("GET", tt.path, "", "Accept-Language", tt.language)
		if !strings.Contains(w.Header().Get("Cache-Status"), tt.cs) || w.Body.String() != tt.path+" in "+tt.language {
			t.Errorf("%d: %s %s: Cache-Status %q, body %q", i, tt.path, tt.language, w.Header().Get("Cache-Status"), w.Body)
		}
	}
	s.ask("POST", "/p", "x")
	if w := s.ask("GET", "/p", "", "Accept-Language", "en"); strings.Contains(w.Header().Get("Cache-Status"), "hit") {
		t.Errorf("a POST did not invalidate: %v", w.Header())
	}
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
	})
	w := s.ask("GET", "/private", "")
	if w.Header().Get("Set-Cookie") == "" || strings.Contains(w.Header().Get("Cache-Status"), "stored") {
		t.Errorf("private: %v", w.Header())
	}
}

func TestUnsafeRequestsPassThrough(t *testing.T) {
	s := newEdge(t)
	var seen *http.Request
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Clone(context.Background())
		b, _ := io.ReadAll(r.Body)
		w.WriteHeader(201)
		w.Write(b)
	})
	w := s.ask("PUT", "/other?a=1;b=2&redirect=no", "body", "X-Custom", "1", "Connection", "X-Hop", "X-Hop", "1", "Mirror-Prefer", "asia")
	if w.Code != 201 || w.Body.String() != "body" || !strings.Contains(w.Header().Get("Cache-Status"), "fwd=method") {
		t.Fatalf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if seen.Header.Get("X-Custom") != "1" || seen.Header.Get("X-Hop") != "" || seen.Header.Get("Mirror-Prefer") != "" || seen.URL.RawQuery != "a=1;b=2" {
		t.Errorf("forwarded %v %s", seen.Header, seen.URL)
	}
	if seen.Host == "europe.test" {
		t.Error("the origin got the client's Host")
	}
}

// A POST that the catalogue calls a query drops nothing, though its body makes
// no key.
func TestQueriesDropNothing(t *testing.T) {
	s := newEdge(t)
	s.ask("GET", "/thing", "")
	s.ask("GET", "/thing/x", "")
	for _, fields := range [][]string{{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Type", "application/json", "Authorization", "Basic eA=="}} {
		if w := s.ask("POST", "/thing", `{"ids":["x"]}`, append(fields, "Content-Location", "/thing/x")...); w.Code != 200 || strings.Contains(w.Header().Get("Cache-Status"), "stored") {
			t.Fatalf("%q: %d %v", fields, w.Code, w.Header())
		}
		if s.edge.onlyReads(httptest.NewRequest("POST", "/thing/x", nil)) || !s.edge.onlyReads(httptest.NewRequest("POST", "/thing", nil)) {
			t.Fatal("onlyReads is not by the endpoint")
		}
		if w := s.ask("GET", "/thing/x", ""); !strings.Contains(w.Header().Get("Cache-Status"), "; hit") {
			t.Errorf("after %q: Cache-Status %q", fields, w.Header().Get("Cache-Status"))
		}
	}
}

func TestPreflight(t *testing.T) {
	s := newEdge(t)
	w := s.ask("OPTIONS", "/thing/x", "", "Origin", "https://a.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-a")
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Headers") != "x-a" || s.origin.total() != 0 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestCatalogueIsKept(t *testing.T) {
	s := newEdge(t)
	s.origin.Close()
	c := s.edge.Config
	again, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if again.catalogue.keys() == nil {
		t.Error("a restarted node without its origin has no catalogue")
	}
	c.State = t.TempDir()
	none, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if none.catalogue.keys() != nil {
		t.Error("a catalogue from nowhere")
	}
}

// With catalogue auto and none ever seen, nothing is stored.
func TestNothingIsStoredWithoutACatalogue(t *testing.T) {
	s := newEdge(t)
	s.edge.catalogue.current.Store(nil)
	for range 2 {
		if w := s.ask("GET", "/thing/x", ""); w.Code != 200 || strings.Contains(w.Header().Get("Cache-Status"), "hit") {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	}
	if n := s.origin.total(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

func TestDraining(t *testing.T) {
	s := newEdge(t)
	if w := s.ask("GET", HealthPath, ""); w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
	s.edge.Drain()
	if w := s.ask("GET", HealthPath, ""); w.Code != 503 || !strings.Contains(w.Body.String(), "draining") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestIsolated(t *testing.T) {
	s := newEdge(t)
	s.world.set(nodeID("asia-1"), health.Unreachable, s.edge)
	if s.edge.Status().Isolated {
		t.Error("isolated while an origin answers")
	}
	s.world.set(originID(s.edge.Origins[0]), health.Unreachable, s.edge)
	if !s.edge.Status().Isolated {
		t.Error("not isolated without any region or origin")
	}
}

func TestExplain(t *testing.T) {
	s := newEdge(t)
	w := s.ask("GET", "/-/route?addr=133.39.1.1&navigate", "")
	var x status.Explanation
	if err := json.Unmarshal(w.Body.Bytes(), &x); err != nil || x.Action != "redirect" || x.Nearest != "asia" || len(x.Candidates) != 2 {
		t.Errorf("%v %+v", err, x)
	}
	if w := s.ask("GET", "/-/route?addr=nonsense", ""); w.Code != 400 {
		t.Errorf("%d", w.Code)
	}
	for _, path := range []string{"/-/status.json", "/.well-known/mirrors.json", apispec.WellKnown} {
		if w := s.ask("GET", path, ""); w.Code != 200 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestPanicIsOneRequestsAffair(t *testing.T) {
	s := newEdge(t, func(c *Config) {
		c.Home = func(http.ResponseWriter, *http.Request, status.Visit) { panic(errors.New("template")) }
	})
	if w := s.ask("GET", "/", ""); w.Code != 500 {
		t.Errorf("%d", w.Code)
	}
}

// FuzzTarget: no request target or field makes the edge panic.
func FuzzTarget(f *testing.F) {
	f.Add("/thing/x?expand=1;a=b", "rest.test", "text/html", "no-cache", "133.39.1.1")
	f.Add("//evil.example/%zz?redirect=;", "[::1", "*/*;q=0", "max-age=99999999999999999999", "::ffff:1.2.3.4, x")
	f.Add("/thing/%00?callback=%22&content-type=text/javascript", "", "text/javascript", "only-if-cached", "")
	var s *setup
	f.Fuzz(func(t *testing.T, target, host, accept, control, forwarded string) {
		if s == nil {
			s = newEdge(t)
			s.edge.Logger = slog.New(slog.DiscardHandler)
		}
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.URL, r.RequestURI, r.Host, r.RemoteAddr = u, target, host, "127.0.0.1:5"
		r.Header = http.Header{"Accept": {accept}, "Cache-Control": {control}, "X-Forwarded-For": {forwarded}}
		w := httptest.NewRecorder()
		s.edge.ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError && strings.Contains(w.Body.String(), "internal error") {
			t.Fatalf("panic for %q", target)
		}
		if l := w.Header().Get("Location"); w.Code == 307 && !strings.HasPrefix(l, "http://asia.test/") {
			t.Fatalf("Location %q", l)
		}
	})
}

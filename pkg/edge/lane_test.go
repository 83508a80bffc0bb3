package edge

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
	"mirrornet/pkg/lane"
	"mirrornet/pkg/store"
	"mirrornet/pkg/store/storetest"
)

// laned is an edge with a listener and the lane in front of it.
type laned struct {
	*setup
	t    *testing.T
	addr string
}

func newLaned(t *testing.T, change ...func(*Config)) *laned {
	t.Helper()
	s := newEdge(t, append([]func(*Config){func(c *Config) { c.Aliases = lane.NewTable(1 << 20) }}, change...)...)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s.edge}
	l, err := lane.Wrap(ln, server, s.edge.Lane())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := l.Drain(ctx); err != nil {
			t.Error(err)
		}
		<-done
	})
	return &laned{s, t, ln.Addr().String()}
}

// answer is what a client got, and who answered.
type answer struct {
	status int
	header http.Header
	body   string
	lane   bool
}

// client is one connection from that address.
type client struct {
	l    *laned
	conn net.Conn
	in   *bufio.Reader
}

func (l *laned) client(from string) *client {
	l.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.DialContext(l.t.Context(), "tcp", l.addr)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{l, conn, bufio.NewReader(conn)}
}

// ask sends a request with these field lines.
func (c *client) ask(method, target string, fields ...string) answer {
	c.l.t.Helper()
	before := c.l.laneHits()
	if !slices.ContainsFunc(fields, func(f string) bool { return strings.HasPrefix(f, "Host:") }) {
		fields = append([]string{"Host: europe.test"}, fields...)
	}
	fmt.Fprintf(c.conn, "%s %s HTTP/1.1\r\n%s\r\n\r\n", method, target, strings.Join(fields, "\r\n"))
	resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		c.l.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.l.t.Fatal(err)
	}
	// The lane counts when the answer is out: a second look, at most.
	a := answer{resp.StatusCode, resp.Header, string(body), false}
	a.lane = strings.HasSuffix(resp.Header.Get("Server-Timing"), laneTiming)
	if a.lane {
		for end := time.Now().Add(5 * time.Second); c.l.laneHits() == before; {
			if time.Now().After(end) {
				c.l.t.Fatalf("%s %s: the lane does not count its answer", method, target)
			}
		}
	}
	return a
}

// laneHits is what the metrics say of the lane.
func (l *laned) laneHits() (lines string) {
	w := httptest.NewRecorder()
	l.edge.Metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "mirrornet_requests_total") && strings.Contains(line, `tier="lane"`) {
			lines += line
		}
	}
	return lines
}

// warm asks until the lane answers, and returns the last ordinary answer and
// the first of the lane. A request that comes before net/http is done with the
// one before is net/http's.
func (c *client) warm(method, target string, fields ...string) (ordinary, repeated answer) {
	c.l.t.Helper()
	for range 50 {
		repeated = c.ask(method, target, fields...)
		if repeated.lane {
			return ordinary, repeated
		}
		ordinary = repeated
	}
	c.l.t.Fatalf("%s %s %q never came to the lane: %d %v", method, target, fields, repeated.status, repeated.header)
	return
}

func TestLaneRepeatsTheOrdinaryAnswer(t *testing.T) {
	l := newLaned(t)
	c := l.client("127.0.0.1")
	tag := c.ask("GET", "/thing/x").header.Get("ETag")
	for _, q := range []struct {
		method, target string
		fields         []string
	}{
		{"GET", "/thing/x", nil},
		{"GET", "/thing/x", []string{"Accept-Encoding: gzip, br", "User-Agent: a", "Accept: application/json"}},
		{"GET", "/thing/x", []string{"Accept: text/plain"}},
		{"HEAD", "/thing/x", nil},
		{"GET", "/thing/x", []string{"If-None-Match: " + tag}},
		{"GET", "/thing/x?callback=f;content-type=text/javascript", []string{"Origin: http://a.test"}},
	} {
		ordinary, repeated := c.warm(q.method, q.target, q.fields...)
		if ordinary.status != repeated.status || ordinary.body != repeated.body {
			t.Errorf("%s %s %q: %d %q, by the lane %d %q", q.method, q.target, q.fields, ordinary.status, ordinary.body, repeated.status, repeated.body)
		}
		for name := range ordinary.header {
			if name != "Server-Timing" && name != "Age" && name != "Cache-Status" && fmt.Sprint(ordinary.header[name]) != fmt.Sprint(repeated.header[name]) {
				t.Errorf("%s %s %q: %s: %q, by the lane %q", q.method, q.target, q.fields, name, ordinary.header[name], repeated.header[name])
			}
		}
		if len(ordinary.header) != len(repeated.header) {
			t.Errorf("%v, by the lane %v", ordinary.header, repeated.header)
		}
		if cs := repeated.header.Get("Cache-Status"); !strings.HasPrefix(cs, "europe-1; hit; ttl=") {
			t.Errorf("Cache-Status %q", cs)
		}
	}
}

func TestLaneTellsTheTime(t *testing.T) {
	l := newLaned(t)
	c := l.client("127.0.0.1")
	c.warm("GET", "/thing/x")
	l.clock.Add(int64(20 * time.Second))
	a := c.ask("GET", "/thing/x")
	var age, ttl int
	fmt.Sscan(a.header.Get("Age"), &age)
	fmt.Sscanf(a.header.Get("Cache-Status"), "europe-1; hit; ttl=%d", &ttl)
	if !a.lane || age < 20 || age > 21 || ttl < 38 || ttl > 40 {
		t.Errorf("lane %t, Age %d, ttl %d, after 20 of 60 seconds", a.lane, age, ttl)
	}
	l.clock.Add(int64(45 * time.Second)) // stale, and revalidated behind
	if a := c.ask("GET", "/thing/x"); a.lane || !strings.Contains(a.header.Get("Cache-Status"), "detail=stale-while-revalidate") {
		t.Errorf("past its freshness: lane %t, %v", a.lane, a.header)
	}
}

// What decides, and is not the same bytes for everyone, is not repeated.
func TestLaneLeavesTheRest(t *testing.T) {
	l := newLaned(t)
	c := l.client("127.0.0.1")
	c.warm("GET", "/thing/x")
	for _, fields := range [][]string{
		{"Cookie: redirect_mirror=no"}, {"Authorization: Basic eA=="}, {"Range: bytes=0-1"}, {"Cache-Control: max-age=0"}, {"Pragma: no-cache"},
		{"X-Forwarded-For: 133.39.1.1"}, {"X-Forwarded-Proto: https"}, {"Mirror-Avoid: europe"}, {"CDN-Loop: mirrornet"}, {"Traceparent: 00-1-1-00"},
		{"If-Modified-Since: Mon, 02 Jan 2006 15:04:05 GMT"}, {"Accept: application/json", "Accept: text/plain"},
	} {
		for range 4 {
			if a := c.ask("GET", "/thing/x", fields...); a.lane {
				t.Errorf("%q: answered by the lane", fields)
			}
		}
	}
	for _, target := range []string{"/thing/x?redirect=no", "/thing/x?mirror-prefer=asia", "/", "/network", "/-/status.json", "/.well-known/mirrors.json"} {
		for range 4 {
			if a := c.ask("GET", target); a.lane {
				t.Errorf("%s: answered by the lane", target)
			}
		}
	}
}

// Each of these must be seen by the very next request on a connection that the
// lane was answering.
func TestLaneIsVoided(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, l *laned) (want string){
		"a region lost": func(t *testing.T, l *laned) string {
			l.world.set(nodeID("asia-1"), health.Unreachable, l.edge)
			return "1"
		},
		"another GeoIP database": func(t *testing.T, l *laned) string {
			l.edge.Relocated()
			return "1"
		},
		"a new map": func(t *testing.T, l *laned) string {
			l.world.m = testMap(t)
			l.edge.Refresh()
			return "1"
		},
		"another release": func(t *testing.T, l *laned) string {
			text := bytes.Replace(catalogueText(t), []byte(`"release":"1"`), []byte(`"release":"2"`), 1)
			if err := l.edge.catalogue.install(text, "", "test"); err != nil {
				t.Fatal(err)
			}
			return "2"
		},
		"stored anew": func(t *testing.T, l *laned) string {
			l.ask("GET", "/thing/x", "", "Cache-Control", "no-cache")
			return "2"
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLaned(t)
			var version atomic.Int32
			l.origin.set(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprint(w, 1+version.Load())
			})
			c := l.client("127.0.0.1")
			c.warm("GET", "/thing/x")
			version.Store(1)
			want := change(t, l)
			if a := c.ask("GET", "/thing/x"); a.lane || a.body != want {
				t.Errorf("lane %t, body %q, want %q by the ordinary path", a.lane, a.body, want)
			}
			c.warm("GET", "/thing/x")
		})
	}
}

func TestLaneIsVoidedByUnsafeRequests(t *testing.T) {
	l := newLaned(t, func(c *Config) { c.Catalogue = None })
	l.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprintf(w, "%d", l.origin.total())
	})
	c := l.client("127.0.0.1")
	_, a := c.warm("GET", "/x")
	c.ask("PUT", "/x", "Content-Length: 0")
	if b := c.ask("GET", "/x"); b.lane || b.body == a.body {
		t.Errorf("after PUT: lane %t, body %q, before %q", b.lane, b.body, a.body)
	}
}

// A variant is repeated only where the lane compares what it varies by.
func TestLaneAndVary(t *testing.T) {
	for vary, want := range map[string]bool{"Accept, Accept-Language": true, "User-Agent": false, "Accept-Language, Save-Data": true, "Accept-Language, Referer": false} {
		l := newLaned(t, func(c *Config) { c.Catalogue = None })
		l.origin.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("Vary", vary)
			for name := range strings.SplitSeq(vary, ", ") {
				io.WriteString(w, r.Header.Get(name)+";")
			}
		})
		c := l.client("127.0.0.1")
		ask := func(v string) answer {
			return c.ask("GET", "/x", "Accept: "+v, "User-Agent: "+v, "Accept-Language: "+v)
		}
		a := ask("de")
		for range 50 {
			if a = ask("de"); a.lane {
				break
			}
		}
		if a.lane != want || !strings.Contains(a.body, "de;") {
			t.Errorf("Vary: %s: lane %t, want %t; %q", vary, a.lane, want, a.body)
		}
		if a := ask("fr"); a.lane || !strings.Contains(a.body, "fr;") {
			t.Errorf("Vary: %s: another variant: lane %t, %q", vary, a.lane, a.body)
		}
	}
}

// Without a memory tier the lane has heads alone, and each body is the store's
// of that moment.
func TestLaneReadsBodies(t *testing.T) {
	daemon := storetest.Memcached(t)
	m, err := store.NewMemcached(store.MemcachedConfig{Servers: []string{daemon.Socket}})
	if err != nil {
		t.Fatal(err)
	}
	l := newLaned(t, func(c *Config) { c.Store, c.AliasHeads = m, true })
	l.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"n":%d,"long":%q}`, l.origin.total(), strings.Repeat("abc", 3000))
	})
	c := l.client("127.0.0.1")
	ordinary, repeated := c.warm("GET", "/thing/x")
	if ordinary.body != repeated.body || !strings.HasPrefix(repeated.body, `{"n":1,`) {
		t.Errorf("%.20q, by the lane %.20q", ordinary.body, repeated.body)
	}
	before := m.Stats().Hits
	if a := c.ask("GET", "/thing/x"); !a.lane || m.Stats().Hits != before+1 {
		t.Errorf("lane %t, %d reads of memcached", a.lane, m.Stats().Hits-before)
	}
	daemon.Kill()
	daemon.Start() // empty
	if a := c.ask("GET", "/thing/x"); a.lane || !strings.HasPrefix(a.body, `{"n":2,`) {
		t.Errorf("from an empty memcached: lane %t, %.20q", a.lane, a.body)
	}
	daemon.Pause()
	if a := c.ask("GET", "/thing/x"); a.status != 200 {
		t.Errorf("from a stopped memcached: %d", a.status)
	}
	daemon.Resume()
	if _, a := c.warm("GET", "/thing/x", "Accept-Encoding: identity"); !strings.HasPrefix(a.body, `{"n":`) {
		t.Errorf("%.20q", a.body)
	}
}

// Clients of different places are told of different regions, by their own
// connections.
func TestLaneKnowsItsClients(t *testing.T) {
	l := newLaned(t, func(c *Config) {
		c.TrustedProxies = nil
		places := c.Locator.(*testWorld).places
		places[netip.MustParseAddr("127.0.0.2")] = places[japan]
		places[netip.MustParseAddr("127.0.0.3")] = geo.Place{Country: "FR", Continent: "EU"}
	})
	tokyo, paris := l.client("127.0.0.2"), l.client("127.0.0.3")
	for range 2 {
		if _, a := tokyo.warm("GET", "/thing/x", "Host: rest.test"); a.header.Get("Mirror-Nearest") != "asia" {
			t.Errorf("Japan: %v", a.header)
		}
		if _, a := paris.warm("GET", "/thing/x", "Host: rest.test"); a.header.Get("Mirror-Nearest") != "europe" {
			t.Errorf("France: %v", a.header)
		}
	}
	for range 4 { // a page load is sent to its region, and the answer is the client's own
		if a := tokyo.ask("GET", "/thing/x", "Host: rest.test", "Sec-Fetch-Mode: navigate"); a.status != 307 {
			t.Errorf("a page load: %d", a.status)
		}
	}
}

func TestLaneLogs(t *testing.T) {
	var log bytes.Buffer
	l := newLaned(t, func(c *Config) { c.AccessLog = slog.New(slog.NewTextHandler(&log, nil)) })
	c := l.client("127.0.0.1")
	c.warm("GET", "/thing/x?expand=1")
	for _, want := range []string{"tier=lane", "cache=hit", "endpoint=thing", `target="/thing/x?expand=1"`, "host=europe.test", "status=200", "region=europe"} {
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if last := lines[len(lines)-1]; !strings.Contains(last, want) {
			t.Errorf("no %s in %s", want, last)
		}
	}
}

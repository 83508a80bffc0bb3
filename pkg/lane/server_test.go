package lane

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// epoch is the tests' present. Both servers say Age 7 and ttl 93 at it.
var epoch = time.Date(2026, 12, 2, 10, 0, 0, 0, time.UTC)

// site answers as an edge does: what decides stands in the body, so that an
// alias under a wrong key shows. With a table it leaves aliases.
type site struct {
	table      *Table
	generation *atomic.Uint64
	calls      atomic.Int64
	slow       chan struct{} // "/slow" waits for it
	entered    chan struct{} // and says here that it does,
	gone       chan struct{} // and here that its client went away
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls.Add(1)
	h := w.Header()
	h.Set("Date", "Wed, 02 Dec 2026 10:00:00 GMT")
	h.Set("Content-Type", "text/plain")
	if r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasPrefix(r.URL.Path, "/own") {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d %v", r.Method, r.RequestURI, len(body), err)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/alike/") {
		s.elsewhere(w, r)
		return
	}
	if r.URL.Path == "/slow" {
		s.entered <- struct{}{}
		select {
		case <-s.slow:
		case <-r.Context().Done():
			s.gone <- struct{}{}
			return
		}
	}
	if r.URL.Path == "/ignore" && r.ContentLength > 0 { // a body that is left unread
		h.Set("X-Ignored", "yes")
	}
	var b bytes.Buffer
	for f := range deciding {
		name := [...]string{"Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "Origin", "Sec-Fetch-Mode", "X-Requested-With", "If-None-Match"}[f]
		fmt.Fprintf(&b, "%s %q\n", name, r.Header.Values(name))
	}
	fmt.Fprintf(&b, "%s %s %q %q\n", r.Host, r.RequestURI, r.Header.Values("Cookie"), r.Header.Values("Range"))
	if n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/size/")); err == nil && n <= 4<<20 {
		b.Write(bytes.Repeat([]byte("0123456789abcdef"), n/16))
	}
	body := b.Bytes()
	status := http.StatusOK
	h.Set("Age", "7")
	h.Set("Cache-Status", "test; hit; ttl=93")
	h.Set("Etag", `"v"`)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Header.Get("If-None-Match") == `"v"` {
		status, body = http.StatusNotModified, nil
		h.Del("Content-Length")
		h.Del("Content-Type")
	}
	if strings.HasPrefix(r.URL.Path, "/close") {
		h.Set("Connection", "close")
	} else if s.table != nil {
		s.leave(r, status, h, body)
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// elsewhere sends all of /alike/ to the same under /to.
func (s *site) elsewhere(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if c := r.Header.Get("Cookie"); strings.Contains(c, "own") {
		fmt.Fprintf(w, "stays with %q", c)
		return
	}
	if key, ok := AppendAnyKey(nil, r); ok && s.table != nil && r.Method == http.MethodGet {
		s.table.Put(&Alias{Key: key, Generation: s.generation.Load(), Status: http.StatusFound, At: epoch, Until: epoch.Add(time.Minute),
			Head: [3][]byte{
				[]byte("HTTP/1.1 302 Found\r\nContent-Type: " + h.Get("Content-Type") + "\r\nDate: " + h.Get("Date") + "\r\nLocation: /to"),
				[]byte("\r\nContent-Length: "), []byte("\r\n\r\n")},
			Body: []byte("look at /to"),
			Alike: func(target, cookie []byte) bool {
				return !bytes.Contains(cookie, []byte("own")) && bytes.HasPrefix(target, []byte("/alike/")) && !bytes.ContainsAny(target, "%?#")
			}})
	}
	h.Set("Location", "/to"+r.RequestURI)
	w.WriteHeader(http.StatusFound)
	if r.Method != http.MethodHead {
		io.WriteString(w, "look at /to"+r.RequestURI+"\n")
	}
}

func (s *site) leave(r *http.Request, status int, h http.Header, body []byte) {
	key, ok := AppendKey(nil, r)
	if !ok {
		return
	}
	if r.Method == http.MethodHead {
		body = nil
	}
	s.table.Put(newAlias(key, s.generation.Load(), status, h, body))
}

// long puts an answer with a long body under /long.
func (s *server) long(n int) string {
	body := bytes.Repeat([]byte("0123456789abcdef"), n/16)
	h := http.Header{"Age": {"7"}, "Cache-Status": {"test; hit; ttl=93"}, "Content-Length": {strconv.Itoa(len(body))}}
	r := &http.Request{Method: "GET", Host: "test", RequestURI: "/long", ProtoMajor: 1, ProtoMinor: 1}
	key, _ := AppendKey(nil, r)
	s.table.Put(newAlias(key, s.generation.Load(), 200, h, body))
	return string(body)
}

// newAlias serialises as net/http does when the handler has set everything.
func newAlias(key []byte, generation uint64, status int, h http.Header, body []byte) *Alias {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\r\n", name, h.Get(name))
	}
	b.WriteString("\r\n")
	begin, rest, ok1 := strings.Cut(b.String(), "Age: 7")
	middle, end, ok2 := strings.Cut(rest, "ttl=93")
	if !ok1 || !ok2 {
		panic("not what the site writes: " + b.String())
	}
	return &Alias{Key: key, Generation: generation, Head: [3][]byte{[]byte(begin + "Age: "), []byte(middle + "ttl="), []byte(end)},
		Body: body, Age: 7 * time.Second, TTL: 93 * time.Second, At: epoch, Until: epoch.Add(93 * time.Second), Status: status}
}

// server is a site behind a lane, or behind net/http alone.
type server struct {
	*site
	http *http.Server
	lane *Listener
	addr string
	hits atomic.Int64
	sent atomic.Int64 // bytes of bodies that Hit was told of
	done chan struct{}
}

// serve starts a server; setup may change the server and the lane's Config.
func serve(t testing.TB, withLane bool, setup func(*http.Server, *Config)) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{site: &site{slow: make(chan struct{}), entered: make(chan struct{}, 100), gone: make(chan struct{}, 100)}, addr: ln.Addr().String(), done: make(chan struct{})}
	s.http = &http.Server{Handler: s.site, ErrorLog: log.New(io.Discard, "", 0)}
	c := Config{Table: NewTable(64 << 20), Generation: new(atomic.Uint64), Now: func() time.Time { return epoch },
		Hit: func(_ netip.AddrPort, _ *Alias, _ []byte, n int64) { s.hits.Add(1); s.sent.Add(n) }}
	if setup != nil {
		setup(s.http, &c)
	}
	if withLane {
		s.table, s.generation = c.Table, c.Generation
		if s.lane, err = Wrap(ln, s.http, c); err != nil {
			t.Fatal(err)
		}
		ln = s.lane
	}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		s.http.Close()
		<-s.done
		if s.lane != nil {
			ended, cancel := context.WithCancel(context.Background())
			cancel()
			s.lane.Drain(ended)
		}
	})
	return s
}

const patience = 10 * time.Second

// dial gives a connection on which nothing takes longer than patience.
func (s *server) dial(t testing.TB) *client {
	t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patience))
	return newClient(t, nc.(*net.TCPConn))
}

// until polls.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// get writes a request; fields are "Name: value".
func get(target string, fields ...string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
}

// client is a connection and what is read from it.
type client struct {
	*net.TCPConn
	t testing.TB
	r *bufio.Reader
}

func newClient(t testing.TB, nc *net.TCPConn) *client { return &client{nc, t, bufio.NewReader(nc)} }

func (c *client) send(b string) {
	c.t.Helper()
	if _, err := io.WriteString(c.TCPConn, b); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads one response and gives its body.
func (c *client) answer(method string) (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, string(body)
}

func (c *client) get(target string, fields ...string) (*http.Response, string) {
	c.t.Helper()
	c.send(get(target, fields...))
	return c.answer("GET")
}

// warm has the handler answer a request once, and gives its answer. It takes a
// connection of its own: right after a miss net/http may still be reading.
func (s *server) warm(t testing.TB, target string, fields ...string) (*http.Response, string) {
	t.Helper()
	c := s.dial(t)
	defer c.Close()
	return c.get(target, fields...)
}

// ended reads to the end, which must be one without an answer in front.
func (c *client) ended() {
	c.t.Helper()
	if b, err := io.ReadAll(c.r); err != nil && !errors.Is(err, syscall.ECONNRESET) || len(b) > 0 {
		c.t.Fatalf("%v, after %q", err, b)
	}
}

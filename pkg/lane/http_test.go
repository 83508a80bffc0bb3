package lane

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// While a handler works, net/http reads in the background: what comes then is
// not lost, and the end is noticed.
func TestBackgroundRead(t *testing.T) {
	s := serve(t, true, nil)
	_, want := s.warm(t, "/a")
	c := s.dial(t)
	c.get("/a")
	for range 20 {
		c.send(get("/slow", "Cookie: a=b"))
		<-s.entered
		c.send(get("/a"))
		s.slow <- struct{}{}
		c.answer("GET")
		if _, got := c.answer("GET"); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	c.send(get("/slow", "Cookie: a=b"))
	<-s.entered
	c.Close()
	<-s.gone
}

// The window between an answer and the end of the background read: requests
// that come in it are answered by one or the other.
func TestAbortWindow(t *testing.T) {
	s := serve(t, true, nil)
	_, hit := s.warm(t, "/a")
	n := 1000
	if testing.Short() {
		n = 100
	}
	var wg sync.WaitGroup
	for range 4 {
		c := s.dial(t)
		_, miss := c.get("/b", "Cookie: a=b")
		wg.Go(func() {
			for range n {
				if _, got := c.get("/b", "Cookie: a=b"); got != miss {
					t.Errorf("%q, want %q", got, miss)
				}
				if _, got := c.get("/a"); got != hit {
					t.Errorf("%q, want %q", got, hit)
				}
			}
		})
	}
	wg.Wait()
	if s.hits.Load() == 0 {
		t.Error("the lane never came back after a miss")
	}
}

// After each shape of body the lane comes back, at the right byte.
func TestBodiesResume(t *testing.T) {
	post := "POST /own HTTP/1.1\r\nHost: test\r\n"
	bodies := []string{
		post + "\r\n", post + "Content-Length: 0\r\n\r\n", post + "Content-Length: 5\r\n\r\nhello",
		post + "Content-Length: 4096\r\n\r\n" + strings.Repeat("x", 4096), post + "Content-Length: 8192\r\n\r\n" + strings.Repeat(get("/b"), 300)[:8192],
		post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		post + "Transfer-Encoding: chunked\r\n\r\n1000\r\n" + strings.Repeat("y", 4096) + "\r\n0\r\nX: y\r\n\r\n",
		post + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\nX: y\r\n\r\n",
		"GET /ignore HTTP/1.1\r\nHost: test\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("z", 5000),
		"GET /ignore HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"HEAD /a HTTP/1.1\r\nHost: test\r\nCookie: a=b\r\n\r\n", get("/size/100000", "Cookie: a=b"), get("/a", `If-None-Match: "v"`, "Cookie: a=b"),
	}
	s := serve(t, true, nil)
	_, want := s.warm(t, "/a")
	for _, b := range bodies {
		method, _, _ := strings.Cut(b, " ")
		c := s.dial(t)
		c.get("/a")
		for range 3 {
			for rest := b; rest != ""; { // in pieces, so that net/http reads the body itself
				piece := rest[:min(len(rest), 3000)]
				c.send(piece)
				s.taken(c.LocalAddr().String())
				rest = rest[len(piece):]
			}
			c.answer(method)
			hits := s.hits.Load()
			until(t, "back in the lane", func() bool {
				if _, got := c.get("/a"); got != want {
					t.Fatalf("after %.60q: %q", b, got)
				}
				return s.hits.Load() > hits
			})
		}
	}
}

// Net/http may hold the beginning of the next request: what it reads then is
// the middle of something, however much it looks like a request.
func TestNotBetween(t *testing.T) {
	s := serve(t, true, nil)
	s.warm(t, "/a")
	t.Run("head", func(t *testing.T) {
		c := s.dial(t)
		c.send(get("/b", "Cookie: a=b") + "GET /c HTTP/1.1\r\nX-Y: ")
		c.answer("GET")
		c.send(get("/a")) // the value, and more of the head
		if _, got := c.answer("GET"); !strings.Contains(got, "test /c ") {
			t.Errorf("%q", got)
		}
	})
	t.Run("body", func(t *testing.T) {
		c := s.dial(t)
		c.send(get("/b", "Cookie: a=b") + "POST /own HTTP/1.1\r\nHost: test\r\nContent-Length: 31\r\n\r\n")
		c.answer("GET")
		c.send(get("/a"))
		if _, got := c.answer("POST"); got != "POST /own 31 <nil>" {
			t.Errorf("%q", got)
		}
	})
	if s.hits.Load() > 0 {
		t.Errorf("%d hits", s.hits.Load())
	}
}

// A handler that takes the connection finds all of it, whichever way it reads.
func TestHijack(t *testing.T) {
	var s *server
	s = serve(t, true, func(srv *http.Server, _ *Config) {
		site := srv.Handler
		srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/hijack" {
				site.ServeHTTP(w, r)
				return
			}
			nc, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer nc.Close()
			if n := len(s.open()); n != 0 {
				t.Errorf("%d connections are the lane's", n)
			}
			first := make([]byte, rw.Reader.Buffered())
			io.ReadFull(rw, first)
			nc.Write(first)
			io.Copy(nc, nc) // by WriteTo or ReadFrom
		})
	})
	s.warm(t, "/a")
	until(t, "alone", func() bool { return len(s.open()) == 0 })
	c := s.dial(t)
	c.get("/a")
	c.send(get("/a") + get("/hijack") + "hello ")
	c.answer("GET")
	c.send("and more of it")
	c.CloseWrite()
	if got, err := io.ReadAll(c.r); err != nil || string(got) != "hello and more of it" {
		t.Errorf("%q, %v", got, err)
	}
	if s.hits.Load() != 2 {
		t.Errorf("%d hits", s.hits.Load())
	}
}

// Behind TLS, and for listeners of other kinds, nothing is done.
func TestUntouched(t *testing.T) {
	quietly := log.New(io.Discard, "", 0)
	t.Run("TLS", func(t *testing.T) {
		var hits atomic.Int64
		table := NewTable(1 << 20)
		ts := httptest.NewUnstartedServer(&site{table: table, generation: new(atomic.Uint64)})
		l, err := Wrap(ts.Listener, ts.Config, Config{Table: table, Hit: func(netip.AddrPort, *Alias, []byte, int64) { hits.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
		ts.Listener, ts.Config.ErrorLog = l, quietly
		ts.StartTLS()
		defer ts.Close()
		for range 3 {
			resp, err := ts.Client().Get(ts.URL + "/a")
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		if hits.Load() != 0 || table.Len() != 0 {
			t.Errorf("%d hits, %d aliases", hits.Load(), table.Len())
		}
	})
	t.Run("pipes", func(t *testing.T) {
		a, b := net.Pipe()
		l, err := Wrap(&oneConn{conns: []net.Conn{a}}, &http.Server{}, Config{Table: NewTable(1 << 20)})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.Accept(); got != a || err != nil {
			t.Errorf("%v, %v", got, err)
		}
		b.Close()
	})
}

// oneConn is a listener of given connections.
type oneConn struct {
	net.Listener
	conns []net.Conn
}

func (o *oneConn) Accept() (net.Conn, error) {
	c := o.conns[0]
	o.conns = o.conns[1:]
	return c, nil
}

// What is decided anew while a connection is open holds from the next request on.
func TestGeneration(t *testing.T) {
	generation := new(atomic.Uint64)
	var class, asked atomic.Uint32
	var serves atomic.Bool
	serves.Store(true)
	s := serve(t, true, func(_ *http.Server, c *Config) {
		c.Generation = generation
		c.Class = func(client netip.AddrPort) (uint32, uint64, bool) {
			if !client.Addr().Is4() || client.Port() == 0 {
				t.Errorf("asked about %v", client)
			}
			asked.Add(1)
			return class.Load(), generation.Load(), serves.Load()
		}
	})
	s.warm(t, "/a")
	c := s.dial(t)
	is := func(what string, hit bool) {
		t.Helper()
		before := s.calls.Load()
		c.get("/a")
		if got := s.calls.Load() == before; got != hit {
			t.Errorf("%s: hit %v", what, got)
		}
		c.Close()
		c = s.dial(t)
	}
	is("warm", true)
	generation.Add(1)
	is("another generation", false)
	is("its alias", true)
	class.Store(1)
	is("another class", false)
	if s.table.Len() != 1 {
		t.Errorf("%d aliases", s.table.Len())
	}
	class.Store(0)
	n := asked.Load()
	for range 3 {
		c.get("/a")
	}
	if asked.Load() != n+1 {
		t.Errorf("asked %d times on a connection", asked.Load()-n)
	}
	generation.Add(1)
	serves.Store(false)
	c.get("/a", "Cookie: a=b")
	before, calls := s.hits.Load(), s.calls.Load()
	for range 5 {
		c.get("/a")
	}
	if s.calls.Load() != calls+5 {
		t.Error("answered a client that is not for the lane any more")
	}
	serves.Store(true)
	generation.Add(1)
	s.warm(t, "/a")
	until(t, "back in the lane", func() bool { c.get("/a"); return s.hits.Load() > before })
}

// The server's own hook is still called.
func TestConnState(t *testing.T) {
	states := make(chan http.ConnState, 10)
	s := serve(t, true, func(srv *http.Server, _ *Config) {
		srv.ConnState = func(_ net.Conn, state http.ConnState) { states <- state }
	})
	c := s.dial(t)
	c.get("/a")
	c.Close()
	for _, want := range []http.ConnState{http.StateNew, http.StateActive, http.StateIdle, http.StateClosed} {
		if got := <-states; got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

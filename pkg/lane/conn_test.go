package lane

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// told expects so many hits, which are told of after they were sent, calls of
// the handler, and bytes of bodies.
func (s *server) told(t *testing.T, hits, calls, bytes int) {
	t.Helper()
	until(t, "hits", func() bool { return s.hits.Load() == int64(hits) })
	if s.calls.Load() != int64(calls) || s.sent.Load() != int64(bytes) {
		t.Errorf("%d calls, and %d bytes of hits", s.calls.Load(), s.sent.Load())
	}
}

func TestHit(t *testing.T) {
	s := serve(t, true, nil)
	resp, want := s.warm(t, "/a")
	c := s.dial(t)
	for i := range 3 {
		again, got := c.get("/a", "User-Agent: another", "Sec-CH-UA: x", "Connection: Keep-Alive")
		if got != want || again.Header.Get("Age") != resp.Header.Get("Age") || len(again.Header) != len(resp.Header) {
			t.Errorf("%d: %v %q, want %v %q", i, again.Header, got, resp.Header, want)
		}
	}
	s.told(t, 3, 1, 3*len(want))
}

// What decides is not shared, and what the lane does not know reaches the handler.
func TestLeaves(t *testing.T) {
	for _, fields := range [][]string{
		{"Accept: text/html"}, {"Accept:"}, {"Accept-Encoding: gzip"}, {"Accept-Language: de"}, {"Content-Type: text/xml"},
		{"Origin: http://x"}, {"Sec-Fetch-Mode: navigate"}, {"X-Requested-With: y"}, {`If-None-Match: "w"`},
		{"Authorization: x"}, {"Cookie: a=b"}, {"Range: bytes=0-1"}, {"Cache-Control: no-cache"}, {"Pragma: no-cache"}, {"TE: trailers"},
		{"Content-Length: 0"}, {"X-Forwarded-For: 192.0.2.1"}, {"Via: 1.1 x"}, {"CDN-Loop: x"}, {"Mirror-Prefer: asia"},
		{"Traceparent: 00-0-0-0"}, {"If-Modified-Since: x"}, {"If-Range: x"}, {"Expect: 100-continue"}, {"Upgrade: x"}, {"X-Unknown: y"},
		{"Accept: a", "Accept: a"}, {"Save-Data: on"}, {"Connection: close"}, {"Connection: X-Y"},
	} {
		t.Run(fields[0], func(t *testing.T) {
			s := serve(t, true, nil)
			s.warm(t, "/a")
			s.dial(t).get("/a", fields...)
			if s.calls.Load() != 2 || s.hits.Load() != 0 {
				t.Errorf("%d calls, %d hits; the second is the handler's", s.calls.Load(), s.hits.Load())
			}
		})
	}
}

// A response may vary on what the key decides: requests of one key agree on it.
func TestDecides(t *testing.T) {
	for name, want := range map[string]bool{
		"Accept": true, "accept-encoding": true, "If-None-Match": true, "Host": true,
		"Cookie": true, "Authorization": true, "X-Any": true, "Save-Data": true, // no request with a key has them
		"User-Agent": false, "Sec-CH-UA": false, "Referer": false, "Connection": false, "*": false,
	} {
		if got := Decides(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
		r := httptest.NewRequest("GET", "http://test/a", nil)
		r.RequestURI = "/a"
		none, _ := AppendKey(nil, r)
		r.Header.Set(name, "x")
		key, ok := AppendKey(nil, r)
		if agrees := !ok || string(key) != string(none); name != "*" && name != "Connection" && agrees != want {
			t.Errorf("%s: key %q with it, %q without", name, key, none)
		}
	}
}

func TestHeadAndNotModified(t *testing.T) {
	s := serve(t, true, nil)
	for range 2 {
		c := s.dial(t)
		c.send("HEAD /a HTTP/1.1\r\nHost: test\r\n\r\n")
		if resp, body := c.answer("HEAD"); resp.ContentLength <= 0 || body != "" {
			t.Errorf("%v %q", resp, body)
		}
		if resp, _ := s.warm(t, "/a", `If-None-Match: "v"`); resp.StatusCode != http.StatusNotModified {
			t.Error(resp.Status)
		}
	}
	s.told(t, 2, 2, 0)
}

// An answer above the copied size and a pipeline that fills several batches.
func TestSizes(t *testing.T) {
	s := serve(t, true, nil)
	for _, target := range []string{"/size/1024", "/size/16384", "/size/200000"} {
		_, want := s.warm(t, target)
		s.hits.Store(0)
		c := s.dial(t)
		const n = 50
		go io.WriteString(c.TCPConn, strings.Repeat(get(target), n))
		for range n {
			if _, got := c.answer("GET"); got != want {
				t.Fatalf("%s: %d bytes, want %d", target, len(got), len(want))
			}
		}
		until(t, target, func() bool { return s.hits.Load() == n })
	}
}

func TestOtherTransports(t *testing.T) {
	t.Run("h2c", func(t *testing.T) {
		srv := &http.Server{Protocols: new(http.Protocols)}
		srv.Protocols.SetHTTP1(true)
		srv.Protocols.SetUnencryptedHTTP2(true)
		if _, err := Wrap(nil, srv, Config{Table: NewTable(1)}); err == nil {
			t.Error("accepted")
		}
		if _, err := Wrap(nil, &http.Server{}, Config{}); err == nil {
			t.Error("accepted without a table")
		}
	})
	t.Run("class", func(t *testing.T) {
		s := serve(t, true, func(_ *http.Server, c *Config) {
			c.Class = func(netip.AddrPort) (uint32, uint64, bool) { return 0, 0, false }
		})
		s.warm(t, "/a")
		s.warm(t, "/a")
		if s.hits.Load() != 0 {
			t.Error("answered a client that is not for the lane")
		}
	})
}

// A head whose lines have come in part, and end where net/http's buffer does,
// is no place between requests, though the buffer is empty.
func TestWithinAHead(t *testing.T) {
	s := serve(t, true, nil)
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(nc)
	answer := func(method string) (int, string) {
		t.Helper()
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	for s.hits.Load() == 0 { // until there is an alias, or the connection's deadline
		io.WriteString(nc, get("/a"))
		answer("GET")
	}
	io.WriteString(nc, get("/a", "Cookie: a=b")+"GET /b HTTP/1.1\r\nHost: test\r\n")
	answer("GET")
	before := s.hits.Load() // a hit is counted once it is written, and all are by now
	// Once the first answer is here, the rest of what was sent with it is net/http's.
	io.WriteString(nc, get("/a"))
	if code, body := answer("GET"); code != http.StatusBadRequest || s.hits.Load() != before {
		t.Errorf("a request line among the fields of another request: %d %q, %d hits more", code, body, s.hits.Load()-before)
	}
}

// A connection of requests that the lane has nothing for is left alone for a
// while, and then looked at again.
func TestFruitless(t *testing.T) {
	var looks atomic.Int64
	var generation *atomic.Uint64
	s := serve(t, true, func(_ *http.Server, c *Config) {
		generation = c.Generation
		c.Class = func(netip.AddrPort) (uint32, uint64, bool) { looks.Add(1); return 0, generation.Load(), true }
	})
	c := s.dial(t)
	for range 10 * fruitless {
		generation.Add(1) // each look asks for the class anew
		c.get("/own")
	}
	if n := looks.Load(); n > 2*fruitless {
		t.Errorf("%d looks at %d requests", n, 10*fruitless)
	}
	hits := s.hits.Load()
	for range 3 * fruitless { // a look may come just before there is an answer to find
		c.get("/a")
	}
	if s.hits.Load() == hits {
		t.Error("not looked at again")
	}
}

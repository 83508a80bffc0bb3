package lane

import (
	"errors"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// Tests of deadlines wait and do not compute: all at once.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "64")
	os.Exit(m.Run())
}

// quiet expects nothing, not even the end, for a while.
func (c *client) quiet(d time.Duration) {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(d))
	if b, err := c.r.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("%q, %v; expected quiet for %v", b, err, d)
	}
	c.SetReadDeadline(time.Now().Add(patience))
}

// endsAfter expects the end no earlier than d from since.
func (c *client) endsAfter(since time.Time, d time.Duration) {
	c.t.Helper()
	c.ended()
	if took := time.Since(since); took < d || took > patience/2 {
		c.t.Fatalf("ended after %v, want %v", took, d)
	}
}

// Deadlines are net/http's own, with and without the lane.
func TestDeadlines(t *testing.T) {
	const head, idle, tick = 800 * time.Millisecond, 2400 * time.Millisecond, 250 * time.Millisecond
	both := func(srv *http.Server) { srv.ReadHeaderTimeout, srv.IdleTimeout = head, idle }
	cases := []struct {
		name  string
		setup func(*http.Server)
		run   func(*client)
	}{
		{"nothing is sent", both, func(c *client) { c.endsAfter(time.Now().Add(-tick), head) }},
		{"half a first head", both, func(c *client) {
			start := time.Now()
			c.quiet(2 * tick)
			c.send("GET /a HTTP/1.1\r\n")
			c.ended()
			if took := time.Since(start); took > head+2*tick {
				c.t.Errorf("%v: a first byte renewed the deadline", took)
			}
		}},
		{"idle after a first answer", both, func(c *client) {
			c.get("/a")
			c.endsAfter(time.Now(), idle-tick)
		}},
		{"answers renew", both, func(c *client) {
			for range 3 {
				c.get("/a")
				c.quiet(idle / 2)
			}
			c.get("/a")
			c.endsAfter(time.Now(), idle-tick)
		}},
		{"half a later head, dribbled", both, func(c *client) {
			c.get("/a")
			c.quiet(head + tick)
			start := time.Now()
			c.send("GET /a HTT")
			c.quiet(2 * tick)
			c.send("P/1.1\r\n")
			c.ended()
			if took := time.Since(start); took < head-tick || took > head+2*tick {
				c.t.Errorf("ended after %v, want %v", took, head)
			}
		}},
		{"a head that was late, then idle", both, func(c *client) {
			c.get("/a")
			c.send("GET /a HTT")
			c.quiet(2 * tick)
			c.send("P/1.1\r\nHost: test\r\n\r\n")
			c.answer("GET")
			c.endsAfter(time.Now(), idle-tick)
		}},
		{"a head that leaves after the first deadline", both, func(c *client) {
			c.get("/a")
			c.quiet(head + 2*tick)
			c.send("GET /a HTTP/1.1\r\nHost: test\r\nCookie: a=b\r\n")
			c.quiet(tick)
			c.send("\r\n")
			c.answer("GET")
		}},
		{"a head that leaves and stays half", both, func(c *client) {
			c.get("/a")
			c.quiet(head + tick)
			start := time.Now()
			c.send("GET /a HTTP/1.1\r\nHost: test\r\nCookie: a=b\r\n")
			c.ended()
			if took := time.Since(start); took < head-tick || took > head+2*tick {
				c.t.Errorf("ended after %v, want %v", took, head)
			}
		}},
		{"a head that leaves late", both, func(c *client) {
			c.get("/a")
			c.send("GET /a HTTP/1.1\r\nHost: test\r\n")
			c.quiet(2 * tick)
			c.send("Cookie: a=b\r\nX-")
			c.quiet(tick / 2)
			c.send("Y: z\r\n\r\n")
			c.answer("GET")
		}},
		{"a body has no deadline of a head", both, func(c *client) {
			c.get("/a")
			c.quiet(head + tick)
			c.send("POST /own HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\na")
			c.quiet(head + tick)
			c.send("b")
			c.answer("POST")
		}},
		{"idle is shorter than a head", func(srv *http.Server) { srv.ReadHeaderTimeout, srv.IdleTimeout = idle, head }, func(c *client) {
			c.get("/a")
			c.send("GET /a HTT")
			c.quiet(head + tick)
			c.send("P/1.1\r\nHost: test\r\n\r\n")
			c.answer("GET")
			start := time.Now()
			c.ended()
			if took := time.Since(start); took < head-tick || took > head+2*tick {
				c.t.Errorf("ended after %v, want %v", took, head)
			}
		}},
		{"one for all", func(srv *http.Server) { srv.ReadTimeout = head }, func(c *client) {
			c.get("/a")
			c.endsAfter(time.Now(), head-tick)
		}},
		{"only an idle one", func(srv *http.Server) { srv.IdleTimeout = idle }, func(c *client) {
			c.get("/a")
			c.endsAfter(time.Now(), idle-tick)
		}},
		{"only a head's", func(srv *http.Server) { srv.ReadHeaderTimeout, srv.IdleTimeout = head, -1 }, func(c *client) {
			c.get("/a")
			c.quiet(head + 2*tick)
			c.get("/a")
			c.send("GET /a HTTP/1.1\r\nHo")
			c.quiet(tick)
			c.send("st: test\r\n\r\n")
			c.answer("GET")
			c.quiet(head + 2*tick)
			c.get("/a")
		}},
		{"none", func(*http.Server) {}, func(c *client) {
			c.quiet(tick)
			c.get("/a")
			c.send("GET /a HTTP/1.1\r\nHo")
			c.quiet(tick)
			c.send("st: test\r\n\r\n")
			c.answer("GET")
		}},
	}
	for _, where := range []string{"plain", "lane, new", "lane, idle"} {
		for _, k := range cases {
			t.Run(where+"/"+k.name, func(t *testing.T) {
				t.Parallel()
				s := serve(t, where != "plain", func(srv *http.Server, _ *Config) { k.setup(srv) })
				s.warm(t, "/a")
				c := s.dial(t)
				if where == "lane, idle" {
					if strings.Contains(k.name, "nothing") || strings.Contains(k.name, "first head") {
						t.Skip("of new connections only")
					}
					c.get("/a", "Cookie: a=b")
					until(t, "back in the lane", func() bool { c.get("/a"); return s.hits.Load() > 0 })
				}
				k.run(c)
				if where != "plain" && s.hits.Load() == 0 && strings.Contains(k.name, "answer") {
					t.Error("the lane answered nothing")
				}
			})
		}
	}
}

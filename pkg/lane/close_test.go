package lane

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A client that says that it sends no more still gets its answers.
func TestHalfClose(t *testing.T) {
	for _, c := range []struct{ name, tail string }{{"hits", ""}, {"half a head", "GET /a HTTP/1.1\r\nHo"}, {"a miss", get("/b")}} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, true, nil)
			s.warm(t, "/a")
			k := s.dial(t)
			k.send(strings.Repeat(get("/a"), 3) + c.tail)
			k.CloseWrite()
			for range 3 {
				k.answer("GET")
			}
			if c.tail != "" {
				if resp, _ := k.answer("GET"); (resp.StatusCode == 400) != (c.name == "half a head") {
					t.Error(resp.Status)
				}
			}
			k.ended()
			if s.hits.Load() != 3 {
				t.Errorf("%d hits", s.hits.Load())
			}
		})
	}
}

func (s *server) open() (list []*conn) {
	s.lane.each(func(c *conn) bool { list = append(list, c); return false })
	return list
}

func (s *server) shutdown(t *testing.T, patience time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// Shutdown ends connections that wait in the lane, whatever net/http thinks
// that they are. It would give a new one 5 s.
func TestShutdownOfWaiting(t *testing.T) {
	s := serve(t, true, nil)
	isNew, isIdle, half := s.dial(t), s.dial(t), s.dial(t)
	isIdle.get("/a")
	until(t, "back in the lane", func() bool { isIdle.get("/a"); return s.hits.Load() > 0 })
	isNew.get("/a")
	half.get("/a")
	half.send("GET /a HTTP/1.1\r\n")
	s.shutdown(t, patience/5)
	ctx, cancel := context.WithTimeout(context.Background(), patience/5)
	defer cancel()
	if err := s.lane.Drain(ctx); err != nil {
		t.Error(err)
	}
	isNew.ended()
	isIdle.ended()
	half.ended()
	if len(s.lane.conns) > 0 {
		t.Errorf("%d connections are not forgotten", len(s.lane.conns))
	}
}

// busy gives connections on which the lane cannot go on writing: they have
// read the first byte of a long answer.
func (s *server) busy(t *testing.T, n int) (list []*client) {
	s.warm(t, "/a")
	for i := range n {
		c := s.dial(t)
		c.SetReadBuffer(32 << 10)
		c.get("/a")
		if i%2 == 1 { // idle, not new, to net/http
			c.get("/a", "Cookie: a=b")
			before := s.hits.Load()
			until(t, "back in the lane", func() bool { c.get("/a"); return s.hits.Load() > before })
		}
		for _, k := range s.open() {
			k.SetWriteBuffer(32 << 10)
		}
		c.send(get("/long"))
		if _, err := c.r.Peek(1); err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

// Answers under way are let out: Shutdown closes connections that net/http
// thinks idle, and Drain waits for them.
func TestShutdownOfAnswering(t *testing.T) {
	s := serve(t, true, nil)
	want := s.long(1 << 20)
	clients := s.busy(t, 6)
	down := make(chan struct{})
	go func() {
		defer close(down)
		s.shutdown(t, patience)
	}()
	until(t, "shutdown", func() bool { return s.lane.draining.Load() })
	until(t, "closed", func() bool { // those that net/http thinks idle
		n := 0
		s.lane.each(func(c *conn) bool {
			if c.phase.is(lastAnswer) {
				n++
			}
			return false
		})
		return n == len(clients)/2
	})
	drained := make(chan error, 1)
	go func() { drained <- s.lane.Drain(context.Background()) }()
	for i, c := range clients {
		select {
		case err := <-drained:
			t.Fatalf("drained with %d answers to go: %v", len(clients)-i, err)
		default:
		}
		if _, got := c.answer("GET"); got != want {
			t.Errorf("client %d: cut", i)
		}
	}
	for _, c := range clients {
		c.ended()
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	<-down
}

// Drain cuts what is left when its time is over.
func TestDrainCuts(t *testing.T) {
	s := serve(t, true, nil)
	s.long(1 << 20)
	clients := s.busy(t, 2)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.lane.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	for _, c := range clients {
		if n, _ := io.Copy(io.Discard, c.r); n >= 1<<20 {
			t.Errorf("%d bytes: not cut", n)
		}
	}
	s.shutdown(t, patience)
}

// A client that does not read is given up after WriteTimeout, and what it got
// is told; one that reads slowly gets all.
func TestSlowReader(t *testing.T) {
	const timeout = 600 * time.Millisecond
	cut := make(chan int64, 10)
	s := serve(t, true, func(srv *http.Server, c *Config) {
		srv.WriteTimeout = timeout
		hit := c.Hit
		c.Hit = func(client netip.AddrPort, a *Alias, _ []byte, n int64) {
			if hit(client, a, nil, n); n < int64(len(a.Body)) {
				cut <- n
			}
		}
	})
	want := s.long(1 << 20)
	start := time.Now()
	stuck := s.busy(t, 2)
	for range stuck {
		select {
		case n := <-cut:
			if took := time.Since(start); took < timeout || n <= 0 {
				t.Errorf("given up after %v and %d bytes", took, n)
			}
		case <-time.After(patience):
			t.Fatal("not given up")
		}
	}
	slow := s.dial(t)
	slow.send(get("/long") + get("/a"))
	resp, err := http.ReadResponse(slow.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	pace := time.NewTicker(timeout / 30)
	defer pace.Stop()
	n := int64(0)
	for err == nil {
		var m int64
		m, err = io.CopyN(io.Discard, resp.Body, int64(len(want)/10))
		n += m
		<-pace.C
	}
	if n != int64(len(want)) {
		t.Errorf("%d bytes of %d: %v", n, len(want), err)
	}
	slow.answer("GET")
}

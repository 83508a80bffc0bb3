package lane

import (
	"context"
	"strings"
	"testing"
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

// Shutdown ends connections that the lane answered, whatever net/http thinks
// that they are.
func TestShutdownOfWaiting(t *testing.T) {
	s := serve(t, true, nil)
	isNew, isIdle := s.dial(t), s.dial(t)
	isIdle.get("/a")
	until(t, "back in the lane", func() bool { isIdle.get("/a"); return s.hits.Load() > 0 })
	isNew.get("/a")
	ctx, cancel := context.WithTimeout(context.Background(), patience/5) // net/http waits 5 s for new ones
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := s.lane.Drain(ctx); err != nil {
		t.Error(err)
	}
	isNew.ended()
	isIdle.ended()
}

package fetch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func source(t *testing.T, h http.HandlerFunc) Source {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return at(t, s.URL)
}

func at(t *testing.T, raw string) Source {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return Source{Kind: Origin, Name: raw, URL: u}
}

// closed is an address where nobody listens.
func closed(t *testing.T) Source {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return at(t, "http://"+ln.Addr().String())
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestDo(t *testing.T) {
	garbage, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer garbage.Close()
	go func() {
		for {
			c, err := garbage.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 1000))
			io.WriteString(c, "not http at all\r\n\r\n")
			c.Close()
		}
	}()
	good, bad := source(t, answers(200, "good")), source(t, answers(503, "bad"))
	dead, noise := closed(t), at(t, "http://"+garbage.Addr().String())
	for _, tc := range []struct {
		name       string
		sources    []Source
		repeatable bool
		body       string
		status     int
		text       string
		unusable   bool
		attempts   int
	}{
		{name: "first answers", sources: []Source{good, bad}, repeatable: true, status: 200, text: "good", attempts: 1},
		{name: "dead, then good", sources: []Source{dead, good}, repeatable: true, status: 200, text: "good", attempts: 2},
		{name: "5xx, then good", sources: []Source{bad, good}, repeatable: true, status: 200, text: "good", attempts: 2},
		{name: "5xx, then dead: the 5xx", sources: []Source{bad, dead}, repeatable: true, status: 503, text: "bad", attempts: 2},
		{name: "5xx is not asked again unless repeatable", sources: []Source{bad, good}, status: 503, text: "bad", attempts: 1},
		{name: "a refused connection is always passed over", sources: []Source{dead, good}, body: "x", status: 200, text: "good", attempts: 2},
		{name: "all dead", sources: []Source{dead, dead}, repeatable: true, attempts: 2},
		{name: "nobody", attempts: 0},
		{name: "garbage", sources: []Source{noise}, repeatable: true, unusable: true, attempts: 1},
		{name: "garbage, then good", sources: []Source{noise, good}, repeatable: true, status: 200, text: "good", attempts: 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var reported int
			c := New(Config{Node: "a-1", Report: func(Attempt) { reported++ }})
			req := Request{Method: "GET", Target: "/x", Repeatable: tc.repeatable}
			if tc.body != "" {
				req.Method, req.Body, req.ContentLength = "POST", strings.NewReader(tc.body), int64(len(tc.body))
			}
			a, err := c.Do(context.Background(), tc.sources, req)
			if reported != tc.attempts {
				t.Errorf("%d attempts reported, want %d", reported, tc.attempts)
			}
			if tc.status == 0 {
				var fe *Error
				if !errors.As(err, &fe) || fe.Unusable != tc.unusable {
					t.Fatalf("error %v, want unusable=%v", err, tc.unusable)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer a.Response.Body.Close()
			b, err := io.ReadAll(a.Response.Body)
			if err != nil || a.Response.StatusCode != tc.status || string(b) != tc.text {
				t.Errorf("%d %q %v, want %d %q", a.Response.StatusCode, b, err, tc.status, tc.text)
			}
		})
	}
}

func TestHeadTimeout(t *testing.T) {
	release := make(chan struct{})
	slow := source(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	defer close(release)
	c := New(Config{HeaderTimeout: 30 * time.Millisecond})
	_, err := c.Do(context.Background(), []Source{slow}, Request{Method: "GET", Target: "/", Repeatable: true})
	var fe *Error
	if !errors.As(err, &fe) || fe.Unusable || !errors.Is(err, errHeaderTimeout) {
		t.Errorf("%v", err)
	}
}

func TestCallerGone(t *testing.T) {
	var reports atomic.Int32
	ctx, cancel := context.WithCancel(context.Background())
	hang := make(chan struct{})
	slow := source(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-hang })
	defer close(hang)
	c := New(Config{Report: func(Attempt) { reports.Add(1) }})
	_, err := c.Do(ctx, []Source{slow, slow}, Request{Method: "GET", Target: "/", Repeatable: true})
	if !errors.Is(err, context.Canceled) || reports.Load() != 0 {
		t.Errorf("%v, %d reports: a client that leaves is no failure of the source", err, reports.Load())
	}
}

func TestWhatIsSent(t *testing.T) {
	var got *http.Request
	var body []byte
	s := source(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		body, _ = io.ReadAll(r.Body)
	})
	c := New(Config{Node: `a"1`})
	a, err := c.Do(context.Background(), []Source{s}, Request{Method: "POST", Target: "/a%2Fb?x=1", Header: http.Header{"Cdn-Loop": {"other"}},
		Body: strings.NewReader("hello"), ContentLength: 5})
	if err != nil {
		t.Fatal(err)
	}
	a.Response.Body.Close()
	if got.URL.RequestURI() != "/a%2Fb?x=1" || string(body) != "hello" || got.ContentLength != 5 {
		t.Errorf("%s %q %d", got.URL.RequestURI(), body, got.ContentLength)
	}
	if want := s.URL.Host; got.Host != want {
		t.Errorf("Host %q, want the source's own %q", got.Host, want)
	}
	if Hops(got.Header) != 1 || len(got.Header.Values("CDN-Loop")) != 2 {
		t.Errorf("CDN-Loop %q", got.Header.Values("CDN-Loop"))
	}
}

// There are no fragments in a request: what follows a # is data.
func TestNumberSign(t *testing.T) {
	var got string
	s := source(t, func(_ http.ResponseWriter, r *http.Request) { got = r.URL.Query().Get("x") })
	a, err := New(Config{}).Do(context.Background(), []Source{s}, Request{Method: "GET", Target: "/a?x=#1#2"})
	if err != nil {
		t.Fatal(err)
	}
	a.Response.Body.Close()
	if got != "#1#2" {
		t.Errorf("x is %q", got)
	}
}

func TestHops(t *testing.T) {
	for line, want := range map[string]int{"": 0, "foo": 0, "mirrornet": 1, `foo, mirrornet; node="a", MirrorNet;x`: 2, "mirrornets": 0} {
		if got := Hops(http.Header{"Cdn-Loop": {line}}); got != want {
			t.Errorf("%q: %d, want %d", line, got, want)
		}
	}
}

// Total is for all sources together, and blames none of them; a 5xx that came
// in time is better than nothing.
func TestTotal(t *testing.T) {
	release := make(chan struct{})
	slow := source(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	bad := source(t, answers(503, "bad"))
	defer close(release)
	var reports atomic.Int32
	c := New(Config{HeaderTimeout: 20 * time.Millisecond, Report: func(Attempt) { reports.Add(1) }})
	req := Request{Method: "GET", Target: "/", Repeatable: true, Total: 30 * time.Millisecond}
	_, err := c.Do(context.Background(), []Source{slow, slow, slow}, req)
	if err != ErrTime || reports.Load() != 1 {
		t.Errorf("%v, %d reports, want one: only the first had its own time", err, reports.Load())
	}
	a, err := c.Do(context.Background(), []Source{bad, slow, slow}, req)
	if err != nil || a.Response.StatusCode != 503 {
		t.Errorf("%v %v", a, err)
	} else {
		a.Response.Body.Close()
	}
}

func TestWithin(t *testing.T) {
	release := make(chan struct{})
	s := source(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("begun"))
		w.(http.Flusher).Flush()
		<-release
		w.Write([]byte(", ended"))
	})
	c := New(Config{})
	for _, bound := range []time.Duration{20 * time.Millisecond, 0} {
		a, err := c.Do(context.Background(), []Source{s}, Request{Method: "GET", Target: "/", Repeatable: true})
		if err != nil {
			t.Fatal(err)
		}
		a.Within(time.Hour)
		a.Within(bound)
		if bound == 0 {
			close(release)
		}
		b, err := io.ReadAll(a.Response.Body)
		a.Response.Body.Close()
		if whole := err == nil && string(b) == "begun, ended"; whole != (bound == 0) {
			t.Errorf("within %s: %q %v", bound, b, err)
		}
	}
}

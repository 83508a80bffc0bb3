package health

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestKilledAndRestarted probes a real server that dies and comes back.
func TestKilledAndRestarted(t *testing.T) {
	var conns atomic.Int32
	var process atomic.Int32
	var host atomic.Pointer[string]
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host.Store(&r.Host)
		fmt.Fprintf(w, `{"state":"serving","process":"%d"}`, process.Load())
	})
	start := func(addr string) *httptest.Server {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(handler)
		s.Listener.Close()
		s.Listener = ln
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				conns.Add(1)
			}
		}
		s.Start()
		return s
	}
	s := start("127.0.0.1:0")
	addr := s.Listener.Addr().String()

	changed := make(chan struct{}, 1)
	h := New(Config{
		Interval: 40 * time.Millisecond, Fast: 10 * time.Millisecond, Timeout: 500 * time.Millisecond,
		Targets: func() []Target {
			return []Target{{ID: "a", Kind: Edge, URL: "http://" + addr + "/-/healthz", Host: "asia.example"}}
		},
		OnChange: func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	limit := time.After(30 * time.Second)
	until := func(want State) {
		t.Helper()
		for h.View().Status["a"].State != want {
			select {
			case <-changed:
			case <-limit:
				t.Fatalf("%+v, want %s", h.View().Status["a"], want)
			}
		}
	}
	until(Serving)
	if got := *host.Load(); got != "asia.example" {
		t.Errorf("Host %q", got)
	}
	s.CloseClientConnections()
	s.Close()
	until(Unreachable)
	if s := h.View().Status["a"]; !strings.Contains(s.Err, "refused") || s.RTT <= 0 || s.LastOK.IsZero() {
		t.Errorf("after the kill: %+v", s)
	}
	conns.Store(0)
	process.Add(1)
	s = start(addr)
	defer s.Close()
	until(Serving)
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections for %d probes and more, want 1: probes should keep theirs", n, h.conf.Successes)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestBodies asks a real server for answers that are hard to read.
func TestBodies(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "short")
	})
	mux.HandleFunc("/stalled", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "…")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/endless", http.StatusFound)
	})
	mux.HandleFunc("/drains", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(503)
		io.WriteString(w, `{"state":"draining","until":"12:00"}`)
	})
	mux.HandleFunc("/busy", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(503)
		io.WriteString(w, `<html>draining</html>`)
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	h := New(Config{Timeout: 200 * time.Millisecond})
	defer h.client.CloseIdleConnections()
	for _, tc := range []struct {
		path string
		want outcome
		err  string
	}{
		{"/endless", succeeded, ""},
		{"/cut", failed, "broke off"},
		{"/stalled", failed, "no answer within 200ms"},
		{"/redirect", failed, "status 302 Found"},
		{"/drains", drains, ""},
		{"/busy", failed, "status 503 Service Unavailable"},
		{"/nothing", failed, "status 404 Not Found"},
	} {
		got := h.probe(t.Context(), h.client, Target{ID: "x", Kind: Edge, URL: s.URL + tc.path}, h.conf.Timeout)
		if got.outcome != tc.want || !strings.Contains(got.err, tc.err) || (tc.err == "") != (got.err == "") {
			t.Errorf("%s: outcome %d, error %q; want %d, %q", tc.path, got.outcome, got.err, tc.want, tc.err)
		}
	}
}

// Over TLS, where a server would rather speak HTTP/2: see Decisions.
func TestOwnClientSpeaksHTTP1(t *testing.T) {
	var proto atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		proto.Store(int32(r.ProtoMajor))
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	h := New(Config{})
	h.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	defer h.client.CloseIdleConnections()
	if got := h.probe(t.Context(), h.client, Target{ID: "x", URL: s.URL}, time.Second); got.outcome != succeeded {
		t.Fatalf("%+v", got)
	}
	if proto.Load() != 1 {
		t.Errorf("spoke HTTP/%d", proto.Load())
	}
}

func FuzzReadAnswer(f *testing.F) {
	for _, s := range []string{`{"state":"draining"}`, `{"state":"serving","without":["sequence","lookup"],"process":"a1","release":"115"}`,
		`[]`, `{"state":1}`, `{"without":["", "a b", "\u0000", "x", "x"]}`, ``, "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := ReadAnswer(body)
		if a.State == Draining && !strings.Contains(strings.ToLower(string(body)), "state") {
			t.Errorf("%q says draining", body)
		}
		if len(a.Without) > maxClasses || !slices.IsSorted(a.Without) || len(slices.Compact(slices.Clone(a.Without))) != len(a.Without) {
			t.Errorf("without %q", a.Without)
		}
		for _, s := range append(a.Without, a.Process) {
			if s != "" && !plainName(s) {
				t.Errorf("%q was let in", s)
			}
		}
	})
}

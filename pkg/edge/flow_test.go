package edge

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counted is a counter's value on the metrics page.
func (s *setup) counted(name string) string {
	w := httptest.NewRecorder()
	s.edge.Metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(series, name) {
			return value
		}
	}
	return ""
}

// until waits for what other goroutines do.
func until(t *testing.T, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !yes(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("not within 20 s")
		}
	}
}

// serve puts the edge behind a real listener.
func (s *setup) serve(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(s.edge)
	t.Cleanup(srv.Close)
	return srv.URL
}

func get(t *testing.T, url string, fields ...string) (*http.Response, []byte, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, b, err
}

func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = "ACGT"[i*i>>5&3]
	}
	return b
}

// A long body goes on to all who wait, and to those who come, while it is
// fetched once; then it is stored.
func TestLongBodyIsSharedWhileItArrives(t *testing.T) {
	for name, declared := range map[string]bool{"length known": true, "length unknown": false} {
		t.Run(name, func(t *testing.T) {
			s := newEdge(t)
			text := content(4 << 20)
			half := make(chan struct{})
			s.origin.set(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				w.Header().Set("ETag", `"v1"`)
				if declared {
					w.Header().Set("Content-Length", strconv.Itoa(len(text)))
				}
				w.Write(text[:2<<20])
				http.NewResponseController(w).Flush()
				<-half
				w.Write(text[2<<20:])
			})
			base := s.serve(t)
			var wg sync.WaitGroup
			var begun, good atomic.Int32
			for range 20 {
				wg.Go(func() {
					resp, err := http.Get(base + "/thing/long.txt?content-type=text/plain")
					if err != nil {
						t.Error(err)
						return
					}
					defer resp.Body.Close()
					first := make([]byte, 1<<20)
					if _, err := io.ReadFull(resp.Body, first); err != nil {
						t.Error(err)
					}
					if begun.Add(1) == 20 { // all have a part before the origin sent the rest
						close(half)
					}
					rest, err := io.ReadAll(resp.Body)
					if err == nil && bytes.Equal(append(first, rest...), text) && (!declared || resp.ContentLength == int64(len(text))) {
						good.Add(1)
					}
				})
			}
			wg.Wait()
			if good.Load() != 20 || s.origin.total() != 1 {
				t.Errorf("%d good answers of 20, origin asked %d times", good.Load(), s.origin.total())
			}
			for { // it is stored once the flight has ended
				resp, b, err := get(t, base+"/thing/long.txt?content-type=text/plain")
				if err != nil || !bytes.Equal(b, text) {
					t.Fatalf("afterwards: %d bytes, %v", len(b), err)
				}
				if strings.Contains(resp.Header.Get("Cache-Status"), "hit") {
					break
				}
			}
			if s.origin.total() != 1 {
				t.Errorf("origin asked %d times", s.origin.total())
			}
		})
	}
}

// However many read a body while it arrives, there is one copy of it, and of
// one that turns out to be too long to keep, a part.
func TestOneCopyInMemory(t *testing.T) {
	for name, tc := range map[string]struct {
		size     int
		declared bool
		most     int64 // bytes on the heap for it
	}{
		"kept, declared":     {12 << 20, true, 16 << 20},
		"kept, not declared": {12 << 20, false, 16 << 20},
		"too long":           {40 << 20, false, 8 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			s := newEdge(t)
			piece := content(1 << 20)
			checked := make(chan struct{})
			s.origin.set(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				if tc.declared {
					w.Header().Set("Content-Length", strconv.Itoa(tc.size))
				}
				for n := 0; n < tc.size; n += len(piece) {
					if n == tc.size-len(piece) { // nearly all is there
						http.NewResponseController(w).Flush()
						<-checked
					}
					w.Write(piece)
				}
			})
			base := s.serve(t)
			heap := func() uint64 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
			before := heap()
			var wg sync.WaitGroup
			var read, whole atomic.Int64
			for range 10 {
				wg.Go(func() {
					resp, err := http.Get(base + "/thing/x?content-type=text/plain")
					if err != nil {
						t.Error(err)
						return
					}
					defer resp.Body.Close()
					n, buf := 0, make([]byte, 64<<10)
					for {
						k, err := resp.Body.Read(buf)
						n += k
						read.Add(int64(k))
						if err != nil {
							break
						}
					}
					if n == tc.size {
						whole.Add(1)
					}
				})
			}
			until(t, func() bool { return read.Load() >= int64(10*(tc.size-len(piece)-64<<10)) })
			if grown := int64(heap()) - int64(before); grown > tc.most {
				t.Errorf("10 readers of %d MiB: the heap has grown by %d kB", tc.size>>20, grown>>10)
			}
			close(checked)
			wg.Wait()
			if whole.Load() != 10 || s.origin.total() != 1 {
				t.Errorf("%d of 10 got all of it, origin asked %d times", whole.Load(), s.origin.total())
			}
		})
	}
}

// While a long body arrives, preconditions are judged by its head, and a part
// is made once it is there.
func TestConditionsOnAnArrivingBody(t *testing.T) {
	s := newEdge(t)
	text := content(2 << 20)
	rest := make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.Write(text[:1<<20])
		http.NewResponseController(w).Flush()
		<-rest
		w.Write(text[1<<20:])
	})
	base := s.serve(t) + "/thing/long?content-type=text/plain"
	first, err := http.Get(base)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Body.Close()
	if resp, b, _ := get(t, base, "If-None-Match", `"v1"`); resp.StatusCode != 304 || len(b) != 0 {
		t.Errorf("If-None-Match: %d, %d bytes", resp.StatusCode, len(b))
	}
	if resp, _, _ := get(t, base, "If-Match", `"v2"`); resp.StatusCode != 412 {
		t.Errorf("If-Match: %d", resp.StatusCode)
	}
	r, _ := http.NewRequest("HEAD", base, nil)
	if resp, err := http.DefaultTransport.RoundTrip(r); err != nil || resp.StatusCode != 200 || resp.ContentLength != int64(len(text)) {
		t.Errorf("HEAD: %v %v", resp, err)
	}
	close(rest)
	resp, b, err := get(t, base, "Range", "bytes=1048570-1048579")
	if err != nil || resp.StatusCode != 206 || !bytes.Equal(b, text[1048570:1048580]) {
		t.Errorf("Range: %d %d bytes %v", resp.StatusCode, len(b), err)
	}
	if s.origin.total() != 1 {
		t.Errorf("origin asked %d times: %v", s.origin.total(), s.origin.requests)
	}
}

// cutter sends the first n bytes and dies.
func cutter(text []byte, n int, tag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.Write(text[:n])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestSourceDiesInTheMiddle(t *testing.T) {
	text := content(3 << 20)
	for name, tc := range map[string]struct {
		tag        string
		then       http.HandlerFunc
		good       bool
		conclusion string
	}{
		"the rest of the same": {`"v1"`, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v1"`)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
		}, true, "resumed"},
		"the whole of the same": {`"v1"`, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v1"`)
			w.Write(text)
		}, true, "resumed"},
		"another one": {`"v1"`, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v2"`)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
		}, false, "cut"},
		"no tag": {"", func(w http.ResponseWriter, r *http.Request) { w.Write(text) }, false, "cut"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newEdge(t)
			first := cutter(text, 2<<20+17, tc.tag)
			var asked atomic.Int32
			s.origin.set(func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) == 1 {
					first(w, r)
				}
				tc.then(w, r)
			})
			base := s.serve(t)
			resp, b, err := get(t, base+"/thing/x?content-type=text/plain")
			if whole := err == nil && bytes.Equal(b, text); whole != tc.good || resp.StatusCode != 200 && (tc.good || resp.StatusCode != 502) { // 502: cut before its reader came
				t.Errorf("%d, %d bytes, %v", resp.StatusCode, len(b), err)
			}
			if n := s.counted(`mirrornet_broken_bodies_total{node="europe-1",region="europe",result="` + tc.conclusion); n != "1" {
				t.Errorf("%s: %q", tc.conclusion, n)
			}
			before := s.origin.total()
			resp, _, _ = get(t, base+"/thing/x?content-type=text/plain")
			if asked := s.origin.total() > before; asked == tc.good { // stored, or about to be
				t.Errorf("afterwards: %v", resp.Header)
			}
		})
	}
}

// Those who waited for an answer that is not for sharing ask all at once, and
// for a while nobody waits for such an answer.
func TestUnstorableReleasesAll(t *testing.T) {
	s := newEdge(t, plainMode)
	const clients = 50
	var inside atomic.Int32
	leader, all := make(chan struct{}), make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		switch n := inside.Add(1); n {
		case 1:
			<-leader
		case clients: // every other one is in here at the same time
			close(all)
		default:
			<-all
		}
		fmt.Fprint(w, r.Header.Get("X-Client"))
	})
	var wg sync.WaitGroup
	var good, waiting atomic.Int32
	for i := range clients {
		wg.Go(func() {
			waiting.Add(1)
			if w := s.ask("GET", "/own", "", "X-Client", fmt.Sprint(i)); w.Code == 200 && w.Body.String() == fmt.Sprint(i) {
				good.Add(1)
			}
		})
	}
	until(t, func() bool { return waiting.Load() == clients && inside.Load() > 0 })
	close(leader)
	wg.Wait()
	if good.Load() != clients || inside.Load() != clients {
		t.Errorf("%d of %d got an answer of their own, origin asked %d times", good.Load(), clients, inside.Load())
	}

	both := make(chan struct{})
	var second atomic.Int32
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if second.Add(1) == 2 {
			close(both)
		}
		<-both
	})
	for range 2 {
		wg.Go(func() { s.ask("GET", "/own", "") })
	}
	wg.Wait() // neither waited for the other
}

// What is not stored because of one client's own fields does not part the
// others.
func TestOneClientDoesNotPartTheOthers(t *testing.T) {
	for _, field := range [][2]string{{"Cache-Control", "no-store"}, {"Authorization", "Basic x"}} {
		s := newEdge(t, plainMode)
		var inside atomic.Int32
		release := make(chan struct{})
		s.origin.set(func(w http.ResponseWriter, r *http.Request) {
			inside.Add(1)
			<-release
			w.Header().Set("Cache-Control", "max-age=60")
			io.WriteString(w, r.Header.Get("Authorization"))
		})
		var wg sync.WaitGroup
		wg.Go(func() { s.ask("GET", "/x", "", field[0], field[1]) })
		until(t, func() bool { return inside.Load() == 1 })
		var good, begun atomic.Int32
		for range 200 {
			wg.Go(func() {
				begun.Add(1)
				if w := s.ask("GET", "/x", ""); w.Code == 200 && w.Body.String() == "" {
					good.Add(1)
				}
			})
		}
		until(t, func() bool { return begun.Load() == 200 && inside.Load() > 1 })
		close(release)
		wg.Wait()
		if good.Load() != 200 || inside.Load() != 2 {
			t.Errorf("%s: %d of 200 answers are right, origin asked %d times, want 2", field[0], good.Load(), inside.Load())
		}
	}
}

// Of those who wait, each variant's make one fetch.
func TestVariantsAreNotMixed(t *testing.T) {
	s := newEdge(t, plainMode)
	var asked atomic.Int32
	release := make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			<-release
		}
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "Accept-Language")
		fmt.Fprint(w, r.Header.Get("Accept-Language"))
	})
	var wg sync.WaitGroup
	var good, waiting atomic.Int32
	for i := range 300 {
		wg.Go(func() {
			lang := [...]string{"en", "fr", "de"}[i%3]
			waiting.Add(1)
			if w := s.ask("GET", "/x", "", "Accept-Language", lang); w.Body.String() == lang {
				good.Add(1)
			}
		})
	}
	until(t, func() bool { return waiting.Load() == 300 && asked.Load() > 0 })
	close(release)
	wg.Wait()
	if good.Load() != 300 || asked.Load() != 3 {
		t.Errorf("%d of 300 got their variant, origin asked %d times, want 3", good.Load(), asked.Load())
	}
}

// One failure is an answer for all who waited, not a reason for each to ask.
func TestFailureIsShared(t *testing.T) {
	s := newEdge(t, func(c *Config) { c.Timeout = 2 * time.Second })
	s.world.members = s.world.members[:1]
	s.edge.Refresh()
	release := make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		<-release
		panic(http.ErrAbortHandler)
	})
	var wg sync.WaitGroup
	var bad, waiting atomic.Int32
	for range 1000 {
		wg.Go(func() {
			waiting.Add(1)
			if w := s.ask("GET", "/thing/x", ""); w.Code == 502 || w.Code == 503 {
				bad.Add(1)
			}
		})
	}
	until(t, func() bool { return waiting.Load() == 1000 && s.origin.total() > 0 })
	close(release)
	wg.Wait()
	if n := s.origin.total(); bad.Load() != 1000 || n > 10 {
		t.Errorf("%d of 1000 were told, origin asked %d times", bad.Load(), n)
	}
}

// A part of what is small is made here of the whole; of what is long,
// the origin makes it.
func TestRangeMiss(t *testing.T) {
	for name, tc := range map[string]struct {
		size     int
		declared bool
		passed   bool
	}{
		"small":                {5000, true, false},
		"small, unknown":       {5000, false, false},
		"medium":               {3 << 20, true, false},
		"long":                 {maxBody + 5000, true, true},
		"long, length unknown": {maxBody + 5000, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newEdge(t)
			text := content(tc.size)
			var ranges atomic.Int32
			s.origin.set(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"v1"`)
				w.Header().Set("Content-Type", "text/plain")
				if r.Header.Get("Range") != "" {
					ranges.Add(1)
					http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
					return
				}
				if tc.declared {
					w.Header().Set("Content-Length", strconv.Itoa(len(text)))
				}
				w.Write(text)
			})
			base := s.serve(t)
			for range 2 {
				resp, b, err := get(t, base+"/thing/x?content-type=text/plain", "Range", "bytes=4000-4099")
				if err != nil || resp.StatusCode != 206 || !bytes.Equal(b, text[4000:4100]) ||
					resp.Header.Get("Content-Range") != fmt.Sprintf("bytes 4000-4099/%d", len(text)) {
					t.Errorf("%d, %d bytes, %v, %v", resp.StatusCode, len(b), err, resp.Header)
				}
			}
			if got := ranges.Load() > 0; got != tc.passed {
				t.Errorf("the origin saw a Range: %v", got)
			}
			if n := s.origin.total(); !tc.passed && n != 1 || tc.passed && n != 3 { // once for the length
				t.Errorf("the origin was asked %d times", n)
			}
		})
	}
}

// When stale copies stand in for a lost origin, each variant does for its own.
func TestStaleVariantsAreNotMixed(t *testing.T) {
	s := newEdge(t, plainMode)
	var broken atomic.Bool
	release := make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			<-release
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "Accept-Language")
		fmt.Fprint(w, r.Header.Get("Accept-Language"))
	})
	for _, lang := range []string{"en", "fr"} {
		s.ask("GET", "/x", "", "Accept-Language", lang)
	}
	s.clock.Store(int64(10 * time.Minute))
	broken.Store(true)
	var wg sync.WaitGroup
	var good, begun atomic.Int32
	for i := range 100 {
		wg.Go(func() {
			lang := [...]string{"en", "fr"}[i%2]
			begun.Add(1)
			if w := s.ask("GET", "/x", "", "Accept-Language", lang); w.Code == 200 && w.Body.String() == lang {
				good.Add(1)
			}
		})
	}
	until(t, func() bool { return begun.Load() == 100 && s.origin.total() > 2 })
	close(release)
	wg.Wait()
	if good.Load() != 100 {
		t.Errorf("%d of 100 got their variant", good.Load())
	}
}

// An unsafe request drops what is stored of its target, in all formats, and
// what was asked for before it is not stored after it.
func TestUnsafeInvalidatesCatalogueKeys(t *testing.T) {
	s := newEdge(t)
	var version atomic.Int64
	inside, release := make(chan struct{}), make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Accept"))
		switch n := version.Load(); {
		case r.Method == "PUT":
			version.Add(1)
		case r.URL.Path == "/thing/late" && n == 1:
			close(inside)
			<-release
			fmt.Fprint(w, n)
			return
		}
		fmt.Fprint(w, version.Load())
	})
	ask := func(target, accept string) string { return s.ask("GET", target, "", "Accept", accept).Body.String() }
	for _, accept := range []string{"application/json", "text/plain"} {
		ask("/thing/x?expand=1", accept)
	}
	if w := s.ask("PUT", "/thing/x?expand=1", "v"); w.Code != 200 {
		t.Fatalf("PUT: %d %s", w.Code, w.Body)
	}
	for _, accept := range []string{"application/json", "text/plain"} {
		if got := ask("/thing/x?expand=1", accept); got != "1" {
			t.Errorf("%s after PUT: %s", accept, got)
		}
	}
	done := make(chan struct{})
	go func() { ask("/thing/late", "application/json"); close(done) }()
	<-inside
	s.ask("PUT", "/thing/late", "v")
	close(release)
	<-done
	if got := ask("/thing/late", "application/json"); got != "2" {
		t.Errorf("what was asked for before the PUT was stored after it: %s", got)
	}
}

package edge

import (
	"bytes"
	"context"
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

	"mirrornet/pkg/store"
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

// counting is a store that counts the look-ups.
type counting struct {
	store.Store
	gets *atomic.Int64
}

func (c counting) Get(ctx context.Context, key string) (*store.Response, store.Tier, bool) {
	c.gets.Add(1)
	return c.Store.Get(ctx, key)
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
			var looked, joined atomic.Int64
			s := newEdge(t, func(c *Config) { c.Store = counting{c.Store, &looked} })
			piece := content(1 << 20)
			checked := make(chan struct{})
			s.origin.set(func(w http.ResponseWriter, r *http.Request) {
				until(t, func() bool { return looked.Load() >= 10 })
				w.Header().Set("Content-Type", "text/plain")
				if tc.declared {
					w.Header().Set("Content-Length", strconv.Itoa(tc.size))
				}
				for n := 0; n < tc.size; n += len(piece) {
					if n == 4*len(piece) { // all have come: who comes when the beginning is gone asks anew
						http.NewResponseController(w).Flush()
						until(t, func() bool { return joined.Load() == 10 })
					}
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
						if n == 0 && k > 0 {
							joined.Add(1)
						}
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
		"a rest that ends early": {`"v1"`, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v1"`)
			if r.Header.Get("Range") != "" {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", 2<<20+17, len(text)-1, len(text)))
				w.WriteHeader(http.StatusPartialContent)
			}
			w.Write(text[2<<20+17:][:1000])
		}, false, "resumed"},
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

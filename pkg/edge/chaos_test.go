package edge

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/store"
	"mirrornet/pkg/store/storetest"
)

// withMemcached puts a real memcached below the memory tier, or in its place.
func withMemcached(t *testing.T, d *storetest.Daemon, memory bool) func(*Config) {
	m, err := store.NewMemcached(store.MemcachedConfig{Servers: []string{d.Socket}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return func(c *Config) {
		if c.Store = store.Store(m); memory {
			c.Store = store.NewTiered(store.NewMemory(store.MemoryConfig{}), m)
		}
	}
}

// echo answers with the target, and counts in the setup's origin.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "%q", r.URL.RequestURI())
}

// Each of 1,000 concurrent requests for one cold key gets the right answer
// from one fetch, whether memcached is well, stopped or dead.
func TestColdKeyWithoutMemcached(t *testing.T) {
	for name, harm := range map[string]func(*storetest.Daemon){
		"well":    func(*storetest.Daemon) {},
		"stopped": (*storetest.Daemon).Pause,
		"killed":  (*storetest.Daemon).Kill,
	} {
		t.Run(name, func(t *testing.T) {
			d := storetest.Memcached(t)
			s := newEdge(t, withMemcached(t, d, true))
			s.origin.set(echo)
			if w := s.ask("GET", "/thing/warm", ""); w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			harm(d)
			release := make(chan struct{})
			s.origin.set(func(w http.ResponseWriter, r *http.Request) { <-release; echo(w, r) })
			var wg sync.WaitGroup
			var good, begun atomic.Int32
			for range 1000 {
				wg.Go(func() {
					begun.Add(1)
					if w := s.ask("GET", "/thing/cold", ""); w.Code == 200 && w.Body.String() == `"/thing/cold"` {
						good.Add(1)
					}
				})
			}
			until(t, func() bool { return begun.Load() == 1000 && s.origin.total() == 2 })
			close(release)
			wg.Wait()
			if n := s.origin.total() - 1; n != 1 || good.Load() != 1000 {
				t.Errorf("%d right answers of 1000, the origin was asked %d times", good.Load(), n)
			}
		})
	}
}

// memcached is stopped, killed and started again in the middle of a burst over
// many keys: every answer is the right one.
func TestBurstWhileMemcachedFails(t *testing.T) {
	for name, memory := range map[string]bool{"below memory": true, "alone": false} {
		t.Run(name, func(t *testing.T) {
			d := storetest.Memcached(t)
			s := newEdge(t, withMemcached(t, d, memory))
			s.origin.set(echo)
			const requests, keys = 6000, 300
			var next, answered atomic.Int32
			var wg sync.WaitGroup
			for range 32 {
				wg.Go(func() {
					for n := next.Add(1); n <= requests; n = next.Add(1) {
						target := fmt.Sprint("/thing/", n*7919%keys)
						if w := s.ask("GET", target, ""); w.Code != 200 || w.Body.String() != fmt.Sprintf("%q", target) {
							t.Errorf("%s: %d %s", target, w.Code, w.Body)
						}
						answered.Add(1)
					}
				})
			}
			for at, do := range []func(){d.Pause, d.Kill, d.Start} {
				until(t, func() bool { return answered.Load() >= int32(at+1)*requests/5 })
				do()
			}
			wg.Wait()
			if n := s.origin.total(); memory && n != keys {
				t.Errorf("the origin was asked %d times for %d keys", n, keys)
			}
		})
	}
}

// A long body reaches memcached in chunks and comes back, and one whose chunks
// are lost is fetched again.
func TestLongBodyThroughMemcached(t *testing.T) {
	d := storetest.Memcached(t)
	s := newEdge(t, withMemcached(t, d, false))
	text := content(10 << 20)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Write(text)
	})
	base := s.serve(t) + "/thing/long?content-type=text/plain"
	began := time.Now()
	for hit := false; !hit; {
		resp, b, err := get(t, base)
		if err != nil || len(b) != len(text) || string(b) != string(text) {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		hit = resp.Header.Get("Cache-Status") != "" && resp.Header.Get("Age") != ""
		if time.Since(began) > 20*time.Second {
			t.Fatal("never stored")
		}
	}
	before := s.origin.total()
	d.Kill()
	d.Start()
	resp, b, err := get(t, base)
	if err != nil || string(b) != string(text) || s.origin.total() != before+1 {
		t.Errorf("after memcached lost it: %d, %d bytes, %v; origin asked %d times more", resp.StatusCode, len(b), err, s.origin.total()-before)
	}
}

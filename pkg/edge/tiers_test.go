package edge

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"mirrornet/pkg/store"
	"mirrornet/pkg/store/storetest"
)

// beside is an edge with a memory tier of its own over that memcached. Nobody
// runs the write queue, so that an answer is stored when it has been given.
func beside(t *testing.T, d *storetest.Daemon) (*setup, *noted) {
	shared, err := store.NewMemcached(store.MemcachedConfig{Servers: []string{d.Socket}, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	lower := &noted{Memcached: shared}
	return newEdge(t, func(c *Config) { c.Store = store.NewTiered(store.NewMemory(store.MemoryConfig{}), lower) }), lower
}

// noted keeps the keys of what is put.
type noted struct {
	*store.Memcached
	keys []string
}

func (n *noted) Put(ctx context.Context, r *store.Response, keep time.Duration) {
	n.keys = append(n.keys, r.Key)
	n.Memcached.Put(ctx, r, keep)
}

// A fresh edge beside a warm memcached serves from it at once, and judges what
// it finds as the edge that stored it would.
func TestFreshEdgeBesideWarmMemcached(t *testing.T) {
	d := storetest.Memcached(t)
	warm, written := beside(t, d)
	long := strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz\n", 100_000)
	answer := warm.origin.answer
	warm.origin.set(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/thing/long") {
			w.Header().Set("Content-Type", "text/plain")
			w.Write([]byte(long))
			return
		}
		answer(w, r)
	})
	first := warm.ask("GET", "/thing/x?expand=1", "")
	if got := warm.ask("GET", "/thing/long", "", "Accept", "text/plain"); got.Body.String() != long {
		t.Fatalf("%d %d bytes", got.Code, got.Body.Len())
	}
	until(t, func() bool { return written.Stats().Stores == 2 }) // what streams is stored when all of it is there

	fresh, shared := beside(t, d)
	w := fresh.ask("GET", "/thing/x?expand=1", "")
	if !strings.HasPrefix(w.Header().Get("Cache-Status"), "europe-1; hit; ttl=") || w.Body.String() != first.Body.String() ||
		w.Header().Get("ETag") != `"v1"` || w.Header().Get("Age") == "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := fresh.ask("GET", "/thing/long", "", "Accept", "text/plain", "Accept-Encoding", "zstd"); w.Header().Get("Content-Encoding") != "zstd" ||
		!strings.Contains(w.Header().Get("Cache-Status"), "hit") {
		t.Errorf("long: %v", w.Header())
	}
	if w := fresh.ask("GET", "/thing/x?expand=1", "", "If-None-Match", `"v1"`); w.Code != http.StatusNotModified {
		t.Errorf("validation: %d", w.Code)
	}
	if n, hits := fresh.origin.total(), shared.Stats().Hits; n != 0 || hits != 2 {
		t.Errorf("the origin was asked %d times, memcached had %d: the memory tier is not filled", n, hits)
	}

	fresh.clock.Add(int64(2 * time.Minute)) // past its freshness and stale-while-revalidate
	w = fresh.ask("GET", "/thing/x?expand=1", "")
	if !strings.Contains(w.Header().Get("Cache-Status"), "fwd=stale; fwd-status=304") || w.Body.String() != first.Body.String() || fresh.origin.total() != 1 {
		t.Errorf("stale: %d %v", w.Code, w.Header())
	}
}

// A record that another program forged, with a right sum and a wrong body, costs
// one answer: it is not sent, and asked for again.
func TestForgedBody(t *testing.T) {
	d := storetest.Memcached(t)
	s, lower := beside(t, d)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"seq":"` + strings.Repeat("ACGT", 500) + `"}`))
	})
	want := s.ask("GET", "/thing/x", "").Body.String()

	raw := memcache.New(d.Socket)
	forged := 0
	for _, key := range lower.keys {
		name := store.KeyOf(key).String()
		it, err := raw.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if i := strings.Index(string(it.Value), "\x28\xb5\x2f\xfd"); i > 0 { // the start of a zstd frame
			copy(it.Value[i+6:], "forged by somebody")
			sum := len(it.Value) - 4
			binary.BigEndian.PutUint32(it.Value[sum:], crc32.Checksum(it.Value[:sum], crc32.MakeTable(crc32.Castagnoli)))
			if err := raw.Set(&memcache.Item{Key: name, Value: it.Value}); err != nil {
				t.Fatal(err)
			}
			forged++
		}
	}
	if forged != 1 {
		t.Fatalf("%d records forged", forged)
	}
	fresh, _ := beside(t, d)
	fresh.origin.set(s.origin.answer)
	if w := fresh.ask("GET", "/thing/x", ""); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" ||
		w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), "ACGT") {
		t.Errorf("%d %v %.80s", w.Code, w.Header(), w.Body)
	}
	if w := fresh.ask("GET", "/thing/x", ""); w.Code != 200 || w.Body.String() != want {
		t.Errorf("asked again: %d %.80s", w.Code, w.Body)
	}
}

// What was invalidated while memcached took nothing does not come back with it.
func TestInvalidatedWhileMemcachedHangs(t *testing.T) {
	d := storetest.Memcached(t)
	shared, err := store.NewMemcached(store.MemcachedConfig{Servers: []string{d.Socket}, Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	s := newEdge(t, plainMode, func(c *Config) { c.Store = store.NewTiered(store.NewMemory(store.MemoryConfig{}), shared) })
	version := "1"
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("Vary", r.URL.Query().Get("vary"))
		w.Write([]byte(version))
	})
	for _, target := range []string{"/a", "/a?vary=Accept"} {
		version = "1"
		s.ask("GET", target, "")
		d.Pause()
		until(t, func() bool { // it is not even asked
			s.edge.Store.Get(t.Context(), "other")
			return shared.Stats().Servers[0].Open
		})
		s.ask("PUT", target, "2")
		version = "2"
		d.Resume()
		until(t, func() bool { // its breaker is closed again
			s.edge.Store.Get(t.Context(), "other")
			return !shared.Stats().Servers[0].Open
		})
		if w := s.ask("GET", target, ""); w.Body.String() != "2" {
			t.Errorf("%s: %s %s", target, w.Body, w.Header().Get("Cache-Status"))
		}
		if w := s.ask("GET", target, ""); w.Body.String() != "2" || !strings.Contains(w.Header().Get("Cache-Status"), "hit") {
			t.Errorf("%s, afterwards: %s %s", target, w.Body, w.Header().Get("Cache-Status"))
		}
	}
}

package store_test

import (
	"sync"
	"testing"
	"time"

	"mirrornet/pkg/store"
	"mirrornet/pkg/store/storetest"
)

// TestCounters: processes that name the same memcached count together, and
// none is lost.
func TestCounters(t *testing.T) {
	d := storetest.Memcached(t)
	var all []*store.Counters
	for range 3 {
		c, err := store.NewCounters(store.MemcachedConfig{Servers: []string{d.Socket}, Prefix: "rl:", Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	var wg sync.WaitGroup
	seen := make([]bool, 301)
	var mu sync.Mutex
	for i := range 300 {
		wg.Go(func() {
			n, err := all[i%3].Add(t.Context(), "a:3600:x", time.Hour)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if n < 1 || n > 300 || seen[n] {
				t.Errorf("count %d twice, or out of range", n)
				return
			}
			seen[n] = true
		})
	}
	wg.Wait()
	if n, err := all[0].Add(t.Context(), "b", time.Second); n != 1 || err != nil {
		t.Errorf("another name: %d, %v", n, err)
	}
	d.Kill()
	if _, err := all[0].Add(t.Context(), "b", time.Second); err == nil {
		t.Error("a count from a memcached that is gone")
	}
	d.Start()
	if n, err := all[1].Add(t.Context(), "b", time.Second); n != 1 || err != nil {
		t.Errorf("after its restart: %d, %v", n, err)
	}
}

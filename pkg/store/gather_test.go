package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"mirrornet/pkg/store"
	"mirrornet/pkg/store/storetest"
)

// Readers that come, wait and go away at any time each get their own item or
// none, and leave nothing behind: the next reader is served.
func TestGatherOfReadersThatLeave(t *testing.T) {
	for _, wide := range []int{1, 3} {
		t.Run(fmt.Sprint(wide), func(t *testing.T) {
			d := storetest.Memcached(t)
			m := memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}}, false)
			m.SetWide(wide)
			for i := range 40 {
				m.Put(t.Context(), &store.Response{Key: fmt.Sprint(i), Status: 200, Body: store.NewBody(fmt.Appendf(nil, "body %d", i))}, time.Hour)
			}
			var all sync.WaitGroup
			for g := range 50 {
				all.Go(func() {
					rng := rand.New(rand.NewPCG(uint64(g), 0))
					for range 100 {
						ctx, cancel := context.WithCancel(t.Context())
						if rng.IntN(3) == 0 {
							time.AfterFunc(time.Duration(rng.IntN(200))*time.Microsecond, cancel)
						}
						key := fmt.Sprint(rng.IntN(50))
						r, _, ok := m.Get(ctx, key)
						gone := ctx.Err() != nil
						cancel()
						if ok {
							if body, _ := r.Body.Identity(); r.Key != key || string(body) != "body "+key {
								t.Errorf("asked for %s, got %s: %s", key, r.Key, body)
							}
						} else if !gone && len(key) < 2 {
							t.Errorf("%s is not there: %+v", key, m.Stats())
						}
					}
				})
			}
			all.Wait()
			if flying, waiting := m.Gathered(); flying != 0 || waiting != 0 {
				t.Errorf("%d under way, %d wait", flying, waiting)
			}
			if st := m.Stats(); st.Gets.Count == 0 || st.Gets.Count >= 5000 || st.Gets.Sum <= 0 || st.Errors != 0 {
				t.Errorf("no exchange served two readers: %+v", st)
			}
			if _, _, ok := m.Get(t.Context(), "1"); !ok {
				t.Error("nothing after all that")
			}
			// A server that is gone ends the waiting of all.
			d.Kill()
			for g := range 20 {
				all.Go(func() { m.Get(t.Context(), fmt.Sprint(g)) })
			}
			all.Wait()
			if flying, waiting := m.Gathered(); flying != 0 || waiting != 0 {
				t.Errorf("%d under way, %d wait", flying, waiting)
			}
		})
	}
}

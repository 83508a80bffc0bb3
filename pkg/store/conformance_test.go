package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"mirrornet/pkg/store"
	"mirrornet/pkg/store/storetest"
)

func memory(t *testing.T, now func() time.Time) store.Store {
	return store.NewMemory(store.MemoryConfig{Now: now})
}

func memcachedOn(t *testing.T, c store.MemcachedConfig, running bool) *store.Memcached {
	t.Helper()
	if c.Prefix == "" { // subtests share a daemon
		c.Prefix = fmt.Sprintf("%x:", store.KeyOf(t.Name()))[:9]
	}
	if c.Timeout == 0 { // a busy test machine is not what is tested
		c.Timeout = 2 * time.Second
	}
	m, err := store.NewMemcached(c)
	if err != nil {
		t.Fatal(err)
	}
	if running {
		run(t, m)
	}
	return m
}

// run owns a tier for the rest of the test.
func run(t *testing.T, m interface{ Run(context.Context) error }) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- m.Run(ctx); close(done) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func TestConformance(t *testing.T) {
	t.Run("memory", func(t *testing.T) { storetest.Run(t, memory) })
	t.Run("memory with Run", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
			m := store.NewMemory(store.MemoryConfig{Now: now})
			run(t, m)
			return m
		})
	})
	for name, running := range map[string]bool{"memcached": true, "memcached without Run": false} {
		t.Run(name, func(t *testing.T) {
			d := storetest.Memcached(t)
			storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
				return memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}, Now: now}, running)
			})
		})
	}
	t.Run("three memcacheds", func(t *testing.T) {
		servers := []string{storetest.Memcached(t).Socket, storetest.Memcached(t).Socket, storetest.Memcached(t).Socket}
		storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
			return memcachedOn(t, store.MemcachedConfig{Servers: servers, Now: now}, true)
		})
	})
	t.Run("tiered", func(t *testing.T) {
		d := storetest.Memcached(t)
		storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
			upper := store.NewMemory(store.MemoryConfig{Now: now})
			run(t, upper)
			return store.NewTiered(upper, memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}, Now: now}, true))
		})
	})
	t.Run("memory over memory", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
			return store.NewTiered(memory(t, now), memory(t, now))
		})
	})
}

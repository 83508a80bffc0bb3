package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrornet/pkg/store"
	"mirrornet/pkg/store/storetest"
)

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		if yes() {
			return
		}
	}
	t.Fatalf("not within 10 s: %s", what)
}

// lateness measures by how much this machine is too busy for its timers, until
// the returned function is called: the most of it.
func lateness(t *testing.T) func() time.Duration {
	ctx, cancel := context.WithCancel(t.Context())
	worst := make(chan time.Duration, 1)
	go func() {
		var most time.Duration
		for ctx.Err() == nil {
			began := time.Now()
			<-time.After(2 * time.Millisecond)
			most = max(most, time.Since(began)-2*time.Millisecond)
		}
		worst <- most
	}()
	return func() time.Duration { cancel(); return <-worst }
}

// written puts r until it can be read from memcached itself.
func written(t *testing.T, m *store.Memcached, r *store.Response) {
	t.Helper()
	eventually(t, "written", func() bool {
		if m.Stats().Queued > 0 {
			return false
		}
		_, _, ok := m.Get(t.Context(), r.Key)
		if !ok {
			m.Put(t.Context(), r, time.Hour)
		}
		return ok
	})
}

// A process that starts beside a warm memcached finds what is there.
func TestSurvivesRestart(t *testing.T) {
	d := storetest.Memcached(t)
	first := memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}, Prefix: "a"}, false)
	stop := run(t, first)
	r, big := storetest.Sample("k", 100), storetest.Sample("big", 5_000_000)
	first.Put(t.Context(), r, time.Hour)
	first.Put(t.Context(), big, time.Hour)
	first.PutBlob(t.Context(), "catalogue", []byte("{}"))
	stop() // writes what is queued
	second := memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}, Prefix: "a"}, true)
	storetest.Present(t, second, r)
	storetest.Present(t, second, big)
	if b, ok := second.GetBlob(t.Context(), "catalogue"); !ok || string(b) != "{}" {
		t.Errorf("blob: %q %v", b, ok)
	}
	if _, ok := second.GetBlob(t.Context(), "k"); ok {
		t.Error("a response was found as a blob")
	}
	other := memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}, Prefix: "b"}, true)
	storetest.Absent(t, other, "k")
}

// With the production timeout, a memcached that hangs costs no request more
// than 100 ms, and soon nothing; when it goes on, it is used again.
func TestStoppedDaemon(t *testing.T) {
	d := storetest.Memcached(t)
	m := memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}, Timeout: 40 * time.Millisecond}, true)
	r := storetest.Sample("k", 2_000_000)
	written(t, m, r)

	d.Pause()
	late := lateness(t)
	var mu sync.Mutex // guards took
	var took []time.Duration
	request := func(key string) {
		began := time.Now()
		if _, _, ok := m.Get(t.Context(), key); ok {
			t.Errorf("a stopped memcached had %s", key)
		}
		m.Put(t.Context(), storetest.Sample("other "+key, 1000), time.Hour)
		mu.Lock()
		defer mu.Unlock()
		took = append(took, time.Since(began))
	}
	for i := range 10 {
		request(fmt.Sprint("k", i))
	}
	var all sync.WaitGroup
	for g := range 100 {
		all.Go(func() {
			for i := range 20 {
				request(fmt.Sprint(g, i))
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	slack := 4 * late()
	if worst := took[len(took)-1]; worst > 100*time.Millisecond+slack {
		t.Errorf("a request took %v on a machine that is late by %v", worst, slack/4)
	}
	if median := took[len(took)/2]; median > 5*time.Millisecond+slack {
		t.Errorf("half of the requests took %v or more: the breaker does not open", median)
	}
	st := m.Stats()
	if !st.Servers[0].Open || st.Unasked == 0 || st.Errors == 0 {
		t.Errorf("%+v", st)
	}

	d.Resume()
	eventually(t, "used again", func() bool {
		_, _, ok := m.Get(t.Context(), "k")
		return ok
	})
	storetest.Present(t, m, r)
	if m.Stats().Servers[0].Open {
		t.Error("the breaker is still open")
	}
}

func TestKilledDaemon(t *testing.T) {
	d := storetest.Memcached(t)
	m := memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}}, true)
	r := storetest.Sample("k", 100)
	written(t, m, r)

	d.Kill()
	for i := range 20 {
		storetest.Absent(t, m, "k")
		m.Put(t.Context(), storetest.Sample(fmt.Sprint("lost ", i), 10), time.Hour)
	}
	eventually(t, "queue empty", func() bool { return m.Stats().Queued == 0 })
	d.Start()
	written(t, m, r)
	if m.Stats().Servers[0].Open {
		t.Error("the breaker is still open")
	}
}

// Connections from before a restart are not errors to anybody.
func TestRestartedDaemon(t *testing.T) {
	d := storetest.Memcached(t)
	m := memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}}, false)
	r := storetest.Sample("k", 100)
	var all sync.WaitGroup
	for range 16 { // several idle connections
		all.Go(func() { m.Put(t.Context(), r, time.Hour) })
	}
	all.Wait()
	d.Kill()
	d.Start()
	m.Put(t.Context(), r, time.Hour)
	storetest.Present(t, m, r)
	if st := m.Stats(); st.Retries == 0 || st.Errors != 0 {
		t.Errorf("%+v", st)
	}
}

// One server that is gone costs only its own keys.
func TestOneOfThree(t *testing.T) {
	daemons := []*storetest.Daemon{storetest.Memcached(t), storetest.Memcached(t), storetest.Memcached(t)}
	m := memcachedOn(t, store.MemcachedConfig{Servers: []string{daemons[0].Socket, daemons[1].Socket, daemons[2].Socket}}, false)
	const keys = 60
	for i := range keys {
		m.Put(t.Context(), storetest.Sample(fmt.Sprint(i), 10), time.Hour)
	}
	found := func() (n int) {
		for i := range keys {
			if _, _, ok := m.Get(t.Context(), fmt.Sprint(i)); ok {
				n++
			}
		}
		return n
	}
	if n := found(); n != keys {
		t.Fatalf("%d of %d keys", n, keys)
	}
	daemons[1].Kill()
	if n := found(); n < keys/3 || n > keys*9/10 {
		t.Errorf("%d of %d keys without one of three", n, keys)
	}
}

func TestTooLarge(t *testing.T) {
	d := storetest.Memcached(t, "-I", "256k", "-o", "slab_chunk_max=65536")
	m := memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}}, false)
	for range 10 { // over the server's limit: says nothing of its health
		m.Put(t.Context(), storetest.Sample("k", 500_000), time.Hour)
	}
	m.Put(t.Context(), storetest.Sample("k", store.MaxBody+1), time.Hour)
	storetest.Absent(t, m, "k")
	small := storetest.Sample("small", 10)
	m.Put(t.Context(), small, time.Hour)
	storetest.Present(t, m, small)
	if st := m.Stats(); st.TooLarge != 11 || st.Servers[0].Open {
		t.Errorf("%+v", st)
	}
}

// A body that is too large takes the place of what was there, as a miss.
func TestTooLargeReplaces(t *testing.T) {
	m := memcachedOn(t, store.MemcachedConfig{Servers: []string{storetest.Memcached(t).Socket}}, true)
	m.Put(t.Context(), storetest.Sample("k", 10), time.Hour)
	m.Put(t.Context(), storetest.Sample("k", store.MaxBody+1), time.Hour)
	storetest.Absent(t, m, "k")
}

// While memcached hangs, writes are dropped beyond a bound, and nobody waits.
func TestQueueIsBounded(t *testing.T) {
	d := storetest.Memcached(t)
	m := memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}}, true)
	eventually(t, "running", func() bool {
		d.Pause()
		m.Put(t.Context(), storetest.Sample("first", 10), time.Hour)
		return m.Stats().Queued > 0
	})
	for i := range 20_000 {
		m.Put(t.Context(), &store.Response{Key: fmt.Sprint(i), Status: 200}, time.Hour)
	}
	st := m.Stats()
	if st.Dropped == 0 || st.Queued > 4000 {
		t.Errorf("%+v", st)
	}
	d.Resume()
}

func TestConfigErrors(t *testing.T) {
	for want, c := range map[string]store.MemcachedConfig{
		"Servers is empty":   {},
		`Servers has "host"`: {Servers: []string{"host"}},
		"Prefix":             {Servers: []string{"/s"}, Prefix: "a b"},
		"Prefix \"aaaa":      {Servers: []string{"/s"}, Prefix: strings.Repeat("a", 65)},
	} {
		if _, err := store.NewMemcached(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

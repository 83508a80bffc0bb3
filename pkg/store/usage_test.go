package store_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/store"
	"mirrornet/pkg/store/storetest"
)

func TestUsage(t *testing.T) {
	a, b := storetest.Memcached(t), storetest.Memcached(t)
	m, err := store.NewMemcached(store.MemcachedConfig{Servers: []string{a.Socket, b.Socket}, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	before, err := m.Usage(t.Context())
	if err != nil || before.Items != 0 || before.Limit != 256<<20 {
		t.Fatalf("%+v %v", before, err)
	}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		dense := make([]byte, 10_000)
		rand.Read(dense)
		m.PutBlob(t.Context(), name, dense)
	}
	if u, err := m.Usage(t.Context()); err != nil || u.Items < 6 || u.Bytes < 60_000 || u.Bytes > u.Limit {
		t.Errorf("%+v %v", u, err)
	}
	b.Pause()
	defer b.Resume()
	m, _ = store.NewMemcached(store.MemcachedConfig{Servers: []string{a.Socket, b.Socket}})
	if u, err := m.Usage(t.Context()); err == nil || u != (store.Usage{}) || !strings.Contains(err.Error(), b.Socket) {
		t.Errorf("%+v %v", u, err)
	}
}

func FuzzUsage(f *testing.F) {
	for _, s := range []string{
		"STAT pid 1\r\nSTAT bytes 1024\r\nSTAT curr_items 3\r\nSTAT limit_maxbytes 67108864\r\nEND\r\n",
		"STAT bytes -1\r\nSTAT curr_items 3\r\nSTAT limit_maxbytes 1\r\nEND\r\n", "END\r\n", "ERROR\r\n", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := store.ReadUsage(strings.NewReader(s))
		if err != nil && u != (store.Usage{}) || u.Bytes < 0 || u.Items < 0 || u.Limit < 0 {
			t.Errorf("%q: %+v %v", s, u, err)
		}
		if err == nil && !strings.Contains(s, "END") {
			t.Errorf("%q is whole", s)
		}
	})
}

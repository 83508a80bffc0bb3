package store_test

import (
	"fmt"
	"testing"
	"time"

	"mirrornet/pkg/store"
	"mirrornet/pkg/store/storetest"
)

func TestTieredFills(t *testing.T) {
	clock := storetest.NewClock()
	upper := store.NewMemory(store.MemoryConfig{Now: clock.Now})
	lower := store.NewMemory(store.MemoryConfig{Now: clock.Now})
	s := store.NewTiered(upper, lower)
	r := storetest.Sample("k", 10)
	lower.Put(t.Context(), r, time.Minute)
	clock.Add(50 * time.Second)
	storetest.Present(t, s, r)
	storetest.Present(t, upper, r)
	clock.Add(10 * time.Second) // the copy is kept no longer than the original
	storetest.Absent(t, upper, "k")
}

func TestTieredOfNothing(t *testing.T) {
	var none *store.Memcached
	var noMemory *store.Memory
	empty := store.NewTiered(noMemory, none)
	empty.Put(t.Context(), storetest.Sample("k", 1), time.Hour)
	empty.Delete(t.Context(), "k")
	storetest.Absent(t, empty, "k")
	m := store.NewMemory(store.MemoryConfig{})
	if store.NewTiered(m, none) != store.Store(m) || store.NewTiered(nil, m) != store.Store(m) {
		t.Error("a single tier is wrapped")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := store.NewMemory(store.MemoryConfig{Bytes: 1 << 20})
	for i := range 200 {
		m.Put(t.Context(), storetest.Sample(fmt.Sprint(i), 20_000), time.Hour)
	}
	m.Put(t.Context(), storetest.Sample("0", 300_000), time.Hour)
	st := m.Stats()
	if st.Bytes > 1<<20 || st.Evictions == 0 || st.Refused != 1 || st.Entries == 0 || st.Entries > 52 {
		t.Errorf("%+v", st)
	}
	storetest.Absent(t, m, "0")
}

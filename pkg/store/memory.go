package store

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// MemoryConfig configures a [Memory].
type MemoryConfig struct {
	// Bytes bounds the records' estimated size; 0: 256 MiB. A record larger
	// than a quarter of it is refused, lest it empty the cache.
	Bytes int64
	Now   func() time.Time // nil: time.Now
}

// Memory is the memory tier: W-TinyLFU by bytes.
type Memory struct {
	cache *otter.Cache[string, held]
	limit int64 // of one record
	now   func() time.Time

	hits, misses, stores, refused, evictions atomic.Uint64
}

type held struct {
	response *Response
	until    time.Time
	weight   uint32
}

// MemoryStats are counters since the tier was made, and its present size.
type MemoryStats struct {
	Hits      uint64
	Misses    uint64 // absent, or kept for longer than it should be
	Stores    uint64
	Refused   uint64 // puts of records that are too large
	Evictions uint64 // records that made room for others
	Entries   int    // estimated
	Bytes     int64  // estimated
}

// NewMemory makes a memory tier. It starts no goroutine and needs no closing.
func NewMemory(c MemoryConfig) *Memory {
	if c.Bytes <= 0 {
		c.Bytes = 256 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	m := &Memory{limit: min(c.Bytes/4, math.MaxUint32), now: c.Now}
	m.cache = otter.Must(&otter.Options[string, held]{
		MaximumWeight: uint64(c.Bytes),
		Weigher:       func(_ string, h held) uint32 { return h.weight },
		// Maintenance is short; on the caller's goroutine it needs no owner.
		Executor: func(fn func()) { fn() },
		OnAtomicDeletion: func(e otter.DeletionEvent[string, held]) {
			if e.WasEvicted() {
				m.evictions.Add(1)
			}
		},
	})
	return m
}

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, key string) (*Response, Tier, bool) {
	r, _, from, ok := m.get(ctx, key)
	return r, from, ok
}

func (m *Memory) get(_ context.Context, key string) (*Response, time.Duration, Tier, bool) {
	h, ok := m.cache.GetIfPresent(key)
	left := h.until.Sub(m.now())
	if !ok || left <= 0 {
		m.misses.Add(1)
		return nil, 0, "", false
	}
	m.hits.Add(1)
	return h.response, left, TierMemory, true
}

// Put implements [Store].
func (m *Memory) Put(_ context.Context, r *Response, keep time.Duration) {
	if r.Key == "" || keep <= 0 {
		return
	}
	w := r.weight()
	if w > m.limit {
		m.refused.Add(1)
		m.cache.Invalidate(r.Key) // what it would have replaced
		return
	}
	m.stores.Add(1)
	m.cache.Set(r.Key, held{r, m.now().Add(keep), uint32(w)})
}

// Delete implements [Store].
func (m *Memory) Delete(_ context.Context, key string) { m.cache.Invalidate(key) }

// Stats reads the counters.
func (m *Memory) Stats() MemoryStats {
	return MemoryStats{
		Hits: m.hits.Load(), Misses: m.misses.Load(), Stores: m.stores.Load(), Refused: m.refused.Load(),
		Evictions: m.evictions.Load(), Entries: m.cache.EstimatedSize(), Bytes: int64(m.cache.WeightedSize()),
	}
}

package store

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// entryBytes is what an entry takes beside its record: otter's node, and its
// share of the hash table. It is measured, by TestMemoryCountsTruly.
const entryBytes = 112

// MemoryConfig configures a [Memory].
type MemoryConfig struct {
	// Bytes bounds the memory that records and their places take; 0: 256 MiB.
	// A record larger than a quarter of it is refused, lest it empty the cache.
	Bytes int64
	Now   func() time.Time // nil: time.Now
}

// Memory is the memory tier: W-TinyLFU by bytes. An entry is one record without
// pointers in it, under the digest of its key: a response with its header takes
// half a kilobyte more, and costs the collector time.
type Memory struct {
	cache   *otter.Cache[Key, string]
	limit   int // of one record
	now     func() time.Time
	scratch sync.Pool    // of *[]byte, for the heads of records
	later   chan pending // has room for laterEntries

	mu         sync.Mutex // guards the fields below
	running    bool
	laterCount int
	laterBytes int64

	hits, misses, stores, refused, evictions atomic.Uint64
}

// MemoryStats are counters since the tier was made, and its present size.
type MemoryStats struct {
	Hits      uint64
	Misses    uint64 // absent, or kept for longer than it should be
	Stores    uint64
	Refused   uint64 // puts of records that are too large
	Evictions uint64 // records that made room for others
	Entries   int
	Bytes     int64 // of heap, within some per cent
	Limit     int64 // what Bytes may be
}

// NewMemory makes a memory tier. It starts no goroutine; [Memory.Run] is of use
// and not needed.
func NewMemory(c MemoryConfig) *Memory {
	if c.Bytes <= 0 {
		c.Bytes = 256 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	m := &Memory{limit: int(min(c.Bytes/4, math.MaxInt32)), now: c.Now, later: make(chan pending, laterEntries)}
	m.scratch.New = func() any { return new([]byte) }
	m.cache = otter.Must(&otter.Options[Key, string]{
		MaximumWeight: uint64(c.Bytes),
		Weigher:       func(_ Key, record string) uint32 { return uint32(allocated(len(record)) + entryBytes) },
		// Maintenance is short; on the caller's goroutine it needs no owner.
		Executor: func(fn func()) { fn() },
		OnAtomicDeletion: func(e otter.DeletionEvent[Key, string]) {
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

// A record in memory is until, in nanoseconds since 1970 (8 bytes), and the
// content. It does not need its key: what has the same SHA-256 is the same.
func (m *Memory) get(_ context.Context, key string) (*Response, time.Duration, Tier, bool) {
	record, ok := m.cache.GetIfPresent(KeyOf(key))
	if !ok {
		m.misses.Add(1)
		return nil, 0, "", false
	}
	in := reader{rest: bytesOf(record)}
	until := int64(binary.LittleEndian.Uint64(in.rest))
	in.rest = in.rest[8:]
	left := time.Duration(until - m.now().UnixNano())
	if left <= 0 {
		m.misses.Add(1)
		return nil, 0, "", false
	}
	r, err := in.response()
	if err != nil { // it was written by put
		m.misses.Add(1)
		return nil, 0, "", false
	}
	r.Key = key
	m.hits.Add(1)
	return r, left, TierMemory, true
}

// forever is the longest that a record is kept. Nanoseconds since 1970 end in
// 2262.
const forever = 100 * 365 * 24 * time.Hour

// Put implements [Store].
func (m *Memory) Put(_ context.Context, r *Response, keep time.Duration) {
	if r.Key == "" || keep <= 0 {
		return
	}
	p := pending{r, m.now().Add(min(keep, forever)).UnixNano(), ""}
	if m.postpone(r) {
		p.record = m.record(p, bodyPlain, r.Body.plain)
		m.stores.Add(1)
		m.cache.Set(KeyOf(r.Key), p.record)
		m.later <- p
		return
	}
	coding, body := r.Body.form(r.Header)
	record := m.record(p, coding, body)
	if allocated(len(record))+entryBytes > m.limit || r.Body.Len() > MaxBody {
		m.refused.Add(1)
		m.cache.Invalidate(KeyOf(r.Key)) // what it would have replaced
		return
	}
	m.stores.Add(1)
	m.cache.Set(KeyOf(r.Key), record)
}

// record makes what is kept.
func (m *Memory) record(p pending, coding byte, body []byte) string {
	buf := m.scratch.Get().(*[]byte)
	defer m.scratch.Put(buf)
	*buf = appendHead(binary.LittleEndian.AppendUint64((*buf)[:0], uint64(p.until)), p.response, coding)
	b := slices.Grow([]byte(nil), len(*buf)+len(body))
	return stringOf(append(append(b, *buf...), body...))
}

// Bounds of what waits to be compressed.
const (
	laterFrom    = 32 << 10 // a shorter body takes less than a request is worth
	laterEntries = 256
	laterBytes   = 64 << 20
)

// pending is a response that is kept as it came until it is compressed.
type pending struct {
	response *Response
	until    int64
	record   string // what stands in for it
}

// postpone reports whether r is to be compressed behind the request, and takes
// a place for it.
func (m *Memory) postpone(r *Response) bool {
	n := int64(r.Body.Len())
	if r.Body.fresh == nil || n < laterFrom || n > MaxBody || n+64<<10 > int64(m.limit) || coded(r.Header) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.running || m.laterCount == laterEntries || m.laterBytes+n > laterBytes {
		return false
	}
	m.laterCount++
	m.laterBytes += n
	return true
}

// Run compresses long bodies behind the requests that stored them, until ctx
// ends. Without it, Put does.
func (m *Memory) Run(ctx context.Context) error {
	set := func(running bool) {
		m.mu.Lock()
		m.running = running
		m.mu.Unlock()
	}
	set(true)
	defer set(false)
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-m.later:
			m.compress(p)
		}
	}
}

// compress puts the compressed record in place of the one that stands in for
// it, unless that has been replaced, deleted or evicted.
func (m *Memory) compress(p pending) {
	if coding, body := p.response.Body.form(p.response.Header); coding != bodyPlain {
		record := m.record(p, coding, body)
		m.cache.ComputeIfPresent(KeyOf(p.response.Key), func(old string) (string, otter.ComputeOp) {
			if old != p.record {
				return old, otter.CancelOp
			}
			return record, otter.WriteOp
		})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.laterCount--
	m.laterBytes -= int64(p.response.Body.Len())
}

// Delete implements [Store].
func (m *Memory) Delete(_ context.Context, key string) { m.cache.Invalidate(KeyOf(key)) }

// Stats reads the counters.
func (m *Memory) Stats() MemoryStats {
	return MemoryStats{
		Hits: m.hits.Load(), Misses: m.misses.Load(), Stores: m.stores.Load(), Refused: m.refused.Load(), Evictions: m.evictions.Load(),
		Entries: m.cache.EstimatedSize(), Bytes: int64(m.cache.WeightedSize()), Limit: int64(m.cache.GetMaximum()),
	}
}

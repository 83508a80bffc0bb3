package store

import (
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// MemcachedStats are counters since the tier was made.
type MemcachedStats struct {
	Hits   uint64
	Misses uint64 // of every reason, those of Errors, Unasked and Foreign included
	Stores uint64 // records written

	Errors   uint64 // exchanges that failed: Timeouts, and those whose connection failed or that made no sense
	Timeouts uint64 // exchanges, and dials, that took too long
	Unasked  uint64 // operations not begun, of every reason: Open, Busy, or no time left
	Open     uint64 // because a breaker was open
	Busy     uint64 // because all connections were in use
	Foreign  uint64 // records that could not be used, of every reason: Torn, Versions, or not ours
	Torn     uint64 // because chunks were missing
	Versions uint64 // because another version of this software wrote them
	TooLarge uint64 // records over MaxBody, or over the server's item limit
	Refused  uint64 // records that memcached had no room for
	Dropped  uint64 // writes that found the queue full
	Retries  uint64 // exchanges repeated on a new connection
	Queued   int    // writes in the queue now

	Gets    Latency // of exchanges that read
	Sets    Latency // of exchanges that write or delete
	Servers []ServerStats
}

// ServerStats is the present state of one server.
type ServerStats struct {
	Name string // as configured
	Open bool   // its breaker is open: it is not asked, or tried once a second
}

// Latency is how long exchanges with memcached took, retries and failures
// included.
type Latency struct {
	Count   uint64
	Sum     time.Duration
	Buckets []Bucket // by Bound; the longest exchanges are in Count alone
}

// Bucket counts exchanges that took no longer than Bound, those of the smaller
// buckets included.
type Bucket struct {
	Bound time.Duration
	Count uint64
}

type counters struct {
	hits, misses, stores       atomic.Uint64
	errs, timeouts             atomic.Uint64
	unasked, open, busy        atomic.Uint64
	foreign, torn, versions    atomic.Uint64
	tooLarge, refused, dropped atomic.Uint64
}

// count sorts an error into the counters.
func (c *counters) count(err error) {
	var timeout net.Error
	switch {
	case errors.Is(err, errTooLarge):
		c.tooLarge.Add(1)
	case errors.Is(err, errNoRoom):
		c.refused.Add(1)
	case errors.Is(err, errBusy):
		c.unasked.Add(1)
		c.busy.Add(1)
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		c.unasked.Add(1)
		c.open.Add(1)
	case errors.Is(err, errSlow), errors.Is(err, errGone):
		c.unasked.Add(1)
	case errors.Is(err, errTorn):
		c.foreign.Add(1)
		c.torn.Add(1)
	case errors.Is(err, errVersion):
		c.foreign.Add(1)
		c.versions.Add(1)
	case errors.Is(err, errForeign), errors.Is(err, errChecksum), errors.Is(err, errLengths), errors.Is(err, errBody), errors.Is(err, errKey):
		c.foreign.Add(1)
	default:
		c.errs.Add(1)
		if errors.As(err, &timeout) && timeout.Timeout() {
			c.timeouts.Add(1)
		}
	}
}

// Stats reads the counters.
func (m *Memcached) Stats() MemcachedStats {
	st := MemcachedStats{
		Hits: m.hits.Load(), Misses: m.misses.Load(), Stores: m.stores.Load(),
		Errors: m.errs.Load(), Timeouts: m.timeouts.Load(),
		Unasked: m.unasked.Load(), Open: m.open.Load(), Busy: m.busy.Load(),
		Foreign: m.foreign.Load(), Torn: m.torn.Load(), Versions: m.versions.Load(),
		TooLarge: m.tooLarge.Load(), Refused: m.refused.Load(), Dropped: m.dropped.Load(), Queued: m.queue.len(),
	}
	var gets, sets []*latency
	for _, name := range m.names {
		s := m.servers[name]
		st.Retries += s.retries.Load()
		gets, sets = append(gets, &s.gets), append(sets, &s.sets)
		st.Servers = append(st.Servers, ServerStats{name, s.open()})
	}
	st.Gets, st.Sets = sum(gets), sum(sets)
	return st
}

// latencyBounds begin at what a unix socket takes and end beyond the default
// timeout.
var latencyBounds = [...]time.Duration{
	25 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond,
}

// latency counts exchanges by how long they took. The last count is of those
// beyond all bounds.
type latency struct {
	counts [len(latencyBounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

func (l *latency) add(d time.Duration) {
	i := 0
	for i < len(latencyBounds) && d > latencyBounds[i] {
		i++
	}
	l.counts[i].Add(1)
	l.sum.Add(int64(d))
}

func sum(of []*latency) (out Latency) {
	out.Buckets = make([]Bucket, len(latencyBounds))
	for i := range len(latencyBounds) + 1 {
		for _, l := range of {
			out.Count += l.counts[i].Load()
		}
		if i < len(latencyBounds) {
			out.Buckets[i] = Bucket{latencyBounds[i], out.Count}
		}
	}
	for _, l := range of {
		out.Sum += time.Duration(l.sum.Load())
	}
	return out
}

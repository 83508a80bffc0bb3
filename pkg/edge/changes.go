package edge

import (
	"hash/maphash"
	"sync/atomic"
)

// changes counts the unsafe requests that may have changed what is stored under
// plain keys (RFC 9111 §4.4): what was asked for before one is neither stored
// nor shared after it. Keys share counters; a count that another key raised
// costs a fetch, and is never wrong.
type changes struct {
	seed   maphash.Seed
	counts [4096]atomic.Uint64
}

func newChanges() *changes { return &changes{seed: maphash.MakeSeed()} }

func (c *changes) of(key string) *atomic.Uint64 {
	return &c.counts[maphash.String(c.seed, key)%uint64(len(c.counts))]
}

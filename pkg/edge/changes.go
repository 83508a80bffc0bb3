package edge

import (
	"hash/maphash"
	"sync"
)

// maxChanges bounds what changes remembers.
const maxChanges = 1 << 16

// changes counts events by key: unsafe requests that may have changed what is
// stored under plain keys (RFC 9111 §4.4), after which nothing that was asked
// for before is stored or shared; and fetches that stored something. Keys are
// kept as hashes: one that counts as changed because of another costs a
// look-up or a fetch, and is never wrong.
type changes struct {
	seed   maphash.Seed
	mu     sync.RWMutex // guards all below
	all    uint64       // changes so far
	counts map[uint64]uint64
	before uint64 // of the keys that are forgotten
}

func newChanges() *changes {
	return &changes{seed: maphash.MakeSeed(), counts: make(map[uint64]uint64)}
}

// of is the count of a key. It never goes down.
func (c *changes) of(key string) uint64 {
	hash := maphash.String(c.seed, key)
	c.mu.RLock()
	defer c.mu.RUnlock()
	return max(c.counts[hash], c.before)
}

// add notes a change. When there are too many, all are forgotten, and every key
// counts as changed.
func (c *changes) add(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all++
	if len(c.counts) >= maxChanges {
		clear(c.counts)
		c.before = c.all
	}
	c.counts[maphash.String(c.seed, key)] = c.all
}

package edge

import (
	"hash/maphash"
	"sync"
	"time"
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
	counts map[uint64]change
	before uint64 // of the keys that are forgotten
}

type change struct {
	count uint64
	at    time.Time
}

func newChanges() *changes {
	return &changes{seed: maphash.MakeSeed(), counts: make(map[uint64]change)}
}

// of is the count of a key. It never goes down.
func (c *changes) of(key string) uint64 {
	count, _ := c.last(key)
	return count
}

// last is the count of a key and the time of its last change, which is zero
// where there was none, or it is forgotten.
func (c *changes) last(key string) (uint64, time.Time) {
	hash := maphash.String(c.seed, key)
	c.mu.RLock()
	defer c.mu.RUnlock()
	last := c.counts[hash]
	return max(last.count, c.before), last.at
}

// add notes a change. When there are too many, all are forgotten, and every key
// counts as changed.
func (c *changes) add(key string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all++
	if len(c.counts) >= maxChanges {
		clear(c.counts)
		c.before = c.all
	}
	c.counts[maphash.String(c.seed, key)] = change{c.all, at}
}

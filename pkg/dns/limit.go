package dns

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	limitSets = 1 << 14 // a power of two
	limitWays = 4       // buckets of a set, half a cache line
	tagBits   = 16
	timeMask  = 1<<(64-tagBits) - 1
)

// limiter bounds the answers over UDP to each client network, whose address
// anybody can write into a packet. It is a table of fixed size without a lock,
// so a flood of invented addresses costs neither memory nor time: such a flood
// replaces buckets that are nearly full again, never those in use.
//
// A bucket is one word: a tag of its network, and the time at which it is full
// again, in microseconds since start (the generic cell rate algorithm).
type limiter struct {
	seed     maphash.Seed
	start    time.Time
	interval uint64 // microseconds that one answer costs; 0: no limit
	burst    uint64 // microseconds that may be owed
	sets     [][limitWays]atomic.Uint64
}

// newLimiter allows perSecond answers to a network, and a second's worth at
// once. 0 or less: any number.
func newLimiter(perSecond int, now time.Time) *limiter {
	l := &limiter{seed: maphash.MakeSeed(), start: now}
	if perSecond > 0 {
		l.interval, l.burst = max(1, uint64(time.Second.Microseconds())/uint64(perSecond)), uint64(time.Second.Microseconds())
		l.sets = make([][limitWays]atomic.Uint64, limitSets)
	}
	return l
}

// network is what an address is counted under: a /24 or a /56.
func network(a netip.Addr) netip.Addr {
	bits := 56
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr()
}

// take reports whether one more answer may go to client.
func (l *limiter) take(client netip.Addr, now time.Time) bool {
	if l.interval == 0 {
		return true
	}
	key := network(client).As16()
	sum := maphash.Bytes(l.seed, key[:])
	tag := sum >> (64 - tagBits) << (64 - tagBits)
	set := &l.sets[sum%limitSets]
	t := uint64(max(0, now.Sub(l.start).Microseconds())) & timeMask
	for range 8 { // somebody else may write at the same moment; a lost race is an answer too many
		// The network's own bucket, else the one that is full the soonest.
		slot, word := &set[0], set[0].Load()
		for i := range set {
			w := set[i].Load()
			if w&^timeMask == tag && w != 0 {
				slot, word = &set[i], w
				break
			}
			if w&timeMask < word&timeMask {
				slot, word = &set[i], w
			}
		}
		full := t
		if word&^timeMask == tag && word != 0 {
			full = max(t, word&timeMask)
		}
		if full-t > l.burst {
			return false
		}
		if slot.CompareAndSwap(word, tag|(full+l.interval)&timeMask) {
			return true
		}
	}
	return true
}

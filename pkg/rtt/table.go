// Package rtt keeps the round trips between clients' networks and the regions
// that served them. A node notes what TCP has measured of each connection of a
// client when that ends ([Of], [Table]), says the most used networks in a few
// short digests ([Table.Digest]), and puts together what all nodes say ([Merge]).
// A network is a /24 of IPv4 or a /48 of IPv6; no address is kept.
//
// # Decisions
//
// 2026-11-25: the kernel's least round trip of a connection is noted, once, when
// the connection ends: it holds one sample at least (the handshake's), queues and
// slow clients add little to it, and a hit costs nothing. What a client does to it
// (late or early acknowledgements) bends the routing of its own network alone.
//
// 2026-11-25: digests give a round trip in one byte, in steps of 4.5 %, since what
// compares them wants 10 ms and a third. What was said stands until it is 10 %
// off, so that digests stay as they are while nothing happens. Networks are spread
// over the digests by hash: one that comes or goes changes one of them.
package rtt

import (
	"cmp"
	"container/list"
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// Parts is how many digests a table has.
	Parts = 8
	// MaxDigest is the longest digest, in bytes.
	MaxDigest = 1000
)

// Config configures a [Table]. The zero Config is good for a node.
type Config struct {
	Networks int           // that are remembered; 0: 16384
	Keep     time.Duration // after a network's last connection; 0: 6 h
	Least    int           // connections before a network is spoken of; 0: 3
}

// Table holds the round trips that a node has measured. It is safe for
// concurrent use.
type Table struct {
	Config
	mu     sync.Mutex // guards the fields below
	at     map[network]*list.Element
	recent list.List // of *measured, the one seen last in front
}

type measured struct {
	network network
	trip    time.Duration // smoothed
	count   int
	last    time.Time
	said    code // in a digest; 0: not yet
}

// NewTable makes an empty table.
func NewTable(c Config) *Table {
	if c.Networks == 0 {
		c.Networks = 16384
	}
	if c.Keep == 0 {
		c.Keep = 6 * time.Hour
	}
	if c.Least == 0 {
		c.Least = 3
	}
	return &Table{Config: c, at: map[network]*list.Element{}}
}

// Observe notes the round trip of one connection.
func (t *Table) Observe(client netip.Addr, trip time.Duration, now time.Time) {
	n, ok := networkOf(client)
	if !ok || trip <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.at[n]; e != nil {
		m := e.Value.(*measured)
		weight := time.Duration(8) // what makes a round trip longer is mostly none of the path's
		if trip < m.trip {
			weight = 2
		}
		m.trip += (trip - m.trip) / weight
		m.count, m.last = m.count+1, now
		t.recent.MoveToFront(e)
		return
	}
	t.at[n] = t.recent.PushFront(&measured{network: n, trip: trip, count: 1, last: now})
	if t.recent.Len() > t.Networks {
		t.forget(t.recent.Back())
	}
}

// forget drops a network. The caller holds mu.
func (t *Table) forget(e *list.Element) {
	delete(t.at, e.Value.(*measured).network)
	t.recent.Remove(e)
}

// Len is the number of networks.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.recent.Len()
}

// Digest gives the parts of what is known, each at most MaxDigest bytes and nil
// if it has nothing to say. Where not all networks fit, those with the most
// connections are in it.
func (t *Table) Digest(now time.Time) (parts [Parts][]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for e := t.recent.Back(); e != nil && now.Sub(e.Value.(*measured).last) > t.Keep; e = t.recent.Back() {
		t.forget(e)
	}
	var of [Parts][]*measured
	for e := t.recent.Front(); e != nil; e = e.Next() {
		if m := e.Value.(*measured); m.count >= t.Least {
			of[m.network.part()] = append(of[m.network.part()], m)
		}
	}
	for i, list := range of {
		slices.SortFunc(list, func(a, b *measured) int {
			return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.network, b.network))
		})
		for n := len(list); n > 0; n = n*MaxDigest/len(parts[i]) - 1 {
			if parts[i] = encode(list[:n]); len(parts[i]) <= MaxDigest {
				break
			}
			parts[i] = parts[i][:len(parts[i]):len(parts[i])]
		}
	}
	return parts
}

// network is the first 24 bits of an IPv4 address, or the first 48 bits of an
// IPv6 address under a bit that says so.
type network uint64

const six network = 1 << 48

func networkOf(a netip.Addr) (network, bool) {
	switch a = a.Unmap(); {
	case a.Is4():
		b := a.As4()
		return network(b[0])<<16 | network(b[1])<<8 | network(b[2]), true
	case a.Is6():
		b := a.As16()
		return six | network(binary.BigEndian.Uint64(b[:8])>>16), true
	}
	return 0, false
}

func (n network) valid() bool { return n < 1<<24 || n >= six && n < 2*six }

// part is the digest that speaks of a network.
func (n network) part() int { return int(uint64(n) * 0x9e3779b97f4a7c15 >> 61) }

// code is a round trip as digests have it: shortest times base to the power of
// it. 0 says that none is known.
type code byte

const (
	base     = 1.045
	shortest = 100 * time.Microsecond
)

func codeOf(trip time.Duration) code {
	if trip <= 0 {
		return 0
	}
	return code(min(max(math.Round(math.Log(float64(trip)/float64(shortest))/math.Log(base)), 1), 255))
}

func (c code) trip() time.Duration {
	if c == 0 {
		return 0
	}
	return time.Duration(float64(shortest) * math.Pow(base, float64(c)))
}

// version is the first byte of a digest.
const version = 1

// encode writes a digest: the version, and for each network, in order, what it
// is more than the one before, as a varint, and its code.
func encode(list []*measured) []byte {
	list = slices.SortedFunc(slices.Values(list), func(a, b *measured) int { return cmp.Compare(a.network, b.network) })
	b := append(make([]byte, 0, MaxDigest), version)
	before := network(0)
	for _, m := range list {
		if now := codeOf(m.trip); m.said == 0 || now > m.said+2 || now+2 < m.said {
			m.said = now
		}
		b = append(binary.AppendUvarint(b, uint64(m.network-before)), byte(m.said))
		before = m.network
	}
	return b
}

var errDigest = errors.New("rtt: not a digest of round trips")

// decode reads a digest. What it takes is what encode writes, byte for byte.
func decode(b []byte, each func(network, code)) error {
	if len(b) > MaxDigest || len(b) == 0 || b[0] != version {
		return errDigest
	}
	at, first := network(0), true
	for b = b[1:]; len(b) > 0; first = false {
		more, n := binary.Uvarint(b)
		if n <= 0 || n >= len(b) || n > 1 && b[n-1] == 0 || more > uint64(2*six) {
			return errDigest
		}
		at += network(more)
		if !at.valid() || !first && more == 0 || b[n] == 0 {
			return errDigest
		}
		each(at, code(b[n]))
		b = b[n+1:]
	}
	return nil
}

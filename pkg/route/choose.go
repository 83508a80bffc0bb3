package route

import (
	"math/bits"
	"net/netip"
	"slices"
	"time"

	"mirrornet/pkg/region"
)

// A measured round trip replaces the first of an order only if it is this much
// better than the first's own.
const betterBy = 10 * time.Millisecond

// A state is what one World says of one region.
type state struct {
	status
	region *region.Region // the Map's own
	draws  draws
	rtt    time.Duration // from this node; 0 unknown
	able   bool          // to serve clients, as far as is known
	family bool          // one of the two is not reachable
}

type status = Status

// out is why a region is no candidate for a request.
type out uint8

const (
	in out = iota
	unableOut
	isolatedOut
	avoidOut
	wishOut
	classOut
	canaryOut
	familyOut // matters to the client's own connections only
)

// The keys by which regions are ordered; the first that differs decides.
type key uint8

const (
	same key = iota
	excluded
	wished
	load
	spill
	measured
	rule
	home
	here
	distance
	name
)

// merit puts regions of an order before others; less is better. It holds, from
// the top: the place in Query.Prefer, Overloaded, spilled.
type merit int

const (
	spilled merit = 1 << iota
	overloaded
	wish
)

// A chooser looks at the regions for one request.
type chooser struct {
	r       *Router
	q       Query
	order   *order
	network uint64 // of the client, to draw by; 0 unknown
}

// choose finds the region for a client. spiller is the region that would have
// been chosen, but sends the client on; passed is one that measured round trips
// put behind nearest. -1: none.
func (c *chooser) choose() (nearest, spiller, passed int) {
	best, first := -1, -1 // places in the order; first: as if nobody spilled
	var bestMerit, firstMerit merit
	for i := range c.order.ranked {
		e := &c.order.ranked[i]
		if c.exclude(e) != in {
			continue
		}
		m := c.merit(e)
		if first < 0 || m>>1 < firstMerit>>1 {
			first, firstMerit = i, m
		}
		if best < 0 || m < bestMerit {
			best, bestMerit = i, m
		}
		if m == 0 {
			break // those behind are no better
		}
	}
	if best < 0 {
		return -1, -1, -1
	}
	spiller, passed = -1, -1
	if first != best {
		spiller = int(c.order.ranked[first].index)
	}
	if i := c.faster(best, bestMerit); i >= 0 {
		best, passed = i, int(c.order.ranked[best].index)
	}
	return int(c.order.ranked[best].index), spiller, passed
}

// faster is the place in the order of the region that measured round trips put
// before the best; -1: of none.
func (c *chooser) faster(best int, m merit) int {
	if c.r.world.Clients == nil || !c.q.Client.IsValid() {
		return -1
	}
	first := &c.order.ranked[best]
	own := c.roundTrip(first)
	if own <= betterBy {
		return -1
	}
	least, found := own, -1
	for i := range c.order.ranked {
		e := &c.order.ranked[i]
		if i == best || e.class != first.class || e.bits != first.bits || c.exclude(e) != in || c.merit(e) != m {
			continue
		}
		if rtt := c.roundTrip(e); rtt > 0 && rtt < least {
			least, found = rtt, i
		}
	}
	if found < 0 || own-least < betterBy || 3*least > 2*own {
		return -1
	}
	return found
}

func (c *chooser) roundTrip(e *ranked) time.Duration {
	if c.r.world.Clients == nil || !c.q.Client.IsValid() {
		return 0
	}
	return c.r.world.Clients.RoundTrip(c.q.Client, c.r.states[e.index].region.Name)
}

// passOn picks the region that answers in place of this one: by the round trip
// from here where it is known, else by nearness to the client. -1: none.
func (c *chooser) passOn() int {
	best := -1
	var bestMerit merit
	for i := range c.order.ranked {
		e := &c.order.ranked[i]
		if why := c.exclude(e); why != in && why != familyOut || int(e.index) == c.r.plan.self {
			continue
		}
		m, s := c.merit(e), &c.r.states[e.index]
		if best < 0 || m < bestMerit || m == bestMerit && s.rtt > 0 && s.rtt < c.r.states[best].rtt {
			best, bestMerit = int(e.index), m
		}
	}
	return best
}

// exclude says why a region is no candidate.
func (c *chooser) exclude(e *ranked) out {
	s := &c.r.states[e.index]
	switch {
	case !s.able:
		return unableOut
	case c.r.world.Isolated && int(e.index) != c.r.plan.self:
		return isolatedOut
	case e.avoid != noRule:
		return avoidOut
	case slices.Contains(c.q.Avoid, s.region.Name):
		return wishOut
	case s.lacks(c.q.Class):
		return classOut
	case s.region.State == region.Canary && !drawn(s.draws.canary, c.network, s.region.Share) && !slices.Contains(c.q.Prefer, s.region.Name):
		return canaryOut
	case s.family && (s.NoV4 && c.q.Client.Is4() || s.NoV6 && c.q.Client.Is6()):
		return familyOut
	}
	return in
}

func (s *state) lacks(class string) bool {
	return class != "" && slices.Contains(s.Without, class)
}

func (c *chooser) merit(e *ranked) (m merit) {
	s := &c.r.states[e.index]
	if len(c.q.Prefer) > 0 {
		i := slices.Index(c.q.Prefer, s.region.Name)
		if i < 0 {
			i = len(c.q.Prefer)
		}
		m = wish * merit(i)
	}
	if s.Overloaded {
		m |= overloaded
	}
	if s.Spill > 0 && drawn(s.draws.spill, c.network, s.Spill) {
		m |= spilled
	}
	return m
}

// networkOf is a client's /24 or /48 as a number, never 0 but for no address.
func networkOf(client netip.Addr) uint64 {
	if !client.IsValid() {
		return 0
	}
	n := number(client)
	if client.Is4() {
		return 1<<32 | n.lo>>8
	}
	return 1<<63 | n.hi>>16
}

// drawn reports whether a network is in a share in percent. It is the same on
// all nodes, and a larger share holds those of a smaller. A client without an
// address is not drawn.
func drawn(by, network uint64, share int) bool {
	if network == 0 {
		return false
	}
	part, _ := bits.Mul64(mix(by^mix(network)), 100)
	return int(part) < share
}

package edge

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mirrornet/pkg/region"
)

const loadTopic = "load"

const (
	loadEvery = time.Second     // between two looks
	loadOver  = 5 * time.Second // over which a node's rate is smoothed
	// spillOver is how slowly a region's spill follows: four times what lies
	// between a change of it and the change of load that is seen, so that it does
	// not overshoot (see the Decision).
	spillOver = 30 * time.Second
	maxSpill  = 0.9 // of a region's clients; those of the rest show whether it may have more
	spillStep = 5   // percent
	relief    = 0.9 // of the hard limit: below it, clients are taken again
)

// loadWord is what a node says of its load. Those of a region's first node say
// what the region does about it.
type loadWord struct {
	RPS   float64 `json:"rps"`
	Spill int     `json:"spill,omitempty"` // percent
	Over  bool    `json:"over,omitempty"`  // the hard limit
}

func (l loadWord) valid() bool {
	return l.RPS >= 0 && l.RPS < 1e9 && l.Spill >= 0 && l.Spill <= 100
}

// moved reports whether others should know that l took the place of was, though
// it changes nothing yet.
func (l loadWord) moved(was loadWord) bool { return math.Abs(l.RPS-was.RPS) >= max(1, was.RPS/10) }

// loads is the load of each region as it is known, and what the region does
// about it. It is not changed once it is known.
type loads map[region.Name]loadWord

// loadMeter watches this node's load.
type loadMeter struct {
	known    atomic.Pointer[loads] // nil: nothing yet
	siblings atomic.Uint64         // requests of this region's other nodes, which count at those

	mu    sync.Mutex // guards the fields below
	rate  rate
	share float64 // of this region's clients that should go elsewhere, before steps and hysteresis
	said  loadWord
	told  time.Time // when; zero: never
}

// sayEvery is how often a node says its load at most, in a network of so many
// nodes: all of them together fill half of what gossip carries (see its
// Decision of the simulation).
func sayEvery(nodes int) time.Duration {
	return max(time.Second, time.Duration(nodes)*time.Second/30)
}

// rate is a smoothed rate of something that is counted.
type rate struct {
	count     uint64
	at        time.Time
	perSecond float64
}

// next is the rate after a look at the counter.
func (r rate) next(count uint64, now time.Time) rate {
	dt := now.Sub(r.at)
	if r.at.IsZero() || count < r.count || dt <= 0 {
		return rate{count, now, r.perSecond}
	}
	seen := float64(count-r.count) / dt.Seconds()
	weight := 1 - math.Exp(-float64(dt)/float64(loadOver))
	return rate{count, now, r.perSecond + weight*(seen-r.perSecond)}
}

// nextSpill is the share of its clients that a region sends to others, after
// dt: it moves to where, if as many clients left as are told to, the load is the
// soft limit. room is how much more the others may take below their own.
//
// It grows with load and room, shrinks with the limit, and stays where it is
// while load is below the limit, but would not be with a step less.
func nextSpill(share, load, soft, room float64, dt time.Duration) float64 {
	if soft <= 0 {
		return 0
	}
	load = max(load, soft/1e6)
	weight := 1 - math.Exp(-float64(dt)/float64(spillOver))
	left := 1 - share
	if load > soft {
		share += weight * min(left*(1-soft/load), max(0, room)/load)
	} else if load*(left+spillStep/100.)/left < soft {
		share -= weight * left * min(1, soft/load-1)
	}
	return min(max(share, 0), maxSpill)
}

// inSteps is a share in percent as routing is told of it: in steps, and as
// before while that is not far off, so that decisions do not change all the time.
func inSteps(share float64, before int) int {
	percent := 100 * share
	if math.Abs(percent-float64(before)) < spillStep*0.8 {
		return before
	}
	return spillStep * int(math.Round(percent/spillStep))
}

// isOver reports whether a region is above its hard limit.
func isOver(load, hard float64, before bool) bool {
	return hard > 0 && (load > hard || before && load > hard*relief)
}

// observeLoad looks at the load of this node and of all regions, says what
// is new of it, and reports whether that changes decisions.
func (e *Edge) observeLoad(now time.Time) (changed bool) {
	m := &e.load
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.rate.at
	m.rate = m.rate.next(e.served(), now)
	w := e.world.Load()
	own, known := m.said, m.gather(e, w)
	own.RPS = m.rate.perSecond
	if self, ok := w.Map.Region(e.Region); ok && !before.IsZero() {
		total := known[e.Region].RPS
		if e.leads(w) {
			m.share = nextSpill(m.share, total, self.SoftRPS, known.room(w, e.Region), now.Sub(before))
			own.Spill, own.Over = inSteps(m.share, own.Spill), isOver(total, self.HardRPS, own.Over)
		} else { // ready to go on from there
			own.Spill, own.Over = known[e.Region].Spill, known[e.Region].Over
			m.share = float64(own.Spill) / 100
		}
		l := known[e.Region]
		l.Spill, l.Over = own.Spill, own.Over
		known[e.Region] = l
	}
	urgent := own.Spill != m.said.Spill || own.Over != m.said.Over
	if e.Statements != nil && (urgent || now.Sub(m.told) >= sayEvery(len(w.members)) && (m.told.IsZero() || own.moved(m.said))) {
		if text, err := json.Marshal(own); err == nil && e.Statements.Share(loadTopic, e.Node, text) == nil {
			m.told, m.said = now, own
		}
	}
	if e.Statements == nil {
		m.said = own
	}
	old := m.known.Swap(&known)
	return old == nil || !old.decideAs(known)
}

// served counts the requests that are load of this region: one that a sibling
// passed on is the sibling's.
func (e *Edge) served() uint64 {
	passed := e.load.siblings.Load() // first: it is never more than what was served
	return e.Metrics.Served() - passed
}

// ofSibling reports whether another node of this region asks.
func (x *exchange) ofSibling() bool {
	return x.hop.Node != "" && slices.ContainsFunc(x.world.members, func(n Member) bool { return n.Node == x.hop.Node && n.Region == x.world.Self })
}

// gather adds up what the nodes of each region say. The caller holds mu.
func (m *loadMeter) gather(e *Edge, w *world) loads {
	said := map[string]loadWord{}
	if e.Statements != nil {
		for _, s := range e.Statements.Statements(loadTopic) {
			var l loadWord
			if s.Subject == s.Writer && json.Unmarshal(s.Value, &l) == nil && l.valid() {
				said[s.Subject] = l
			}
		}
	}
	said[e.Node] = loadWord{RPS: m.rate.perSecond, Spill: m.said.Spill, Over: m.said.Over}
	known := loads{}
	for _, r := range w.Map.Regions() {
		var sum loadWord
		first := ""
		for _, n := range w.nodesOf(r.Name) {
			l := said[n]
			sum.RPS += l.RPS
			if first == "" || n < first {
				first, sum.Spill, sum.Over = n, l.Spill, l.Over
			}
		}
		known[r.Name] = sum
	}
	return known
}

// nodesOf are the names of a region's serving nodes.
func (w *world) nodesOf(r region.Name) []string { return w.fit[r] }

// leads reports whether this node speaks for its region: it is the first of
// its serving nodes by name.
func (e *Edge) leads(w *world) bool {
	for _, n := range w.nodesOf(e.Region) {
		if n < e.Node {
			return false
		}
	}
	return true
}

// room is how much more the others than r may take below their soft limits.
func (l loads) room(w *world, r region.Name) (sum float64) {
	for _, other := range w.Map.Regions() {
		if other.Name == r || !w.Status[other.Name].Serving || other.State != region.Serving {
			continue
		}
		if other.SoftRPS <= 0 {
			return math.Inf(1)
		}
		sum += max(0, other.SoftRPS-l[other.Name].RPS)
	}
	return sum
}

func (l loads) decideAs(other loads) bool {
	for name, a := range other {
		if b := l[name]; a.Spill != b.Spill || a.Over != b.Over {
			return false
		}
	}
	return true
}

// Load is the load of a region as far as this node knows: requests served a
// second, percent of its clients who are sent elsewhere, and whether it is above
// its hard limit.
func (e *Edge) Load(r region.Name) (perSecond float64, spill int, over bool) {
	if known := e.load.known.Load(); known != nil {
		l := (*known)[r]
		return l.RPS, l.Spill, l.Over
	}
	return 0, 0, false
}

// overloaded reports whether this region is above its hard limit: then it
// answers from store alone.
func (e *Edge) overloaded(x *exchange) bool { return x.world.Status[e.Region].Overloaded }

// shed is what is told to a request that would need a source while this region
// is above its hard limit. Clients are asked to come back at different times.
func shed() error {
	return &failure{status: http.StatusServiceUnavailable, message: "this mirror has too much to do, and has no stored copy of this answer; try again, or ask another mirror",
		retryAfter: 5 + rand.IntN(10)}
}

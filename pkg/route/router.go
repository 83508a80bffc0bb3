package route

import (
	"strings"

	"mirrornet/pkg/region"
)

// A Router decides in one World. It keeps orders of regions by place for the
// next client of the same; but for that it never changes, and it may be used by
// many goroutines.
type Router struct {
	world  World
	plan   *plan
	states []state // by index of region
}

// Compile makes a Router.
func Compile(w World) *Router { return (*Router)(nil).Recompile(w) }

// Recompile makes a Router for another World, with what r has kept if only
// health and load differ. r may be nil.
func (r *Router) Recompile(w World) *Router {
	n := &Router{world: w}
	if r != nil && r.plan.m == w.Map && r.world.Self == w.Self {
		n.plan = r.plan
	} else {
		n.plan = newPlan(w.Map, w.Self)
	}
	n.states = make([]state, len(n.plan.regions))
	for i := range n.states {
		g, s := &n.plan.regions[i], &n.states[i]
		*s = state{status: w.status(g.Name), region: g, draws: n.plan.draws[i], rtt: w.RTT[g.Name]}
		s.able = s.Serving && s.Draining == "" && g.State != region.Draining && g.State != region.Retired
		s.family = s.NoV4 || s.NoV6
	}
	return n
}

// status is what is known of a region; this one's own needs no witness.
func (w *World) status(name region.Name) Status {
	st, known := w.Status[name]
	if !known && name == w.Self {
		st = Status{Serving: true, Why: "this node", Nodes: 1}
	}
	return st
}

// Decide says what becomes of a request. The same arguments give the same
// Decision; a Decision never names a region that is not confirmed serving,
// except that this node serves what nobody else can. It allocates nothing but
// the order of the regions at a place that is seen for the first time.
func (r *Router) Decide(q Query) Decision {
	c := chooser{r: r, q: q}
	c.look()
	return c.decide()
}

// Explain is Decide with its reasons.
func (r *Router) Explain(q Query) Explanation {
	c := chooser{r: r, q: q}
	c.look()
	d := c.decide()
	return Explanation{d, c.candidates(d)}
}

// look finds what is known of the client.
func (c *chooser) look() {
	c.q.Client = c.q.Client.Unmap().WithZone("")
	c.order, c.network = c.r.plan.order(c.q.Client, &c.q.Place), networkOf(c.q.Client)
}

func (c *chooser) decide() Decision {
	r := c.r
	nearest, spiller, passed := c.choose()
	d := Decision{router: r, method: c.q.Method, class: c.q.Class, named: -1, nearest: int32(nearest), spiller: int32(spiller), passed: int32(passed)}
	kind, named := r.world.Map.ByHost(hostname(c.q.Host))
	d.HostKind = kind
	var to int
	switch {
	case kind == region.Canonical:
		d.Action, to, d.why = c.canonical(nearest)
	case kind == region.Unknown:
		d.Action, to, d.why = c.regional(r.plan.self)
	default:
		d.Action, to, d.why = c.regional(r.plan.index(named))
		d.named = int32(r.plan.index(named))
	}
	d.Region, d.to = r.world.Self, int32(to)
	if to >= 0 {
		d.Region, d.URL = r.plan.regions[to].Name, r.plan.regions[to].URL
	}
	if nearest >= 0 {
		d.Nearest = r.plan.regions[nearest].Name
	}
	return d
}

// hostname is a Host field without port and brackets.
func hostname(host string) string {
	if rest, ok := strings.CutPrefix(host, "["); ok {
		host, _, _ = strings.Cut(rest, "]")
		return host
	}
	host, _, _ = strings.Cut(host, ":")
	return host
}

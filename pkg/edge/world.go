package edge

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

// world is one snapshot: everything that a decision depends on. It is
// immutable; a request uses one.
type world struct {
	route.World
	router  *route.Router
	members []Member
	nodes   map[region.Name][]Member // serving nodes of other regions and siblings, nearest first
	health  *health.View
	origins []originState             // in order of preference
	sources map[string][]fetch.Source // the origins as they are to be asked, by class where it matters; "": otherwise
	without []string                  // classes that none of them serves, while they serve others
	down    bool                      // all of them are known not to answer
	local   []string                  // names of this region's serving nodes
}

// Refresh makes a new snapshot. Call it when map, members or health changed.
func (e *Edge) Refresh() {
	w := e.observeWorld(e.Now())
	if known := e.trips.known.Load(); known != nil {
		w.Clients = known
	}
	var last *route.Router
	if old := e.world.Load(); old != nil {
		last = old.router
	}
	w.router = last.Recompile(w.World)
	if old := e.world.Swap(w); old == nil || !old.decidesAs(w) {
		e.aliases.generation.Add(1)
	}
}

// decidesAs reports whether the same request, if it is served here, is served
// here in both worlds, with the same region nearest.
func (w *world) decidesAs(other *world) bool {
	return w.Map == other.Map && w.Isolated == other.Isolated && w.Clients == other.Clients &&
		maps.EqualFunc(w.Status, other.Status, route.Status.DecidesAs)
}

func (e *Edge) observeWorld(now time.Time) *world {
	m, view := e.Maps.Map(), e.Health.View()
	w := &world{
		World: route.World{Map: m, Self: e.Region,
			Status: map[region.Name]route.Status{}, RTT: map[region.Name]time.Duration{}},
		members: e.Members.Members(),
		nodes:   map[region.Name][]Member{},
		health:  view,
	}
	others := false
	for _, r := range m.Regions() {
		s := route.Status{}
		why := "no node of it is known"
		for _, n := range w.members {
			if n.Region != r.Name || !n.present() && !n.Self {
				continue
			}
			if n.Self {
				if e.draining.Load() {
					why = n.Node + " is draining"
					continue
				}
				s.Nodes++
				w.local = append(w.local, n.Node)
				continue
			}
			t := view.Status[nodeID(n.Node)]
			switch {
			case t.State != health.Serving:
				why = fmt.Sprintf("%s is %s", n.Node, stateWord(t.State))
			case now.Sub(t.LastOK) > confirmed:
				why = fmt.Sprintf("%s has not answered for %s", n.Node, now.Sub(t.LastOK).Round(time.Second))
			default:
				s.Nodes++
				w.nodes[r.Name] = append(w.nodes[r.Name], n)
				if r.Name == w.Self {
					w.local = append(w.local, n.Node)
				}
			}
		}
		if s.Nodes > 0 {
			why = fmt.Sprintf("%d of its nodes serving", s.Nodes)
		}
		s.Serving, s.Why = s.Nodes > 0, why
		_, s.Spill, s.Overloaded = e.Load(r.Name)
		w.Status[r.Name] = s
		if nodes := w.nodes[r.Name]; len(nodes) > 0 {
			slices.SortStableFunc(nodes, byRTT)
			w.RTT[r.Name] = nodes[0].RTT
		}
		others = others || r.Name != e.Region && s.Serving
	}
	e.observeOrigins(w, view)
	w.order()
	w.Isolated = w.down && !others && len(m.Regions()) > 1
	return w
}

func byRTT(a, b Member) int {
	switch {
	case a.RTT == b.RTT:
		return 0
	case a.RTT == 0 || b.RTT != 0 && b.RTT < a.RTT:
		return 1
	}
	return -1
}

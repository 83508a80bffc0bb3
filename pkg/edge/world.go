package edge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
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
	router    *route.Router
	members   []Member
	nodes     map[region.Name][]Member // nodes of other regions and siblings that this one reaches, nearest first
	fit       map[region.Name][]string // serving nodes by all votes, this one included
	health    *health.View
	own       map[string]health.State   // own verdicts on the nodes that this one probes
	verdicts  map[string]health.Verdict // of all nodes on each other
	drained   map[string]string         // drains in force, by subject
	addresses map[region.Name][]PublicAddress
	votes     map[region.Name]health.Verdict // of the node that most see
	origins   []originState                  // in order of preference
	sources   map[string][]fetch.Source      // the origins as they are to be asked, by class where it matters; "": otherwise
	without   []string                       // classes that none of them serves, while they serve others
	local     []string                       // names of this region's nodes that this one reaches, it included
	down      bool                           // all of them are known not to answer
	nearest   func() map[string]region.Name  // by country; made when it is first asked for, and shared
}

// Refresh makes a new snapshot. Call it when map, members or health changed.
func (e *Edge) Refresh() {
	w := e.renew()
	e.say(w)
}

// renew replaces the snapshot; the later call has the later one.
func (e *Edge) renew() *world {
	e.observing.Lock()
	defer e.observing.Unlock()
	w := e.observeWorld(e.Now())
	if known := e.trips.known.Load(); known != nil {
		w.Clients = known
	}
	old := e.world.Load()
	var last *route.Router
	if old != nil {
		last = old.router
	}
	w.router = last.Recompile(w.World)
	same := old != nil && old.decidesAs(w)
	if same {
		w.nearest = old.nearest
	} else {
		w.nearest = sync.OnceValue(func() map[string]region.Name { return nearestByCountry(w.router) })
	}
	e.world.Store(w)
	if !same {
		e.aliases.generation.Add(1)
	}
	e.countChanges(old, w)
	e.catalogue.notice(w)
	return w
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
		fit:     map[region.Name][]string{},
		votes:   map[region.Name]health.Verdict{},
		health:  view,
	}
	if e.Drains != nil {
		w.drained = e.Drains()
	}
	unreached := e.observeOrigins(w, view)
	e.lost.Update(w.without, now)
	w.Isolated = unreached && len(m.Regions()) > 1 && !w.reachesOthers(now)
	e.countVotes(w, view, now)
	for _, r := range m.Regions() {
		s := e.observeRegion(w, r.Name, now)
		_, s.Spill, s.Overloaded = e.Load(r.Name)
		s.Draining = w.drained["region "+string(r.Name)]
		w.Status[r.Name] = s
		if nodes := w.nodes[r.Name]; len(nodes) > 0 {
			slices.SortStableFunc(nodes, byRTT)
			w.RTT[r.Name] = nodes[0].RTT
		}
	}
	e.origins.mark(w)
	w.order()
	e.observeAddresses(w, view)
	return w
}

// reachesOthers reports whether a node of another region answers this one,
// were it to say that it is draining.
func (w *world) reachesOthers(now time.Time) bool {
	return slices.ContainsFunc(w.members, func(n Member) bool {
		_, mapped := w.Map.Region(n.Region)
		t := w.health.Status[nodeID(n.Node)]
		return mapped && n.Region != w.Self && n.present() &&
			(t.State == health.Draining || ownVerdict(t, now) == health.Serving)
	})
}

// observeRegion looks at the nodes of one region.
func (e *Edge) observeRegion(w *world, name region.Name, now time.Time) (s route.Status) {
	const nobody = "no node of it is known"
	why := nobody
	without := func(node []string) { // what no serving node has
		if s.Nodes++; s.Nodes == 1 {
			s.Without = node
			return
		}
		s.Without = slices.DeleteFunc(slices.Clone(s.Without), func(c string) bool { return !slices.Contains(node, c) })
	}
	for _, n := range w.members {
		if n.Region != name {
			continue
		}
		if !n.present() && !n.Self {
			switch {
			case why != nobody:
			case n.State == "left":
				why = n.Node + " has left"
			default:
				why = n.Node + " is " + n.State
			}
			continue
		}
		drained, isDrained := w.drained["node "+n.Node]
		if n.Self {
			switch {
			case e.draining.Load():
				why = n.Node + " is draining"
			case isDrained:
				why = n.Node + " is draining " + drained
			default:
				w.fit[name] = append(w.fit[name], n.Node)
				w.local = append(w.local, n.Node)
				without(e.lost.Now())
			}
			continue
		}
		t, v := w.health.Status[nodeID(n.Node)], w.verdicts[n.Node]
		if old := w.votes[name]; v.For > old.For || old.Of == 0 {
			w.votes[name] = v
		}
		own, probed := w.own[n.Node]
		if isDrained {
			why = n.Node + " is draining " + drained
			continue
		}
		if t.Answers() && now.Sub(t.LastOK) <= confirmed {
			w.nodes[name] = append(w.nodes[name], n)
			if name == w.Self {
				w.local = append(w.local, n.Node)
			}
		}
		switch {
		case v.State == health.Serving && probed:
			without(t.Without)
		case v.State == health.Serving:
			without(v.Without)
		case v.State == health.Unreachable && t.State == health.Serving && own == health.Unreachable:
			why = fmt.Sprintf("%s has not answered for %s", n.Node, now.Sub(t.LastOK).Round(time.Second))
			continue
		default:
			why = fmt.Sprintf("%s is %s", n.Node, stateWord(v.State))
			if v.Of > 1 {
				why += ", " + votes(v)
			}
			continue
		}
		w.fit[name] = append(w.fit[name], n.Node)
	}
	if s.Nodes > 0 {
		why = fmt.Sprintf("%d of its nodes serving", s.Nodes)
		if v := w.votes[name]; v.For < v.Of && name != w.Self {
			why += ", " + votes(v)
		}
		if len(s.Without) > 0 {
			why += ", without " + strings.Join(s.Without, " and ")
		}
	}
	s.Serving, s.Why = s.Nodes > 0, why
	return s
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

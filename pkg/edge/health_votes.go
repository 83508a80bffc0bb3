package edge

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
)

// healthTopic is what a node finds of the others: health.Said.
const healthTopic = "health"

// nearRegions is how many of the nearest regions a node of a large network
// probes itself, since it proxies to them.
const nearRegions = 4

// electorate remembers whom this node probes, and what it said of them.
type electorate struct {
	mu       sync.Mutex // guards the fields below
	of       []health.Node
	m        *region.Map
	observed []string

	saying sync.Mutex // guards said
	said   []byte
}

// observed are the nodes that this one probes, in order.
func (e *Edge) observed(m *region.Map, members []Member) []string {
	var nodes []health.Node
	for _, n := range members {
		if n.Self || n.State != "left" && n.Advertise != "" {
			nodes = append(nodes, health.Node{Name: n.Node, Region: n.Region})
		}
	}
	v := &e.electorate
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.m != m || !slices.Equal(v.of, nodes) {
		v.m, v.of = m, nodes
		v.observed = health.Observed(health.Node{Name: e.Node, Region: e.Region}, nodes, e.near(m))
	}
	return v.observed
}

// near are the regions that this node is likely to ask: its parent, and the
// nearest. Distances do not change from one moment to the next, as round trips
// do, and with them the targets.
func (e *Edge) near(m *region.Map) []region.Name {
	self, ok := m.Region(e.Region)
	if !ok {
		return nil
	}
	var list []region.Name
	others := slices.DeleteFunc(slices.Clone(m.Regions()), func(r region.Region) bool { return r.Name == e.Region })
	slices.SortStableFunc(others, func(a, b region.Region) int {
		if a.Location.DistanceKm(self.Location) < b.Location.DistanceKm(self.Location) {
			return -1
		}
		return 1
	})
	for _, r := range others[:min(nearRegions, len(others))] {
		list = append(list, r.Name)
	}
	if self.Parent != "" {
		list = append(list, self.Parent)
	}
	return list
}

// ownVerdict is what this node's own probes make of another.
func ownVerdict(t health.TargetStatus, now time.Time) health.State {
	switch {
	case t.State == "":
		return health.Unknown
	case t.State == health.Serving && now.Sub(t.LastOK) > confirmed:
		return health.Unreachable
	}
	return t.State
}

// countVotes finds what all nodes together make of each other.
func (e *Edge) countVotes(w *world, view *health.View, now time.Time) {
	v := health.Electorate{Self: e.Node, Isolated: w.Isolated, Own: map[string]health.State{}, Said: map[string]health.Said{}}
	for _, n := range w.members {
		if n.present() || n.Self {
			v.Nodes = append(v.Nodes, health.Node{Name: n.Node, Region: n.Region})
		}
	}
	for _, n := range e.observed(w.Map, w.members) {
		v.Own[n] = ownVerdict(view.Status[nodeID(n)], now)
	}
	if e.Statements != nil {
		for _, s := range e.Statements.Statements(healthTopic) {
			if said, ok := health.ReadSaid(s.Value); ok && s.Subject == s.Writer {
				v.Said[s.Writer] = said
			}
		}
	}
	w.own, w.verdicts = v.Own, health.Verdicts(v)
}

// say tells the other nodes what this one finds, when that is new.
func (e *Edge) say(w *world) {
	if e.Statements == nil {
		return
	}
	said := health.Said{Isolated: w.Isolated, Not: map[string]health.State{}, Without: map[string][]string{}}
	var seen []string
	for n, state := range w.own { // those among them whom gossip holds dead, while others may not yet
		seen = append(seen, n)
		if state != health.Serving {
			said.Not[n] = state
		}
		if t := w.health.Status[nodeID(n)]; len(t.Without) > 0 {
			said.Without[n] = t.Without
		}
	}
	// Named one by one: silence on a node that this one does not know, or not any
	// more, must not count as a vote for it.
	slices.Sort(seen)
	said.Seen = append([]string{}, seen...)
	text := said.Encode(seen)
	v := &e.electorate
	if !v.saying.TryLock() {
		return // another call does it, or the next
	}
	defer v.saying.Unlock()
	if !bytes.Equal(text, v.said) && e.Statements.Share(healthTopic, e.Node, text) == nil {
		v.said = text
	}
}

// votes says in words how many see a region.
func votes(v health.Verdict) string {
	switch {
	case v.Of == 0:
		return ""
	case v.Of == 1 && v.For == 1:
		return "1 node sees it"
	case v.Of == 1:
		return "the only node that looks does not see it"
	}
	verb := "see"
	if v.For == 1 {
		verb = "sees"
	}
	return fmt.Sprintf("%d of %d nodes %s it", v.For, v.Of, verb)
}

package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
)

// Topics of statements.
const (
	healthTopic = "health" // what a node finds of the others: health.Said
	drainTopic  = "drain"  // about "region asia" or "node asia-1": {"why":"…"}
)

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
	for n := range w.verdicts {
		state, probed := w.own[n]
		if !probed {
			continue
		}
		seen = append(seen, n)
		if state != health.Serving {
			said.Not[n] = state
		}
		if t := w.health.Status[nodeID(n)]; len(t.Without) > 0 {
			said.Without[n] = t.Without
		}
	}
	slices.Sort(seen)
	if len(seen) < len(w.verdicts) {
		said.Seen = seen
		if said.Seen == nil {
			said.Seen = []string{}
		}
	}
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

// drains are the statements by which regions and nodes take no clients, by
// subject, in words.
func (e *Edge) drains(now time.Time) map[string]string {
	if e.Statements == nil {
		return nil
	}
	drains := map[string]string{}
	for _, s := range e.Statements.Statements(drainTopic) {
		var value struct {
			Why string `json:"why"`
		}
		if json.Unmarshal(s.Value, &value) != nil {
			continue
		}
		words := "by " + inLine(s.Writer, 64)
		if s.Left > 0 {
			words = "until " + now.Add(s.Left).UTC().Round(time.Minute).Format("15:04 UTC, ") + words
		}
		if value.Why != "" {
			words += ": " + inLine(value.Why, 200)
		}
		drains[s.Subject] = words
	}
	return drains
}

// inLine makes text of others fit for a line of at most n bytes.
func inLine(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
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

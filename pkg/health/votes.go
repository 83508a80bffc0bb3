package health

import (
	"slices"

	"mirrornet/pkg/region"
)

// Node is one node of the network.
type Node struct {
	Name   string
	Region region.Name
}

// Electorate is everything that the verdict on nodes depends on, as one node
// sees it.
type Electorate struct {
	Self     string
	Isolated bool             // Self reaches nobody: what it hears is old
	Nodes    []Node           // those that are members, Self included
	Own      map[string]State // Self's own verdicts; absent: it does not probe the node
	Said     map[string]Said  // by observer; what Self said is not asked
}

// Verdict is what the observers of a node make of it together.
type Verdict struct {
	State   State    // Serving, Unreachable, Draining or Unknown
	For, Of int      // so many of so many observers see it serving
	Without []string // classes that it is said to lack, where Self does not probe it
}

// Verdicts counts the votes on every node but Self. It is pure.
//
// A vote is Self's own verdict, or that of a node of another region than the
// judged one which is not isolated, and which Self or the votes do not find
// unreachable itself. More than half decide,
// and where they are even, Self does. What Self probes has no verdict before
// Self has one, and a node that Self sees draining is draining.
func Verdicts(e Electorate) map[string]Verdict {
	observers := e.observers(func(o Node) bool { return e.Own[o.Name] != Unreachable })
	verdicts := e.count(observers)
	// Those whom nobody reaches any more said what they said before, of each other
	// too: each round finds more of them out.
	for range maxRounds {
		credible := e.observers(func(o Node) bool {
			own := e.Own[o.Name]
			return own == Serving || own == Draining || verdicts[o.Name].State != Unreachable
		})
		if slices.Equal(credible, observers) {
			break
		}
		observers = credible
		verdicts = e.count(observers)
	}
	return verdicts
}

// maxRounds bounds the rounds of Verdicts: with half of a network of hundreds
// gone, it takes four.
const maxRounds = 8

// observers are those whose votes count.
func (e *Electorate) observers(credible func(Node) bool) (list []Node) {
	if e.Isolated {
		return nil
	}
	for _, o := range e.Nodes {
		if said, ok := e.Said[o.Name]; ok && o.Name != e.Self && !said.Isolated && credible(o) {
			list = append(list, o)
		}
	}
	return list
}

// tally is the votes on one node.
type tally struct {
	Node
	Verdict
	draining int
	lacks    map[string]int
	by       int // whose vote was the last, counted from 1
}

func (t *tally) vote(s State) {
	switch s {
	case "", Unknown:
		return
	case Serving:
		t.For++
	case Draining:
		t.draining++
	}
	t.Of++
}

func (e *Electorate) count(observers []Node) map[string]Verdict {
	tallies := make(map[string]*tally, len(e.Nodes))
	for _, n := range e.Nodes {
		if n.Name != e.Self {
			t := &tally{Node: n}
			t.vote(e.Own[n.Name])
			tallies[n.Name] = t
		}
	}
	for i, o := range observers {
		said := e.Said[o.Name]
		look := func(name string) {
			t := tallies[name]
			if t == nil || t.by == i+1 || o.Region == t.Region || o.Name == name {
				return
			}
			t.by = i + 1
			t.vote(said.of(name))
			if _, probed := e.Own[name]; !probed {
				for _, class := range said.Without[name] {
					if t.lacks == nil {
						t.lacks = map[string]int{}
					}
					t.lacks[class]++
				}
			}
		}
		if said.Seen == nil {
			for name := range tallies {
				look(name)
			}
			continue
		}
		for _, name := range said.Seen {
			look(name)
		}
		for name := range said.Not {
			look(name)
		}
	}
	verdicts := make(map[string]Verdict, len(tallies))
	for name, t := range tallies {
		own, probed := e.Own[name]
		v := t.Verdict
		switch {
		case probed && (own == "" || own == Unknown), v.Of == 0:
			v.State = Unknown
		case own == Draining:
			v.State = Draining
		case 2*v.For > v.Of, 2*v.For == v.Of && own == Serving:
			v.State = Serving
		case 2*t.draining >= v.Of:
			v.State = Draining
		default:
			v.State = Unreachable
		}
		for class, count := range t.lacks {
			if 2*count > v.For {
				v.Without = append(v.Without, class)
			}
		}
		slices.Sort(v.Without)
		verdicts[name] = v
	}
	return verdicts
}

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
	first := e.count(func(o Node) bool { return e.Own[o.Name] != Unreachable })
	// Those whom nobody reaches any more said what they said before.
	return e.count(func(o Node) bool {
		own := e.Own[o.Name]
		return own == Serving || own == Draining || first[o.Name].State != Unreachable
	})
}

func (e *Electorate) count(credible func(Node) bool) map[string]Verdict {
	type observer struct {
		Node
		said Said
	}
	var observers []observer
	for _, o := range e.Nodes {
		if said, ok := e.Said[o.Name]; ok && o.Name != e.Self && !said.Isolated && !e.Isolated && credible(o) {
			observers = append(observers, observer{o, said})
		}
	}
	verdicts := make(map[string]Verdict, len(e.Nodes))
	for _, n := range e.Nodes {
		if n.Name == e.Self {
			continue
		}
		own, probed := e.Own[n.Name]
		var v Verdict
		draining := 0
		var lacks map[string]int
		vote := func(s State) {
			switch s {
			case "", Unknown:
				return
			case Serving:
				v.For++
			case Draining:
				draining++
			}
			v.Of++
		}
		vote(own)
		for _, o := range observers {
			if o.Region == n.Region || o.Name == n.Name {
				continue
			}
			vote(o.said.of(n.Name))
			if !probed {
				for _, class := range o.said.Without[n.Name] {
					if lacks == nil {
						lacks = map[string]int{}
					}
					lacks[class]++
				}
			}
		}
		switch {
		case probed && (own == "" || own == Unknown), v.Of == 0:
			v.State = Unknown
		case own == Draining:
			v.State = Draining
		case 2*v.For > v.Of, 2*v.For == v.Of && own == Serving:
			v.State = Serving
		case 2*draining >= v.Of:
			v.State = Draining
		default:
			v.State = Unreachable
		}
		for class, count := range lacks {
			if 2*count > v.For {
				v.Without = append(v.Without, class)
			}
		}
		slices.Sort(v.Without)
		verdicts[n.Name] = v
	}
	return verdicts
}

package health

import (
	"fmt"
	"testing"

	"mirrornet/pkg/region"
)

// A large network falls apart into two halves. Those beyond the gap said before it
// that all was well, of each other too; nobody here may believe one of them by the
// word of others of them.
func TestHalfOfALargeNetwork(t *testing.T) {
	for _, size := range []struct{ regions, each int }{{12, 5}, {60, 5}, {20, 2}} {
		var nodes []Node
		for r := range size.regions {
			for i := range size.each {
				nodes = append(nodes, Node{fmt.Sprintf("r%d-%d", r, i), region.Name(fmt.Sprintf("r%d", r))})
			}
		}
		gone := func(n Node) bool { return n.Region[len(n.Region)-1]%2 == 1 }
		said := map[string]Said{}
		for _, n := range nodes {
			s := Said{Seen: Observed(n, nodes, nil), Not: map[string]State{}}
			for _, o := range s.Seen {
				for _, other := range nodes {
					if other.Name == o && !gone(n) && gone(other) {
						s.Not[o] = Unreachable
					}
				}
			}
			said[n.Name] = s
		}
		wrong, of := 0, 0
		for _, self := range nodes {
			if gone(self) {
				continue
			}
			e := Electorate{Self: self.Name, Nodes: nodes, Said: said, Own: map[string]State{}}
			for _, o := range said[self.Name].Seen {
				if e.Own[o] = Serving; said[self.Name].Not[o] != "" {
					e.Own[o] = Unreachable
				}
			}
			verdicts := Verdicts(e)
			for _, n := range nodes {
				if n.Name == self.Name {
					continue
				}
				if gone(n) {
					if of++; verdicts[n.Name].State == Serving {
						wrong++
					}
				} else if v := verdicts[n.Name]; v.State != Serving && v.Of > 0 { // 0: all who observe it are beyond
					t.Errorf("%s finds %s %+v", self.Name, n.Name, v)
				}
			}
		}
		if wrong > of/200 {
			t.Errorf("%d regions of %d nodes: %d of %d verdicts find a node beyond the gap serving", size.regions, size.each, wrong, of)
		} else {
			t.Logf("%d regions of %d nodes: %d of %d", size.regions, size.each, wrong, of)
		}
	}
}

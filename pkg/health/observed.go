package health

import (
	"slices"
	"strings"

	"mirrornet/pkg/region"
	"mirrornet/pkg/rendezvous"
)

const (
	// Mesh is the number of nodes up to which each probes all others.
	Mesh = 30
	// Observers is by how many nodes of other regions each is probed beyond that.
	Observers = 6
)

// Observed are the nodes that self probes, by name: all others in a network of
// up to [Mesh]; in a larger one those for which it is among the [Observers] of
// other regions that rendezvous places highest, the others of its own region,
// and one node of each region in near. All nodes that know the same members
// come to the same answer. nodes includes self.
func Observed(self Node, nodes []Node, near []region.Name) []string {
	var list []string
	if len(nodes) <= Mesh {
		for _, n := range nodes {
			if n.Name != self.Name {
				list = append(list, n.Name)
			}
		}
		slices.Sort(list)
		return list
	}
	for _, n := range nodes {
		if n.Name != self.Name && (n.Region == self.Region || observes(self, n, nodes)) {
			list = append(list, n.Name)
		}
	}
	for _, r := range near {
		var there []string
		for _, n := range nodes {
			if n.Region == r && n.Name != self.Name {
				there = append(there, n.Name)
			}
		}
		if n, ok := rendezvous.Pick("near "+self.Name, there); ok {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// observes reports whether o is placed among the observers of n.
func observes(o, n Node, nodes []Node) bool {
	key := "observe " + n.Name
	mine := rendezvous.Score(key, o.Name)
	before := 0
	for _, other := range nodes {
		if other.Region == n.Region || other.Name == o.Name {
			continue
		}
		if s := rendezvous.Score(key, other.Name); s > mine || s == mine && strings.Compare(other.Name, o.Name) < 0 {
			if before++; before == Observers {
				return false
			}
		}
	}
	return true
}

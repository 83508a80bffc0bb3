package edge

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
)

// In a network that is too large for all to probe all, a node knows most of
// the others from what their observers say.
func TestLargeNetwork(t *testing.T) {
	var regions []region.Region
	var members []Member
	var nodes []health.Node
	for i := range 40 {
		p, err := geo.At(float64(i), float64(4*i))
		if err != nil {
			t.Fatal(err)
		}
		name := region.Name(fmt.Sprintf("r%d", i))
		regions = append(regions, region.Region{Name: name, Title: string(name), URL: "http://" + string(name) + ".test", Host: string(name) + ".test",
			Location: p, State: region.Serving})
		for j := range 2 {
			n := Member{Node: fmt.Sprintf("%s-%d", name, j), Region: name, State: "alive", Advertise: "http://127.0.0.1:1", Self: i+j == 0}
			members, nodes = append(members, n), append(nodes, health.Node{Name: n.Node, Region: name})
		}
	}
	m, err := region.NewMap(region.Network{Canonical: []string{"http://rest.test"}, Home: "r0", Navigation: "redirect", API: "serve"}, regions...)
	if err != nil {
		t.Fatal(err)
	}
	b := &board{}
	s := newEdge(t, func(c *Config) { c.Statements, c.Node, c.Region = b, "r0-0", "r0" })
	s.world.m, s.world.members = m, members
	var probed []string
	for _, target := range s.edge.Targets() {
		if target.Kind == health.Edge {
			probed = append(probed, target.ID[len("node "):])
			s.sets(target.ID, health.TargetStatus{State: health.Serving, LastOK: time.Now().Add(time.Hour)})
		}
	}
	if len(probed) < 5 || len(probed) > 24 {
		t.Fatalf("probes %q", probed)
	}
	observers := map[string][]string{} // by node
	gone := map[string]bool{}
	say := func() {
		for _, n := range nodes[1:] {
			said := health.Said{Seen: health.Observed(n, nodes, nil), Not: map[string]health.State{}}
			for _, seen := range said.Seen {
				if gone[seen] {
					said.Not[seen] = health.Unreachable
				}
			}
			if err := b.Share(healthTopic, n.Name, said.Encode(said.Seen)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, n := range nodes {
		for _, seen := range health.Observed(n, nodes, nil) {
			observers[seen] = append(observers[seen], n.Name)
		}
	}

	// A node that just came and heard nobody names only what it probes itself.
	s.edge.Refresh()
	for _, r := range regions {
		near := r.Name == "r0" || slices.ContainsFunc(probed, func(n string) bool { return n == string(r.Name)+"-0" || n == string(r.Name)+"-1" })
		if st := s.edge.world.Load().Status[r.Name]; st.Serving != near {
			t.Errorf("%s before a word was heard: %+v", r.Name, st)
		}
	}
	say()
	s.edge.Refresh()
	for _, r := range regions {
		if st := s.edge.world.Load().Status[r.Name]; !st.Serving || st.Nodes != 2 {
			t.Errorf("%s: %+v", r.Name, st)
		}
	}
	// One that it does not probe goes, with its sibling.
	i := slices.IndexFunc(regions, func(r region.Region) bool {
		return r.Name != "r0" && !slices.Contains(probed, string(r.Name)+"-0") && !slices.Contains(probed, string(r.Name)+"-1")
	})
	name := regions[i].Name
	gone[string(name)+"-0"] = true
	say()
	if st := s.regionStatus(name); !st.Serving || st.Nodes != 1 {
		t.Errorf("one node of %s is gone, seen by %q: %+v", name, observers[string(name)+"-0"], st)
	}
	gone[string(name)+"-1"] = true
	say()
	if st := s.regionStatus(name); st.Serving {
		t.Errorf("both nodes of %s are gone: %+v", name, st)
	}
	if report := s.edge.Status(); report.Nodes[2*i].State != "unreachable" || report.Regions[slices.IndexFunc(m.Regions(), func(r region.Region) bool { return r.Name == name })].State != "unreachable" {
		t.Errorf("shows %+v", report.Nodes[2*i])
	}
	if said := b.said["health r0-0"]; len(said.Value) > health.MaxSaid {
		t.Errorf("%d bytes", len(said.Value))
	}
}

package health

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mirrornet/pkg/region"
)

// partition is a network of one node per region in which each sees who it
// sees; electorate is what one of them knows then.
type partition struct {
	nodes []Node
	sees  map[string]string // node → those that it sees, by letters
	deaf  map[string]string // node → those whose statements are from before
}

func (p partition) said(o string) Said {
	s := Said{Not: map[string]State{}}
	for _, n := range p.nodes {
		if n.Name != o && !strings.Contains(p.sees[o], n.Name) {
			s.Not[n.Name] = Unreachable
		}
	}
	s.Isolated = p.sees[o] == ""
	return s
}

func (p partition) electorate(self string) Electorate {
	e := Electorate{Self: self, Isolated: p.sees[self] == "", Nodes: p.nodes, Own: map[string]State{}, Said: map[string]Said{}}
	for _, n := range p.nodes {
		if n.Name == self {
			continue
		}
		e.Own[n.Name] = Unreachable
		if strings.Contains(p.sees[self], n.Name) {
			e.Own[n.Name] = Serving
		}
		e.Said[n.Name] = p.said(n.Name)
		if strings.Contains(p.deaf[self], n.Name) {
			e.Said[n.Name] = Said{}
		}
	}
	return e
}

func letters(s string) (nodes []Node) {
	for _, c := range s {
		nodes = append(nodes, Node{Name: string(c), Region: region.Name("region-" + string(c))})
	}
	return nodes
}

// TestPartitions: who serves in the eyes of each node.
func TestPartitions(t *testing.T) {
	for _, tc := range []struct {
		name  string
		nodes string
		sees  map[string]string
		deaf  map[string]string
		want  map[string]string
	}{
		{"all is well", "ABC", map[string]string{"A": "BC", "B": "AC", "C": "AB"}, nil,
			map[string]string{"A": "B2/2 C2/2", "B": "A2/2 C2/2", "C": "A2/2 B2/2"}},
		{"one is gone, and what it said is old", "ABC", map[string]string{"A": "B", "B": "A", "C": ""}, map[string]string{"A": "C", "B": "C"},
			map[string]string{"A": "B1/1 -", "B": "A1/1 -", "C": "- -"}},
		{"half a partition of three: even votes, so each goes by its own", "ABC", map[string]string{"A": "BC", "B": "A", "C": "A"}, nil,
			map[string]string{"A": "B1/2 C1/2", "B": "A1/1 -", "C": "A1/1 -"}},
		{"half a partition of five: those who see it are more", "ABCDE",
			map[string]string{"A": "BCDE", "B": "ADE", "C": "ADE", "D": "ABCE", "E": "ABCD"}, nil,
			map[string]string{"A": "B3/4 C3/4 D4/4 E4/4", "B": "A4/4 C3/4 D4/4 E4/4", "C": "A4/4 B3/4 D4/4 E4/4",
				"D": "A4/4 B3/4 C3/4 E4/4", "E": "A4/4 B3/4 C3/4 D4/4"}},
		{"one sees another that all others lost", "ABCD", map[string]string{"A": "BCD", "B": "AC", "C": "AB", "D": "A"}, nil,
			map[string]string{"A": "B2/3 C2/3 -", "B": "A2/2 C2/2 -", "C": "A2/2 B2/2 -", "D": "A1/1 - -"}},
		{"the network falls into halves", "ABCD", map[string]string{"A": "B", "B": "A", "C": "D", "D": "C"}, map[string]string{"A": "CD", "B": "CD", "C": "AB", "D": "AB"},
			map[string]string{"A": "B1/1 - -", "B": "A1/1 - -", "C": "- - D1/1", "D": "- - C1/1"}},
		{"an isolated one's vote is none", "ABC", map[string]string{"A": "BC", "B": "AC", "C": ""}, nil,
			map[string]string{"A": "B1/1 C2/2", "B": "A1/1 C2/2", "C": "- -"}},
	} {
		p := partition{letters(tc.nodes), tc.sees, tc.deaf}
		for _, self := range slices.Sorted(maps.Keys(tc.want)) {
			got := Verdicts(p.electorate(self))
			var words []string
			for _, n := range p.nodes {
				if v := got[n.Name]; n.Name == self {
					continue
				} else if v.State == Serving {
					words = append(words, fmt.Sprintf("%s%d/%d", n.Name, v.For, v.Of))
				} else {
					words = append(words, "-")
				}
			}
			if got := strings.Join(words, " "); got != tc.want[self] {
				t.Errorf("%s: %s sees %s, want %s", tc.name, self, got, tc.want[self])
			}
		}
	}
}

func electorates(t *rapid.T) Electorate {
	names := "abcdefgh"[:rapid.IntRange(1, 8).Draw(t, "nodes")]
	e := Electorate{Self: "a", Own: map[string]State{}, Said: map[string]Said{}, Isolated: rapid.Float64().Draw(t, "isolated") < 0.1}
	state := rapid.SampledFrom([]State{Serving, Serving, Serving, Unreachable, Unreachable, Draining, Unknown})
	for _, c := range names {
		e.Nodes = append(e.Nodes, Node{string(c), region.Name(rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "region"))})
	}
	for _, n := range e.Nodes {
		if n.Name != e.Self && rapid.Float64().Draw(t, "probed") < 0.8 {
			e.Own[n.Name] = state.Draw(t, "own")
		}
		if rapid.Float64().Draw(t, "speaks") < 0.8 {
			s := Said{Isolated: rapid.Float64().Draw(t, "is isolated") < 0.1, Not: map[string]State{}}
			for _, m := range e.Nodes {
				if st := state.Draw(t, "says"); st != Serving {
					s.Not[m.Name] = st
				}
			}
			e.Said[n.Name] = s
		}
	}
	return e
}

func TestVerdictsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := electorates(t)
		got := Verdicts(e)
		for _, n := range e.Nodes {
			v, known := got[n.Name]
			if known == (n.Name == e.Self) {
				t.Fatalf("%s: %+v", n.Name, v)
			}
			own, probed := e.Own[n.Name]
			switch {
			case v.State == Serving && v.For == 0:
				t.Fatalf("%s serves, and nobody sees it: %+v", n.Name, v)
			case v.State == Serving && 2*v.For < v.Of:
				t.Fatalf("%s serves by a minority: %+v", n.Name, v)
			case probed && own == Unknown && v.State != Unknown:
				t.Fatalf("%s is not confirmed, but %+v", n.Name, v)
			case e.Isolated && probed && v.State != own && n.Name != e.Self:
				t.Fatalf("isolated, and %s is %+v, not %s", n.Name, v, own)
			case v.State == Serving && own == Draining:
				t.Fatalf("%s says that it is draining", n.Name)
			}
		}
		// The order of nodes is nothing.
		turned := e
		turned.Nodes = slices.Clone(e.Nodes)
		slices.Reverse(turned.Nodes)
		if fmt.Sprint(Verdicts(turned)) != fmt.Sprint(got) {
			t.Fatal("another order gives another result")
		}
		// Nor are those without a say.
		mute := e
		mute.Said = maps.Clone(e.Said)
		for o, s := range e.Said {
			seen := false
			for _, other := range e.Said {
				seen = seen || other.of(o) == Serving || other.of(o) == Draining
			}
			if s.Isolated || e.Own[o] == Unreachable && !seen {
				delete(mute.Said, o)
			}
		}
		if fmt.Sprint(Verdicts(mute)) != fmt.Sprint(got) {
			t.Fatal("the isolated or unreachable had a say")
		}
		// One more who sees a node never takes it out of service.
		if len(e.Nodes) < 2 {
			return
		}
		x := e.Nodes[rapid.IntRange(0, len(e.Nodes)-1).Draw(t, "x")].Name
		better := e
		better.Said = maps.Clone(e.Said)
		for o, s := range better.Said {
			if o != x && s.Not[x] != "" && rapid.Bool().Draw(t, "mended") {
				s.Not = maps.Clone(s.Not)
				delete(s.Not, x)
				better.Said[o] = s
			}
		}
		_, probed := e.Own[x]
		if after := Verdicts(better)[x]; probed && got[x].State == Serving && after.State != Serving {
			t.Fatalf("%s: %+v, but %+v when more see it", x, got[x], after)
		}
	})
}

func FuzzReadSaid(f *testing.F) {
	f.Add([]byte(`{"isolated":true,"seen":["a"],"not":{"b":"unreachable"},"without":{"a":["sequence"]}}`))
	f.Add([]byte(`{"seen":null,"not":{"b":"wobbly"}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, ok := ReadSaid(text)
		if !ok {
			return
		}
		var nodes []string
		for n, state := range s.Not {
			nodes = append(nodes, n)
			if state == Serving || state == "" {
				t.Fatalf("%s is an exception, but %q", n, state)
			}
		}
		out := s.Encode(nodes)
		if len(out) > MaxSaid || !json.Valid(out) {
			t.Fatalf("%d bytes: %s", len(out), out)
		}
		back, ok := ReadSaid(out)
		if !ok {
			t.Fatalf("cannot read %s", out)
		}
		for _, n := range nodes { // what is left out is not claimed to be well
			if got := back.of(n); got != Unknown && got != s.of(n) {
				t.Fatalf("%s was %s, is %s", n, s.of(n), got)
			}
		}
	})
}

// Who probes nobody any more has a list to give all the same, of nobody.
func TestSaidOfManyThatLeft(t *testing.T) {
	s := Said{Not: map[string]State{}}
	for i := range 100 {
		s.Not[fmt.Sprintf("node-%d", i)] = Unreachable
	}
	if text := string(s.Encode(nil)); text != `{"seen":[]}` {
		t.Error(text)
	}
}

func TestSaidFits(t *testing.T) {
	s := Said{Not: map[string]State{}, Without: map[string][]string{}}
	var nodes []string
	for i := range 300 {
		n := fmt.Sprintf("some-region-of-the-world-%d", i)
		nodes = append(nodes, n)
		s.Not[n], s.Without[n] = Unreachable, []string{"sequence"}
	}
	text := s.Encode(nodes)
	back, ok := ReadSaid(text)
	if len(text) > MaxSaid || !ok || len(back.Seen) < 5 {
		t.Fatalf("%d bytes, %d seen", len(text), len(back.Seen))
	}
	for _, n := range nodes {
		if back.of(n) == Serving {
			t.Errorf("%s became well", n)
		}
	}
	if text := (Said{}).Encode(nodes); string(text) != `{"seen":null}` {
		t.Errorf("%s", text)
	}
}

func TestObserved(t *testing.T) {
	for _, size := range []struct{ regions, each int }{{3, 2}, {15, 2}, {16, 2}, {60, 5}, {8, 40}} {
		var nodes []Node
		for r := range size.regions {
			for i := range size.each {
				nodes = append(nodes, Node{fmt.Sprintf("r%d-%d", r, i), region.Name(fmt.Sprintf("r%d", r))})
			}
		}
		observers, most, sum := map[string]int{}, 0, 0
		for _, self := range nodes {
			list := Observed(self, nodes, []region.Name{"r0", "r1"})
			if slices.Contains(list, self.Name) || len(slices.Compact(slices.Clone(list))) != len(list) {
				t.Fatalf("%s observes %v", self.Name, list)
			}
			foreign := 0
			for _, n := range list {
				if !strings.HasPrefix(n, string(self.Region)+"-") {
					observers[n]++
					foreign++
				}
			}
			most, sum = max(most, foreign), sum+foreign
			for _, r := range []string{"r0-", "r1-"} {
				if !strings.HasPrefix(self.Name, r) && !slices.ContainsFunc(list, func(n string) bool { return strings.HasPrefix(n, r) }) {
					t.Errorf("%s does not see the near region %s", self.Name, r)
				}
			}
		}
		least := len(nodes)
		for _, n := range nodes {
			least = min(least, observers[n.Name])
		}
		t.Logf("%d nodes in %d regions: at least %d observers, at most %d probed, %.1f on average",
			len(nodes), size.regions, least, most, float64(sum)/float64(len(nodes)))
		if len(nodes) > Mesh && (least < 5 || most > 24) {
			t.Errorf("%d nodes: at least %d observers, at most %d probed", len(nodes), least, most)
		}
	}
}

func BenchmarkObserved(b *testing.B) {
	var nodes []Node
	for i := range 300 {
		nodes = append(nodes, Node{fmt.Sprintf("node-%d", i), region.Name(fmt.Sprintf("r%d", i%60))})
	}
	for b.Loop() {
		Observed(nodes[0], nodes, nil)
	}
}

package rendezvous

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type nodeName string

func names() *rapid.Generator[[]nodeName] {
	name := rapid.Map(rapid.StringMatching(`[a-z]{1,8}-[0-9]`), func(s string) nodeName { return nodeName(s) })
	return rapid.SliceOfNDistinct(name, 1, 12, rapid.ID[nodeName])
}

func TestPickIsFirstOfOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, key := names().Draw(t, "nodes"), rapid.String().Draw(t, "key")
		before := slices.Clone(nodes)
		got, ok := Pick(key, nodes)
		order := Order(key, nodes)
		if !ok || got != order[0] {
			t.Fatalf("Pick %q, Order %q", got, order)
		}
		if !slices.Equal(before, nodes) {
			t.Fatal("the argument was changed")
		}
		shuffled := rapid.Permutation(nodes).Draw(t, "shuffled")
		if !slices.Equal(order, Order(key, shuffled)) {
			t.Fatal("the order of the argument matters")
		}
		if !slices.IsSortedFunc(order, func(a, b nodeName) int {
			if Score(key, a) >= Score(key, b) {
				return -1
			}
			return 1
		}) {
			t.Fatal("Order does not follow Score")
		}
	})
}

// A node that leaves moves its own keys and no others, each to the next in order.
func TestMinimalMovement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, key := names().Draw(t, "nodes"), rapid.String().Draw(t, "key")
		order := Order(key, nodes)
		gone := rapid.SampledFrom(nodes).Draw(t, "gone")
		rest := slices.DeleteFunc(slices.Clone(nodes), func(n nodeName) bool { return n == gone })
		want := slices.DeleteFunc(slices.Clone(order), func(n nodeName) bool { return n == gone })
		if got := Order(key, rest); !slices.Equal(got, want) {
			t.Fatalf("without %q: %q, want %q", gone, got, want)
		}
	})
}

func TestNobody(t *testing.T) {
	if n, ok := Pick[string]("k", nil); ok || n != "" {
		t.Errorf("Pick of nobody: %q %v", n, ok)
	}
	if got := Order[string]("k", nil); len(got) != 0 {
		t.Errorf("Order of nobody: %q", got)
	}
}

// Placement is a promise between nodes of different versions.
func TestPlacementIsFixed(t *testing.T) {
	nodes := []string{"asia-1", "asia-2", "europe-1", "useast-1"}
	for key, want := range map[string]string{
		"":                        "europe-1",
		"/info/ping":              "useast-1",
		"/lookup/id/ENSG1":        "asia-2",
		"/sequence/id/ENSG1?x=1":  "asia-1",
		"/info/species?division=": "useast-1",
	} {
		if got, _ := Pick(key, nodes); got != want {
			t.Errorf("%q is on %q, was on %q", key, got, want)
		}
	}
}

func TestShares(t *testing.T) {
	nodes := []string{"a", "b", "c", "d", "e"}
	const keys = 20000
	count := map[string]int{}
	for i := range keys {
		n, _ := Pick(fmt.Sprintf("/lookup/id/ENSG%011d", i), nodes)
		count[n]++
	}
	mean := float64(keys) / float64(len(nodes))
	for n, c := range count { // 6 standard deviations
		if math.Abs(float64(c)-mean) > 6*math.Sqrt(mean) {
			t.Errorf("%s has %d of %d keys", n, c, keys)
		}
	}
}

func TestPickDoesNotAllocate(t *testing.T) {
	nodes := []nodeName{"a", "b", "c"}
	if n := testing.AllocsPerRun(100, func() { Pick("/lookup/id/ENSG1", nodes) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPick(b *testing.B) {
	for _, n := range []int{3, 12} {
		nodes := make([]string, n)
		for i := range nodes {
			nodes[i] = fmt.Sprintf("europe-%d", i)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				Pick("/lookup/id/ENSG00000139618?expand=1", nodes)
			}
		})
	}
}

func ExampleOrder() {
	fmt.Println(Order("/info/ping", []string{"asia-1", "asia-2", "asia-3"}))
	// Output: [asia-2 asia-3 asia-1]
}

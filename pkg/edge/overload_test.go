package edge

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/health"
)

// Above its hard limit a region answers from store alone, and what one of its
// nodes has stored is its store: the owner of the key is asked, and no origin.
func TestOverloadedRegionStore(t *testing.T) {
	var later atomic.Int64
	base := time.Now().Truncate(time.Second)
	f := newFleet(t, testMap(t), []string{"asia-1", "asia-2"}, func(_ string, c *Config) {
		c.Now = func() time.Time { return base.Add(time.Duration(later.Load())) }
	})
	f.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", base.Add(time.Duration(later.Load())).UTC().Format(http.TimeFormat))
		io.WriteString(w, "x")
	})
	owned := ownedBy(f, "asia-2")
	fresh, stale, never := owned(), owned(), owned()
	refresh := func(over bool) {
		for _, n := range f.nodes {
			n.edge.load.known.Store(&loads{"asia": {RPS: 100, Over: over}})
			for id := range n.world.states {
				n.world.states[id] = health.TargetStatus{State: health.Serving, LastOK: base.Add(24 * time.Hour)}
			}
			n.edge.Refresh()
		}
	}
	refresh(false)
	if w := f.ask("asia-2", "GET", stale, ""); w.Code != 200 {
		t.Fatal(w.Code)
	}
	later.Add(int64(time.Hour)) // within stale-if-error
	if w := f.ask("asia-2", "GET", fresh, ""); w.Code != 200 {
		t.Fatal(w.Code)
	}
	refresh(true)
	before := f.origin.total()
	for _, target := range []string{fresh, stale} {
		if w := f.ask("asia-1", "GET", target, ""); w.Code != 200 || w.Body.String() != "x" {
			t.Errorf("asia-2 has it: %d %s %v", w.Code, w.Body, w.Header()["Cache-Status"])
		}
	}
	if w := f.ask("asia-1", "GET", never, ""); w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "too much to do") {
		t.Errorf("nobody has it: %d %s", w.Code, w.Body)
	}
	if n := f.origin.total() - before; n != 0 {
		t.Errorf("the origin was asked %d times", n)
	}
}

// A request that one node of a region passes on to another is one request to the region.
func TestLoadCountsClientsOnce(t *testing.T) {
	f := newFleet(t, testMap(t), []string{"asia-1", "asia-2"})
	owned := ownedBy(f, "asia-2")
	for range 10 {
		if w := f.ask("asia-1", "GET", owned(), ""); w.Code != 200 {
			t.Fatal(w.Code)
		}
	}
	if one, two := f.nodes["asia-1"].edge.served(), f.nodes["asia-2"].edge.served(); one != 10 || two != 0 {
		t.Errorf("of 10 requests asia-1 counts %d and asia-2 %d", one, two)
	}
}

package edge

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"mirrornet/pkg/health"
)

// Each node tells its addresses; they stand by region, each with what is known
// of its node, and what is no public address is left out.
func TestAddresses(t *testing.T) {
	said := &saying{}
	s := newEdge(t, func(c *Config) {
		c.Statements = said.by("europe-1")
		c.Addresses = []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("2001:db8::1")}
		c.Keys = func() []string { return []string{"0011aabb"} }
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.edge.Run(ctx) }()
	within(t, func() bool { return len(said.by("").Statements(topicNode)) == 1 })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := string(said.by("").Statements(topicNode)[0].Value); got != `{"addresses":["198.51.100.1","2001:db8::1"],"keys":["0011aabb"]}` {
		t.Errorf("said %s", got)
	}
	asia := said.by("asia-1")
	for text, want := range map[string]string{
		`{"addresses":["203.0.113.1","::ffff:203.0.113.2"]}`: "[{203.0.113.1 true} {203.0.113.2 true}]",
		`{"addresses":["0.0.0.0","::","224.0.0.1"]}`:         "[]",
		`{"addresses":["203.0.113"]}`:                        "[]",
		`{"addresses":[]}`:                                   "[]",
		`{`:                                                  "[]",
	} {
		if err := asia.Share(topicNode, "asia-1", []byte(text)); err != nil {
			t.Fatal(err)
		}
		s.edge.Refresh()
		if got := fmt.Sprint(s.edge.Addresses()["asia"]); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if err := asia.Share(topicNode, "asia-1", []byte(`{"addresses":["203.0.113.1"]}`)); err != nil {
		t.Fatal(err)
	}
	if err := asia.Share(topicNode, "europe-1", []byte(`{"addresses":["203.0.113.9"]}`)); err != nil {
		t.Fatal(err)
	}
	s.world.set(nodeID("asia-1"), health.Unreachable, s.edge)
	s.edge.Drain()
	s.edge.Refresh()
	if got := fmt.Sprint(s.edge.Addresses()); got != "map[asia:[{203.0.113.1 false}] europe:[{198.51.100.1 false} {2001:db8::1 false}]]" {
		t.Error(got)
	}
}

// within looks again and again, for as long as a busy machine may take.
func within(t *testing.T, good func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !good(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("not within 20 s")
		}
	}
}

package edge

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/health"
)

// What a client's connections measured at one region is known at another, a
// few minutes later, with whatever the lane had being void.
func TestTripsTravel(t *testing.T) {
	var said saying
	europe := newEdge(t, func(c *Config) { c.Statements = said.by("europe-1") })
	asia := newEdge(t, func(c *Config) {
		c.Node, c.Region, c.Statements = "asia-1", "asia", said.by("asia-1")
		w := c.Members.(*testWorld)
		w.members = []Member{{Node: "asia-1", Region: "asia", State: "alive", Self: true}, {Node: "europe-1", Region: "europe", State: "alive", Advertise: "http://127.0.0.1:1"}}
		w.states[nodeID("europe-1")] = health.TargetStatus{State: health.Serving, LastOK: time.Now()}
	})
	same := netip.MustParseAddr("133.39.1.200")
	for range 3 {
		europe.edge.trips.own.Observe(japan, 250*time.Millisecond, time.Now())
		asia.edge.trips.own.Observe(same, 30*time.Millisecond, time.Now())
	}
	generation := europe.edge.aliases.generation.Load()
	for range 2 {
		for _, s := range []*setup{europe, asia} {
			s.clock.Add(int64(mergeTripsEvery))
			s.edge.observeTrips(s.edge.Now())
			s.edge.Refresh()
		}
	}
	for _, s := range []*setup{europe, asia} {
		w := s.edge.world.Load()
		if w.Clients == nil {
			t.Fatalf("%s knows of no round trips", s.edge.Node)
		}
		near, far := w.Clients.RoundTrip(japan, "asia").Round(2*time.Millisecond), w.Clients.RoundTrip(same, "europe").Round(10*time.Millisecond)
		if near != 30*time.Millisecond || far != 250*time.Millisecond || s.edge.Networks() != 1 {
			t.Errorf("%s: %s to asia, %s to europe, %d networks", s.edge.Node, near, far, s.edge.Networks())
		}
	}
	if europe.edge.aliases.generation.Load() == generation {
		t.Error("what the lane answers does not follow")
	}
	europe.clock.Add(int64(mergeTripsEvery))
	if europe.edge.observeTrips(europe.edge.Now()) {
		t.Error("nothing is new, and decisions change")
	}
	// Nobody speaks for another node.
	said.by("asia-1").Share(tripTopic, "europe-1/0", []byte{1, 1, 1})
	said.by("nobody").Share(tripTopic, "nobody/0", []byte{1, 1, 1})
	europe.clock.Add(int64(mergeTripsEvery))
	if europe.edge.observeTrips(europe.edge.Now()) && europe.edge.Networks() != 1 {
		t.Error("a digest by another node counts")
	}
}

// An end of a connection is one sample, for clients that speak for themselves.
func TestConnectionsAreMeasured(t *testing.T) {
	for _, c := range []struct {
		name             string
		trusted, private bool
		want             int
	}{{"loopback", false, false, 0}, {"a private network", false, true, 1}, {"a proxy", true, true, 0}} {
		t.Run(c.name, func(t *testing.T) {
			s := newLaned(t, func(cfg *Config) {
				cfg.PrivateClients = c.private
				if !c.trusted {
					cfg.TrustedProxies = nil
				}
			})
			for range 2 {
				conn, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Fatal(err)
				}
				conn.Write([]byte("GET /thing/x HTTP/1.1\r\nHost: europe.test\r\nConnection: close\r\n\r\n"))
				var answer bytes.Buffer
				if _, err := answer.ReadFrom(conn); err != nil || !strings.HasPrefix(answer.String(), "HTTP/1.1 200") {
					t.Fatal(answer.String(), err)
				}
				conn.Close()
			}
			if n := s.edge.trips.own.Len(); n != c.want {
				t.Errorf("%d networks are measured, want %d", n, c.want)
			}
		})
	}
}

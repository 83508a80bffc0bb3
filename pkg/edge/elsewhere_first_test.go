package edge

import (
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
)

// While no origin answers here, a region that has one is asked first: no request
// waits for origins that are known to be lost, nor for a nearer region that
// has lost them too.
func TestOriginsLostHere(t *testing.T) {
	hole, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	var dialled atomic.Int32
	go func() {
		for {
			c, err := hole.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			dialled.Add(1)
		}
	}()
	defer hole.Close()
	lost := &url.URL{Scheme: "http", Host: hole.Addr().String()}

	m := testMap(t)
	point, err := geo.At(39, -77)
	if err != nil {
		t.Fatal(err)
	}
	m, err = region.NewMap(m.Network(), append(m.Regions(), region.Region{Name: "useast", URL: "http://useast.test", Location: point, State: region.Serving})...)
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(t, m, []string{"europe-1", "asia-1", "useast-1"}, func(node string, c *Config) {
		if node != "useast-1" {
			c.Origins = []*url.URL{lost}
		}
	})
	for name, n := range f.nodes {
		for i := range n.world.members { // asia is the nearest to europe
			n.world.members[i].RTT = 100 * time.Millisecond
			if n.world.members[i].Node == "asia-1" {
				n.world.members[i].RTT = time.Millisecond
			}
		}
		n.world.states[nodeID("asia-1")] = health.TargetStatus{State: health.Serving, LastOK: time.Now().Add(time.Hour), NoOrigin: true}
		n.world.states[nodeID("europe-1")] = health.TargetStatus{State: health.Serving, LastOK: time.Now().Add(time.Hour), NoOrigin: true}
		if name != "useast-1" {
			n.world.states[originID(lost)] = health.TargetStatus{Target: health.Target{ID: originID(lost), Kind: health.Origin}, State: health.Unreachable}
		}
		n.edge.Refresh()
	}
	for _, target := range []string{"/thing/k1", "/thing/k2", unkeyed} {
		w := f.ask("europe-1", "GET", target, "")
		if w.Code != http.StatusOK || w.Header().Get("Via") == "" || dialled.Load() != 0 {
			t.Errorf("%s: %d, Via %q; lost origins were dialled %d times", target, w.Code, w.Header()["Via"], dialled.Load())
		}
	}
	if n := f.origin.total(); n != 3 {
		t.Errorf("the origin was asked %d times for three resources", n)
	}
	if got := f.nodes["europe-1"].edge.world.Load().regionSources("thing", "k"); len(got) != 2 || got[0].Name != "useast-1" || got[0].Kind != fetch.Region {
		t.Errorf("regions in the order %v", got)
	}
}

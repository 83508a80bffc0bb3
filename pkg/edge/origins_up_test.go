package edge

import (
	"net"
	"net/http"
	"net/http/httptest"
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
	f, lost, dialled := lostHere(t)
	f.lose(lost)
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

// Who waits for origins when they are found lost is answered by another region.
func TestOriginsLostMeanwhile(t *testing.T) {
	for _, target := range []string{"/thing/k1", unkeyed} {
		f, lost, dialled := lostHere(t)
		done := make(chan *httptest.ResponseRecorder)
		go func() { done <- f.ask("europe-1", "GET", target, "") }()
		until(t, func() bool { return dialled.Load() > 0 })
		f.lose(lost)
		if w := <-done; w.Code != http.StatusOK || f.origin.total() != 1 {
			t.Errorf("%s: %d; the other region's origin was asked %d times", target, w.Code, f.origin.total())
		}
	}
}

// So is who waits for one origin of several: by the next.
func TestOriginLostMeanwhile(t *testing.T) {
	lost, dialled := hole(t)
	f := newFleet(t, testMap(t), []string{"europe-1"}, func(_ string, c *Config) { c.Origins = []*url.URL{lost, c.Origins[0]} })
	for _, target := range []string{"/thing/k1", unkeyed} {
		dialled.Store(0)
		f.nodes["europe-1"].world.set(originID(lost), health.Serving, f.nodes["europe-1"].edge)
		done := make(chan *httptest.ResponseRecorder)
		go func() { done <- f.ask("europe-1", "GET", target, "") }()
		until(t, func() bool { return dialled.Load() > 0 })
		f.nodes["europe-1"].world.set(originID(lost), health.Unreachable, f.nodes["europe-1"].edge)
		if w := <-done; w.Code != http.StatusOK || f.origin.total() == 0 {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
}

// hole takes connections and says nothing.
func hole(t *testing.T) (at *url.URL, dialled *atomic.Int32) {
	t.Helper()
	dialled = &atomic.Int32{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			dialled.Add(1)
		}
	}()
	return &url.URL{Scheme: "http", Host: l.Addr().String()}, dialled
}

// lostHere is three regions, of which only useast has an origin that answers; the
// others' takes connections and says nothing.
func lostHere(t *testing.T) (f *fleet, lost *url.URL, dialled *atomic.Int32) {
	t.Helper()
	lost, dialled = hole(t)
	m := testMap(t)
	point, err := geo.At(39, -77)
	if err != nil {
		t.Fatal(err)
	}
	m, err = region.NewMap(m.Network(), append(m.Regions(), region.Region{Name: "useast", URL: "http://useast.test", Location: point, State: region.Serving})...)
	if err != nil {
		t.Fatal(err)
	}
	f = newFleet(t, m, []string{"europe-1", "asia-1", "useast-1"}, func(node string, c *Config) {
		if node != "useast-1" {
			c.Origins = []*url.URL{lost}
		}
	})
	for _, n := range f.nodes {
		for i := range n.world.members { // asia is the nearest to europe
			n.world.members[i].RTT = 100 * time.Millisecond
			if n.world.members[i].Node == "asia-1" {
				n.world.members[i].RTT = time.Millisecond
			}
		}
		n.edge.Refresh()
	}
	return f, lost, dialled
}

// lose makes all find out that the origin of europe and asia is lost.
func (f *fleet) lose(lost *url.URL) {
	for name, n := range f.nodes {
		n.world.mu.Lock()
		for _, node := range []string{"asia-1", "europe-1"} {
			n.world.states[nodeID(node)] = health.TargetStatus{State: health.Serving, LastOK: time.Now().Add(time.Hour), NoOrigin: true}
		}
		if name != "useast-1" {
			n.world.states[originID(lost)] = health.TargetStatus{Target: health.Target{ID: originID(lost), Kind: health.Origin}, State: health.Unreachable}
		}
		n.world.mu.Unlock()
		n.edge.Refresh()
	}
}

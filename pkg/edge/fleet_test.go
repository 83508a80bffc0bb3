package edge

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/region"
	"mirrornet/pkg/store"
)

// fleet is several edges on loopback that know each other, before one origin.
// Each sees the others as its own testWorld says.
type fleet struct {
	t      testing.TB
	origin *testOrigin
	nodes  map[string]*fleetNode
}

type fleetNode struct {
	edge  *Edge
	world *testWorld
	srv   *httptest.Server
	log   bytes.Buffer // of warnings
}

// newFleet starts the nodes, each named for its region: asia-1 stands in asia.
func newFleet(t testing.TB, m *region.Map, names []string, change ...func(node string, c *Config)) *fleet {
	t.Helper()
	f := &fleet{t: t, origin: newOrigin(t), nodes: map[string]*fleetNode{}}
	base, err := url.Parse(f.origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := fetch.NewHopKeys(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		n := &fleetNode{world: &testWorld{m: m, states: map[string]health.TargetStatus{}, places: map[netip.Addr]geo.Place{}}}
		// Connections that nobody reuses in another test, closed with this one.
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		t.Cleanup(transport.CloseIdleConnections)
		c := Config{Node: name, Region: regionOf(name), Origins: []*url.URL{base}, Maps: m1{m}, Members: n.world, Health: n.world, Locator: n.world,
			Store: store.NewMemory(store.MemoryConfig{}), Metrics: observe.NewMetrics(name, "r"), Transport: transport,
			Logger:  slog.New(slog.NewTextHandler(&n.log, &slog.HandlerOptions{Level: slog.LevelWarn})),
			HopKeys: func() *fetch.HopKeys { return keys }}
		for _, f := range change {
			f(name, &c)
		}
		if n.edge, err = New(c); err != nil {
			t.Fatal(err)
		}
		if c.Catalogue != None {
			if err := n.edge.catalogue.install(catalogueText(t), "", "test"); err != nil {
				t.Fatal(err)
			}
		}
		n.srv = httptest.NewServer(n.edge)
		t.Cleanup(n.srv.Close)
		f.nodes[name] = n
	}
	for self, n := range f.nodes {
		for _, name := range names {
			n.world.members = append(n.world.members, Member{Node: name, Region: regionOf(name), State: "alive", Advertise: f.nodes[name].srv.URL, Self: name == self})
			n.world.states[nodeID(name)] = health.TargetStatus{State: health.Serving, LastOK: time.Now().Add(time.Hour)}
		}
		n.edge.Refresh()
	}
	return f
}

type m1 struct{ m *region.Map }

func (m m1) Map() *region.Map { return m.m }

func regionOf(node string) region.Name {
	name, _, _ := strings.Cut(node, "-")
	return region.Name(name)
}

// ask makes one request of a node, past its listener, from an address that
// nobody trusts.
func (f *fleet) ask(node, method, target, body string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
	r.RemoteAddr, r.Host = "203.0.113.4:5", string(regionOf(node))+".test"
	for i := 0; i < len(fields); i += 2 {
		switch fields[i] {
		case "Host":
			r.Host = fields[i+1]
		case "Remote":
			r.RemoteAddr = fields[i+1]
		default:
			r.Header.Add(fields[i], fields[i+1])
		}
	}
	w := httptest.NewRecorder()
	f.nodes[node].edge.ServeHTTP(final{w}, r)
	return w
}

// final is a ResponseRecorder that records no interim response.
type final struct{ *httptest.ResponseRecorder }

func (f final) WriteHeader(status int) {
	if status >= 200 {
		f.ResponseRecorder.WriteHeader(status)
	}
}

func metrics(t testing.TB, e *Edge) string {
	t.Helper()
	w := httptest.NewRecorder()
	e.Metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

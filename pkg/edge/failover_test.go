package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/region"
	"mirrornet/pkg/store"
)

// ocean is a network of edges with their probes and statements, in a bubble:
// every packet between two nodes takes half a round trip, and may get lost.
type ocean struct {
	t     *testing.T
	rtt   time.Duration
	m     *region.Map
	nodes map[string]*islander

	mu      sync.Mutex // guards the fields below
	refused map[string]bool
	lost    map[[2]string]bool // from → to; an origin is "origin"
}

// islander is one node of an ocean.
type islander struct {
	o       *ocean
	name    string
	members []Member

	stop func()

	mu   sync.Mutex // guards the fields below
	edge *Edge
	said map[string]Statement
}

func newOcean(t *testing.T, rtt time.Duration, names ...string) *ocean {
	o := &ocean{t: t, rtt: rtt, nodes: map[string]*islander{}, refused: map[string]bool{}, lost: map[[2]string]bool{}}
	var regions []region.Region
	for i, name := range names {
		p, err := geo.At(10, float64(20*i))
		if err != nil {
			t.Fatal(err)
		}
		regions = append(regions, region.Region{Name: region.Name(name), Title: name, URL: "http://" + name + ".test", Host: name + ".test", Location: p, State: region.Serving})
	}
	var err error
	if o.m, err = region.NewMap(region.Network{Canonical: []string{"http://rest.test"}, Home: region.Name(names[0]), Navigation: "redirect", API: "serve"}, regions...); err != nil {
		t.Fatal(err)
	}
	for _, self := range names {
		n := &islander{o: o, name: self}
		for _, name := range names {
			n.members = append(n.members, Member{Node: name, Region: region.Name(name), State: "alive", Advertise: "http://" + name, Self: name == self})
		}
		o.nodes[self] = n
	}
	for _, n := range o.nodes {
		n.said = map[string]Statement{}
	}
	for _, n := range o.nodes {
		n.start()
	}
	t.Cleanup(func() {
		for _, n := range o.nodes {
			n.stop()
		}
	})
	return o
}

// start runs the node, as a new process.
func (n *islander) start() {
	h := health.New(health.Config{Client: &http.Client{Transport: n}, OnChange: n.refresh,
		Targets: func() []health.Target { return n.current().Targets() }})
	e, err := New(Config{Node: n.name, Region: region.Name(n.name), Maps: n, Members: n, Health: h, Locator: &testWorld{}, Statements: n,
		Origins: []*url.URL{{Scheme: "http", Host: "origin"}}, Store: store.NewMemory(store.MemoryConfig{}), Transport: n,
		Metrics: observe.NewMetrics(n.name, n.name), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		n.o.t.Fatal(err)
	}
	if err := e.catalogue.install(catalogueText(n.o.t), "", "test"); err != nil {
		n.o.t.Fatal(err)
	}
	n.mu.Lock()
	n.edge, n.said = e, map[string]Statement{}
	n.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.Run(ctx) })
	running.Go(func() { e.Run(ctx) })
	n.stop = func() { cancel(); running.Wait() }
}

func (n *islander) current() *Edge {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.edge
}

func (n *islander) refresh()         { n.current().Refresh() }
func (n *islander) Map() *region.Map { return n.o.m }

func (n *islander) Members() []Member {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.members
}

// hears has the node's gossip say of another what it is.
func (n *islander) hears(of, state string) {
	n.mu.Lock()
	n.members = slices.Clone(n.members)
	for i := range n.members {
		if n.members[i].Node == of {
			n.members[i].State = state
		}
	}
	n.mu.Unlock()
	n.refresh()
}

func (n *islander) Share(topic, subject string, value []byte) error {
	s := Statement{Topic: topic, Subject: subject, Writer: n.name, Value: value}
	for _, other := range n.o.nodes {
		time.AfterFunc(n.o.rtt/2, func() {
			if other != n && n.o.isLost(n.name, other.name) {
				return
			}
			other.mu.Lock()
			other.said[topic+" "+subject] = s
			other.mu.Unlock()
			if other != n && topic == healthTopic {
				other.refresh()
			}
		})
	}
	return nil
}

func (n *islander) Statements(topic string) (list []Statement) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.said {
		if s.Topic == topic {
			list = append(list, s)
		}
	}
	return list
}

func (o *ocean) isLost(from, to string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lost[[2]string{from, to}]
}

// cut loses all packets from one to another, or no longer.
func (o *ocean) cut(from, to string, lost bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost[[2]string{from, to}] = lost
}

// sink loses all packets from and to a node, or no longer.
func (o *ocean) sink(node string, lost bool) {
	for other := range o.nodes {
		o.cut(node, other, lost)
		o.cut(other, node, lost)
	}
	o.cut(node, "origin", lost)
}

// kill ends the node's process: its machine refuses connections.
func (o *ocean) kill(node string, dead bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refused[node] = dead
}

// RoundTrip carries a request and its answer over the ocean.
func (n *islander) RoundTrip(r *http.Request) (*http.Response, error) {
	cross := func(from, to string) error {
		select {
		case <-time.After(n.o.rtt / 2):
		case <-r.Context().Done():
			return r.Context().Err()
		}
		if n.o.isLost(from, to) {
			<-r.Context().Done()
			return r.Context().Err()
		}
		return nil
	}
	to := r.URL.Host
	if err := cross(n.name, to); err != nil {
		return nil, err
	}
	n.o.mu.Lock()
	refused := n.o.refused[to]
	n.o.mu.Unlock()
	w := httptest.NewRecorder()
	if other := n.o.nodes[to]; other != nil && !refused {
		q := r.Clone(r.Context())
		q.RequestURI, q.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:1"
		other.current().ServeHTTP(w, q)
	} else {
		if r.URL.Path == apispec.WellKnown {
			w.WriteHeader(404) // the catalogue is in place already
		}
		io.WriteString(w, "{}")
	}
	if err := cross(to, n.name); err != nil {
		return nil, err
	}
	if refused {
		return nil, errors.New("connection refused")
	}
	res := w.Result()
	res.Request = r
	return res, nil
}

// pass lets time go by, and looks every 10 ms.
func (o *ocean) pass(d time.Duration, look func(time.Duration)) {
	start := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for time.Since(start) < d {
		<-tick.C
		synctest.Wait()
		if look != nil {
			look(time.Since(start))
		}
	}
}

// names reports whether the node names the region to clients.
func (o *ocean) names(node, region_ string) bool {
	return o.nodes[node].current().World().Status[region.Name(region_)].Serving
}

var seas = []string{"africa", "asia", "europe", "oceania", "useast"}

// A region that is gone is named by nobody after three seconds, wherever
// between two probes it went; and one that was restarted is back soon.
func TestFailover(t *testing.T) {
	for _, rtt := range []time.Duration{10 * time.Millisecond, 300 * time.Millisecond} {
		for _, how := range []string{"killed", "swallowed"} {
			var last, back time.Duration
			for round := range 20 / raceFactor {
				synctest.Test(t, func(t *testing.T) {
					o := newOcean(t, rtt, seas...)
					o.pass(15*time.Second+time.Duration(round)*25*time.Millisecond, nil)
					for _, n := range seas {
						for _, r := range seas {
							if !o.names(n, r) {
								t.Fatalf("%s does not name %s: %+v", n, r, o.nodes[n].current().World().Status[region.Name(r)])
							}
						}
					}
					end := func(gone bool) {
						if how == "killed" {
							o.kill("asia", gone)
						} else {
							o.sink("asia", gone)
						}
					}
					end(true)
					o.nodes["asia"].stop()
					o.pass(10*time.Second, func(at time.Duration) {
						for _, n := range seas {
							if n != "asia" && o.names(n, "asia") {
								last = max(last, at)
							}
						}
					})
					o.nodes["asia"].start()
					end(false)
					o.pass(10*time.Second, func(at time.Duration) {
						for _, n := range seas {
							if n != "asia" && !o.names(n, "asia") {
								back = max(back, at)
							}
							for _, r := range seas {
								if n != "asia" && r != "asia" && !o.names(n, r) {
									t.Fatalf("%s does not name %s", n, r)
								}
							}
						}
					})
				})
			}
			t.Logf("round trip %v, %s: named for %v at most, back after %v at most", rtt, how, last, back)
			if last > 2800*time.Millisecond || back > 5*time.Second {
				t.Errorf("round trip %v, %s: named for %v, back after %v", rtt, how, last, back)
			}
		}
	}
}

// Gossip finds out at different times that a node is dead or has left. Who knows it
// already must not be taken for somebody who sees that node serving.
func TestDeadByGossipIsNotServing(t *testing.T) {
	for _, state := range []string{"dead", "left"} {
		synctest.Test(t, func(t *testing.T) {
			o := newOcean(t, 100*time.Millisecond, seas...)
			o.pass(10*time.Second, nil)
			o.kill("asia", true)
			o.nodes["asia"].stop()
			o.pass(5*time.Second, nil)
			for _, n := range []string{"africa", "oceania", "useast"} {
				o.nodes[n].hears("asia", state)
			}
			o.pass(5*time.Second, func(at time.Duration) {
				if o.names("europe", "asia") {
					t.Fatalf("%s: europe names asia again %v after others know it %[1]s: %s", state, at, o.nodes["europe"].current().World().Status["asia"].Why)
				}
			})
		})
	}
}

// Two regions that lose sight of each other, in a network that sees both, stay
// in service: what is redirected to them arrives. One that loses all others is
// isolated, names nobody and is named by nobody.
func TestPartitionedOcean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOcean(t, 100*time.Millisecond, seas...)
		o.pass(10*time.Second, nil)
		o.cut("asia", "europe", true)
		o.cut("europe", "asia", true)
		o.pass(30*time.Second, func(time.Duration) {
			for _, n := range seas {
				for _, r := range seas {
					if !o.names(n, r) {
						t.Fatalf("%s does not name %s", n, r)
					}
				}
			}
		})
		if w := o.nodes["asia"].current().world.Load(); len(w.nodes["europe"]) != 0 || len(w.nodes["africa"]) != 1 {
			t.Error("asia would fetch from europe, which it does not reach")
		}
		if st := o.nodes["asia"].current().Status(); st.Isolated {
			t.Error("asia is isolated")
		}

		o.sink("useast", true)
		o.pass(4*time.Second, nil)
		lonely := o.nodes["useast"].current()
		if !lonely.Status().Isolated {
			t.Error("useast is not isolated")
		}
		for _, n := range seas {
			if n != "useast" && (o.names(n, "useast") || o.names("useast", n)) {
				t.Errorf("%s and useast still name each other", n)
			}
		}
		if got := string(o.nodes["useast"].said["health useast"].Value); !strings.Contains(got, "isolated") {
			t.Errorf("says %s", got)
		}
	})
}

// A link that comes and goes changes what a node says at most once a minute.
func TestFlappingOcean(t *testing.T) {
	for _, half := range []time.Duration{time.Second, 3 * time.Second, 8 * time.Second, 20 * time.Second, 45 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			o := newOcean(t, 100*time.Millisecond, seas...)
			o.pass(10*time.Second, nil)
			states := map[string]bool{}
			changes := map[string][]time.Duration{}
			began := time.Now()
			for lost := true; time.Since(began) < 5*time.Minute/raceFactor; lost = !lost {
				o.sink("asia", lost)
				o.pass(half, func(time.Duration) {
					note := func(key string, now bool) {
						if before, known := states[key]; known && now != before {
							changes[key] = append(changes[key], time.Since(began))
						}
						states[key] = now
					}
					for _, n := range seas {
						for _, r := range seas {
							if n != "asia" {
								note(n+" names "+r, o.names(n, r))
							}
						}
					}
					note("isolated asia", o.nodes["asia"].current().World().Isolated)
				})
			}
			for key, at := range changes {
				if len(at) > 1 {
					t.Errorf("every %v: %s changed at %v", half, key, at)
				}
				if !strings.HasSuffix(key, "asia") {
					t.Errorf("every %v: %s changed", half, key)
				}
			}
			t.Log(half, fmt.Sprint(len(changes)), "changes")
		})
	}
}

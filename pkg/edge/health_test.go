package edge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
	"mirrornet/pkg/status"
)

// board is where nodes state things, as gossip carries them.
type board struct {
	mu   sync.Mutex
	said map[string]Statement // by topic and subject
}

func (b *board) Share(topic, subject string, value []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.said == nil {
		b.said = map[string]Statement{}
	}
	b.said[topic+" "+subject] = Statement{Topic: topic, Subject: subject, Writer: subject, Value: value}
	return nil
}

func (b *board) Statements(topic string) (list []Statement) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.said {
		if s.Topic == topic {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b Statement) int { return strings.Compare(a.Subject, b.Subject) })
	return list
}

// five is a network of five regions, of which this node stands in europe.
func five(t *testing.T, change ...func(*Config)) (*setup, *board) {
	t.Helper()
	var regions []region.Region
	var members []Member
	for i, name := range []region.Name{"europe", "asia", "useast", "africa", "oceania"} {
		p, err := geo.At(10, float64(20*i))
		if err != nil {
			t.Fatal(err)
		}
		regions = append(regions, region.Region{Name: name, Title: string(name), URL: "http://" + string(name) + ".test", Host: string(name) + ".test",
			Location: p, State: region.Serving})
		members = append(members, Member{Node: string(name) + "-1", Region: name, State: "alive", Advertise: fmt.Sprintf("http://127.0.0.1:%d", i+1), Self: i == 0})
	}
	m, err := region.NewMap(region.Network{Canonical: []string{"http://rest.test"}, Home: "europe", Navigation: "redirect", API: "serve"}, regions...)
	if err != nil {
		t.Fatal(err)
	}
	b := &board{}
	s := newEdge(t, append([]func(*Config){func(c *Config) { c.Statements = b }}, change...)...)
	s.world.m, s.world.members = m, members
	for _, n := range members[1:] {
		s.world.states[nodeID(n.Node)] = health.TargetStatus{State: health.Serving, LastOK: time.Now().Add(time.Hour)}
	}
	s.edge.Refresh()
	return s, b
}

func (s *setup) sets(id string, t health.TargetStatus) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.world.states[id] = t
}

func (b *board) says(t *testing.T, node, text string) {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Fatalf("%s is no JSON", text)
	}
	if err := b.Share(healthTopic, node, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func (s *setup) regionStatus(name region.Name) route.Status {
	s.edge.Refresh()
	return s.edge.world.Load().Status[name]
}

func TestVotesDecide(t *testing.T) {
	s, b := five(t)
	if got := string(b.said["health europe-1"].Value); got != `{"seen":["africa-1","asia-1","oceania-1","useast-1"]}` {
		t.Errorf("says %s", got)
	}
	for _, n := range []string{"asia-1", "useast-1", "africa-1", "oceania-1"} {
		b.says(t, n, `{"seen":null}`)
	}
	generation := s.edge.aliases.generation.Load()

	// This node alone loses asia: clients may go there, but it does not itself.
	s.sets(nodeID("asia-1"), health.TargetStatus{State: health.Unreachable})
	if st := s.regionStatus("asia"); !st.Serving {
		t.Errorf("three of four see asia: %+v", st)
	}
	if len(s.edge.world.Load().nodes["asia"]) != 0 {
		t.Error("it would proxy to a node that it does not reach")
	}
	if got := string(b.said["health europe-1"].Value); got != `{"seen":["africa-1","asia-1","oceania-1","useast-1"],"not":{"asia-1":"unreachable"}}` {
		t.Errorf("says %s", got)
	}
	if s.edge.aliases.generation.Load() != generation {
		t.Error("decisions are the same, but aliases ended")
	}
	report := s.edge.Status()
	if r := report.Regions[slices.IndexFunc(report.Regions, func(r status.Region) bool { return r.Name == "asia" })]; r.State != "serving" || r.Votes != "3 of 4 nodes see it" {
		t.Errorf("%+v", r)
	}

	// Two of the others agree: even votes would be three of four against.
	b.says(t, "useast-1", `{"seen":null,"not":{"asia-1":"unreachable"}}`)
	b.says(t, "africa-1", `{"seen":null,"not":{"asia-1":"unreachable"}}`)
	if st := s.regionStatus("asia"); st.Serving || st.Why != "asia-1 is unreachable, 1 of 4 nodes sees it" {
		t.Errorf("one of four sees asia: %+v", st)
	}
	if s.edge.aliases.generation.Load() == generation {
		t.Error("asia went, and aliases stayed")
	}
	if m := metrics(t, s.edge); !strings.Contains(m, `mirrornet_region_serving{node="europe-1",of="asia",region="europe"} 0`) ||
		!strings.Contains(m, `mirrornet_region_changes_total{node="europe-1",of="asia",region="europe"} 1`) {
		t.Error("the change is not counted")
	}

	// One that is isolated has no say, nor has one that nobody reaches.
	b.says(t, "useast-1", `{"isolated":true,"seen":null,"not":{"asia-1":"unreachable","europe-1":"unreachable"}}`)
	if st := s.regionStatus("asia"); st.Serving {
		t.Errorf("one of three sees it: %+v", st)
	}
	b.says(t, "africa-1", `{"seen":null}`)
	if st := s.regionStatus("asia"); !st.Serving {
		t.Errorf("two of three see it: %+v", st)
	}

	// What is not JSON, or of somebody else, is no vote.
	b.said["health useast-1"] = Statement{Topic: healthTopic, Subject: "useast-1", Writer: "asia-1", Value: []byte(`{"seen":null}`)}
	b.said["health africa-1"] = Statement{Topic: healthTopic, Subject: "africa-1", Writer: "africa-1", Value: []byte(`}`)}
	if st := s.regionStatus("asia"); st.Serving {
		t.Errorf("one of two sees it, and this node does not: %+v", st)
	}
}

// The directory says of a canary region that is gone that it is gone: programs choose by it.
func TestDeadCanary(t *testing.T) {
	s, _ := five(t)
	regions := slices.Clone(s.world.m.Regions())
	regions[slices.IndexFunc(regions, func(r region.Region) bool { return r.Name == "asia" })].State = region.Canary
	regions[slices.IndexFunc(regions, func(r region.Region) bool { return r.Name == "asia" })].Share = 5
	var err error
	if s.world.m, err = region.NewMap(s.world.m.Network(), regions...); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"canary", "unreachable"} {
		s.edge.Refresh()
		for _, r := range s.edge.Status().Regions {
			if r.Name == "asia" && r.State != want {
				t.Errorf("asia is %s, want %s", r.State, want)
			}
		}
		s.sets(nodeID("asia-1"), health.TargetStatus{State: health.Unreachable})
	}
}

// A region whose last node is gone says what became of it.
func TestGoneNodes(t *testing.T) {
	s, _ := five(t)
	for _, c := range [][2]string{{"dead", "asia-1 is dead"}, {"left", "asia-1 has left"}} {
		s.world.members = slices.Clone(s.world.members)
		s.world.members[1].State = c[0]
		if st := s.regionStatus("asia"); st.Serving || st.Why != c[1] {
			t.Errorf("%s: %+v", c[0], st)
		}
	}
	s.world.members = s.world.members[:1]
	if st := s.regionStatus("asia"); st.Serving || st.Why != "no node of it is known" {
		t.Errorf("%+v", st)
	}
}

func TestStalledProberNamesNobody(t *testing.T) {
	s, _ := five(t)
	for id := range s.world.states {
		s.sets(id, health.TargetStatus{State: health.Serving, LastOK: time.Now().Add(-confirmed - time.Second)})
	}
	st := s.regionStatus("asia")
	if st.Serving || !strings.Contains(st.Why, "has not answered for 4s") {
		t.Errorf("%+v", st)
	}
}

// A node that reaches nobody redirects nobody, and says so.
func TestIsolatedSaysSo(t *testing.T) {
	s, b := five(t)
	for _, n := range []string{"asia-1", "useast-1", "africa-1", "oceania-1"} {
		b.says(t, n, `{"seen":null}`)
		s.sets(nodeID(n), health.TargetStatus{State: health.Unreachable})
	}
	s.regionStatus("asia")
	if w := s.edge.world.Load(); w.Isolated || w.Status["asia"].Serving {
		t.Errorf("its origin is there: isolated %v, asia %+v", w.Isolated, w.Status["asia"])
	}
	for id := range s.world.states {
		if strings.HasPrefix(id, "origin ") {
			s.sets(id, health.TargetStatus{State: health.Unreachable})
		}
	}
	s.sets(originID(s.edge.Origins[0]), health.TargetStatus{State: health.Unreachable})
	st := s.regionStatus("asia")
	w := s.edge.world.Load()
	if !w.Isolated || st.Serving || !w.Status["europe"].Serving {
		t.Errorf("isolated %v, asia %+v, europe %+v", w.Isolated, st, w.Status["europe"])
	}
	if got := string(b.said["health europe-1"].Value); !strings.HasPrefix(got, `{"isolated":true`) {
		t.Errorf("says %s", got)
	}
	if !s.edge.Status().Isolated {
		t.Error("does not show it")
	}
	// A neighbour that is draining is in reach.
	s.sets(nodeID("asia-1"), health.TargetStatus{State: health.Draining, LastOK: time.Now()})
	s.regionStatus("asia")
	if s.edge.world.Load().Isolated {
		t.Error("isolated, though asia answers")
	}
}

func TestDrainStatements(t *testing.T) {
	drains := map[string]string{}
	s, _ := five(t, func(c *Config) { c.Drains = func() map[string]string { return drains } })
	generation := s.edge.aliases.generation.Load()
	drains = map[string]string{"region asia": "until 14:05 UTC, by europe-1: disks", "node useast-1": "by x"}
	if st := s.regionStatus("asia"); st.Draining != "until 14:05 UTC, by europe-1: disks" || !st.Serving {
		t.Errorf("%+v", st)
	}
	if s.edge.aliases.generation.Load() == generation {
		t.Error("aliases stayed")
	}
	if st := s.regionStatus("useast"); st.Serving || st.Why != "useast-1 is draining by x" || len(s.edge.world.Load().nodes["useast"]) != 0 {
		t.Errorf("%+v", st)
	}
	for _, r := range s.edge.Status().Regions {
		if want := map[region.Name]string{"asia": "draining", "useast": "draining"}[r.Name]; want != "" && r.State != want {
			t.Errorf("%s is shown as %s, not %s", r.Name, r.State, want)
		}
	}
	code := func() int {
		w := httptest.NewRecorder()
		s.edge.ServeHTTP(w, httptest.NewRequest("GET", HealthPath, nil))
		return w.Code
	}
	if code() != 200 {
		t.Error("not drained, but says so")
	}
	drains = map[string]string{"node europe-1": "by x"}
	if st := s.regionStatus("europe"); st.Serving || code() != http.StatusServiceUnavailable || s.edge.Status().State != "draining" {
		t.Errorf("%+v", st)
	}
}

// classes is a catalogue with canaries of three classes, at origins a and b.
func classes(t *testing.T) (*setup, []*url.URL) {
	var origins []*url.URL
	for _, host := range []string{"a", "b"} {
		origins = append(origins, &url.URL{Scheme: "http", Host: host})
	}
	s, _ := five(t, func(c *Config) { c.Catalogue = None; c.Origins = origins })
	s.edge.catalogue.current.Store(&statement{canaries: []apispec.Canary{
		{Class: "info", Target: "/info/ping"}, {Class: "lookup", Target: "/lookup/x"}, {Class: "sequence", Target: "/sequence/x"}}})
	return s, origins
}

func TestClasses(t *testing.T) {
	s, origins := classes(t)
	var targets []string
	for _, target := range s.edge.Targets() {
		if target.Kind == health.Origin {
			targets = append(targets, target.ID+" → "+target.URL)
		}
	}
	if got := strings.Join(targets, "\n"); got != `origin http://a → http://a/info/ping
origin http://a lookup → http://a/lookup/x
origin http://a sequence → http://a/sequence/x
origin http://b → http://b/info/ping
origin http://b lookup → http://b/lookup/x
origin http://b sequence → http://b/sequence/x` {
		t.Errorf("targets\n%s", got)
	}
	now := time.Now()
	ids := func(o *url.URL) []string { return []string{originID(o), classID(o, "lookup"), classID(o, "sequence")} }
	well := func(id string) {
		s.sets(id, health.TargetStatus{State: health.Serving, Since: now.Add(-time.Hour), LastOK: now.Add(time.Minute)})
	}
	fails := func(id string) {
		s.sets(id, health.TargetStatus{State: health.Unreachable, Since: now, Failed: now.Add(time.Minute)})
	}
	for _, o := range origins {
		for _, id := range ids(o) {
			well(id)
		}
	}
	healthz := func() string {
		s.edge.Refresh()
		w := httptest.NewRecorder()
		s.edge.ServeHTTP(w, httptest.NewRequest("GET", HealthPath, nil))
		a := health.ReadAnswer(w.Body.Bytes())
		return fmt.Sprintf("%d %s without %v, no origin %v", w.Code, a.State, a.Without, a.NoOrigin)
	}
	order := func(class string) (hosts string) {
		list, _ := s.edge.world.Load().originSources(class)
		for _, s := range list {
			hosts += s.URL.Host
		}
		return hosts
	}
	check := func(when, want, sequence string) {
		t.Helper()
		if got := healthz(); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
		if got := order("sequence"); got != sequence || order("lookup") != order("") {
			t.Errorf("%s: sequence from %s, want %s; lookup from %s, anything from %s", when, got, sequence, order("lookup"), order(""))
		}
	}
	check("all is well", "200 serving without [], no origin false", "ab")
	fails(classID(origins[0], "sequence"))
	check("a lost sequence", "200 serving without [], no origin false", "ba")
	fails(classID(origins[1], "sequence"))
	check("both lost sequence", "200 serving without [sequence], no origin false", "ab")
	if got := s.edge.world.Load().Status["europe"].Without; !slices.Equal(got, []string{"sequence"}) {
		t.Errorf("europe is without %v", got)
	}

	// An origin that dies loses one canary after the other, and no class.
	for _, o := range origins {
		for _, id := range ids(o) {
			well(id)
		}
	}
	for _, o := range origins {
		for _, id := range ids(o) {
			s.sets(id, health.TargetStatus{State: health.Serving, Since: now.Add(-time.Hour), LastOK: now.Add(-time.Second)})
		}
	}
	for _, o := range origins {
		for _, id := range ids(o)[:2] {
			fails(id)
		}
	}
	check("dying", "200 serving without [], no origin false", "ab")
	for _, o := range origins {
		fails(ids(o)[2])
	}
	check("dead", "200 serving without [], no origin true", "ab")
	// Nor does one that comes back, one canary after the other.
	for _, o := range origins {
		s.sets(originID(o), health.TargetStatus{State: health.Serving, Since: now.Add(2 * time.Minute), LastOK: now.Add(3 * time.Minute)})
	}
	check("coming back", "200 serving without [], no origin false", "ab")
}

func TestOthersWithout(t *testing.T) {
	s, _ := five(t)
	up := health.TargetStatus{State: health.Serving, LastOK: time.Now().Add(time.Hour)}
	generation := s.edge.aliases.generation.Load()
	with := up
	with.Without = []string{"lookup", "sequence"}
	s.sets(nodeID("asia-1"), with)
	if st := s.regionStatus("asia"); !slices.Equal(st.Without, []string{"lookup", "sequence"}) || !st.Serving {
		t.Errorf("%+v", st)
	}
	if s.edge.aliases.generation.Load() == generation {
		t.Error("aliases stayed")
	}
	// A second node of the region has one of them.
	s.world.members = append(s.world.members, Member{Node: "asia-2", Region: "asia", State: "alive", Advertise: "http://127.0.0.1:9"})
	with.Without = []string{"sequence"}
	s.sets(nodeID("asia-2"), with)
	if st := s.regionStatus("asia"); !slices.Equal(st.Without, []string{"sequence"}) || st.Nodes != 2 {
		t.Errorf("%+v", st)
	}
	s.sets(nodeID("asia-2"), up)
	if st := s.regionStatus("asia"); len(st.Without) != 0 {
		t.Errorf("%+v", st)
	}
}

package edge

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/health"
)

// HealthPath answers other nodes' probes.
const HealthPath = "/-/healthz"

// confirmed is how long ago a node must have answered at most to be named to a
// client. Its verdict comes sooner, unless this node itself stood still.
const confirmed = 3 * time.Second

func stateWord(s health.State) string {
	if s == "" {
		return string(health.Unknown)
	}
	return string(s)
}

func nodeID(node string) string { return "node " + node }

// Targets is what health has to probe: the nodes that this one observes, their
// public addresses, and the origins.
func (e *Edge) Targets() []health.Target {
	m, members := e.Maps.Map(), e.Members.Members()
	observed := e.observed(m, members)
	var targets []health.Target
	for _, n := range members {
		if _, ok := slices.BinarySearch(observed, n.Node); ok {
			targets = append(targets, health.Target{ID: nodeID(n.Node), Kind: health.Edge, Region: n.Region,
				URL: n.Advertise + HealthPath})
		}
	}
	targets = append(targets, e.addressTargets(m, members)...)
	return append(targets, e.originTargets()...)
}

// newProcess names one run of a node.
func newProcess() string { return rand.Text()[:12] }

// drainsNow reports whether this node takes no clients: it is going away, or a
// statement says so.
func (e *Edge) drainsNow(w *world) bool {
	_, drained := w.drained["node "+e.Node]
	return drained || e.draining.Load()
}

// healthz answers probes: 200 while clients may be sent here.
func (e *Edge) healthz(w http.ResponseWriter, r *http.Request) {
	world := e.world.Load()
	answer := health.Answer{State: health.Serving, Without: world.without, NoOrigin: world.down, Process: e.process}
	for _, o := range e.Origins {
		if t := world.health.Status[originID(o)]; t.Answers() && t.Release != "" {
			answer.Release = t.Release
			break
		}
	}
	code := http.StatusOK
	if e.drainsNow(world) {
		answer.State, code = health.Draining, http.StatusServiceUnavailable
	}
	writeJSON(w, r, code, answer)
}

// report passes what real requests met on to health and metrics.
func (e *Edge) report(a fetch.Attempt) {
	id := nodeID(a.Source.Name)
	if a.Source.Kind == fetch.Origin {
		id = "origin " + a.Source.Name
	}
	result := "error"
	switch {
	case a.Err != nil:
		e.Health.ReportFailure(id, a.Err)
	default:
		result = fmt.Sprintf("%dxx", a.Status/100)
		if a.Status < 500 {
			e.Health.ReportSuccess(id)
		}
	}
	e.Metrics.Fetch(string(a.Source.Kind), a.Source.Name, result)
}

// countChanges counts what is different from old, which may be nil.
func (e *Edge) countChanges(old, w *world) {
	for name, s := range w.Status {
		changed := false
		if old != nil {
			before, known := old.Status[name]
			changed = known && before.Serving != s.Serving
		}
		e.Metrics.Region(string(name), s.Serving, len(s.Without), changed)
	}
	if old == nil || old.Map == w.Map {
		return
	}
	for name := range old.Status {
		if _, known := w.Status[name]; !known {
			e.Metrics.NoRegion(string(name))
		}
	}
}

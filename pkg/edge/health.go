package edge

import (
	"crypto/rand"
	"fmt"
	"net/http"
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

// Targets is what health has to probe: every node that gossip names, and the
// origins.
func (e *Edge) Targets() []health.Target {
	var targets []health.Target
	for _, n := range e.Members.Members() {
		if n.Self || n.State == "left" || n.Advertise == "" {
			continue
		}
		targets = append(targets, health.Target{ID: nodeID(n.Node), Kind: health.Edge, Region: n.Region,
			URL: n.Advertise + HealthPath})
	}
	return append(targets, e.originTargets()...)
}

// newProcess names one run of a node.
func newProcess() string { return rand.Text()[:12] }

// healthz answers probes: 200 while clients may be sent here.
func (e *Edge) healthz(w http.ResponseWriter, r *http.Request) {
	world := e.world.Load()
	answer := health.Answer{State: health.Serving, Without: world.without, NoOrigin: world.down, Process: e.process}
	code := http.StatusOK
	if e.draining.Load() {
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

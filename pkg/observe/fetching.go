package observe

import "github.com/prometheus/client_golang/prometheus"

// fetching counts what becomes of misses.
type fetching struct {
	flights, collapsed, unshared prometheus.Counter
	negatives, resumed, hops     *prometheus.CounterVec
}

func newFetching(reg prometheus.Registerer) fetching {
	f := fetching{
		flights: prometheus.NewCounter(prometheus.CounterOpts{Name: "mirrornet_flights_total",
			Help: "Fetches begun for the store, each for one or more requests."}),
		collapsed: prometheus.NewCounter(prometheus.CounterOpts{Name: "mirrornet_collapsed_requests_total",
			Help: "Requests answered by a fetch that another request began."}),
		unshared: prometheus.NewCounter(prometheus.CounterOpts{Name: "mirrornet_unshared_requests_total",
			Help: "Requests to the API that asked for themselves because the answer is not for sharing: not storable, or too long."}),
		negatives: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mirrornet_negative_answers_total",
			Help: "404 and 400 in place of a stored 200: held until confirmed, overruled by another origin, or replaced it."}, []string{"result"}),
		resumed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mirrornet_broken_bodies_total",
			Help: "Bodies that broke off at their source while they were sent on: resumed from a source, or cut."}, []string{"result"}),
		hops: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mirrornet_hops_total",
			Help: "Requests that said that another edge sent them: believed, or why not (clock, signature, unsigned, form); those were answered as a client's."}, []string{"result"}),
	}
	reg.MustRegister(f.flights, f.collapsed, f.unshared, f.negatives, f.resumed, f.hops)
	return f
}

// Flight counts a fetch that requests of one key share.
func (m *Metrics) Flight() { m.fetching.flights.Inc() }

// Collapsed counts a request that another one's fetch answered.
func (m *Metrics) Collapsed() { m.fetching.collapsed.Inc() }

// Unshared counts a request that fetched for itself alone.
func (m *Metrics) Unshared() { m.fetching.unshared.Inc() }

// Negative counts a 404 or 400 in place of a stored 200: held, overruled or
// replaced.
func (m *Metrics) Negative(result string) { m.fetching.negatives.WithLabelValues(result).Inc() }

// Broken counts a body that broke off at its source while it was sent on:
// resumed or cut.
func (m *Metrics) Broken(result string) { m.fetching.resumed.WithLabelValues(result).Inc() }

// Hop counts a request that said that another edge sent it: believed, or why
// not.
func (m *Metrics) Hop(result string) { m.fetching.hops.WithLabelValues(result).Inc() }

package observe

import "github.com/prometheus/client_golang/prometheus"

// regions shows what this node makes of each region. The label is "of", since
// "region" is where the node stands.
type regions struct {
	serving, without *prometheus.GaugeVec
	changes          *prometheus.CounterVec
}

func newRegions(reg prometheus.Registerer) regions {
	r := regions{
		serving: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "mirrornet_region_serving",
			Help: "1 while the region serves, in this node's eyes."}, []string{"of"}),
		without: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "mirrornet_region_lost_classes",
			Help: "Classes of endpoints that the region cannot serve from its origins."}, []string{"of"}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mirrornet_region_changes_total",
			Help: "How often the region began or ceased to serve."}, []string{"of"}),
	}
	reg.MustRegister(r.serving, r.without, r.changes)
	return r
}

// Region says what is known of a region now; changed that it just began or
// ceased to serve.
func (m *Metrics) Region(name string, serving bool, without int, changed bool) {
	value := 0.0
	if serving {
		value = 1
	}
	m.regions.serving.WithLabelValues(name).Set(value)
	m.regions.without.WithLabelValues(name).Set(float64(without))
	if n := m.regions.changes.WithLabelValues(name); changed {
		n.Inc()
	}
}

// NoRegion forgets a region that is not in the map any more.
func (m *Metrics) NoRegion(name string) {
	m.regions.serving.DeleteLabelValues(name)
	m.regions.without.DeleteLabelValues(name)
	m.regions.changes.DeleteLabelValues(name)
}

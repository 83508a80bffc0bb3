// Package observe counts and logs what nodes do, in one vocabulary: a request's
// [Outcome] becomes the same words in metrics and access log (RFC 9211 for the
// cache, design names for the rest). It decides nothing.
//
// # Decisions
//
// 2026-11-23: the access log is off the metrics' path: a line is made and
// written by the goroutine that served the request, through a buffered writer
// that Run flushes, so that a slow log never blocks on each request.
//
// 2026-11-25: questions about the node itself (action self) are counted, and in
// no histogram: probes, polls and streams of events that are open for hours
// would say nothing of how long clients wait.
//
// 2026-11-25: what pages show of the last minute is the difference of two samples
// of the counters that are there anyway ([Metrics.Sample]); a request pays nothing
// for it. The kind of a decision is told apart in those counters alone: as a
// label it would multiply the series that Prometheus keeps.
package observe

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Outcome is everything that is said of one answered request.
type Outcome struct {
	Start    time.Time
	Duration time.Duration
	Client   netip.Addr // invalid: unknown
	Country  string     // of the client; "" unknown
	Method   string
	Host     string
	Target   string // path and query as sent
	Endpoint string // catalogue id; "" for none
	Action   string // serve, redirect, proxy, refuse; page and self: the edge's own
	Region   string // who served, by decision
	Nearest  string
	Reason   string // of the decision
	Why      string // the kind of it, one of a few
	Status   int
	Bytes    int64
	Cache    string // hit, or the RFC 9211 fwd token; "" when the cache was not asked
	Tier     string // lane, memory, memcached; "" unless stored
	Source   string // who was asked on a forward
}

// Metrics counts outcomes. It is safe for concurrent use.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	endpoints *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	bytes     *prometheus.CounterVec
	fetches   *prometheus.CounterVec
	fetching  fetching
	regions   regions
	series    sync.Map             // labels → *Series
	durations *prometheus.Registry // duration alone, to read it
	windows   windows
}

// NewMetrics makes the counters of one node.
func NewMetrics(node, region string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	labels := prometheus.Labels{"node": node, "region": region}
	reg := prometheus.WrapRegistererWith(labels, m.registry)
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mirrornet_requests_total",
		Help: "Requests answered, by action, cache (hit or RFC 9211 fwd token), tier and status class."},
		[]string{"action", "cache", "tier", "status"})
	m.endpoints = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mirrornet_endpoint_requests_total",
		Help: "Requests to the API, by catalogue endpoint, cache (hit or RFC 9211 fwd token) and tier."},
		[]string{"endpoint", "cache", "tier"})
	m.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "mirrornet_request_duration_seconds",
		Help:    "Time from request head to the end of the answer, of clients' requests: not of questions about this node.",
		Buckets: []float64{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}},
		[]string{"cache"})
	m.bytes = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mirrornet_response_bytes_total",
		Help: "Body bytes sent."}, []string{"cache"})
	m.fetches = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mirrornet_fetches_total",
		Help: "Attempts to fetch from a source, by kind and result."}, []string{"kind", "source", "result"})
	reg.MustRegister(m.requests, m.endpoints, m.duration, m.bytes, m.fetches)
	m.durations = prometheus.NewRegistry()
	m.durations.MustRegister(m.duration)
	m.fetching = newFetching(reg)
	m.regions = newRegions(reg)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Request counts one answered request.
func (m *Metrics) Request(o Outcome) { m.Series(o).Add(o.Duration, o.Bytes) }

// labels are what the series of an outcome is told apart by. Of why the metrics
// say nothing, [Metrics.Sample] does.
type labels struct {
	action, cache, tier, endpoint, why string
	class                              int // of the status
}

// Series are the counters of one combination of labels, for those who count
// the same outcome many times.
type Series struct {
	of              labels
	count           atomic.Uint64
	requests, bytes prometheus.Counter
	endpoint        prometheus.Counter  // nil: of no endpoint
	duration        prometheus.Observer // nil: not of interest
}

// Series finds the counters of outcomes like o.
func (m *Metrics) Series(o Outcome) *Series {
	l := labels{o.Action, o.Cache, o.Tier, o.Endpoint, o.Why, o.Status / 100}
	if s, ok := m.series.Load(l); ok {
		return s.(*Series)
	}
	s := &Series{
		of:       l,
		requests: m.requests.WithLabelValues(l.action, l.cache, l.tier, strconv.Itoa(l.class)+"xx"),
		bytes:    m.bytes.WithLabelValues(l.cache),
	}
	if l.action != "self" {
		s.duration = m.duration.WithLabelValues(l.cache)
	}
	if l.endpoint != "" {
		s.endpoint = m.endpoints.WithLabelValues(l.endpoint, l.cache, l.tier)
	}
	if other, there := m.series.LoadOrStore(l, s); there {
		return other.(*Series)
	}
	return s
}

// Served counts the requests of clients that were served here: not those sent
// elsewhere, nor questions about this node.
func (m *Metrics) Served() (n uint64) {
	m.series.Range(func(_, v any) bool {
		if s := v.(*Series); s.of.action != "self" && s.of.action != "redirect" {
			n += s.count.Load()
		}
		return true
	})
	return n
}

// Why is that of the outcomes.
func (s *Series) Why() string { return s.of.why }

// Add counts one answer with that many body bytes. It does not allocate.
func (s *Series) Add(d time.Duration, bytes int64) {
	s.count.Add(1)
	s.requests.Inc()
	s.bytes.Add(float64(bytes))
	if s.duration != nil {
		s.duration.Observe(d.Seconds())
	}
	if s.endpoint != nil {
		s.endpoint.Inc()
	}
}

// Fetch counts one attempt to fetch. result is a status class or an error word.
func (m *Metrics) Fetch(kind, source, result string) {
	m.fetches.WithLabelValues(kind, source, result).Inc()
}

// Gauge publishes a value that is asked for at each scrape. name is the full
// metric name; labels are constant. f must be safe for concurrent use.
func (m *Metrics) Gauge(name, help string, labels map[string]string, f func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, f))
}

// Counter is Gauge for a value that only grows.
func (m *Metrics) Counter(name, help string, labels map[string]string, f func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, f))
}

// Distribution is the state of a histogram.
type Distribution struct {
	Count   uint64
	Sum     float64
	Buckets map[float64]uint64 // upper bound → how many, those of smaller bounds included
}

// Histogram is Gauge for a distribution that somebody else keeps.
func (m *Metrics) Histogram(name, help string, labels map[string]string, f func() Distribution) {
	m.registry.MustRegister(histogram{prometheus.NewDesc(name, help, nil, labels), f})
}

type histogram struct {
	desc *prometheus.Desc
	read func() Distribution
}

func (h histogram) Describe(c chan<- *prometheus.Desc) { c <- h.desc }

func (h histogram) Collect(c chan<- prometheus.Metric) {
	d := h.read()
	c <- prometheus.MustNewConstHistogram(h.desc, d.Count, d.Sum, d.Buckets)
}

// Handler serves the metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// LogAccess writes one line for one answered request.
func LogAccess(l *slog.Logger, o Outcome) {
	attrs := make([]slog.Attr, 0, 20)
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	if o.Client.IsValid() {
		add("client", o.Client.String())
	}
	add("country", o.Country)
	add("method", o.Method)
	add("host", o.Host)
	add("target", o.Target)
	add("endpoint", o.Endpoint)
	attrs = append(attrs, slog.Int("status", o.Status), slog.Int64("bytes", o.Bytes),
		slog.Float64("ms", float64(o.Duration.Microseconds())/1000))
	add("action", o.Action)
	add("region", o.Region)
	add("nearest", o.Nearest)
	add("reason", o.Reason)
	add("cache", o.Cache)
	add("tier", o.Tier)
	add("source", o.Source)
	l.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
}

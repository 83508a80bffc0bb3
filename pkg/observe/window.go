package observe

import (
	"sync"
	"time"
)

const (
	// windowFor is how far back a Window reaches. It is looked at about every
	// SampleEvery.
	windowFor   = time.Minute
	SampleEvery = 5 * time.Second
)

// Window is what was counted over the last minute, or since the first sample.
type Window struct {
	At       time.Time
	Span     time.Duration     // 0: nothing to compare with yet
	Requests uint64            // of clients: questions about the node itself are none
	API      uint64            // of those, the ones that were served or passed on
	Hits     map[string]uint64 // of those, the ones that came from store, by tier
	Reasons  map[string]uint64 // of Requests, by [Outcome].Why
	P50, P99 time.Duration     // to the end of the answer; 0: no request
}

// windows keeps samples, the oldest first.
type windows struct {
	mu      sync.Mutex // guards samples
	samples []sample
}

// sample is what was counted so far.
type sample struct {
	Window
	durations distributed
}

// distributed is a histogram: how many were no longer than each bound, and all.
type distributed struct {
	bounds []float64 // seconds
	counts []uint64
	all    uint64
}

// Sample looks at the counters, and gives what changed over the last minute.
// Call it about every [SampleEvery].
func (m *Metrics) Sample(now time.Time) Window {
	s := m.sample(now)
	w := &m.windows
	w.mu.Lock()
	defer w.mu.Unlock()
	w.samples = append(w.samples, s)
	for len(w.samples) > 2 && now.Sub(w.samples[1].At) >= windowFor {
		w.samples = w.samples[1:]
	}
	return s.since(w.samples[0])
}

func (m *Metrics) sample(now time.Time) sample {
	s := sample{Window: Window{At: now, Hits: map[string]uint64{}, Reasons: map[string]uint64{}}, durations: m.distribution()}
	m.series.Range(func(_, v any) bool {
		c := v.(*Series)
		if c.of.action == "self" {
			return true
		}
		n := c.count.Load()
		s.Requests += n
		if c.of.why != "" {
			s.Reasons[c.of.why] += n
		}
		if c.of.action == "serve" || c.of.action == "proxy" {
			s.API += n
			if c.of.cache == "hit" && c.of.tier != "" {
				s.Hits[c.of.tier] += n
			}
		}
		return true
	})
	return s
}

// distribution is that of all durations so far.
func (m *Metrics) distribution() (d distributed) {
	families, err := m.durations.Gather()
	if err != nil {
		return d
	}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			h := metric.GetHistogram()
			d.all += h.GetSampleCount()
			for i, b := range h.GetBucket() {
				if i == len(d.counts) {
					d.bounds, d.counts = append(d.bounds, b.GetUpperBound()), append(d.counts, 0)
				}
				d.counts[i] += b.GetCumulativeCount()
			}
		}
	}
	return d
}

// since is what was counted after first.
func (s sample) since(first sample) Window {
	w := Window{At: s.At, Span: s.At.Sub(first.At), Requests: s.Requests - first.Requests, API: s.API - first.API,
		Hits: less(s.Hits, first.Hits), Reasons: less(s.Reasons, first.Reasons)}
	d := s.durations.less(first.durations)
	w.P50, w.P99 = d.quantile(0.5), d.quantile(0.99)
	return w
}

func less(now, before map[string]uint64) map[string]uint64 {
	d := map[string]uint64{}
	for k, n := range now {
		if n > before[k] {
			d[k] = n - before[k]
		}
	}
	return d
}

func (d distributed) less(before distributed) distributed {
	out := distributed{bounds: d.bounds, counts: make([]uint64, len(d.counts)), all: d.all - before.all}
	for i, n := range d.counts {
		out.counts[i] = n
		if i < len(before.counts) {
			out.counts[i] -= before.counts[i]
		}
	}
	return out
}

// quantile is a duration that a share q of all was no longer than, as if those
// of a bucket were spread evenly in it. Beyond the last bound it is that.
func (d distributed) quantile(q float64) time.Duration {
	if d.all == 0 || len(d.bounds) == 0 {
		return 0
	}
	rank, low, below := q*float64(d.all), 0.0, uint64(0)
	for i, n := range d.counts {
		if float64(n) >= rank && n > below {
			at := low + (d.bounds[i]-low)*(rank-float64(below))/float64(n-below)
			return time.Duration(at * float64(time.Second))
		}
		low, below = d.bounds[i], n
	}
	return time.Duration(low * float64(time.Second))
}

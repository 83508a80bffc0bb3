package observe

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWindow(t *testing.T) {
	m, at := NewMetrics("asia-1", "asia"), time.Unix(1e9, 0)
	count := func(n int, d time.Duration, o Outcome) {
		for range n {
			o.Duration = d
			m.Request(o)
		}
	}
	hit := Outcome{Action: "serve", Cache: "hit", Tier: "memory", Endpoint: "lookup_id", Status: 200, Why: "nearest region"}
	count(1000, time.Second, hit) // before anybody looked
	if w := m.Sample(at); w.Span != 0 || w.Requests != 0 || len(w.Hits) != 0 || w.P50 != 0 || !w.At.Equal(at) {
		t.Errorf("%+v", w)
	}
	count(80, 150*time.Microsecond, hit)
	hit.Tier, hit.Endpoint = "lane", "lookup_symbol"
	count(10, 0, hit)
	count(9, 30*time.Millisecond, Outcome{Action: "proxy", Cache: "uri-miss", Status: 200, Why: "passed on"})
	count(1, 20*time.Second, Outcome{Action: "redirect", Status: 307, Why: "page load"})
	count(5000, time.Minute, Outcome{Action: "self", Status: 200}) // such as watchers of events
	w := m.Sample(at.Add(5 * time.Second))
	if w.Span != 5*time.Second || w.Requests != 100 || w.API != 99 || !maps.Equal(w.Hits, map[string]uint64{"memory": 80, "lane": 10}) ||
		!maps.Equal(w.Reasons, map[string]uint64{"nearest region": 90, "passed on": 9, "page load": 1}) {
		t.Errorf("%+v", w)
	}
	if w.P50 != 150*time.Microsecond || w.P99 < 20*time.Millisecond || w.P99 > 50*time.Millisecond {
		t.Errorf("median %v, p99 %v", w.P50, w.P99)
	}
	for i := range 20 {
		w = m.Sample(at.Add(time.Duration(i+2) * 5 * time.Second))
		if old := i < 11; (w.Requests == 100) != old || (w.Requests == 0) == old {
			t.Errorf("after %d s: %d requests", 5*(i+2), w.Requests)
		}
	}
	if w.Span != time.Minute || len(w.Reasons) != 0 || w.P99 != 0 {
		t.Errorf("%+v", w)
	}
	if n := len(m.windows.samples); n != 13 {
		t.Errorf("%d samples are kept", n)
	}
}

// A quantile of the buckets is in the bucket of the true one.
func TestQuantile(t *testing.T) {
	bounds := []float64{.0001, .0002, .0005, .001, .1, 1, 10}
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.SliceOfN(rapid.Float64Range(0, 12), 1, 50).Draw(t, "durations")
		q := rapid.SampledFrom([]float64{0.5, 0.99}).Draw(t, "q")
		d := distributed{bounds: bounds, counts: make([]uint64, len(bounds)), all: uint64(len(seconds))}
		for _, s := range seconds {
			for i, b := range bounds {
				if s <= b {
					d.counts[i]++
				}
			}
		}
		slices.Sort(seconds)
		exact := seconds[int(math.Ceil(q*float64(len(seconds))))-1]
		i, _ := slices.BinarySearch(bounds, exact)
		low, high := 0.0, bounds[len(bounds)-1]
		if i > 0 {
			low = bounds[i-1]
		}
		if i < len(bounds) {
			high = bounds[i]
		}
		const rounding = 2e-9
		if got := d.quantile(q).Seconds(); got < low-rounding || got > high+rounding {
			t.Fatalf("quantile %v of %v is %v, not within %v and %v", q, seconds, got, low, high)
		}
	})
}

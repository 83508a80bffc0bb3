package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMetrics(t *testing.T) {
	m := NewMetrics("asia-1", "asia")
	m.Request(Outcome{Action: "serve", Cache: "hit", Tier: "memory", Status: 200, Bytes: 10, Duration: time.Millisecond})
	lane := m.Series(Outcome{Action: "serve", Cache: "hit", Tier: "lane", Endpoint: "lookup_id", Status: 200})
	if n := testing.AllocsPerRun(100, func() { lane.Add(0, 1) }); n != 0 {
		t.Errorf("%v allocations to count", n)
	}
	m.Request(Outcome{Action: "serve", Cache: "uri-miss", Status: 404})
	m.Fetch("origin", "http://o", "2xx")
	m.Gauge("mirrornet_test", "A test.", map[string]string{"a": "b"}, func() float64 { return 3 })
	m.Histogram("mirrornet_test_seconds", "A test.", map[string]string{"a": "b"}, func() Distribution {
		return Distribution{Count: 3, Sum: 1.5, Buckets: map[float64]uint64{0.1: 2}}
	})
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`mirrornet_requests_total{action="serve",cache="hit",node="asia-1",region="asia",status="2xx",tier="memory"} 1`,
		`mirrornet_requests_total{action="serve",cache="uri-miss",node="asia-1",region="asia",status="4xx",tier=""} 1`,
		`mirrornet_requests_total{action="serve",cache="hit",node="asia-1",region="asia",status="2xx",tier="lane"} 101`,
		`mirrornet_endpoint_requests_total{cache="hit",endpoint="lookup_id",node="asia-1",region="asia",tier="lane"} 101`,
		`mirrornet_response_bytes_total{cache="hit",node="asia-1",region="asia"} 111`,
		`mirrornet_fetches_total{kind="origin",node="asia-1",region="asia",result="2xx",source="http://o"} 1`,
		`mirrornet_test{a="b"} 3`,
		`mirrornet_test_seconds_bucket{a="b",le="0.1"} 2`,
		`mirrornet_test_seconds_count{a="b"} 3`,
	} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("no line %s", want)
		}
	}
}

func TestAccessLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		b := NewBuffer(&out)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		l := NewLogger(b, false, slog.LevelInfo)
		LogAccess(l, Outcome{Client: netip.MustParseAddr("133.39.1.1"), Method: "GET", Target: "/x\n\"y", Status: 200, Duration: 1500 * time.Microsecond, Cache: "hit"})
		if out.Len() != 0 {
			t.Error("written at once")
		}
		go func() { done <- b.Run(ctx) }()
		<-time.After(time.Second)
		synctest.Wait()
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line["client"] != "133.39.1.1" || line["ms"] != 1.5 || line["target"] != "/x\n\"y" || line["cache"] != "hit" || line["region"] != nil {
			t.Errorf("%v", line)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

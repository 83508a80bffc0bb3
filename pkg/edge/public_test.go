package edge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mirrornet/pkg/status"
)

// The stream of events is this node's own by whatever name it is asked, and can
// be written bit by bit; what it takes is in no histogram.
func TestEventsAreOwn(t *testing.T) {
	s := newEdge(t, func(c *Config) {
		c.Events = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "event: report\n")
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		})
		c.Complete = func(r status.Report) status.Report {
			r.Events = []status.Event{{Seq: 1, Text: "something"}}
			r.Nodes[0].Figures = &status.Figures{Requests: 3}
			return r
		}
	})
	for _, host := range []string{"rest.test", "asia.test", "127.0.0.1"} {
		w := s.ask("GET", "/-/events", "", "X-Forwarded-For", "133.39.1.1", "Host", host, "Accept", "text/html", "Sec-Fetch-Mode", "navigate")
		if w.Code != 200 || w.Body.String() != "event: report\n" || !w.Flushed {
			t.Errorf("%s: %d %s", host, w.Code, w.Body)
		}
	}
	m := httptest.NewRecorder()
	s.edge.Metrics.Handler().ServeHTTP(m, httptest.NewRequest("GET", "/metrics", nil))
	if text := m.Body.String(); !strings.Contains(text, `mirrornet_requests_total{action="self",cache="",node="europe-1",region="europe",status="2xx",tier=""} 3`) ||
		strings.Contains(text, `mirrornet_request_duration_seconds_count{`) {
		t.Errorf("%s", text)
	}
	// Reports are whole, but for other nodes that ask.
	for query, want := range map[string]int{"": 2, "?own": 1} {
		var r status.Report
		if err := json.Unmarshal(s.ask("GET", "/-/status.json"+query, "").Body.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Nodes) != want || r.Nodes[0].Figures == nil || len(r.Events) != want-1 || (len(r.Nearest) > 0) != (want == 2) {
			t.Errorf("%q: %+v", query, r)
		}
	}
}

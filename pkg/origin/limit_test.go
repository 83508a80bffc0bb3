package origin

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ratelimit"
	"mirrornet/pkg/vouch"
)

// TestLimits: who is counted as whom, and what they are told.
func TestLimits(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 59, 57, 500e6, time.UTC)
	keys, err := vouch.New([][]byte{[]byte("a key of the edges")})
	if err != nil {
		t.Fatal(err)
	}
	l, err := ratelimit.New(ratelimit.Config{Windows: ratelimit.Ensembl(3, 0), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	h, err := New(Config{Modules: []ensembl.Module{testModule()}, Genome: tiny(t), Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Rate: LimitConfig{Limiter: l, Edges: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, EdgeKeys: keys,
			Exempt: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Now: func() time.Time { return now }}})
	if err != nil {
		t.Fatal(err)
	}
	as := func(client string) string { return keys.Sign(netip.MustParseAddr(client), now) }
	self := keys.Sign(netip.Addr{}, now)
	for i, tc := range []struct {
		from, field, target string
		code                int
		remaining           string
	}{
		{"192.0.2.1", "", "/thing/a", 200, "2"},
		{"192.0.2.1", "", "/thing/none", 404, "1"}, // errors count
		{"192.0.2.1", "", "/-/healthz", 200, ""},   // the origin's own does not
		{"10.1.1.1", as("192.0.2.1"), "/thing/a", 200, "0"},
		{"10.1.1.1", as("192.0.2.1"), "/thing/a", 429, "0"},
		{"192.0.2.1", "", "/thing/a", 429, "0"},
		{"192.0.2.1", as("192.0.2.9"), "/thing/a", 429, "0"}, // only edges may speak for others
		{"192.0.2.9", "", "/thing/a", 200, "2"},
		{"10.1.1.1", self, "/thing/a", 200, ""},                                               // the edge itself
		{"10.1.1.1", "", "/thing/a", 200, ""},                                                 // too, and the log is told
		{"10.1.1.2", strings.Replace(as("192.0.2.9"), "2.9", "2.8", 1), "/thing/a", 200, "2"}, // forged: that address itself
		{"198.51.100.7", "", "/thing/a", 200, ""},
		{"10.1.1.1", as("198.51.100.7"), "/thing/a", 200, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, tc.target, nil)
		r.RemoteAddr = tc.from + ":99"
		r.Header.Set("Accept", "application/json")
		if tc.field != "" {
			r.Header.Set(vouch.Field, tc.field)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tc.code || w.Header().Get("X-RateLimit-Remaining") != tc.remaining {
			t.Errorf("request %d: %d, remaining %q; want %d, %q", i+1, w.Code, w.Header().Get("X-RateLimit-Remaining"), tc.code, tc.remaining)
		}
		if tc.remaining != "" && (w.Header().Get("X-RateLimit-Limit") != "3" || w.Header().Get("X-RateLimit-Reset") != "3" || w.Header().Get("X-RateLimit-Period") != "3600") {
			t.Errorf("request %d: %v", i+1, w.Header())
		}
		if tc.code == 429 && (w.Header().Get("Retry-After") != "3" || w.Header().Get("Cache-Control") != "no-store" || !strings.HasPrefix(w.Body.String(), "You have exceeded")) {
			t.Errorf("request %d: %v %s", i+1, w.Header(), w.Body)
		}
	}
	if n := strings.Count(log.String(), "an edge does not say"); n != 1 {
		t.Errorf("the log was told %d times, want once a minute:\n%s", n, log.String())
	}
}

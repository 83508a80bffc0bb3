package mirrortest

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/apispec"
)

// TestCatalogue: an edge stores every endpoint as the catalogue says: its
// answer to every example, in every format that can be asked for, for as long
// as its statement says, each under its own key.
func TestCatalogue(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts seven processes")
	}
	n := Start(t)
	c, err := apispec.Decode(strings.NewReader(n.Get(origin, apispec.WellKnown).Text))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(port int, e *apispec.Endpoint, target, format, body string) *Reply {
		t.Helper()
		fields := []string{"Accept", format}
		if e.Method == http.MethodPost {
			fields = append(fields, "Content-Type", "application/json")
		}
		r, err := n.Ask(e.Method, port, target, body, fields...)
		if err != nil {
			t.Fatalf("%s %s: %v", e.Method, target, err)
		}
		return r
	}
	answers, shown := 0, map[string]bool{}
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		for _, x := range e.Examples {
			for _, format := range e.Formats {
				name := e.Method + " " + x.Target + " as " + format
				want := ask(origin, e, x.Target, format, x.Body)
				first := ask(europe, e, x.Target, format, x.Body)
				second := ask(europe, e, x.Target, format, x.Body)
				if want.StatusCode != 200 { // a format that this example has not
					if x.ContentType == format {
						t.Errorf("%s: the origin says %d %s", name, want.StatusCode, want.Text)
					}
					continue
				}
				answers++
				shown[e.ID] = true
				for _, got := range []*Reply{first, second} {
					if got.StatusCode != 200 || got.Text != want.Text || got.Header.Get("Content-Type") != want.Header.Get("Content-Type") ||
						got.Header.Get("ETag") != want.Header.Get("ETag") || got.Header.Get("Cache-Control") != e.Freshness.CacheControl(200) {
						t.Errorf("%s: %d, another answer than the origin's: %v", name, got.StatusCode, got.Header)
					}
				}
				hit := second.CacheStatus()
				if e.Freshness.MaxAge == 0 { // of now alone
					if strings.Contains(hit, "stored") || strings.Contains(hit, "; hit") {
						t.Errorf("%s: %s, want nothing stored", name, hit)
					}
					continue
				}
				_, ttl, _ := strings.Cut(hit, "ttl=")
				left, err := strconv.Atoi(strings.TrimSpace(strings.Split(ttl, ";")[0]))
				if !strings.Contains(hit, "; hit") || err != nil || left > e.Freshness.MaxAge || left < e.Freshness.MaxAge-int(time.Minute/time.Second) {
					t.Errorf("%s: Cache-Status %q, want a hit that is fresh for %d s", name, hit, e.Freshness.MaxAge)
				}
			}
		}
		if !shown[e.ID] {
			t.Errorf("%s: no example is answered", e.ID)
		}
	}
	t.Logf("%d answers of %d endpoints", answers, len(shown))
}

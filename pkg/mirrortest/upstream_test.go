package mirrortest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// TestUpstream runs the network before an API that exists, and ends that API.
func TestUpstream(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts seven processes")
	}
	var mu sync.Mutex // guards asked
	asked := map[string]int{}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.URL.Path]++
		mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-RateLimit-Limit", "55000")
		w.Header().Set("X-RateLimit-Remaining", "54000")
		w.Header().Set("X-RateLimit-Reset", "1800")
		w.Header().Set("X-RateLimit-Period", "3600")
		fmt.Fprintf(w, `{"path":%q}`, r.URL.Path)
	}))
	defer api.Close()
	n := Start(t, "-upstream", api.URL)
	target := "/lookup/id/ENSG00000157764"
	for _, port := range []int{origin, europe, asia, useast, europe, asia, useast} {
		r := n.Get(port, target)
		if r.StatusCode != 200 || !strings.Contains(r.Text, target) || r.Header.Get("X-RateLimit-Limit") != "" {
			t.Errorf("%d: %d %v %s", port, r.StatusCode, r.Header, r.Text)
		}
	}
	mu.Lock()
	if asked[target] != 1 {
		t.Errorf("the API was asked %d times, want once: %v", asked[target], asked)
	}
	mu.Unlock()
	api.Close()
	for _, port := range []int{origin, europe, asia, useast} {
		if r := n.Get(port, target); r.StatusCode != 200 || !strings.Contains(r.Text, target) {
			t.Errorf("without the API: %d: %d %s", port, r.StatusCode, r.Text)
		}
	}
	if r := n.Get(origin, "/lookup/id/ENSG00000139618"); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("what nobody has: %d %s", r.StatusCode, r.Text)
	}
}

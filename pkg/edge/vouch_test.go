package edge

import (
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrornet/pkg/vouch"
)

// limited makes the origin give each client a number of answers.
func (s *setup) limited(keys *vouch.Keys, each int) {
	var mu sync.Mutex
	taken := map[netip.Addr]int{}
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		client, err := keys.Verify(r.Header.Get(vouch.Field), time.Now())
		if err != nil || !client.IsValid() {
			w.WriteHeader(http.StatusTeapot) // the edge does not say for whom it asks
			return
		}
		mu.Lock()
		taken[client]++
		n := taken[client]
		mu.Unlock()
		w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(0, each-n)))
		if n > each {
			w.Header().Set("Retry-After", "7")
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusTooManyRequests)
			io.WriteString(w, "enough")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{}`)
	})
}

// TestLimitsAreTheClients: with a key shared with the origin, what it says of
// limits is said of the client: only what is forwarded counts, and one
// client's 429 is nobody else's.
func TestLimitsAreTheClients(t *testing.T) {
	keys, err := vouch.New([][]byte{[]byte("secret of edges and origin")})
	if err != nil {
		t.Fatal(err)
	}
	s := newEdge(t, func(c *Config) { c.ClientKeys = func() *vouch.Keys { return keys } })
	s.limited(keys, 2)
	// What a client writes itself goes no further than this node.
	forged := keys.Sign(netip.MustParseAddr("203.0.113.1"), time.Now())
	as := func(client, target string) (int, string, string) {
		w := s.ask("GET", target, "", "X-Forwarded-For", client, vouch.Field, forged)
		return w.Code, w.Header().Get("X-RateLimit-Remaining"), w.Header().Get("Retry-After")
	}
	for i, tc := range []struct {
		client, target   string
		code             int
		remaining, retry string
	}{
		{"192.0.2.1", "/thing/a", 200, "1", ""},
		{"192.0.2.1", "/thing/a", 200, "", ""}, // a hit is free
		{"192.0.2.1", "/thing/b", 200, "0", ""},
		{"192.0.2.1", "/thing/c", 429, "0", "7"},
		{"192.0.2.1", "/thing/a", 200, "", ""},
		{"192.0.2.2", "/thing/c", 200, "1", ""},
		{"192.0.2.1", "/thing/c", 200, "", ""},
		{"192.0.2.1", "/other", 429, "0", "7"}, // passed on, not from a flight
		{"192.0.2.2", "/other", 200, "0", ""},
	} {
		code, remaining, retry := as(tc.client, tc.target)
		if code != tc.code || remaining != tc.remaining || retry != tc.retry {
			t.Errorf("request %d, %s %s: %d, remaining %q, retry %q; want %d, %q, %q", i+1, tc.client, tc.target, code, remaining, retry, tc.code, tc.remaining, tc.retry)
		}
	}
}

// TestRefusalIsNotShared: of two who wait for one fetch, the refusal of the
// one whose request it was does not reach the other.
func TestRefusalIsNotShared(t *testing.T) {
	keys, err := vouch.New([][]byte{[]byte("secret of edges and origin")})
	if err != nil {
		t.Fatal(err)
	}
	s := newEdge(t, func(c *Config) { c.ClientKeys = func() *vouch.Keys { return keys } })
	var first sync.Once
	arrived, release := make(chan struct{}), make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		refused := false
		first.Do(func() {
			close(arrived)
			<-release
			refused = true
		})
		if refused {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{}`)
	})
	codes := make([]int, 20)
	var wg sync.WaitGroup
	ask := func(i int) {
		codes[i] = s.ask("GET", "/thing/x", "", "X-Forwarded-For", "192.0.2."+strconv.Itoa(i)).Code
	}
	wg.Go(func() { ask(0) })
	<-arrived
	for i := range codes[1:] {
		wg.Go(func() { ask(i + 1) })
	}
	close(release)
	wg.Wait()
	for i, code := range codes {
		if want := map[bool]int{true: 429, false: 200}[i == 0]; code != want {
			t.Errorf("client %d got %d, want %d", i, code, want)
		}
	}
}

// TestLimitsWithoutKey: without a key the origin's limit is on this node.
func TestLimitsWithoutKey(t *testing.T) {
	s := newEdge(t)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(vouch.Field) != "" {
			t.Error("the origin got the client's own field")
		}
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	for _, target := range []string{"/thing/x", "/other"} {
		w := s.ask("GET", target, "", vouch.Field, "v=1; t=1; client=192.0.2.1; sig=")
		if w.Code != 503 || w.Header().Get("Retry-After") != "7" || w.Header().Get("X-RateLimit-Remaining") != "" || !strings.Contains(w.Body.String(), "origin takes no more") {
			t.Errorf("%s: %d %v %s", target, w.Code, w.Header(), w.Body)
		}
	}
}

package edge

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Those who waited for an answer that is not for sharing ask all at once, and
// for a while nobody waits for such an answer.
func TestUnstorableReleasesAll(t *testing.T) {
	s := newEdge(t, plainMode)
	const clients = 50
	var inside atomic.Int32
	leader, all := make(chan struct{}), make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		switch n := inside.Add(1); n {
		case 1:
			<-leader
		case clients: // every other one is in here at the same time
			close(all)
		default:
			<-all
		}
		fmt.Fprint(w, r.Header.Get("X-Client"))
	})
	var wg sync.WaitGroup
	var good, waiting atomic.Int32
	for i := range clients {
		wg.Go(func() {
			waiting.Add(1)
			if w := s.ask("GET", "/own", "", "X-Client", fmt.Sprint(i)); w.Code == 200 && w.Body.String() == fmt.Sprint(i) {
				good.Add(1)
			}
		})
	}
	until(t, func() bool { return waiting.Load() == clients && inside.Load() > 0 })
	close(leader)
	wg.Wait()
	if good.Load() != clients || inside.Load() != clients {
		t.Errorf("%d of %d got an answer of their own, origin asked %d times", good.Load(), clients, inside.Load())
	}

	both := make(chan struct{})
	var second atomic.Int32
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if second.Add(1) == 2 {
			close(both)
		}
		<-both
	})
	for range 2 {
		wg.Go(func() { s.ask("GET", "/own", "") })
	}
	wg.Wait() // neither waited for the other
}

// What is not stored because of one client's own fields does not part the
// others.
func TestOneClientDoesNotPartTheOthers(t *testing.T) {
	for _, field := range [][2]string{{"Cache-Control", "no-store"}, {"Authorization", "Basic x"}} {
		s := newEdge(t, plainMode)
		var inside atomic.Int32
		release := make(chan struct{})
		s.origin.set(func(w http.ResponseWriter, r *http.Request) {
			inside.Add(1)
			<-release
			w.Header().Set("Cache-Control", "max-age=60")
			io.WriteString(w, r.Header.Get("Authorization"))
		})
		var wg sync.WaitGroup
		wg.Go(func() { s.ask("GET", "/x", "", field[0], field[1]) })
		until(t, func() bool { return inside.Load() == 1 })
		var good, begun atomic.Int32
		for range 200 {
			wg.Go(func() {
				begun.Add(1)
				if w := s.ask("GET", "/x", ""); w.Code == 200 && w.Body.String() == "" {
					good.Add(1)
				}
			})
		}
		until(t, func() bool { return begun.Load() == 200 && inside.Load() > 1 })
		close(release)
		wg.Wait()
		if good.Load() != 200 || inside.Load() != 2 {
			t.Errorf("%s: %d of 200 answers are right, origin asked %d times, want 2", field[0], good.Load(), inside.Load())
		}
	}
}

// Of those who wait, each variant's make one fetch.
func TestVariantsAreNotMixed(t *testing.T) {
	s := newEdge(t, plainMode)
	var asked atomic.Int32
	release := make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			<-release
		}
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "Accept-Language")
		fmt.Fprint(w, r.Header.Get("Accept-Language"))
	})
	var wg sync.WaitGroup
	var good, waiting atomic.Int32
	for i := range 300 {
		wg.Go(func() {
			lang := [...]string{"en", "fr", "de"}[i%3]
			waiting.Add(1)
			if w := s.ask("GET", "/x", "", "Accept-Language", lang); w.Body.String() == lang {
				good.Add(1)
			}
		})
	}
	until(t, func() bool { return waiting.Load() == 300 && asked.Load() > 0 })
	close(release)
	wg.Wait()
	// Who looked before an answer was stored and comes when its flight has just ended asks once more.
	if good.Load() != 300 || asked.Load() < 3 || asked.Load() > 6 {
		t.Errorf("%d of 300 got their variant, origin asked %d times, want 3, or one more for each", good.Load(), asked.Load())
	}
}

// One failure is an answer for all who waited, not a reason for each to ask.
func TestFailureIsShared(t *testing.T) {
	s := newEdge(t, func(c *Config) { c.Timeout = 2 * time.Second })
	s.world.members = s.world.members[:1]
	s.edge.Refresh()
	release := make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		<-release
		panic(http.ErrAbortHandler)
	})
	var wg sync.WaitGroup
	var bad, waiting atomic.Int32
	for range 1000 {
		wg.Go(func() {
			waiting.Add(1)
			if w := s.ask("GET", "/thing/x", ""); w.Code == 502 || w.Code == 503 {
				bad.Add(1)
			}
		})
	}
	until(t, func() bool { return waiting.Load() == 1000 && s.origin.total() > 0 })
	close(release)
	wg.Wait()
	if n := s.origin.total(); bad.Load() != 1000 || n > 10 {
		t.Errorf("%d of 1000 were told, origin asked %d times", bad.Load(), n)
	}
}

// When stale copies stand in for a lost origin, each variant does for its own.
func TestStaleVariantsAreNotMixed(t *testing.T) {
	s := newEdge(t, plainMode)
	var broken atomic.Bool
	release := make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			<-release
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "Accept-Language")
		fmt.Fprint(w, r.Header.Get("Accept-Language"))
	})
	for _, lang := range []string{"en", "fr"} {
		s.ask("GET", "/x", "", "Accept-Language", lang)
	}
	s.clock.Store(int64(10 * time.Minute))
	broken.Store(true)
	var wg sync.WaitGroup
	var good, begun atomic.Int32
	for i := range 100 {
		wg.Go(func() {
			lang := [...]string{"en", "fr"}[i%2]
			begun.Add(1)
			if w := s.ask("GET", "/x", "", "Accept-Language", lang); w.Code == 200 && w.Body.String() == lang {
				good.Add(1)
			}
		})
	}
	until(t, func() bool { return begun.Load() == 100 && s.origin.total() > 2 })
	close(release)
	wg.Wait()
	if good.Load() != 100 {
		t.Errorf("%d of 100 got their variant", good.Load())
	}
}

// An unsafe request drops what is stored of its target, in all formats, and
// what was asked for before it is not stored after it.
func TestUnsafeInvalidatesCatalogueKeys(t *testing.T) {
	s := newEdge(t)
	var version atomic.Int64
	inside, release := make(chan struct{}), make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Accept"))
		switch n := version.Load(); {
		case r.Method == "PUT":
			version.Add(1)
		case r.URL.Path == "/thing/late" && n == 1:
			close(inside)
			<-release
			fmt.Fprint(w, n)
			return
		}
		fmt.Fprint(w, version.Load())
	})
	ask := func(target, accept string) string { return s.ask("GET", target, "", "Accept", accept).Body.String() }
	for _, accept := range []string{"application/json", "text/plain"} {
		ask("/thing/x?expand=1", accept)
	}
	if w := s.ask("PUT", "/thing/x?expand=1", "v"); w.Code != 200 {
		t.Fatalf("PUT: %d %s", w.Code, w.Body)
	}
	for _, accept := range []string{"application/json", "text/plain"} {
		if got := ask("/thing/x?expand=1", accept); got != "1" {
			t.Errorf("%s after PUT: %s", accept, got)
		}
	}
	done := make(chan struct{})
	go func() { ask("/thing/late", "application/json"); close(done) }()
	<-inside
	s.ask("PUT", "/thing/late", "v")
	close(release)
	<-done
	if got := ask("/thing/late", "application/json"); got != "2" {
		t.Errorf("what was asked for before the PUT was stored after it: %s", got)
	}
}

// A field that Connection takes away on the way to the origin selects no
// stored response: else one client stores what it likes for those who send it.
func TestConnectionOptionSelectsNothing(t *testing.T) {
	s := newEdge(t, plainMode)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "Accept")
		io.WriteString(w, "for "+r.Header.Get("Accept"))
	})
	s.ask("GET", "/x", "", "Accept", "application/json", "Connection", "accept")
	if w := s.ask("GET", "/x", "", "Accept", "application/json"); w.Body.String() != "for application/json" {
		t.Errorf("%q %s", w.Body, w.Header().Get("Cache-Status"))
	}
}

// An error that is shared has no cookie that was made for one.
func TestSharedErrorHasNoCookie(t *testing.T) {
	s := newEdge(t)
	var asked atomic.Int32
	release := make(chan struct{})
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		<-release
		w.Header().Set("Set-Cookie", fmt.Sprint("session=", n))
		w.WriteHeader(http.StatusNotFound)
	})
	var wg sync.WaitGroup
	var mu sync.Mutex
	cookies, begun := map[string]int{}, atomic.Int32{}
	for range 5 {
		wg.Go(func() {
			begun.Add(1)
			w := s.ask("GET", "/thing/x", "")
			mu.Lock()
			defer mu.Unlock()
			cookies[w.Header().Get("Set-Cookie")]++
		})
	}
	until(t, func() bool { return begun.Load() == 5 && asked.Load() > 0 })
	close(release)
	wg.Wait()
	for cookie, n := range cookies {
		if cookie != "" && n > 1 {
			t.Errorf("%d clients got Set-Cookie: %s", n, cookie)
		}
	}
}

// An error of one variant does not replace the others.
func TestErrorOfAVariant(t *testing.T) {
	s := newEdge(t, plainMode)
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		if r.Header.Get("Accept") == "b" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Vary", "Accept")
	})
	s.ask("GET", "/x", "", "Accept", "a")
	s.ask("GET", "/x", "", "Accept", "b")
	if w := s.ask("GET", "/x", "", "Accept", "a"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Header().Get("Cache-Status"))
	}
}

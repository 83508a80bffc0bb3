package edge

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
	"mirrornet/pkg/rendezvous"
	"mirrornet/pkg/store"
)

// parented is testMap with europe as asia's parent.
func parented(t testing.TB) *region.Map {
	t.Helper()
	regions := testMap(t).Regions()
	for i := range regions {
		if regions[i].Name == "asia" {
			regions[i].Parent = "europe"
		}
	}
	m, err := region.NewMap(region.Network{Canonical: []string{"http://rest.test"}, Home: "europe", Navigation: "redirect", API: "serve"}, regions...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ownedBy gives targets of /thing that belong to the node among those of its region.
func ownedBy(f *fleet, node string) func() string {
	next := 0
	return func() string {
		for {
			next++
			target := fmt.Sprintf("/thing/o%d", next)
			n := f.nodes[node].edge
			r := httptest.NewRequest("GET", target, nil)
			c, ok := n.catalogue.keys().Canonical(r, nil)
			if !ok {
				f.t.Fatal(target)
			}
			if owner, _ := rendezvous.Pick(c.Key, n.world.Load().local); owner == node {
				return target
			}
		}
	}
}

// most is the largest number of times that the origin was asked for one target.
func (o *testOrigin) most() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.requests {
		n = max(n, c)
	}
	return n
}

// Ten thousand keys, asked for at both nodes of a region in random order, by many at once: the origin is asked once for each.
func TestOncePerRegion(t *testing.T) {
	const keys = 10_000 / raceFactor
	f := newFleet(t, testMap(t), []string{"asia-1", "asia-2"})
	var failed, hits atomic.Int64
	ask := func(order []int) {
		var wg sync.WaitGroup
		work := make(chan int)
		for range 16 {
			wg.Go(func() {
				for i := range work {
					target := fmt.Sprintf("/thing/k%d", i/2)
					w := f.ask(fmt.Sprintf("asia-%d", 1+i%2), "GET", target, "")
					if w.Code != 200 || !strings.Contains(w.Body.String(), target+`"`) {
						failed.Add(1)
					}
					if strings.Contains(w.Header().Get("Cache-Status"), "; hit") {
						hits.Add(1)
					}
				}
			})
		}
		for _, i := range order {
			work <- i
		}
		close(work)
		wg.Wait()
	}
	ask(rand.Perm(2 * keys))
	if n, most := f.origin.total(), f.origin.most(); n != keys || most != 1 || failed.Load() > 0 {
		t.Errorf("%d keys at two nodes: the origin was asked %d times, up to %d for one; %d requests failed", keys, n, most, failed.Load())
	}
	hits.Store(0)
	ask(rand.Perm(2 * keys))
	if n := f.origin.total(); n != keys || hits.Load() != int64(2*keys) {
		t.Errorf("once more: the origin was asked %d times, %d of %d requests were hits", n, hits.Load(), 2*keys)
	}
}

// A sibling that goes away costs a request to the origin, and no answer.
func TestSiblingDies(t *testing.T) {
	f := newFleet(t, testMap(t), []string{"asia-1", "asia-2"})
	var failed, asked atomic.Int64
	var wg sync.WaitGroup
	killed := make(chan struct{})
	for worker := range 8 {
		wg.Go(func() {
			for i := range 200 {
				if worker == 0 && i == 100 {
					f.nodes["asia-2"].srv.Listener.Close()
					f.nodes["asia-2"].srv.CloseClientConnections()
					close(killed)
				}
				if i == 150 {
					<-killed
				}
				if w := f.ask("asia-1", "GET", fmt.Sprintf("/thing/w%d-%d", worker, i), ""); w.Code != 200 {
					failed.Add(1)
				}
				asked.Add(1)
			}
		})
	}
	wg.Wait()
	w := f.nodes["asia-1"].world
	w.mu.Lock()
	defer w.mu.Unlock()
	if failed.Load() > 0 || asked.Load() != 1600 || len(w.failed) == 0 || w.failed[0] != nodeID("asia-2") {
		t.Errorf("%d of %d requests failed; health was told of %d failures", failed.Load(), asked.Load(), len(w.failed))
	}
}

// One that takes connections and says nothing costs a second, and health is told; one that waits for a slow origin
// says so, and is waited for.
func TestSiblingIsSilent(t *testing.T) {
	keys := map[string]*fetch.HopKeys{"asia-1": gossipKeys(t, "a"), "asia-2": gossipKeys(t, "b")} // even where it does not believe us
	f := newFleet(t, testMap(t), []string{"asia-1", "asia-2"}, func(node string, c *Config) { c.HopKeys = func() *fetch.HopKeys { return keys[node] } })
	theirs := ownedBy(f, "asia-2")
	f.origin.set(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(siblingLife + 300*time.Millisecond):
		case <-r.Context().Done():
		}
		io.WriteString(w, "slow")
	})
	w := f.ask("asia-1", "GET", theirs(), "")
	if cs := w.Header().Values("Cache-Status"); w.Code != 200 || len(cs) != 2 || !strings.HasPrefix(cs[0], "asia-2; fwd=uri-miss") || f.origin.total() != 1 {
		t.Errorf("slow origin: %d %q, the origin was asked %d times", w.Code, cs, f.origin.total())
	}
	failed := func() int {
		n := f.nodes["asia-1"].world
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.failed)
	}
	if n := failed(); n > 0 {
		t.Errorf("slow origin: health was told of %d failures of the sibling", n)
	}
	release := make(chan struct{})
	defer close(release)
	f.nodes["asia-2"].srv.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	f.origin.set(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "quick") })
	start := time.Now()
	w = f.ask("asia-1", "GET", theirs(), "")
	if d := time.Since(start); w.Code != 200 || w.Body.String() != "quick" || d > siblingLife+time.Second || failed() != 1 {
		t.Errorf("silent sibling: %d %s after %s, health was told of %d failures", w.Code, w.Body, d, failed())
	}
}

// While a node drains, each of two may hold the other for the owner. Neither waits for the other.
func TestSiblingsHoldEachOtherForTheOwner(t *testing.T) {
	f := newFleet(t, testMap(t), []string{"asia-1", "asia-2"})
	target := ownedBy(f, "asia-1")()
	f.nodes["asia-1"].edge.Drain()
	f.nodes["asia-1"].edge.Refresh()
	arrived := make(chan struct{}, 8)
	release := make(chan struct{})
	f.origin.set(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-release
		io.WriteString(w, "x")
	})
	var wg sync.WaitGroup
	codes := make([]int, 2)
	start := time.Now()
	for i, node := range []string{"asia-1", "asia-2"} {
		wg.Go(func() { codes[i] = f.ask(node, "GET", target, "").Code })
	}
	<-arrived
	<-arrived // both, each for the other's client
	close(release)
	wg.Wait()
	if d := time.Since(start); d > 5*time.Second || codes[0] != 200 || codes[1] != 200 {
		t.Errorf("%v after %s", codes, d)
	}
}

// What any node of another region has stored is an answer when no origin is there, whichever of them is nearest.
func TestCopyAtAnotherRegionsOwner(t *testing.T) {
	for _, mode := range []Mode{Auto, None} {
		f := newFleet(t, testMap(t), []string{"asia-1", "asia-2", "europe-1"}, func(_ string, c *Config) { c.Catalogue = mode })
		f.origin.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			io.WriteString(w, "x")
		})
		const keys = 20
		for i := range keys {
			if w := f.ask(fmt.Sprintf("asia-%d", 1+i%2), "GET", fmt.Sprintf("/thing/k%d", i), ""); w.Code != 200 {
				t.Fatal(w.Code)
			}
		}
		f.origin.set(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		for i := range keys {
			for _, host := range []string{"europe.test", "rest.test"} {
				if w := f.ask("europe-1", "GET", fmt.Sprintf("/thing/k%d", i), "", "Host", host); w.Code != 200 {
					t.Errorf("%s: %s of %s, which asia has stored: %d %v", mode, fmt.Sprintf("/thing/k%d", i), host, w.Code, w.Header()["Cache-Status"])
				}
			}
		}
	}
}

func TestParent(t *testing.T) {
	f := newFleet(t, parented(t), []string{"asia-1", "asia-2", "europe-1", "europe-2"})
	const keys = 200
	for i := range keys {
		for _, node := range []string{"asia-1", "asia-2", "europe-1", "europe-2"} {
			if w := f.ask(node, "GET", fmt.Sprintf("/thing/k%d", i), ""); w.Code != 200 {
				t.Fatal(w.Code)
			}
		}
	}
	if n := f.origin.total(); n != keys {
		t.Errorf("%d keys in two regions: the origin was asked %d times", keys, n)
	}
	w := f.ask("asia-1", "GET", ownedBy(f, "asia-2")(), "")
	var caches []string
	for _, v := range w.Header().Values("Cache-Status") {
		node, rest, _ := strings.Cut(v, "; ")
		fwd, _, _ := strings.Cut(rest, ";")
		region, _, _ := strings.Cut(node, "-")
		if region == "asia" {
			region = node
		}
		caches = append(caches, region+" "+fwd)
	}
	if chain := strings.Join(caches, ", "); chain != "europe fwd=uri-miss, asia-2 fwd=uri-miss, asia-1 fwd=uri-miss" {
		t.Errorf("Cache-Status %q", chain)
	}
	if via := w.Header().Values("Via"); len(via) != len(caches) {
		t.Errorf("Via %q, Cache-Status %q", via, caches)
	}
	// A parent that is gone is passed over.
	for _, n := range []string{"europe-1", "europe-2"} {
		f.nodes[n].srv.CloseClientConnections()
		f.nodes[n].srv.Close()
	}
	before := f.origin.total()
	if w := f.ask("asia-1", "GET", "/thing/new", ""); w.Code != 200 || f.origin.total() != before+1 {
		t.Errorf("without its parent: %d, the origin was asked %d times more", w.Code, f.origin.total()-before)
	}
}

// What a sibling has had for a while is as old here as there.
func TestAgeThroughSiblings(t *testing.T) {
	var later atomic.Int64
	base := time.Now().Truncate(time.Second)
	f := newFleet(t, testMap(t), []string{"asia-1", "asia-2"}, func(_ string, c *Config) {
		c.Now = func() time.Time { return base.Add(time.Duration(later.Load())) }
	})
	f.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", base.UTC().Format(http.TimeFormat))
		io.WriteString(w, "x")
	})
	target := ownedBy(f, "asia-2")()
	if w := f.ask("asia-2", "GET", target, ""); w.Code != 200 {
		t.Fatal(w.Code)
	}
	refresh := func(d time.Duration) {
		later.Add(int64(d))
		for _, n := range f.nodes {
			n.edge.Refresh()
		}
	}
	steps := []struct {
		wait    time.Duration
		age     string
		want    []string // each in Cache-Status
		origins int
	}{
		{20 * time.Second, "20", []string{"asia-2; hit; ttl=40", "asia-1; fwd=uri-miss; fwd-status=200; ttl=40; stored"}, 1},
		{10 * time.Second, "30", []string{"asia-1; hit; ttl=30"}, 1},
		{31 * time.Second, "61", []string{"asia-1; hit; ttl=-1; detail=stale-while-revalidate"}, 1}, // nothing runs in the background
	}
	for i, s := range steps {
		refresh(s.wait)
		w := f.ask("asia-1", "GET", target, "")
		cs := strings.Join(w.Header().Values("Cache-Status"), ", ")
		if w.Header().Get("Age") != s.age || cs != strings.Join(s.want, ", ") || f.origin.total() != s.origins {
			t.Errorf("step %d: Age %q, %s; the origin was asked %d times", i, w.Header().Get("Age"), cs, f.origin.total())
		}
	}
}

// For whom siblings are not asked.
func TestAskedOfTheOrigin(t *testing.T) {
	f := newFleet(t, testMap(t), []string{"asia-1", "asia-2"})
	f.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "x")
	})
	next := ownedBy(f, "asia-2")
	siblingAsked := func(w *httptest.ResponseRecorder) bool {
		return strings.Contains(strings.Join(w.Header().Values("Via"), ","), "asia-2")
	}
	for _, tt := range []struct {
		name   string
		fields []string
		want   bool
	}{
		{"any request", nil, true},
		{"a cookie, which no key holds", []string{"Cookie", "a=b"}, true},
		{"no-cache", []string{"Cache-Control", "no-cache"}, false},
		{"max-age=0", []string{"Cache-Control", "max-age=0"}, false},
		{"Pragma", []string{"Pragma", "no-cache"}, false},
		{"no-store", []string{"Cache-Control", "no-store"}, false},
		{"credentials", []string{"Authorization", "Basic x"}, false},
		{"forwarded already", []string{"CDN-Loop", "mirrornet"}, false},
	} {
		if w := f.ask("asia-1", "GET", next(), "", tt.fields...); w.Code != 200 || siblingAsked(w) != tt.want {
			t.Errorf("%s: %d, Via %q, want sibling asked %t", tt.name, w.Code, w.Header().Values("Via"), tt.want)
		}
	}
	if w := f.ask("asia-1", "POST", "/other", "x"); siblingAsked(w) {
		t.Error("what is passed on is not asked of siblings")
	}
	// Whoever changed something through this node sees the change, whatever the sibling has stored.
	target := next()
	f.ask("asia-2", "GET", target, "")
	if w := f.ask("asia-1", "PUT", target, "new"); w.Code != 200 {
		t.Fatal(w.Code)
	}
	if w := f.ask("asia-1", "GET", target, ""); siblingAsked(w) {
		t.Errorf("after a PUT through this node: %q", w.Header().Values("Cache-Status"))
	}
}

// Plain RFC 9111, with siblings: a response that varies is stored once per variant, and not by what this network does itself.
func TestSiblingsPlain(t *testing.T) {
	f := newFleet(t, testMap(t), []string{"asia-1", "asia-2"}, func(_ string, c *Config) { plainMode(c) })
	f.origin.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Vary", "Accept-Language")
		io.WriteString(w, r.Header.Get("Accept-Language")+strings.Repeat(" compressible", 500))
	})
	for i := range 20 {
		for _, node := range []string{"asia-1", "asia-2"} {
			for _, coding := range []string{"gzip", "br", "zstd"} {
				for _, language := range []string{"en", "de"} {
					w := f.ask(node, "GET", fmt.Sprintf("/a%d", i), "", "Accept-Encoding", coding, "Accept-Language", language)
					if w.Code != 200 || w.Header().Get("Content-Encoding") != coding {
						t.Fatal(w.Code, w.Header())
					}
				}
			}
		}
	}
	if n := f.origin.total(); n != 40 {
		t.Errorf("20 targets in 2 languages: the origin was asked %d times", n)
	}
	for _, node := range []string{"asia-1", "asia-2"} { // 20 × (a record and two variants)
		if n := f.nodes[node].edge.Store.(noting).Store.(*store.Memory).Stats().Entries; n != 60 {
			t.Errorf("%s holds %d entries", node, n)
		}
	}
}

// asking is one request in a sequence, after some time.
type asking struct {
	wait   time.Duration
	node   string
	origin int // its status; 0: it is down
	want   string
}

// What a sibling has is had, stale or not, when no origin has better; and validated when it does.
func TestStaleOfASibling(t *testing.T) {
	const hour = time.Hour // past freshness and stale-while-revalidate, within stale-if-error
	for name, steps := range map[string][]asking{
		"validated through the owner": {
			{0, "asia-1", 200, "200 asia-2; fwd=uri-miss; fwd-status=200; ttl=60; stored, asia-1; fwd=uri-miss; fwd-status=200; ttl=60; stored"},
			{hour / 2, "asia-1", 200, "200 asia-2; fwd=stale; fwd-status=304; ttl=60; stored, asia-1; fwd=stale; fwd-status=304; ttl=60; stored"},
			{time.Second, "asia-2", 0, "200 asia-2; hit; ttl=59"},
		},
		"stale at the owner, origin lost": {
			{0, "asia-2", 200, "200 asia-2; fwd=uri-miss; fwd-status=200; ttl=60; stored"},
			{hour / 2, "asia-1", 0, `200 asia-2; fwd=stale; ttl=-1740; detail=stale-if-error, asia-1; fwd=uri-miss; fwd-status=200; ttl=-1740; stored`},
			{time.Second, "asia-1", 0, `200 asia-1; fwd=stale; ttl=-1741; detail=stale-if-error`},
			{time.Second, "asia-1", 200, `200 asia-2; fwd=stale; fwd-status=304; ttl=60; stored, asia-1; fwd=stale; fwd-status=304; ttl=60; stored`},
		},
		"nowhere, origin lost": {
			{0, "asia-1", 0, "503 asia-1; fwd=uri-miss; detail=failed"},
		},
		"denied by one origin": {
			{0, "asia-1", 200, "200 asia-2; fwd=uri-miss; fwd-status=200; ttl=60; stored, asia-1; fwd=uri-miss; fwd-status=200; ttl=60; stored"},
			{hour / 2, "asia-1", 404, `200 asia-1; fwd=stale; fwd-status=404; ttl=-1740; detail="404 not confirmed"`},
		},
	} {
		var later atomic.Int64
		base := time.Now().Truncate(time.Second)
		f := newFleet(t, testMap(t), []string{"asia-1", "asia-2"}, func(_ string, c *Config) {
			c.Now = func() time.Time { return base.Add(time.Duration(later.Load())) }
		})
		target := ownedBy(f, "asia-2")()
		for i, s := range steps {
			later.Add(int64(s.wait))
			f.origin.set(func(w http.ResponseWriter, r *http.Request) {
				if s.origin == 0 {
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("Date", base.Add(time.Duration(later.Load())).UTC().Format(http.TimeFormat))
				w.Header().Set("ETag", `"v1"`)
				if s.origin == 200 && r.Header.Get("If-None-Match") == `"v1"` {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				w.WriteHeader(s.origin)
				io.WriteString(w, "x")
			})
			for _, n := range f.nodes {
				for id := range n.world.states {
					n.world.states[id] = health.TargetStatus{State: health.Serving, LastOK: base.Add(24 * time.Hour)}
				}
				n.edge.Refresh()
			}
			w := f.ask(s.node, "GET", target, "")
			if got := fmt.Sprint(w.Code, " ", strings.Join(w.Header().Values("Cache-Status"), ", ")); got != s.want {
				t.Errorf("%s, step %d: %s\nwant %s", name, i, got, s.want)
			}
		}
	}
}

// A class of endpoints that this node's origins do not serve is asked of the regions that have it, before them.
func TestLostClass(t *testing.T) {
	f := newFleet(t, testMap(t), []string{"europe-1", "europe-2", "asia-1"})
	e, target := f.nodes["europe-1"].edge, ownedBy(f, "europe-1")
	for _, tt := range []struct {
		name    string
		without []string // of europe-1's origins
		asia    []string
		want    string
	}{
		{"has it", nil, nil, ""},
		{"another class", []string{"sequence"}, nil, ""},
		{"lost", []string{"thing"}, nil, "asia-1"},
		{"lost there too", []string{"thing"}, []string{"thing"}, ""},
	} {
		w := *e.world.Load()
		w.without = tt.without
		w.Status = maps.Clone(w.Status)
		there := w.Status["asia"]
		there.Without = tt.asia
		w.Status["asia"] = there
		e.world.Store(&w)
		got := f.ask("europe-1", "GET", target(), "")
		via := got.Header().Values("Via")
		if by := strings.TrimPrefix(via[0], "1.1 "); got.Code != 200 || len(via) != 1+len(tt.want)/6 || tt.want != "" && by != tt.want {
			t.Errorf("%s: %d, Via %q, want %q", tt.name, got.Code, via, tt.want)
		}
	}
}

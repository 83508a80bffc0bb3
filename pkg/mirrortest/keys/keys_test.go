// Package keys holds the property of cache keys against its oracle, the origin.
package keys

import (
	"flag"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrornet/pkg/apispec"
)

// 20,000 pairs stand in every run of the tests; a million takes minutes:
//
//	go test ./pkg/mirrortest/keys -run TestKeys -pairs 1000000 -timeout 1h -v
//
// Under the race detector, which makes all of it some ten times as slow, a
// tenth of the default is tried.
var (
	pairs = flag.Int("pairs", 0, "how many pairs to try; 0: 20,000, or 2,000 under the race detector")
	seeds = flag.Uint64("seed", 0, "makes the cases, with their numbers; 0: by the time")
	only  = flag.Int("only", -1, "the one case to try, as a failure names it")
)

const (
	round     = 20_000 // pairs that share an edge
	leastKept = 0.40   // of the pairs share a key
	leastGood = 0.50   // of the requests are answered with 200
)

type counts struct {
	pairs, shared, hits, good, asked int
	byMutation                       map[string][2]int // pairs, shared
	wrong, split, differ, again      int
}

func (c *counts) add(o counts) {
	c.pairs, c.shared, c.hits, c.good, c.asked = c.pairs+o.pairs, c.shared+o.shared, c.hits+o.hits, c.good+o.good, c.asked+o.asked
	c.wrong, c.split, c.differ, c.again = c.wrong+o.wrong, c.split+o.split, c.differ+o.differ, c.again+o.again
	for name, n := range o.byMutation {
		m := c.byMutation[name]
		c.byMutation[name] = [2]int{m[0] + n[0], m[1] + n[1]}
	}
}

// Over every entry of the catalogue: the edge answers every request as the
// origin answers that very request; requests that are only written differently
// share one stored answer; and those that the origin answers differently never
// do.
func TestKeys(t *testing.T) {
	n, seed := *pairs, *seeds
	if n == 0 {
		n = round / raceFactor
	}
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	w := newWorld(t)
	v := newValues(t, w)
	c := w.index.Catalogue()
	total := counts{byMutation: map[string][2]int{}}
	start := time.Now()
	first := 0
	if *only >= 0 {
		first, n = *only, *only+1
	}
	for from := first; from < n; from += round {
		w.renew(t)
		to := min(from+round, n)
		workers := runtime.GOMAXPROCS(0)
		parts := make([]counts, workers)
		var wg sync.WaitGroup
		for k := range workers {
			wg.Go(func() {
				parts[k].byMutation = map[string][2]int{}
				for i := from + k; i < to; i += workers {
					w.try(t, v.pair(seed, uint64(i), c), fmt.Sprintf("-seed %d -only %d", seed, i), &parts[k])
				}
			})
		}
		wg.Wait()
		for _, part := range parts {
			total.add(part)
		}
		if t.Failed() {
			break
		}
		if to%(5*round) == 0 {
			t.Logf("%d of %d, %.0f s", to, n, time.Since(start).Seconds())
		}
	}
	took := time.Since(start)
	share := func(n, of int) float64 { return float64(n) / float64(max(of, 1)) }
	t.Logf("%d pairs in %.1f s (%.0f/s): %d share a key (%.1f %%), %d of their second answers from store; %d wrong merges, %d lost ones, %d answers not the origin's; %.1f %% of the answers are 200",
		total.pairs, took.Seconds(), float64(total.pairs)/took.Seconds(), total.shared, 100*share(total.shared, total.pairs), total.hits,
		total.wrong, total.split, total.differ, 100*share(total.good, total.asked))
	if testing.Verbose() {
		for _, name := range sorted(total.byMutation) {
			m := total.byMutation[name]
			t.Logf("%-32s %7d pairs %7d share", name, m[0], m[1])
		}
	}
	if *only >= 0 || t.Failed() {
		return
	}
	if share(total.shared, total.pairs) < leastKept {
		t.Errorf("%.1f %% of the pairs share a key, want %.0f %%", 100*share(total.shared, total.pairs), 100*leastKept)
	}
	// Another pair's POST, passed on, may have dropped what it spoke of.
	if total.again > total.hits/1000 {
		t.Errorf("%d answers were stored and asked for again, beside %d hits", total.again, total.hits)
	}
	if share(total.good, total.asked) < leastGood {
		t.Errorf("%.1f %% of the answers are 200, want %.0f %%: the cases say little", 100*share(total.good, total.asked), 100*leastGood)
	}
	aliases := slices.ContainsFunc(c.Endpoints, func(e apispec.Endpoint) bool {
		return slices.ContainsFunc(e.Params, func(p apispec.Param) bool { return len(p.Aliases) > 0 })
	})
	for _, k := range keeps {
		if k.name == "alias of a parameter" && !aliases {
			continue // the catalogue states none
		}
		// The rarest is drawn some hundred times in 20,000 pairs, and in a tenth of
		// that perhaps never.
		if m := total.byMutation[k.name]; m[1] == 0 && total.pairs >= 20_000 {
			t.Errorf("no pair shared its key over %q", k.name)
		}
	}
}

func sorted(m map[string][2]int) []string {
	var names []string
	for n := range m {
		if !strings.Contains(n, " and ") {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// The origin is an oracle: asked again, with nothing remembered, it says the
// same.
func TestOracle(t *testing.T) {
	w := newWorld(t)
	v := newValues(t, w)
	for i := range uint64(500) {
		p := v.pair(1, i, w.index.Catalogue())
		if _, ok := p.b.request(); !ok {
			continue
		}
		before := w.oracle(p.b)
		w.forgetful.Store(true)
		r, _ := p.b.request()
		if after := answerOf(serve(w.origin, r), p.b); after != before {
			t.Errorf("two answers to %s\n%+v\n%+v", p.b, before, after)
		}
		w.forgetful.Store(false)
	}
}

// try asks both requests of a pair, and judges.
func (w *world) try(t *testing.T, p pair, name string, c *counts) {
	ra, oka := p.a.request()
	rb, okb := p.b.request()
	if !oka || !okb {
		t.Errorf("%s: %s: not to be sent:\n%s\n%s", name, p.mutation, p.a, p.b)
		return
	}
	c.pairs++
	ca, keyed := w.keys.Canonical(ra, []byte(p.a.body))
	cb, keyedToo := w.keys.Canonical(rb, []byte(p.b.body))
	// A body of unknown length is not waited for: such a request is passed on.
	keyed, keyedToo = keyed && ca.Key != "" && !p.a.chunked, keyedToo && cb.Key != "" && !p.b.chunked
	shared := keyed && keyedToo && ca.Key == cb.Key
	m := c.byMutation[p.mutation]
	m[0]++
	if shared {
		c.shared++
		m[1]++
	}
	c.byMutation[p.mutation] = m
	if p.keep && !shared {
		c.split++
		t.Errorf("%s: %s: two keys for one request:\n%s\n%s\n%q\n%q", name, p.mutation, p.a, p.b, ca.Key, cb.Key)
	}
	for _, x := range []struct {
		a     ask
		key   string
		keyed bool
	}{{p.a, ca.Key, keyed}, {p.b, cb.Key, keyedToo}} {
		if x.keyed {
			w.judge(t, x.a, x.key, name, c)
		}
	}
	stored := w.ask(t, p.a, ra, name, c)
	again := w.ask(t, p.b, rb, name, c)
	if !shared {
		return
	}
	if strings.Contains(again, "; hit") {
		c.hits++
	} else if (strings.Contains(stored, "; stored") || strings.Contains(stored, "; hit")) && p.b.field("Cache-Control") == "" && p.b.field("Authorization") == "" {
		c.again++
		t.Logf("%s: %s: stored, and asked for again: %s then %s:\n%s\n%s", name, p.mutation, stored, again, p.a, p.b)
	}
}

// judge holds the origin's answer to a against what it says to all others of
// the key.
func (w *world) judge(t *testing.T, a ask, key, name string, c *counts) {
	v := w.oracle(whole(a))
	if other, ok := w.meant.agrees(key, a, v); !ok {
		c.wrong++
		t.Errorf("%s: one key %q for what the origin answers differently:\n%s\n%+v\n%s\n%+v", name, key, other.first, other.answer, a, v)
	}
}

// whole is the request for the whole of what a HEAD asks of.
func whole(a ask) ask {
	if a.method == http.MethodHead {
		a.method = http.MethodGet
	}
	return a
}

// ask asks the edge, and compares its answer with what the origin says to that
// very request. It gives the edge's Cache-Status.
func (w *world) ask(t *testing.T, a ask, r *http.Request, name string, c *counts) string {
	rec := serve(w.edge, r)
	got, want := answerOf(rec, a), w.oracle(a)
	c.asked++
	if want.status == http.StatusOK {
		c.good++
	}
	if got.status != want.status || got.media != want.media || got.sum != want.sum || got.length != want.length {
		c.differ++
		q, _ := a.request()
		t.Errorf("%s: the edge answers not as the origin:\n%s\nedge   %d %s %q %.300q\norigin %d %s %.300q", name, a, got.status, got.media, rec.header["Cache-Status"], rec.body.Bytes(),
			want.status, want.media, serve(w.origin, q).body.Bytes())
	}
	return strings.Join(rec.header["Cache-Status"], ", ")
}

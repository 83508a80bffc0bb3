//go:build linux

package world

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"sync"
	"time"

	"mirrornet/pkg/status"
)

// A decision is what a node said of a client, asked every pollEvery.
type decision struct {
	at       time.Time
	node     string
	client   string // continent
	nearest  string
	action   string
	region   string // where the request would go
	isolated bool   // the node had said so before
}

const pollEvery = 100 * time.Millisecond

// watch asks nodes from within what they would do with page loads of clients,
// until its result is called, which returns the answers.
func (w *World) watch(nodes []*host, clients []home) (end func() []decision) {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var all []decision
	for _, h := range nodes {
		wg.Go(func() {
			tick := time.NewTicker(pollEvery)
			defer tick.Stop()
			for i := 0; ; i++ {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				c := clients[i%len(clients)]
				state, _ := w.report(h)
				var x status.Explanation
				at := time.Now()
				if w.ask(h, "/route?"+url.Values{"addr": {c.addr}, "navigate": {"1"}}.Encode(), &x) != nil {
					continue // it does not run
				}
				mu.Lock()
				all = append(all, decision{at, h.name, c.continent, string(x.Nearest), x.Action, string(x.Region), state.Isolated})
				mu.Unlock()
			}
		})
	}
	return func() []decision {
		stop()
		wg.Wait()
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// lastNamed is how long after begin a decision still named a region.
func lastNamed(all []decision, region string, begin time.Time) (last time.Duration, by string) {
	for _, d := range all {
		if d.nearest == region || d.region == region && d.action != "serve" {
			if after := d.at.Sub(begin); after > last {
				last, by = after, d.node
			}
		}
	}
	return last, by
}

// firstAll is how long after begin the last node began to name a region, and
// whether all did.
func firstAll(all []decision, nodes []*host, region string, begin time.Time) (took time.Duration, every bool) {
	first := map[string]time.Time{}
	for _, d := range all {
		if d.nearest == region && first[d.node].IsZero() && !d.at.Before(begin) {
			first[d.node] = d.at
		}
	}
	for _, h := range nodes {
		if first[h.name].IsZero() {
			return 0, false
		}
		took = max(took, first[h.name].Sub(begin))
	}
	return took, true
}

// A change is one of a target's state, by the log of the node that saw it.
type change struct {
	at                 time.Time
	node, target, kind string
	state              string
}

// changes are the changes of edges' states that the nodes logged since then.
func (w *World) changes(nodes []*host, since time.Time) (all []change) {
	for _, h := range nodes {
		text, err := os.ReadFile(w.at(h, "edge.log"))
		if err != nil {
			continue
		}
		known := map[string]bool{} // to this process
		for line := range bytes.Lines(text) {
			if !bytes.Contains(line, []byte(`"msg":"health: `)) {
				if bytes.Contains(line, []byte(`"msg":"serving"`)) {
					clear(known) // another process
				}
				continue
			}
			var l struct {
				Time              time.Time
				Msg, Target, Kind string
			}
			if json.Unmarshal(line, &l) != nil {
				continue
			}
			// The first verdict of a process is no change; one that was forgotten
			// and made anew is.
			if known[l.Target] && !l.Time.Before(since) {
				all = append(all, change{l.Time, h.name, l.Target, l.Kind, l.Msg[len("health: "):]})
			}
			known[l.Target] = true
		}
	}
	return all
}

// mostPerMinute is the largest number of changes of one target of a kind that
// one node saw within a minute.
func mostPerMinute(all []change, kind string) (most int, of change) {
	series := map[[2]string][]change{}
	for _, c := range all {
		if c.kind != kind {
			continue
		}
		key := [2]string{c.node, c.target}
		series[key] = append(series[key], c)
		s := series[key]
		n := 0
		for _, e := range s {
			if c.at.Sub(e.at) < time.Minute {
				n++
			}
		}
		if n > most {
			most, of = n, c
		}
	}
	return most, of
}

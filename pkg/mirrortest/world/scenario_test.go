//go:build linux

package world

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A scenario breaks something, and mends it, in each of its rounds.
type scenario struct {
	name   string
	rounds int
	run    func(*round)
}

// A round is one run of a scenario, with the clients at work.
type round struct {
	*World
	t *traffic
	f *figures
	n int // from 0
	// begin is when its requests begin: earlier ones met what the test did
	// between two rounds.
	begin time.Time
}

const (
	failover = 3 * time.Second // until nothing names what is gone
	hold     = 6 * time.Second // how long a break lasts
	patience = 3               // times the limits, where they are not held strictly
	heal     = 2 * time.Minute // damping: a minute after one break
)

var scenarios = []scenario{
	{"node killed", 20, nodeKilled},
	{"region killed", 20, regionKilled},
	{"region isolated", 3, regionIsolated},
	{"half-partition", 3, halfPartition},
	{"one link cut", 3, oneLinkCut},
	{"one-way loss", 3, oneWayLoss},
	{"slow region", 3, slowRegion},
	{"flapping link", 3, flappingLink},
	{"origins unreachable", 3, originsUnreachable},
	{"rolling restart", 3, rollingRestart},
	{"region added", 20, regionAdded},
	{"region drained", 3, regionDrained},
	{"GeoIP swapped", 3, geoSwapped},
	{"keys rotated", 3, keysRotated},
}

// in are the nodes of regions.
func (r *round) in(regions ...string) (nodes []*host) {
	for _, h := range r.nodes {
		if slices.Contains(regions, h.region) {
			nodes = append(nodes, h)
		}
	}
	return nodes
}

// but are all nodes but those of regions.
func (r *round) but(regions ...string) (nodes []*host) {
	for _, h := range r.nodes {
		if !slices.Contains(regions, h.region) {
			nodes = append(nodes, h)
		}
	}
	return nodes
}

func ends(lists ...[]*host) (s set) {
	s = set{}
	for _, l := range lists {
		for _, h := range l {
			s[h.endpoint] = true
		}
	}
	return s
}

// clientsOf are those for whom a region is the nearest.
func (r *round) clientsOf(regions ...string) (hosts []*host, of []home) {
	for i, h := range homes {
		if slices.Contains(regions, nearest(h, sites)[0]) {
			hosts, of = append(hosts, r.clients[i]), append(of, h)
		}
	}
	return hosts, of
}

// without is who is nearest to clients when regions are gone.
func without(gone ...string) func(home) []string {
	return func(h home) []string {
		for _, name := range nearest(h, sites) {
			if !slices.Contains(gone, name) {
				return []string{name}
			}
		}
		return nil
	}
}

// either accepts what was right before, too.
func either(gone ...string) func(home) []string {
	return func(h home) []string { return append(without(gone...)(h), nearest(h, sites)[0]) }
}

// kill takes nodes away: by killing the processes, or so that packets to and
// from them are swallowed. mend brings them back.
func (r *round) kill(nodes []*host, swallow bool) (mend func()) {
	if swallow {
		return r.fw.apply(effect{from: ends(nodes), both: true, block: true})
	}
	for _, h := range nodes {
		h.process().kill(syscall.SIGKILL)
	}
	return func() {
		for _, h := range nodes {
			r.startEdge(h)
		}
	}
}

// recover mends what was broken, and waits after the first round of an
// acceptance until all is as it was.
func (r *round) recover(mend func()) {
	r.keep()
	mend()
	// Who was away and is back may be used or not: how soon it is, is one figure.
	r.t.expecting(func(h home) []string { return nearest(h, withOceania()) })
	if *strict && r.n == 0 {
		r.f.add("all serving again", 0, r.settled(heal))
	}
}

// fresh starts all edges anew, so that rounds are alike: damping would keep what
// breaks again and again away for minutes.
func (w *World) fresh() {
	w.t.Helper()
	var wg sync.WaitGroup
	for _, h := range w.nodes {
		wg.Go(func() { h.process().kill(syscall.SIGKILL) })
	}
	wg.Wait()
	for _, h := range w.nodes {
		w.startEdge(h)
	}
	w.settled(heal)
}

// wait lets a break last, longer where the machine may be slow.
func (r *round) wait(d time.Duration) {
	if !*strict {
		d = d * 3 / 2
	}
	wait(d)
}

// wait lets the world go on for a while.
func wait(d time.Duration) { <-time.After(d) }

func nodeKilled(r *round) {
	victim := r.nodes[r.n/2%len(r.nodes)]
	broken := time.Now()
	mend := r.kill([]*host{victim}, r.n%2 == 1)
	r.wait(hold)
	outs := r.keep()
	r.none("clients of other regions failed", outs, not(of(victim.region)))
	r.back(outs, of(victim.region), broken)
	r.recover(mend)
}

func regionKilled(r *round) {
	victim := sites[r.n/2%len(sites)].region
	swallow := r.n%2 == 0
	_, its := r.clientsOf(victim)
	decisions := r.watch(r.but(victim), its)
	broken := time.Now()
	mend := r.kill(r.in(victim), swallow)
	r.t.expecting(without(victim))
	r.wait(hold)
	outs := r.keep()
	named, by := lastNamed(decisions(), victim, broken)
	how := "refused"
	if swallow {
		how = "swallowed"
	}
	r.logf("%s, packets %s: last named after %s, by %s", victim, how, short(named), by)
	r.f.add("last named", failover, named)
	r.none("clients of healthy regions failed", outs, not(of(victim)))
	r.back(outs, of(victim), broken)
	r.recover(mend)
}

// of says whose outcomes those of a region's clients are: of those who are
// nearest to it, or began there.
func of(region string) func(outcome) bool {
	return func(o outcome) bool { return o.entry == region || o.nearest == region }
}

func and(a, b func(outcome) bool) func(outcome) bool {
	return func(o outcome) bool { return a(o) && b(o) }
}

func not(a func(outcome) bool) func(outcome) bool { return func(o outcome) bool { return !a(o) } }

// back holds how soon some clients succeed again after a break: with a retry
// within the limit, and shown beside it without one.
func (r *round) back(outs []outcome, is func(outcome) bool, broken time.Time) {
	alone, retried := back(outs, broken, and(is, failed)), back(outs, broken, and(is, lost))
	r.f.add("failed until", 0, alone)
	r.f.add("failed in spite of a retry until", failover, retried)
	if alone > failover {
		r.logf("the last failures:%s", examples(outs, func(o outcome) bool { return is(o) && o.err != nil && o.begin.Sub(broken) > failover }, 3))
	}
	if alone == never {
		r.f.fail("round %d: clients still failed %s after the break", r.n+1, hold)
	}
}

// none holds that no request failed.
func (r *round) none(what string, outs []outcome, is func(outcome) bool) {
	if n := count(outs, and(is, failed)); n > 0 {
		r.f.fail("round %d: %s: %d of %d requests:%s", r.n+1, what, n, count(outs, is), examples(outs, and(is, failed), 3))
	}
}

func anybody(outcome) bool { return true }

func (r *round) logf(format string, args ...any) {
	r.World.t.Logf("%s %d: %s", r.f.name, r.n+1, fmt.Sprintf(format, args...))
}

// keep takes the outcomes since the last time into the figures, when all
// requests have theirs that began more than a second ago: one that hangs is
// missing otherwise.
func (r *round) keep() []outcome {
	r.t.ended(time.Now().Add(-time.Second))
	outs := slices.DeleteFunc(r.t.take(), func(o outcome) bool { return o.begin.Before(r.begin) })
	r.f.outs = append(r.f.outs, outs...)
	return outs
}

//go:build linux

package world

import (
	"fmt"
	"time"
)

// regionIsolated cuts a region off, with the clients who are nearest to it.
func regionIsolated(r *round) {
	victim := []string{"asia", "africa", "europe"}[r.n%3]
	nodes := r.in(victim)
	hosts, its := r.clientsOf(victim)
	inside := ends(nodes, hosts)
	r.t.hits.Store(true) // what no one in there has stored, no one can have
	wait(time.Second)
	r.keep()
	foreign := homes
	outer, inner := r.watch(r.but(victim), its), r.watch(nodes, foreign)
	broken := time.Now()
	mend := r.fw.apply(effect{from: inside, to: r.outside(inside), both: true, block: true})
	r.t.side.Store(&inside)
	r.t.expecting(func(h home) []string { return nearest(h, sites)[:1] })
	isolated, err := until(hold, func() error {
		for _, h := range nodes {
			if s, err := r.report(h); err != nil || !s.Isolated {
				return fmt.Errorf("%s does not know that it is isolated (%v)", h.name, err)
			}
		}
		return nil
	})
	if err != nil {
		r.f.fail("round %d: %v", r.n+1, err)
	}
	r.f.add("isolation known", 0, isolated)
	wait(hold - time.Since(broken))
	named, by := lastNamed(outer(), victim, broken)
	r.logf("%s: last named after %s, by %s", victim, short(named), by)
	r.f.add("last named", failover, named)
	for _, d := range inner() {
		if d.isolated && d.action != "serve" {
			r.f.fail("round %d: %s was isolated, and would %s a client of %s to %s", r.n+1, d.node, d.action, d.client, d.region)
		}
	}
	r.back(r.keep(), anybody, broken)
	r.t.side.Store(nil)
	r.recover(mend)
	r.t.hits.Store(false)
}

// outside are all endpoints but those.
func (r *round) outside(inside set) set {
	all := set{}
	for _, e := range r.fw.ends {
		if !inside[e] {
			all[e] = true
		}
	}
	return all
}

// halfPartition parts the world in two, each half with an origin.
func halfPartition(r *round) {
	east := []string{"europe", "africa"}
	west := []string{"asia", "useast", "samerica"}
	easterners, eastern := r.clientsOf(east...)
	_, western := r.clientsOf(west...)
	half := ends(r.in(east...), easterners, r.origins[:1])
	inEast, inWest := r.watch(r.in(east...), western), r.watch(r.in(west...), eastern)
	broken := time.Now()
	mend := r.fw.apply(effect{from: half, to: r.outside(half), both: true, block: true})
	r.t.side.Store(&half)
	wait(hold)
	var last time.Duration
	for _, side := range []struct {
		decisions []decision
		gone      []string
	}{{inEast(), west}, {inWest(), east}} {
		for _, region := range side.gone {
			named, _ := lastNamed(side.decisions, region, broken)
			last = max(last, named)
		}
	}
	r.f.add("last named across", failover, last)
	r.back(r.keep(), anybody, broken)
	r.t.side.Store(nil)
	r.recover(mend)
}

// oneLinkCut cuts two regions' nodes off from each other; all others reach
// both, so that nothing changes for clients.
func oneLinkCut(r *round) {
	pairs := [][2]string{{"europe", "asia"}, {"useast", "samerica"}, {"africa", "asia"}}
	p := pairs[r.n%len(pairs)]
	a, b := r.in(p[0]), r.in(p[1])
	mend := r.fw.apply(effect{from: ends(a), to: ends(b), both: true, block: true})
	r.undisturbed(2 * hold)
	r.recover(mend)
}

// oneWayLoss drops packets of one direction.
func oneWayLoss(r *round) {
	begin := time.Now()
	var mend func()
	fails := failed
	switch r.n % 3 {
	case 0: // one region's packets never reach another
		mend = r.fw.apply(effect{from: ends(r.in("asia")), to: ends(r.in("europe")), block: true})
	case 1: // one in ten of what a region sends, to everybody
		mend = r.fw.apply(effect{from: ends(r.in("africa")), loss: 0.1})
	default: // one in twenty of all lost, and one in ten comes twice: a client's own connection may take longer than it waits
		fails = lost
		mend = r.fw.apply(effect{loss: 0.05, repeat: 0.1})
	}
	r.undisturbedBut(2*hold, fails)
	r.steady(begin)
	r.recover(mend)
}

// slowRegion delays all that a region sends to others by half a second.
func slowRegion(r *round) {
	begin := time.Now()
	slow := ends(r.in([]string{"asia", "samerica", "europe"}[r.n%3]))
	mend := r.fw.apply(effect{from: slow, to: r.outside(slow), later: 500 * time.Millisecond})
	wait(3 * hold)
	r.none("clients failed", r.keep(), anybody)
	r.steady(begin)
	r.recover(mend)
}

// flappingLink lets all ways of a region come and go.
func flappingLink(r *round) {
	half := []time.Duration{time.Second, 3 * time.Second, 9 * time.Second}[r.n%3]
	victim := []string{"asia", "africa", "samerica"}[r.n%3]
	_, its := r.clientsOf(victim)
	decisions := r.watch(r.but(victim), its)
	begin := time.Now()
	mend := r.fw.apply(effect{from: ends(r.in(victim)), both: true, flap: func(t time.Duration) bool { return t/half%2 == 0 }})
	r.t.expecting(func(h home) []string { return append(without(victim)(h), nearest(h, sites)[0]) })
	wait(75 * time.Second)
	r.steady(begin)
	moved := 0
	last := map[string]string{}
	for _, d := range decisions() {
		key := d.node + d.client
		if last[key] != "" && last[key] != d.nearest {
			moved++
		}
		last[key] = d.nearest
	}
	r.none("clients of healthy regions failed", r.keep(), not(of(victim)))
	r.logf("%s, %s down and %s up: %d changes of decisions at %d nodes", victim, half, half, moved, len(r.but(victim)))
	r.recover(mend)
}

// steady holds that no node saw another change more than once a minute. An
// origin's state moves no client, and is only shown.
func (r *round) steady(since time.Time) {
	all := r.changes(r.nodes, since)
	most, c := mostPerMinute(all, "edge")
	ofOrigins, o := mostPerMinute(all, "origin")
	r.logf("changes within a minute: %d at most of one node (%s of %s); %d of one origin (%s of %s)", most, c.node, c.target, ofOrigins, o.node, o.target)
	if most > 1 {
		r.f.fail("round %d: %d changes of %s within a minute, in the log of %s", r.n+1, most, c.target, c.node)
	}
}

// undisturbed holds that for a while no request fails or goes elsewhere.
func (r *round) undisturbed(d time.Duration) { r.undisturbedBut(d, failed) }

// undisturbedBut is undisturbed with another idea of a failure.
func (r *round) undisturbedBut(d time.Duration, fails func(outcome) bool) {
	r.keep()
	wait(d)
	outs := r.keep()
	if n := count(outs, fails); n > 0 {
		r.f.fail("round %d: clients failed: %d of %d requests:%s", r.n+1, n, len(outs), examples(outs, fails, 3))
	}
	if n := count(outs, wrong); n > 0 {
		r.f.fail("round %d: %d of %d requests to another region:%s", r.n+1, n, len(outs), examples(outs, wrong, 3))
	}
}

// originsUnreachable hides all origins from three regions. What nobody there
// has stored comes from the others, once the origins are known to be away.
func originsUnreachable(r *round) {
	r.keep()
	broken := time.Now()
	mend := r.fw.apply(effect{from: ends(r.in("asia", "africa", "samerica")), to: ends(r.origins), both: true, block: true})
	r.wait(3 * hold)
	outs := r.keep()
	r.f.add("failed until", failover, back(outs, broken, failed))
	if n := count(outs, wrong); n > 0 {
		r.f.fail("round %d: %d of %d requests to another region:%s", r.n+1, n, len(outs), examples(outs, wrong, 3))
	}
	r.recover(mend)
}

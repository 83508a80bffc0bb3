//go:build linux

package world

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

const visible = 2 * time.Second // until a change of regions is in force everywhere

// regionAdded starts the node of a region of which no other node has a file,
// and ends it again.
func regionAdded(r *round) {
	its := homes[5:] // Oceania
	if r.n == 0 {
		r.write(r.added, nil)
		r.memcached(r.added)
	}
	text := strings.Replace(oceania.file(), "title: oceania", fmt.Sprintf("title: Oceania, as it is the %d. time", r.n+1), 1)
	r.put(r.added, "regions/oceania.yaml", text)
	r.put(r.added, "regions/europe.yaml", siteOf("europe").file()) // home must be described
	r.t.expecting(func(h home) []string { return []string{nearest(h, sites)[0], nearest(h, withOceania())[0]} })
	decisions := r.watch(r.nodes, its)
	r.startEdge(r.added)
	begin := time.Now()
	serving := begin.Add(r.within(heal, "the new node says that it serves", func() error {
		s, err := r.report(r.added)
		if err == nil && s.State != "serving" {
			err = fmt.Errorf("%s", s.State)
		}
		return err
	}))
	r.wait(hold / 2)
	took, all := firstAll(decisions(), r.nodes, oceania.region, begin)
	if !all {
		r.f.fail("round %d: not every node routes to the new region within %s", r.n+1, hold/2)
	} else {
		r.f.add("routed to everywhere", visible, took-serving.Sub(begin))
		r.f.add("since its process began", 0, took)
	}
	p := r.added.process()
	gone := r.watch(r.nodes, its)
	begin = time.Now()
	p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.done
	ended := time.Since(begin)
	r.wait(hold / 2)
	named, _ := lastNamed(gone(), oceania.region, begin)
	r.f.add("to end", 0, ended)
	r.f.add("last named since TERM", failover, named)
	r.none("clients failed", r.keep(), anybody)
	if err := os.RemoveAll(r.World.at(r.added, "state")); err != nil {
		r.f.fail("round %d: %v", r.n+1, err)
	}
}

func withOceania() []site { return append(sites[:len(sites):len(sites)], oceania) }

// regionDrained takes a region out by command, and lets it come back.
func regionDrained(r *round) {
	victim := sites[(r.n+1)%len(sites)].region
	by := r.but(victim)[r.n]
	_, its := r.clientsOf(victim)
	r.keep()
	decisions := r.watch(r.nodes, its)
	begin := time.Now()
	r.t.expecting(either(victim))
	if _, err := r.command(by, "drain", victim, "--for", "10m", "--why", "a trial"); err != nil {
		r.f.fail("round %d: %v", r.n+1, err)
	}
	said := time.Now()
	r.wait(hold)
	named, last := lastNamed(decisions(), victim, begin)
	r.logf("%s drained at %s: the command took %s, last named after %s, by %s", victim, by.name, short(said.Sub(begin)), short(named), last)
	r.f.add("last named", visible, named)
	r.t.expecting(without(victim))
	r.wait(hold / 2)
	r.t.expecting(either(victim))
	resumed := r.watch(r.nodes, its)
	begin = time.Now()
	if _, err := r.command(by, "resume", victim); err != nil {
		r.f.fail("round %d: %v", r.n+1, err)
	}
	r.wait(hold / 2)
	back, all := firstAll(resumed(), r.but(victim), victim, begin)
	if !all {
		r.f.fail("round %d: not every node routes to %s within %s of resume", r.n+1, victim, hold/2)
	}
	r.f.add("named again", visible, back)
	r.none("clients failed", r.keep(), anybody)
}

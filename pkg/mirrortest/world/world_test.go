//go:build linux

// Package world runs the real programs in a world of their own, and breaks it:
// five regions with two nodes each, two origins and a client on every
// continent, each in a network namespace, with the delays of real distances.
//
//	make e2e-world                                            all scenarios
//	go test ./pkg/mirrortest/world                            two of them, one round each
//	go test ./pkg/mirrortest/world -v -scenarios 'GeoIP.*' -rounds 1
//
// # Decisions
//
// 2026-11-25: namespaces have no names and devices are not persistent, and
// what runs in them is killed with the thread that started it: whatever becomes
// of the test, the kernel takes all of it away, and there is nothing to clean
// up from an earlier run.
//
// 2026-11-25: the forwarder is part of the test's process: it is told what to
// drop by a call and not over a socket.
//
// 2026-11-25: decisions are asked for from within each node's namespace, so
// that the figures are of the network and not of the way to it.
package world

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	which  = flag.String("scenarios", "node killed|region killed", "regular expression of the scenarios to run; .* for all")
	rounds = flag.Int("rounds", 1, "rounds of each scenario; 0: as the acceptance wants")
	dir    = flag.String("dir", "", "folder for the nodes' files and logs, kept; default: one that is removed")
	strict = flag.Bool("strict", false, "hold the limits of the acceptance; without it three times as long will do, for machines with other work")
)

// first lets the world run before other work on this machine, such as the tests
// of other packages: a world that stands still takes itself for broken. What
// threads start inherits it.
func first(t *testing.T) {
	threads, err := os.ReadDir("/proc/self/task")
	for _, d := range threads {
		if id, perr := strconv.Atoi(d.Name()); perr == nil {
			err = errors.Join(err, unix.Setpriority(unix.PRIO_PROCESS, id, -10))
		}
	}
	if err != nil {
		t.Logf("runs with the priority of everything else: %v", err)
	}
}

func TestWorld(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts 22 processes")
	}
	if why := able(); why != "" {
		t.Skip(why)
	}
	want, err := regexp.Compile("^(" + *which + ")$")
	if err != nil {
		t.Fatal(err)
	}
	first(t)
	begin := time.Now()
	w := newWorld(t)
	t.Logf("%d nodes serve after %s", len(w.nodes), short(time.Since(begin)))
	clients := w.startTraffic()
	t.Cleanup(clients.end) // before the edges end
	var all []*figures
	for _, s := range scenarios {
		if !want.MatchString(s.name) {
			continue
		}
		n := s.rounds
		if *rounds > 0 {
			n = *rounds
		}
		f := &figures{name: s.name}
		all = append(all, f)
		for i := range n {
			if f.rounds++; t.Failed() {
				break
			}
			if i > 0 || len(all) > 1 {
				w.fresh()
			}
			clients.expecting(func(h home) []string { return nearest(h, sites)[:1] })
			wait(2 * time.Second) // what is asked for again and again is stored everywhere
			r := &round{World: w, t: clients, f: f, n: i, begin: time.Now()}
			s.run(r)
			r.keep()
		}
		f.settle(*strict)
		t.Logf("%s: %d rounds, %d requests, %d failed, after %s", s.name, f.rounds, len(f.outs), count(f.outs, failed), short(time.Since(begin)))
		for what, is := range map[string]func(outcome) bool{"failed": failed, "went to another region": wrong} {
			if *strict && count(f.outs, is) > 0 {
				t.Logf("%s, some that %s:%s", s.name, what, examples(f.outs, is, 5))
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("no scenario is called %s", *which)
	}
	var b bytes.Buffer
	table(&b, all)
	fmt.Fprintf(os.Stdout, "\n%s\n%d packets carried, %d dropped; %s in all\n", &b, w.fw.carried.Load(), w.fw.dropped.Load(), short(time.Since(begin)))
	for _, f := range all {
		if len(f.failures) > 0 {
			t.Errorf("%s: %s", f.name, f.failures[0])
		}
	}
}

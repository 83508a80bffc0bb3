//go:build linux

package world

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// rollingRestart restarts one node after the other, each in order.
func rollingRestart(r *round) {
	r.t.expecting(func(h home) []string { return nearest(h, sites)[:1] })
	r.keep()
	for _, h := range r.nodes {
		begin := time.Now()
		p := h.process()
		p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(20 * time.Second):
			r.f.fail("round %d: %s did not end within 20 s of SIGTERM", r.n+1, h.name)
			p.kill(syscall.SIGKILL)
		}
		if p.err != nil {
			r.f.fail("round %d: %s ended with %v", r.n+1, h.name, p.err)
		}
		r.f.add("to end", 0, time.Since(begin))
		r.startEdge(h)
		r.f.add("all serving again", 0, r.settled(heal))
	}
	r.none("clients failed", r.keep(), anybody)
}

// geoSwapped gives all nodes another database, then a broken one, then the old.
func geoSwapped(r *round) {
	swapped := slices.Clone(homes)
	a, b := &swapped[4], &swapped[5] // Africa and Oceania change places
	a.addr, b.addr = b.addr, a.addr
	moved := func(h home) home {
		for _, s := range swapped {
			if s.addr == h.addr {
				return s
			}
		}
		return h
	}
	put := func(text string) {
		for _, h := range r.nodes {
			r.put(h, "city.mmdb", text)
		}
	}
	same := func(h home) home { return h }
	for _, database := range []struct {
		of []home
		is func(home) home // where it says that a client is
	}{{swapped, moved}, {homes, same}} {
		named := func() error {
			for _, n := range r.nodes {
				for _, h := range homes[4:] {
					var x struct{ Nearest string }
					if err := r.ask(n, "/route?addr="+h.addr, &x); err != nil || x.Nearest != nearest(database.is(h), sites)[0] {
						return fmt.Errorf("%s sends %s to %s (%v)", n.name, h.addr, x.Nearest, err)
					}
				}
			}
			return nil
		}
		text := string(geoDatabase(r.World.t, database.of))
		r.t.expecting(func(h home) []string { return []string{nearest(h, sites)[0], nearest(moved(h), sites)[0]} })
		put(text)
		r.f.add("in use", 0, r.within(heal, "the new database is in use", named))
		r.t.expecting(func(h home) []string { return nearest(database.is(h), sites)[:1] })
		put(strings.Repeat("this is no database\n", 100))
		wait(hold)
		if err := named(); err != nil {
			r.f.fail("round %d: a broken database changed something: %v", r.n+1, err)
		}
		put(text)
	}
	r.none("clients failed", r.keep(), anybody)
}

// keysRotated brings a new gossip key to all nodes, and takes the old away.
func keysRotated(r *round) {
	r.keep()
	old, fresh := strings.TrimSpace(r.keys), newKey()
	for _, list := range [][]string{{old, fresh}, {fresh, old}, {fresh}} {
		r.keys = strings.Join(list, "\n") + "\n"
		for _, h := range r.nodes {
			r.put(h, "gossip.keys", r.keys)
			h.process().cmd.Process.Signal(syscall.SIGHUP)
			wait(200 * time.Millisecond)
		}
		r.put(r.added, "gossip.keys", r.keys)
		// The next step waits until every node is known to have these keys, as
		// an operator would.
		want := prints(list)
		r.f.add("known of all", 0, r.within(20*time.Second, "edge keys list shows the new keys of all nodes", func() error {
			out, err := r.command(r.nodes[r.n], "keys", "list", "--output", "json")
			var k struct {
				Nodes []struct {
					Node string
					Keys []string
				}
			}
			if err == nil {
				err = json.Unmarshal([]byte(out), &k)
			}
			if err != nil {
				return err
			}
			n := 0
			for _, row := range k.Nodes {
				if slices.Equal(row.Keys, want) {
					n++
				}
			}
			if n != len(r.nodes) {
				return fmt.Errorf("%d of %d nodes have %v: %s", n, len(r.nodes), want, out)
			}
			return nil
		}))
		for _, h := range r.nodes {
			s, err := r.report(h)
			if err != nil {
				r.f.fail("round %d: %v", r.n+1, err)
			}
			for _, n := range s.Nodes {
				if n.Membership != "alive" && string(n.Region) != oceania.region {
					r.f.fail("round %d: %s calls %s %s", r.n+1, h.name, n.Name, n.Membership)
				}
			}
		}
	}
	r.none("clients failed", r.keep(), anybody)
}

// prints are the fingerprints of keys.
func prints(keys []string) (list []string) {
	for _, k := range keys {
		raw, _ := base64.StdEncoding.DecodeString(k)
		list = append(list, fmt.Sprintf("%x", sha256.Sum256(raw))[:8])
	}
	return list
}

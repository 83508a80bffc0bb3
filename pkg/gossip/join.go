package gossip

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// trustJoin is how long a join address counts as done although no member
	// ever had it, as behind address translation.
	trustJoin      = time.Minute
	resolveTimeout = 3 * time.Second
	// exchanges is with how many more members a node exchanges all that is known,
	// seconds after it joined. Who joins at the same time as others, as all do
	// when a network starts, may have heard of less than it was told.
	exchanges = 2
)

// seed is one join address; a name may stand for several nodes.
type seed struct {
	text, host string
	port       uint16
	addrs      map[netip.AddrPort]*seedAddr // last resolved
	failing    bool                         // and logged
}

// seedAddr is what is known of one address of a seed.
type seedAddr struct {
	seen   bool      // a member had it
	joined time.Time // last success
}

// splitJoin reads host or host:port; the default port is 7946.
func splitJoin(s string) (host string, port uint16, err error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.String(), defaultPort, nil // an IPv6 address without brackets too
	}
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		var addrErr *net.AddrError
		if errors.As(err, &addrErr) && addrErr.Err == "missing port in address" && s != "" {
			return s, defaultPort, nil
		}
		return "", 0, errors.New("write host:port, as europe-1.example.org:7946")
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 || host == "" {
		return "", 0, errors.New("write host:port, as europe-1.example.org:7946")
	}
	return host, uint16(n), nil
}

// join keeps this node joined until ctx ends: it tries the join addresses that
// no living member has, all of them while it is alone or its name is held by
// another address, and now and then a member that died.
func (g *Gossip) join(ctx context.Context) {
	var seeds []*seed
	for _, s := range g.conf.Join {
		host, port, _ := splitJoin(s) // New checked it
		seeds = append(seeds, &seed{text: s, host: host, port: port})
	}
	wait := g.conf.joinMin
	contested := false
	again := exchanges // due yet
	for {
		var wg sync.WaitGroup
		var mu sync.Mutex
		failed := false
		living, dead := g.peers()
		for _, s := range seeds {
			wg.Go(func() {
				if !g.joinSeed(ctx, s, living, contested) {
					mu.Lock()
					failed = true
					mu.Unlock()
				}
			})
		}
		if len(dead) > 0 {
			wg.Go(func() { g.joinAddr(dead[rand.N(len(dead))]) })
		}
		if len(living) == 0 {
			again = exchanges
		} else if again > 0 {
			again--
			some := slices.Collect(maps.Keys(living))
			wg.Go(func() { g.joinAddr(some[rand.N(len(some))]) })
		}
		wg.Wait()
		contested = g.members.takeContested()
		living, _ = g.peers()
		pause := g.conf.joinMax / 2
		if again > 0 && len(living) > 0 {
			pause = g.conf.joinMax / 5
		}
		if failed || contested || len(living) == 0 && len(seeds) > 0 {
			pause = wait
			wait = min(2*wait, g.conf.joinMax)
		} else {
			wait = g.conf.joinMin
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause/2 + rand.N(pause/2+1)):
		}
	}
}

// peers gives the gossip addresses of the other nodes, living and dead.
func (g *Gossip) peers() (living map[netip.AddrPort]bool, dead []netip.AddrPort) {
	living = map[netip.AddrPort]bool{}
	for _, n := range g.Nodes() {
		switch {
		case n.Self:
		case n.State == Alive || n.State == Suspect:
			living[n.Addr] = true
		case n.State == Dead:
			dead = append(dead, n.Addr)
		}
	}
	return living, dead
}

// joinSeed joins through those addresses of a seed that no living member has,
// since what is behind them may be another half of the network, and says whether
// all is well with the seed.
func (g *Gossip) joinSeed(ctx context.Context, s *seed, living map[netip.AddrPort]bool, contested bool) bool {
	due := func(a netip.AddrPort, is *seedAddr) bool {
		switch {
		case g.isSelf(a):
			return false
		case contested || len(living) == 0:
			return true
		case living[a]:
			is.seen = true
			return false
		}
		return is.seen || time.Since(is.joined) > trustJoin
	}
	anyDue := func() bool {
		for a, is := range s.addrs {
			if due(a, is) {
				return true
			}
		}
		return len(s.addrs) == 0
	}
	if !anyDue() {
		return true
	}
	err := s.resolve(ctx, g.conf.resolver)
	if err == nil {
		if !anyDue() {
			return true
		}
		var wg sync.WaitGroup
		var mu sync.Mutex // guards what follows
		well := false
		for a, is := range s.addrs {
			if !due(a, is) {
				mu.Lock()
				well = well || living[a]
				mu.Unlock()
				continue
			}
			wg.Go(func() {
				failed := g.joinAddr(a)
				mu.Lock()
				defer mu.Unlock()
				if failed != nil {
					err = failed
					return
				}
				well = true
				is.joined = time.Now()
				now, _ := g.peers()
				is.seen = is.seen || now[a]
			})
		}
		wg.Wait()
		if well {
			err = nil
		}
	}
	switch {
	case ctx.Err() != nil:
	case err == nil:
		if s.failing || len(living) == 0 {
			g.log.Info("gossip: joined", "through", s.text)
		}
		s.failing = false
	case !s.failing:
		s.failing = true
		g.log.Warn("gossip: cannot join, trying on", "through", s.text, "err", err)
	default:
		g.log.Debug("gossip: cannot join, trying on", "through", s.text, "err", err)
	}
	return err == nil
}

func (g *Gossip) joinAddr(a netip.AddrPort) error {
	_, err := g.list.Join([]string{a.String()})
	return err
}

func (g *Gossip) isSelf(a netip.AddrPort) bool {
	listen := g.conf.Listen.Addr()
	return a == g.addr ||
		int(a.Port()) == g.transport.GetAutoBindPort() && (a.Addr() == listen || a.Addr().IsLoopback() && listen.IsUnspecified())
}

// resolve looks up the addresses of s.
func (s *seed) resolve(ctx context.Context, r *net.Resolver) error {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	ips, err := r.LookupNetIP(ctx, "ip", s.host)
	if err != nil {
		return err
	}
	addrs := map[netip.AddrPort]*seedAddr{}
	for _, ip := range ips {
		a := netip.AddrPortFrom(ip.Unmap(), s.port)
		if addrs[a] = s.addrs[a]; addrs[a] == nil {
			addrs[a] = &seedAddr{}
		}
	}
	s.addrs = addrs
	return nil
}

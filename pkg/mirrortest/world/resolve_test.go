//go:build linux

package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	nextServer  = 400 * time.Millisecond // until the next name server is asked too
	resolveTime = 3 * time.Second
)

// A resolver is a recursive one at a host: it asks the edges' name servers and
// keeps each answer for its TTL, shared by all who ask it.
type resolver struct {
	w    *World
	at   *host
	mu   sync.Mutex // guards kept
	kept map[string]kept
}

type kept struct {
	addrs []netip.Addr
	until time.Time
}

// resolve gives the addresses of a name, as the first server says that answers:
// the nearest is asked first, as resolvers do, and each other a little after
// the one before it.
func (r *resolver) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	r.mu.Lock()
	k := r.kept[name]
	r.mu.Unlock()
	if time.Now().Before(k.until) {
		return k.addrs, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	type answer struct {
		kept
		err error
	}
	servers := slices.Clone(r.w.nodes)
	rand.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] })
	slices.SortStableFunc(servers, func(a, b *host) int {
		return cmp.Compare(oneWay(r.at.endpoint, a.endpoint), oneWay(r.at.endpoint, b.endpoint))
	})
	answers := make(chan answer, len(servers))
	next := time.NewTimer(0)
	defer next.Stop()
	var errs []error
	for asked := 0; ; {
		select {
		case <-next.C:
			h := servers[asked]
			go func() {
				k, err := r.ask(ctx, h, name)
				answers <- answer{k, err}
			}()
			if asked++; asked < len(servers) {
				next.Reset(nextServer)
			}
		case a := <-answers:
			if a.err == nil {
				r.mu.Lock()
				r.kept[name] = a.kept
				r.mu.Unlock()
				return a.addrs, nil
			}
			if errs = append(errs, a.err); len(errs) == len(servers) {
				return nil, fmt.Errorf("resolving %s: %w", name, errors.Join(errs...))
			}
			if asked < len(servers) {
				next.Reset(0)
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("resolving %s: %w", name, errors.Join(append(errs, ctx.Err())...))
		}
	}
}

// ask asks one name server over UDP.
func (r *resolver) ask(ctx context.Context, server *host, name string) (k kept, err error) {
	conn, err := r.at.ns.dial(ctx, "udp", server.addr.String()+":53")
	if err != nil {
		return k, err
	}
	defer conn.Close()
	q := &dns.Msg{}
	q.SetQuestion(name+".", dns.TypeA)
	q.SetEdns0(1232, false)
	client := &dns.Client{Timeout: resolveTime}
	a, _, err := client.ExchangeWithConnContext(ctx, q, &dns.Conn{Conn: conn})
	if err != nil {
		return k, fmt.Errorf("%s: %w", server.name, err)
	}
	k.until = time.Now().Add(time.Hour)
	for _, rr := range a.Answer {
		if rr, ok := rr.(*dns.A); ok {
			addr, _ := netip.AddrFromSlice(rr.A.To4())
			k.addrs = append(k.addrs, addr)
			if until := time.Now().Add(time.Duration(rr.Hdr.Ttl) * time.Second); until.Before(k.until) {
				k.until = until
			}
		}
	}
	if a.Rcode != dns.RcodeSuccess || len(k.addrs) == 0 {
		return k, fmt.Errorf("%s answers %s with %d addresses", server.name, dns.RcodeToString[a.Rcode], len(k.addrs))
	}
	return k, nil
}

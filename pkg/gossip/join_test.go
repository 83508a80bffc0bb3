package gossip

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// names is a DNS server on loopback for one name.
type names struct {
	mu    sync.Mutex
	addrs []netip.Addr
}

func (n *names) set(addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs = nil
	for _, a := range addrs {
		n.addrs = append(n.addrs, netip.MustParseAddr(a))
	}
}

func (n *names) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	for _, a := range n.addrs {
		h := dns.RR_Header{Name: q.Question[0].Name, Rrtype: q.Question[0].Qtype, Class: dns.ClassINET}
		switch {
		case q.Question[0].Qtype == dns.TypeA && a.Is4():
			m.Answer = append(m.Answer, &dns.A{Hdr: h, A: a.AsSlice()})
		case q.Question[0].Qtype == dns.TypeAAAA && a.Is6():
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: h, AAAA: a.AsSlice()})
		}
	}
	w.WriteMsg(m)
}

func serveNames(t *testing.T) (*names, *net.Resolver) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{}
	server := &dns.Server{PacketConn: conn, Handler: n}
	done := make(chan error, 1)
	go func() { done <- server.ActivateAndServe() }()
	t.Cleanup(func() {
		server.Shutdown()
		<-done
	})
	return n, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// All nodes have one name as their list, and it stands for all of them and for
// others that are not there. Halves that formed apart come together by it, and a
// node that moves is found where the name then points.
func TestJoinByName(t *testing.T) {
	names, resolver := serveNames(t)
	first := start(t, "a", func(c *Config) { c.Listen = netip.MustParseAddrPort("127.0.0.2:0") })
	port := first.Addr().Port()
	seed := net.JoinHostPort("gossip.mirrornet.test", netip.AddrPortFrom(netip.IPv4Unspecified(), port).String()[len("0.0.0.0:"):])
	at := func(addr string) func(*Config) {
		return func(c *Config) {
			c.Listen = netip.AddrPortFrom(netip.MustParseAddr(addr), port)
			c.Join, c.resolver = []string{seed}, resolver
		}
	}
	names.set() // no such record yet: ask on
	b := start(t, "b", at("127.0.0.3"))
	b.untilState("b", Alive)
	names.set("127.0.0.9", "::1", "127.0.0.3", "127.0.0.2")
	b.untilState("a", Alive)
	first.untilState("b", Alive)

	// The other half is c and d, who know each other already when the name points to all.
	otherNames, otherResolver := serveNames(t)
	other := func(addr string) func(*Config) {
		return func(c *Config) { at(addr)(c); c.resolver = otherResolver }
	}
	otherNames.set("127.0.0.4", "127.0.0.5")
	c := start(t, "c", other("127.0.0.4"))
	d := start(t, "d", other("127.0.0.5"))
	c.untilState("d", Alive)
	d.untilState("c", Alive)
	names.set("127.0.0.9", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
	for _, p := range []*peer{first, b, c, d} {
		for _, name := range []string{"a", "b", "c", "d"} {
			p.untilState(name, Alive)
		}
	}

	// d moves, and everybody restarts but b: b finds d by the name.
	for _, p := range []*peer{first, c, d} {
		p.kill()
	}
	for _, name := range []string{"a", "c", "d"} {
		b.untilState(name, Dead)
	}
	names.set("127.0.0.3", "127.0.0.6")
	d = start(t, "d", func(c *Config) { at("127.0.0.6")(c); c.Join = nil })
	b.until("d", "at its new address", func(n Node) bool { return n.State == Alive && n.Addr == d.Addr() })
	d.untilState("b", Alive)
}

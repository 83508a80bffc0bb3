package gossip

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"

	"mirrornet/pkg/region"
)

// maxLabel leaves room in a packet for the longest statement.
const maxLabel = 64

// Config configures [New].
type Config struct {
	// Node is this node's name, unique in the network: 1 to 64 letters, digits,
	// dots, hyphens and underscores. Required.
	Node   string
	Region region.Name // required
	// Advertise is the URL by which other edges reach this node's HTTP. Empty:
	// they do not.
	Advertise string
	// Revision says which revision of the region map this node runs, in at most
	// 120 bytes. It is called whenever it is announced, from several goroutines,
	// and must not block or call Gossip. Nil: none.
	Revision func() string
	// Digest is of what this node announces of its own region, 12 lower-case hex
	// digits, and is called as Revision is. Nil, or another text: none.
	Digest func() string
	// Answer says what this node answers to others' Ask, nil for nothing to say;
	// it is called from several goroutines. Nil: it has no answers.
	Answer func(topic string) []byte
	// OnStatement is called after the statements of a topic have changed, from
	// one goroutine of Run; changes close together make one call. Nil: nobody is told.
	OnStatement func(topic string)
	// Listen is bound for TCP and UDP; port 0 is any free one. Zero: 0.0.0.0:7946.
	Listen netip.AddrPort
	// AdvertiseAddr is where others send gossip; port 0 is Listen's. Zero:
	// Listen, or for an unspecified address the machine's first private one,
	// else its first global one.
	AdvertiseAddr netip.AddrPort
	// Join lists host or host:port of nodes to join through; it may name this
	// node too, so that all nodes can have one list. Empty: this node waits to
	// be joined.
	Join []string
	// Keys of 16, 24 or 32 bytes: the first encrypts, all decrypt. Empty:
	// plaintext, which is refused off loopback.
	Keys [][]byte
	// Label keeps networks apart that could reach each other, 64 bytes at most.
	Label string
	// Allowed lists whose gossip is listened to, this node included. Empty: everybody's.
	Allowed []netip.Prefix
	Logger  *slog.Logger // nil: no log
	// OnChange is called when Nodes has changed, from one goroutine of Run; of
	// RTT only the first counts; changes close together make one call. Nil: nobody is told.
	OnChange func()

	tune             func(*memberlist.Config)                        // for tests
	carrier          func(netip.AddrPort, *lineLog) (carrier, error) // for tests
	joinMin, joinMax time.Duration                                   // backoff between attempts; 0: 250 ms, 10 s
	resolver         *net.Resolver                                   // nil: net.DefaultResolver
	placeEvery       time.Duration                                   // how often the own coordinate may be told; 0: coordinateTime
}

// check fills in defaults and says what is wrong.
func (c *Config) check() error {
	if c.Revision == nil {
		c.Revision = func() string { return "" }
	}
	if c.Digest == nil {
		c.Digest = func() string { return "" }
	}
	if c.Answer == nil {
		c.Answer = func(string) []byte { return nil }
	}
	if c.OnStatement == nil {
		c.OnStatement = func(string) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.OnChange == nil {
		c.OnChange = func() {}
	}
	if !c.Listen.IsValid() {
		c.Listen = netip.AddrPortFrom(netip.IPv4Unspecified(), defaultPort)
	}
	c.Listen = netip.AddrPortFrom(c.Listen.Addr().Unmap(), c.Listen.Port())
	if c.joinMin <= 0 {
		c.joinMin = 250 * time.Millisecond
	}
	if c.joinMax <= 0 {
		c.joinMax = 10 * time.Second
	}
	if c.resolver == nil {
		c.resolver = net.DefaultResolver
	}
	if c.placeEvery <= 0 {
		c.placeEvery = coordinateTime
	}
	var errs []error
	fail := func(format string, a ...any) { errs = append(errs, fmt.Errorf("gossip: "+format, a...)) }
	if !validNode(c.Node) {
		fail("node name %q: write 1 to %d letters, digits, dots, hyphens and underscores, as asia-1", c.Node, maxName)
	}
	if !c.Region.Valid() {
		fail("region %q: write the name of a file in regions/, without .yaml", c.Region)
	}
	if c.Advertise != "" {
		if err := checkAdvertise(c.Advertise); err != nil {
			fail("advertise: %w", err)
		}
	}
	longest := meta{c.Region, c.Advertise, strings.Repeat("x", maxRevision), true, strings.Repeat("0", digestLen)}.encode()
	if over := len(longest) - maxMeta; over > 0 {
		fail("advertise URL of %d bytes: write at most %d, since gossip announces it in one small message", len(c.Advertise), len(c.Advertise)-over)
	}
	if len(c.Label) > maxLabel {
		fail("label of %d bytes: write at most %d", len(c.Label), maxLabel)
	}
	for _, p := range c.Allowed {
		if !p.IsValid() {
			fail("allowed: %v is no network; write one as 198.51.100.0/24", p)
		}
	}
	for _, s := range c.Join {
		if _, _, err := splitJoin(s); err != nil {
			fail("join %q: %w", s, err)
		}
	}
	if len(c.Keys) == 0 {
		for _, a := range []netip.Addr{c.Listen.Addr(), c.AdvertiseAddr.Addr()} {
			if a.IsValid() && !a.Unmap().IsLoopback() {
				fail("no keys, and %v is not a loopback address: gossip would go unencrypted, and anybody could join. "+
					"Write a key (openssl rand -base64 32) into a file, the same for all nodes, and name it as gossip.key_file; or listen on 127.0.0.1", a)
				break
			}
		}
	}
	return errors.Join(errs...)
}

// advertised gives the address that others are told; its port may be 0.
func (c *Config) advertised() (netip.AddrPort, error) {
	a := c.AdvertiseAddr.Addr().Unmap()
	if !a.IsValid() {
		a = c.Listen.Addr()
	}
	if a.IsUnspecified() {
		addrs, err := net.InterfaceAddrs()
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("gossip: own addresses: %w; set the address to advertise", err)
		}
		v4only := c.Listen.Addr().Is4()
		if a = chooseAddr(addrs, v4only); !a.IsValid() {
			return netip.AddrPort{}, fmt.Errorf("gossip: listens on %v, and this machine has no address that others could use: set the address to advertise", c.Listen)
		}
	}
	if len(c.Allowed) > 0 {
		if !slices.ContainsFunc(c.Allowed, func(p netip.Prefix) bool { n := ipNet(p); return n.Contains(a.AsSlice()) }) {
			return netip.AddrPort{}, fmt.Errorf("gossip: allowed networks %v do not hold this node's own address %v: add it", c.Allowed, a)
		}
	}
	return netip.AddrPortFrom(a, c.AdvertiseAddr.Port()), nil
}

// chooseAddr takes the first private address, else the first global one, IPv4
// before IPv6; the zero Addr where there is none.
func chooseAddr(addrs []net.Addr, v4only bool) netip.Addr {
	var best netip.Addr
	rank := func(a netip.Addr) int {
		r := 0
		if a.IsPrivate() {
			r = 2
		}
		if a.Is4() {
			r++
		}
		return r
	}
	for _, addr := range addrs {
		p, err := netip.ParsePrefix(addr.String())
		if err != nil {
			continue
		}
		a := p.Addr().Unmap()
		if !a.IsGlobalUnicast() || v4only && !a.Is4() {
			continue
		}
		if !best.IsValid() || rank(a) > rank(best) {
			best = a
		}
	}
	return best
}

func ipNet(p netip.Prefix) net.IPNet {
	a, bits := p.Addr(), p.Bits()
	if a.Is4In6() && bits >= 96 {
		a, bits = a.Unmap(), bits-96
	}
	return net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(bits, a.BitLen())}
}

package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"mirrornet/pkg/region"
)

const (
	defaultPort  = 7946
	leaveTimeout = 2 * time.Second
	gossipNodes  = 4 // told in each round of gossip, at most
	repeat       = 5 // rounds after which an update is announced once more
	retransmits  = 4 // times that a message is told, in networks below ten nodes
)

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
	// Label keeps networks apart that could reach each other, 255 bytes at most.
	Label string
	// Allowed lists whose gossip is listened to, this node included. Empty: everybody's.
	Allowed []netip.Prefix
	Logger  *slog.Logger // nil: no log
	// OnChange is called when Nodes has changed, from one goroutine of Run; of
	// RTT only the first counts; changes close together make one call. Nil: nobody is told.
	OnChange func()

	tune             func(*memberlist.Config) // for tests
	joinMin, joinMax time.Duration            // backoff between attempts; 0: 250 ms, 10 s
}

// Gossip is this node's part in the network. Its methods are safe for
// concurrent use.
type Gossip struct {
	conf      Config
	log       *slog.Logger
	list      *memberlist.Memberlist
	transport *transport
	members   *members
	ring      *memberlist.Keyring // nil: plaintext
	ringMu    sync.Mutex          // one SetKeys at a time
	addr      netip.AddrPort
	interval  time.Duration // between rounds of gossip
	leaving   atomic.Bool
	silent    atomic.Bool   // tests set it to die without leaving
	dirty     chan struct{} // capacity 1: OnChange is due
	update    chan struct{} // capacity 1: meta is to be announced
}

// New binds Listen and answers gossip from then on. Run must follow, since it
// releases what New took; where ctx ended before, that is all it does.
func New(c Config) (*Gossip, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	keys, err := checkKeys(c.Keys)
	if err != nil {
		return nil, err
	}
	advertise, err := c.advertised()
	if err != nil {
		return nil, err
	}
	g := &Gossip{
		conf: c, log: c.Logger,
		dirty:  make(chan struct{}, 1),
		update: make(chan struct{}, 1),
	}
	if len(keys) > 0 {
		if g.ring, err = memberlist.NewKeyring(nil, keys[0]); err == nil {
			err = setKeys(g.ring, keys)
		}
		if err != nil {
			return nil, err
		}
	}
	g.members = &members{
		self: c.Node, log: c.Logger, now: time.Now, meta: g.meta, nodes: map[string]*Node{},
		changed: func() { signal(g.dirty) },
	}
	lines := &lineLog{to: c.Logger, suspect: g.members.suspect, now: time.Now}
	if g.transport, err = bind(c.Listen, lines); err != nil {
		return nil, err
	}
	if advertise.Port() == 0 {
		advertise = netip.AddrPortFrom(advertise.Addr(), uint16(g.transport.GetAutoBindPort()))
	}
	g.addr = advertise

	m := memberlist.DefaultWANConfig() // changes: see Decisions
	m.GossipInterval, m.GossipNodes, m.RetransmitMult = 200*time.Millisecond, gossipNodes, retransmits
	m.ProbeInterval = 2 * time.Second
	m.ProbeTimeout = time.Second
	m.SuspicionMult = 5
	m.SuspicionMaxTimeoutMult = 3
	m.PushPullInterval = 30 * time.Second
	m.TCPTimeout = 10 * time.Second
	m.DeadNodeReclaimTime = time.Millisecond
	if c.tune != nil {
		c.tune(m)
	}
	g.interval = m.GossipInterval
	m.Name = c.Node
	m.Label = c.Label
	m.Logger = lines.logger()
	m.Transport = g.transport
	m.Keyring = g.ring
	m.BindAddr, m.BindPort = c.Listen.Addr().String(), g.transport.GetAutoBindPort()
	m.AdvertiseAddr, m.AdvertisePort = advertise.Addr().String(), int(advertise.Port())
	m.Delegate, m.Events, m.Alive, m.Ping, m.Conflict = g.members, g.members, g.members, g.members, g.members
	for _, p := range c.Allowed {
		m.CIDRsAllowed = append(m.CIDRsAllowed, ipNet(p))
	}
	if g.list, err = memberlist.Create(m); err != nil {
		g.transport.abandon()
		return nil, fmt.Errorf("gossip: %w", err)
	}
	return g, nil
}

// check fills in defaults and says what is wrong.
func (c *Config) check() error {
	if c.Revision == nil {
		c.Revision = func() string { return "" }
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
	longest := meta{c.Region, c.Advertise, strings.Repeat("x", maxRevision), true}.encode()
	if over := len(longest) - maxMeta; over > 0 {
		fail("advertise URL of %d bytes: write at most %d, since gossip announces it in one small message", len(c.Advertise), len(c.Advertise)-over)
	}
	if len(c.Label) > memberlist.LabelMaxSize {
		fail("label of %d bytes: write at most %d", len(c.Label), memberlist.LabelMaxSize)
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

// bind opens TCP and UDP on one port. For a free port it tries a few, since one
// that is free for TCP may be taken for UDP.
func bind(listen netip.AddrPort, lines *lineLog) (*transport, error) {
	tries := 1
	if listen.Port() == 0 {
		tries = 10
	}
	var err error
	for range tries {
		var t *transport
		t, err = newTransport(&memberlist.NetTransportConfig{
			BindAddrs: []string{listen.Addr().String()},
			BindPort:  int(listen.Port()),
			Logger:    lines.logger(),
		})
		if err == nil {
			return t, nil
		}
	}
	return nil, fmt.Errorf("gossip: listen on %v: %w", listen, err)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (g *Gossip) meta() meta {
	return meta{g.conf.Region, g.conf.Advertise, g.conf.Revision(), g.leaving.Load()}
}

// Addr is the address that others are told.
func (g *Gossip) Addr() netip.AddrPort { return g.addr }

// Nodes lists all nodes by name, this one included; those that died or left
// stay for ten minutes. The slice is the caller's.
func (g *Gossip) Nodes() []Node { return g.members.list() }

// Update announces this node's meta anew: call it when Revision has changed. It
// does not block.
func (g *Gossip) Update() { signal(g.update) }

// Run joins the others, however long that takes, and takes part until ctx ends.
// Then it leaves (2 s at most), so that the others see it left and not dead, and
// gives back all that New took. It may be called once, and returns nil.
func (g *Gossip) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { g.join(ctx) })
	wg.Go(func() { g.dispatch(ctx) })
	<-ctx.Done()
	g.transport.cut() // a join may hang
	wg.Wait()
	if !g.silent.Load() {
		g.leave()
	}
	return g.list.Shutdown()
}

// dispatch runs what callbacks must not.
func (g *Gossip) dispatch(ctx context.Context) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	again := time.NewTimer(0)
	again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.dirty:
			g.conf.OnChange()
		case <-g.update:
			// It fails when the broadcast did not end in time. That it was
			// queued suffices.
			_ = g.list.UpdateNode(time.Millisecond)
			again.Reset(repeat * g.interval)
		case <-again.C:
			_ = g.list.UpdateNode(time.Millisecond) // see Decisions
		case <-tick.C:
			g.members.prune()
		}
	}
}

// leave says goodbye in two steps (see Decisions): in meta, then to memberlist.
// Each waits until it was told often enough, but where all others leave at the
// same time nobody is left to tell, and memberlist would wait for ever: hence a
// limit of the rounds of gossip that it takes.
func (g *Gossip) leave() {
	others := g.list.NumMembers() - 1
	if others == 0 {
		return
	}
	end := time.Now().Add(leaveTimeout)
	rounds := time.Duration(1+(retransmits+others-1)/min(others, gossipNodes)) * g.interval
	g.leaving.Store(true)
	if err := g.list.UpdateNode(min(leaveTimeout/2, max(2*rounds, leaveTimeout/8))); err == nil && others > gossipNodes {
		// Those who heard it tell the others, before they hear of the end.
		<-time.After(2 * g.interval)
	}
	if err := g.list.Leave(min(time.Until(end), max(rounds, leaveTimeout/8))); err != nil {
		g.log.Debug("gossip: left, perhaps not heard by all", "err", err)
	}
}

package gossip

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	defaultPort  = 7946
	leaveTimeout = 2 * time.Second
	gossipNodes  = 4 // told in each round of gossip, at most
	repeat       = 5 // rounds after which an update is announced once more
	retransmits  = 8 // times that a node tells a message, in networks below ten nodes
)

// Gossip is this node's part in the network. Its methods are safe for
// concurrent use.
type Gossip struct {
	conf        Config
	log         *slog.Logger
	list        *memberlist.Memberlist
	transport   carrier
	members     *members
	ring        *memberlist.Keyring // nil: plaintext
	ringMu      sync.Mutex          // one SetKeys at a time
	addr        netip.AddrPort
	interval    time.Duration // between rounds of gossip
	leaving     atomic.Bool
	silent      atomic.Bool   // tests set it to die without leaving
	dirty       chan struct{} // capacity 1: OnChange is due
	heard       chan struct{} // capacity 1: OnStatement is due
	talk        *talk
	asks        asks
	coordinates *coordinates
	update      chan struct{} // capacity 1: meta is to be announced
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
		heard:  make(chan struct{}, 1),
		update: make(chan struct{}, 1),
		asks: asks{
			jobs: make(chan func(), askQueue), end: make(chan struct{}), waiting: map[uint64]chan answer{},
		},
	}
	if len(keys) > 0 {
		if g.ring, err = memberlist.NewKeyring(nil, keys[0]); err == nil {
			err = setKeys(g.ring, keys)
		}
		if err != nil {
			return nil, err
		}
	}
	g.talk = &talk{
		meta: g.meta, now: time.Now, table: newTable(c.Node), ask: g.hearAsk,
		changed: func() { signal(g.heard) },
		trouble: func(err error) { c.Logger.Debug("gossip: a message is not understood", "err", err) },
	}
	g.coordinates = newCoordinates()
	g.members = &members{
		self: c.Node, coordinates: g.coordinates, log: c.Logger, now: time.Now, nodes: map[string]*Node{},
		changed: func() { signal(g.dirty) },
		living: func(name string, is bool) {
			g.talk.do(func(now time.Time, t *table) { t.member(now, name, is) })
		},
	}
	lines := &lineLog{to: c.Logger, suspect: g.members.suspect, now: time.Now}
	if c.carrier == nil {
		c.carrier = bind
	}
	if g.transport, err = c.carrier(c.Listen, lines); err != nil {
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
	m.EnableCompression = false
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
	m.Delegate, m.Events, m.Alive, m.Ping, m.Conflict = g.talk, g.members, g.members, g.members, g.members
	for _, p := range c.Allowed {
		m.CIDRsAllowed = append(m.CIDRsAllowed, ipNet(p))
	}
	if g.list, err = memberlist.Create(m); err != nil {
		g.transport.abandon()
		return nil, fmt.Errorf("gossip: %w", err)
	}
	return g, nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (g *Gossip) meta() []byte {
	m := meta{g.conf.Region, g.conf.Advertise, g.conf.Revision(), g.leaving.Load(), g.conf.Digest()}
	if !validDigest(m.Digest) {
		m.Digest = ""
	}
	return m.encode()
}

// Addr is the address that others are told.
func (g *Gossip) Addr() netip.AddrPort { return g.addr }

// Nodes lists all nodes by name, this one included; those that died or left
// stay for ten minutes. The slice is the caller's.
func (g *Gossip) Nodes() []Node {
	all := g.members.list()
	for i := range all {
		if n := &all[i]; n.RTT == 0 && !n.Self {
			n.RTT = g.coordinates.between("", n.Name)
			n.Estimated = n.RTT > 0
		}
	}
	return all
}

// Update announces this node's meta anew: call it when Revision or
// Digest has changed. It
// does not block.
func (g *Gossip) Update() { signal(g.update) }

// Run joins the others, however long that takes, and takes part until ctx ends.
// Then it leaves (2 s at most), so that the others see it left and not dead, and
// gives back all that New took. It may be called once, and returns nil.
func (g *Gossip) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { g.join(ctx) })
	wg.Go(func() { g.dispatch(ctx) })
	for range askers {
		wg.Go(func() { g.sendAsks(ctx) })
	}
	<-ctx.Done()
	close(g.asks.end)
	g.transport.cut() // a join may hang
	wg.Wait()
	if !g.silent.Load() {
		g.leave()
	}
	return g.list.Shutdown()
}

// dispatch runs what callbacks must not.
func (g *Gossip) dispatch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	place := time.NewTicker(g.conf.placeEvery)
	defer place.Stop()
	again := time.NewTimer(0)
	again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.dirty:
			g.conf.OnChange()
		case <-g.heard:
			g.talk.mu.Lock()
			topics := g.talk.table.takeTopics()
			g.talk.mu.Unlock()
			for _, topic := range topics {
				if topic == coordinateTopic {
					g.hearCoordinates()
					continue
				}
				g.conf.OnStatement(topic)
			}
		case <-g.update:
			// It fails when the broadcast did not end in time. That it was
			// queued suffices.
			_ = g.list.UpdateNode(time.Millisecond)
			again.Reset(repeat * g.interval)
		case <-again.C:
			_ = g.list.UpdateNode(time.Millisecond) // see Decisions
		case <-place.C:
			g.tellCoordinate()
		case <-tick.C:
			g.members.prune()
			g.talk.do(func(now time.Time, t *table) { t.prune(now) })
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

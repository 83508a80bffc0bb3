package gossip

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"mirrornet/pkg/region"
)

// State is what a node is to gossip, in the words of SWIM.
type State string

const (
	Alive   State = "alive"
	Suspect State = "suspect" // this node's last probe of it was not answered
	Dead    State = "dead"
	Left    State = "left" // it said so
)

var errBadName = errors.New("a node's name is 1 to 64 letters, digits, dots, hyphens and underscores")

// remember is how long dead nodes and those that left are kept.
const remember = 10 * time.Minute

// Node is one node of the network as this one sees it.
type Node struct {
	Name string
	// Region and what follows up to State is empty where the node speaks a newer
	// version of this protocol, or nonsense.
	Region    region.Name
	Advertise string // URL of its HTTP for other edges
	Revision  string // of its region map
	Digest    string // of what it announces of its region; empty: nothing
	State     State
	Addr      netip.AddrPort // of its gossip
	RTT       time.Duration  // of pings, smoothed; 0: not known yet
	Estimated bool           // RTT is not measured yet, and by coordinates
	Since     time.Time      // when State began, as seen here
	Self      bool
}

// members is the table of nodes, kept from memberlist's callbacks. Those come
// with memberlist's lock held: members calls nothing of memberlist.
type members struct {
	self    string
	log     *slog.Logger
	now     func() time.Time
	changed func()                     // must not block
	living  func(name string, is bool) // takes who is alive or suspect; calls nothing here

	coordinates *coordinates

	mu        sync.Mutex // guards what follows
	nodes     map[string]*Node
	contested bool      // another address holds this node's name
	shouted   time.Time // when a conflict was logged last
}

func addrOf(n *memberlist.Node) netip.AddrPort {
	a, _ := netip.AddrFromSlice(n.Addr)
	return netip.AddrPortFrom(a.Unmap(), n.Port)
}

// put records that memberlist holds n alive.
func (m *members) put(n *memberlist.Node) {
	said, err := decodeMeta(n.Meta)
	if err != nil {
		m.log.Warn("gossip: a node's meta is not understood", "node", n.Name, "addr", addrOf(n), "err", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	node := m.nodes[n.Name]
	if node == nil {
		node = &Node{Name: n.Name, Self: n.Name == m.self}
		m.nodes[n.Name] = node
	}
	node.Region, node.Advertise, node.Revision, node.Digest = said.Region, said.Advertise, said.Revision, said.Digest
	if addr := addrOf(n); node.Addr != addr {
		node.Addr, node.RTT = addr, 0
	}
	state := Alive
	if said.Leaving {
		state = Left
	}
	m.enter(node, state)
	m.changed()
}

// enter changes a node's state. m.mu is held.
func (m *members) enter(n *Node, s State) {
	if n.State == s {
		return
	}
	n.State, n.Since = s, m.now()
	m.living(n.Name, s == Alive || s == Suspect)
	level := slog.LevelInfo
	if s == Dead || s == Suspect {
		level = slog.LevelWarn
	}
	m.log.Log(context.Background(), level, "gossip: node "+string(s), "node", n.Name, "region", string(n.Region), "addr", n.Addr)
}

func (m *members) NotifyJoin(n *memberlist.Node)   { m.put(n) }
func (m *members) NotifyUpdate(n *memberlist.Node) { m.put(n) }

// NotifyLeave says that n is dead or has left; its meta tells which.
func (m *members) NotifyLeave(n *memberlist.Node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node := m.nodes[n.Name]
	if node == nil {
		return
	}
	if node.State != Left {
		state := Dead
		if node.Self {
			state = Left
		}
		m.enter(node, state)
	}
	m.changed()
}

// NotifyAlive sees every claim that a node is alive, before memberlist judges
// it, and turns away names that no node can have.
func (m *members) NotifyAlive(n *memberlist.Node) error {
	if !validNode(n.Name) {
		return errBadName
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if node := m.nodes[n.Name]; node != nil && node.State == Suspect && node.Addr == addrOf(n) {
		m.enter(node, Alive)
		m.changed()
	}
	return nil
}

// suspect records that nobody answered for a node.
func (m *members) suspect(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if node := m.nodes[name]; node != nil && node.State == Alive && !node.Self {
		m.enter(node, Suspect)
		m.changed()
	}
}

// NotifyPingComplete brings a round trip time. Only direct probes over UDP do.
func (m *members) NotifyPingComplete(n *memberlist.Node, rtt time.Duration, payload []byte) {
	m.coordinates.pinged(n.Name, rtt, payload)
	m.mu.Lock()
	defer m.mu.Unlock()
	node := m.nodes[n.Name]
	if node == nil || rtt <= 0 {
		return
	}
	if node.RTT == 0 {
		node.RTT = rtt
		m.changed()
	}
	node.RTT += (rtt - node.RTT) / 4
	if node.State == Suspect {
		m.enter(node, Alive)
		m.changed()
	}
}

func (m *members) AckPayload() []byte { return m.coordinates.own() }

// NotifyConflict says that other claims the name of existing, which lives.
func (m *members) NotifyConflict(existing, other *memberlist.Node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if existing.Name == m.self {
		m.contested = true
	}
	if now := m.now(); now.Sub(m.shouted) >= warningsTime {
		m.shouted = now
		const text = "gossip: TWO NODES HAVE ONE NAME: the second is refused. " +
			"If it is the first at a new address, it is let in once the first is found dead; otherwise give it another name"
		m.log.Error(text, "node", existing.Name, "holds", addrOf(existing), "claims", addrOf(other))
	}
}

// takeContested says whether the own name was found taken since the last call.
func (m *members) takeContested() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.contested
	m.contested = false
	return was
}

// prune forgets who has been gone for long.
func (m *members) prune() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	for name, n := range m.nodes {
		if (n.State == Dead || n.State == Left) && !n.Self && now.Sub(n.Since) >= remember {
			delete(m.nodes, name)
			m.coordinates.forget(name)
			m.changed()
		}
	}
}

// address gives where a member's gossip is, if it is one.
func (m *members) address(name string) (netip.AddrPort, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.nodes[name]
	if n == nil || n.State != Alive && n.State != Suspect {
		return netip.AddrPort{}, false
	}
	return n.Addr, true
}

// roundTrip gives the measured round trip to a node; 0: none.
func (m *members) roundTrip(name string) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.nodes[name]; n != nil {
		return n.RTT
	}
	return 0
}

// list gives a copy of the table, sorted by name.
func (m *members) list() []Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Node, 0, len(m.nodes))
	for _, n := range m.nodes {
		all = append(all, *n)
	}
	slices.SortFunc(all, func(a, b Node) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

var (
	_ memberlist.EventDelegate    = (*members)(nil)
	_ memberlist.AliveDelegate    = (*members)(nil)
	_ memberlist.PingDelegate     = (*members)(nil)
	_ memberlist.ConflictDelegate = (*members)(nil)
)

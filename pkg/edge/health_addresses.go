package edge

import (
	"encoding/json"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
)

const addressEvery = 2 * time.Second // between two probes of a public address

// MaxAddresses bounds the public addresses of one node that count.
const MaxAddresses = 8

// PublicAddress is an address at which clients reach a region.
type PublicAddress struct {
	Addr    netip.Addr
	Serving bool
}

// stated are the public addresses of the nodes, by node.
func (e *Edge) stated() map[string][]netip.Addr {
	stated := map[string][]netip.Addr{}
	if len(e.Config.Addresses) > 0 {
		stated[e.Node] = e.Config.Addresses
	}
	if e.Statements == nil {
		return stated
	}
	for _, s := range e.Statements.Statements(topicNode) {
		if s.Subject == s.Writer && s.Writer != e.Node {
			if list := readAddresses(s.Value); len(list) > 0 {
				stated[s.Writer] = list
			}
		}
	}
	return stated
}

// readAddresses reads the addresses of a node's statement; it comes from
// another machine. What no client can connect to is left out.
func readAddresses(value []byte) (list []netip.Addr) {
	var s struct {
		Addresses []string `json:"addresses"`
	}
	if json.Unmarshal(value, &s) != nil {
		return nil
	}
	for _, text := range s.Addresses {
		a, err := netip.ParseAddr(text)
		a = a.Unmap()
		if err != nil || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() {
			continue
		}
		if !slices.Contains(list, a) && len(list) < MaxAddresses {
			list = append(list, a)
		}
	}
	return list
}

func addressID(node string, a netip.Addr) string { return "address " + node + " " + a.String() }

// addressTargets are the probes of the public addresses of the nodes that this
// one observes: each family for itself, where and as clients come.
func (e *Edge) addressTargets(m *region.Map, members []Member) (targets []health.Target) {
	stated := e.stated()
	if len(stated) == 0 {
		return nil
	}
	observed := e.observed(m, members)
	for _, n := range members {
		r, ok := m.Region(n.Region)
		if _, probed := slices.BinarySearch(observed, n.Node); !ok || !probed || !n.present() {
			continue
		}
		u, err := url.Parse(r.URL)
		if err != nil {
			continue
		}
		for _, a := range stated[n.Node] {
			if documentation(a) {
				continue // it stands for another, as in make run; that nobody is there says nothing
			}
			at := url.URL{Scheme: u.Scheme, Host: a.String(), Path: HealthPath}
			if port := u.Port(); port != "" {
				at.Host = net.JoinHostPort(a.String(), port)
			} else if a.Is6() {
				at.Host = "[" + a.String() + "]"
			}
			targets = append(targets, health.Target{ID: addressID(n.Node, a), Kind: health.Edge, Region: n.Region,
				URL: at.String(), Host: r.Host, Every: addressEvery})
		}
	}
	return targets
}

// documentation reports whether an address is none of anybody (RFC 5737, 3849, 9637).
func documentation(a netip.Addr) bool {
	if !a.Is4() {
		b := a.As16()
		return b[0] == 0x20 && b[1] == 1 && b[2] == 0xd && b[3] == 0xb8 || b[0] == 0x3f && b[1] == 0xff && b[2] < 0x10
	}
	b := a.As4()
	return b[0] == 192 && b[1] == 0 && b[2] == 2 || b[0] == 198 && b[1] == 51 && b[2] == 100 || b[0] == 203 && b[1] == 0 && b[2] == 113
}

// family tells the two apart.
func family(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

// observeAddresses finds by which address and family each region is reached.
//
// A failed probe of an address counts only where this node has that family
// itself: it has an address of it, or reaches somebody by it; and where another
// address of the node, or this one before, did answer: they may be meant for
// clients in other places than this. Where it does not reach a node that the
// others see, it knows nothing of the node's addresses.
func (e *Edge) observeAddresses(w *world, view *health.View) {
	stated := e.stated()
	if len(stated) == 0 {
		return
	}
	has := map[int]bool{}
	for _, a := range stated[e.Node] {
		has[family(a)] = true
	}
	for node, list := range stated {
		for _, a := range list {
			if view.Status[addressID(node, a)].State == health.Serving {
				has[family(a)] = true
			}
		}
	}
	w.addresses = map[region.Name][]PublicAddress{}
	known := map[region.Name]map[int]bool{} // of the families of serving nodes, whether one is reached
	for _, n := range w.members {
		list := stated[n.Node]
		if !n.Self && !n.present() || len(list) == 0 {
			continue
		}
		serving := slices.Contains(w.fit[n.Region], n.Node)
		answered := slices.ContainsFunc(list, func(a netip.Addr) bool { return !view.Status[addressID(n.Node, a)].LastOK.IsZero() })
		for _, a := range list {
			reached := n.Self || w.own[n.Node] != health.Serving || !has[family(a)] || !answered ||
				view.Status[addressID(n.Node, a)].State != health.Unreachable
			w.addresses[n.Region] = append(w.addresses[n.Region], PublicAddress{a, serving && reached})
			if serving {
				if known[n.Region] == nil {
					known[n.Region] = map[int]bool{}
				}
				known[n.Region][family(a)] = known[n.Region][family(a)] || reached
			}
		}
	}
	for name, families := range known {
		s := w.Status[name]
		if reached, any := families[4]; any && !reached {
			s.NoV4 = true
		}
		if reached, any := families[6]; any && !reached {
			s.NoV6 = true
		}
		w.Status[name] = s
	}
}

// Addresses are the public addresses of all regions' nodes, as the nodes state
// them, those of each region in the order of the members. Nobody may change
// what it returns.
func (e *Edge) Addresses() map[region.Name][]PublicAddress { return e.world.Load().addresses }

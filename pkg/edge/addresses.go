package edge

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"

	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

// topicNode is what a node says of itself.
const topicNode = "node"

// maxAddresses bounds what is believed of one node.
const maxAddresses = 8

// nodeFacts are the value of a statement of topicNode.
type nodeFacts struct {
	Addresses []netip.Addr `json:"addresses"`
	// Keys are fingerprints of the gossip keys, the one in use first.
	Keys []string `json:"keys,omitempty"`
}

// PublicAddress is one at which clients reach a node.
type PublicAddress struct {
	Addr    netip.Addr
	Serving bool // the node behind it is confirmed serving
}

// World is what this node decides by at the moment. Nobody may change what it
// holds.
func (e *Edge) World() route.World { return e.world.Load().World }

// addresses are those that belong to a world.
type addresses struct {
	world *world
	all   map[region.Name][]PublicAddress
}

// Addresses are the public addresses of all nodes that are members, by region.
// They are looked for once in each world; nobody may change them.
func (e *Edge) Addresses() map[region.Name][]PublicAddress {
	w := e.world.Load()
	a := e.addresses.Load()
	if a == nil || a.world != w {
		a = &addresses{w, e.addressesIn(w)}
		e.addresses.Store(a)
	}
	return a.all
}

func (e *Edge) addressesIn(w *world) map[region.Name][]PublicAddress {
	said := map[string][]netip.Addr{}
	if e.Statements != nil {
		for _, s := range e.Statements.Statements(topicNode) {
			var facts nodeFacts
			if s.Subject == s.Writer && json.Unmarshal(s.Value, &facts) == nil {
				said[s.Subject] = facts.Addresses
			}
		}
	}
	all := map[region.Name][]PublicAddress{}
	for _, m := range w.members {
		addresses, serving := said[m.Node], false
		switch {
		case m.Self:
			addresses, serving = e.Config.Addresses, !e.draining.Load()
		case !m.present():
			continue
		default:
			serving = slices.ContainsFunc(w.nodes[m.Region], func(n Member) bool { return n.Node == m.Node })
		}
		for _, a := range addresses[:min(len(addresses), maxAddresses)] {
			if a = a.Unmap().WithZone(""); a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() {
				all[m.Region] = append(all[m.Region], PublicAddress{a, serving})
			}
		}
	}
	return all
}

// sayNode tells the others what this node is, when that has changed.
func (e *Edge) sayNode() {
	if e.Statements == nil {
		return
	}
	facts := nodeFacts{Addresses: e.Config.Addresses}
	if e.Keys != nil {
		facts.Keys = e.Keys()
	}
	value, err := json.Marshal(facts)
	if err != nil || bytes.Equal(value, e.said) {
		return
	}
	if err := e.Statements.Share(topicNode, e.Node, value); err != nil {
		e.Logger.Warn("the public addresses of this node could not be told to the others", "error", err)
		return
	}
	e.said = value
}

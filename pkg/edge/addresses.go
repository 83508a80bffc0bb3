package edge

import (
	"bytes"
	"encoding/json"
	"net/netip"

	"mirrornet/pkg/route"
)

// topicNode is what a node says of itself.
const topicNode = "node"

// nodeFacts are the value of a statement of topicNode.
type nodeFacts struct {
	Addresses []netip.Addr `json:"addresses"`
	// Keys are fingerprints of the gossip keys, the one in use first.
	Keys []string `json:"keys,omitempty"`
}

// World is what this node decides by at the moment. Nobody may change what it
// holds.
func (e *Edge) World() route.World { return e.world.Load().World }

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

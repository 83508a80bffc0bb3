package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"mirrornet/pkg/announce"
	"mirrornet/pkg/drain"
	"mirrornet/pkg/gossip"
	"mirrornet/pkg/region"
)

// topicRegion is what nodes ask each other for, the region that one announces,
// and of the statement with its digest.
const topicRegion = "region"

// network is what nodes told each other, as operators see it.
type network struct {
	Announcements []region.Outcome `json:"announcements,omitempty"`
	Drains        []drain.Drain    `json:"drains,omitempty"`
	Keys          []keyHolder      `json:"keys,omitempty"` // fingerprints
}

func (n *node) network() network {
	v := network{Announcements: n.maps.Outcomes(), Drains: n.drains.List()}
	if n.gossip == nil {
		return v
	}
	for _, s := range n.gossip.Statements("node") {
		h := keyHolder{Node: s.Subject}
		if json.Unmarshal(s.Value, &h.said) == nil && s.Writer == s.Subject {
			v.Keys = append(v.Keys, h)
		}
	}
	return v
}

// follow lays what other nodes announce over the region files.
func (n *node) follow(refresh func()) {
	n.maps = announce.New(announce.Config{Region: n.config.region, Files: n.regions, Logger: n.logger,
		Nodes: func() []announce.Node {
			if n.gossip == nil {
				return nil
			}
			digests := map[string]string{}
			for _, s := range n.gossip.Statements(topicRegion) {
				if s.Writer == s.Subject {
					digests[s.Writer] = string(s.Value)
				}
			}
			nodes := n.gossip.Nodes()
			out := make([]announce.Node, len(nodes))
			for i, g := range nodes {
				out[i] = announce.Node{Name: g.Name, Region: g.Region, Digest: cmp.Or(digests[g.Name], g.Digest), Self: g.Self,
					Present: g.State == gossip.Alive || g.State == gossip.Suspect}
			}
			return out
		},
		Ask: func(ctx context.Context, node string) ([]byte, error) { return n.gossip.Ask(ctx, node, topicRegion) },
		OnChange: func() {
			if n.gossip != nil {
				n.gossip.Update()
			}
			refresh()
		}})
}

// filesChanged announces what the region files now say of this node's region.
func (n *node) filesChanged(_, _ *region.Map) {
	n.maps.Refresh()
	n.announce()
}

// announce tells the others which text this node has of its region: in its meta,
// and by a statement. The change of one region makes every node announce its new
// revision, and of updates of several nodes' meta at once memberlist can lose one
// (gossip's Decisions); statements have a queue of their own.
func (n *node) announce() {
	if n.gossip == nil {
		return
	}
	n.gossip.Update()
	if err := n.gossip.Share(topicRegion, n.config.node, []byte(n.maps.Digest()), 0); err != nil {
		n.logger.Warn("what this node announces of its region may be known late", "error", err)
	}
}

// answer is what this node says to others' questions.
func (n *node) answer(topic string) []byte {
	if text := n.maps.Text(); topic == topicRegion && text != "" {
		return []byte(text)
	}
	return nil
}

// board carries statements of drains.
type board struct{ *gossip.Gossip }

func (b board) Statements(topic string) []drain.Statement {
	list := b.Gossip.Statements(topic)
	out := make([]drain.Statement, len(list))
	for i, s := range list {
		out[i] = drain.Statement{Subject: s.Subject, Writer: s.Writer, Value: s.Value, Left: s.Left}
	}
	return out
}

func (n *node) openDrains(refresh func()) (err error) {
	c := drain.Config{Node: n.config.node, State: n.config.state, Logger: n.logger, OnChange: refresh, Now: time.Now}
	if n.gossip != nil {
		c.Board = board{n.gossip}
	}
	n.drains, err = drain.New(c)
	return err
}

// drained are the drains that hold now, in words for everybody, by subject: who
// said it and why is for operators.
func (n *node) drained() map[string]string {
	words := map[string]string{}
	for _, d := range n.drains.List() {
		words[d.Subject()] = d.End()
	}
	return words
}

// announced are the regions that are here because their own nodes announce them.
func (n *node) announced() map[region.Name]bool {
	regions := map[region.Name]bool{}
	for _, o := range n.maps.Outcomes() {
		if o.Use == region.InForce {
			regions[o.Region] = true
		}
	}
	return regions
}

// fingerprints are 8 hex digits of the SHA-256 of each gossip key, the one in
// use first.
func (n *node) fingerprints() []string {
	keys := n.keys.Load()
	if keys == nil {
		return nil
	}
	out := make([]string, len(*keys))
	for i, k := range *keys {
		sum := sha256.Sum256(k)
		out[i] = hex.EncodeToString(sum[:4])
	}
	return out
}

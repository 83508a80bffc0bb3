package main

import (
	"fmt"
	"net/netip"
)

// gossip reads what edge.yaml says of it.
func (s *settings) gossip(c *config, wrong func(field, format string, args ...any)) {
	g := s.Gossip
	c.label = g.Label
	for i, p := range g.Allow {
		prefix, err := parsePrefix(p)
		if err != nil {
			wrong(fmt.Sprintf("gossip.allow[%d]", i), "%q is no network; write one like 10.0.0.0/8 or ::1/128", p)
			continue
		}
		c.allow = append(c.allow, prefix)
	}
	if g.Listen == "" {
		return
	}
	if g.Label == "" || len(g.Label) > 64 {
		wrong("gossip.label", "%q; write the network's name in 1 to 64 bytes, the same at all nodes, like mirrornet", g.Label)
	}
	var err error
	if c.gossip, err = netip.ParseAddrPort(g.Listen); err != nil {
		wrong("gossip.listen", "%q is no address with a port; write one like 0.0.0.0:7946", g.Listen)
	} else if !c.gossip.Addr().IsLoopback() && g.KeyFile == "" {
		wrong("gossip.key_file", "is required since gossip.listen %s is not loopback; make one with: head -c 32 /dev/urandom | base64 > gossip.key", g.Listen)
	}
	if g.Advertise == "" {
		return
	}
	if c.gossipAt, err = netip.ParseAddrPort(g.Advertise); err != nil || c.gossipAt.Addr().IsUnspecified() {
		wrong("gossip.advertise", "%q is no address with a port at which others reach this node; write one like 198.51.100.7:7946", g.Advertise)
	}
}

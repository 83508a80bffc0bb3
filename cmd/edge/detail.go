package main

import (
	"mirrornet/pkg/geoip"
	"mirrornet/pkg/gossip"
	"mirrornet/pkg/health"
	"mirrornet/pkg/status"
	"mirrornet/pkg/store"
)

// detail is the operators' status: the public one, and what stays inside.
type detail struct {
	status.Report
	Regions  string                `json:"regions_folder"`
	Problems []string              `json:"region_problems,omitempty"`
	Geo      geoip.Info            `json:"geo"`
	ASNs     geoip.Info            `json:"geo_asn"`
	Health   []health.TargetStatus `json:"health"`
	Gossip   []gossip.Node         `json:"gossip"`
	network
	Lane      laneStats             `json:"lane"`
	Memory    *store.MemoryStats    `json:"memory,omitempty"`
	Memcached *store.MemcachedStats `json:"memcached,omitempty"`
}

func (n *node) detail() any {
	d := detail{Report: n.live.Operators(n.edge.Status()), Regions: n.config.regions, Problems: n.problems(), Geo: n.geo.Info(), ASNs: n.geo.ASNInfo()}
	for _, t := range n.health.View().Status {
		d.Health = append(d.Health, t)
	}
	if n.gossip != nil {
		d.Gossip = n.gossip.Nodes()
	}
	d.network = n.network()
	d.Lane = laneStats{Aliases: n.aliases.Len(), Bytes: n.aliases.Bytes(), Evictions: n.aliases.Evictions()}
	if n.memory != nil {
		s := n.memory.Stats()
		d.Memory = &s
	}
	if n.shared != nil {
		s := n.shared.Stats()
		d.Memcached = &s
	}
	return d
}

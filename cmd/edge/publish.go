package main

import (
	"time"

	"mirrornet/pkg/announce"
	"mirrornet/pkg/geoip"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/region"
	"mirrornet/pkg/store"
)

// laneStats is the state of the hit path below net/http.
type laneStats struct {
	Aliases   int
	Bytes     int64
	Evictions int64
}

// publish makes the state of the parts into metrics, each read when it is
// scraped.
func (n *node) publish() {
	m := n.metrics
	m.Gauge("mirrornet_isolated", "1 while this node reaches no other region and no origin.", nil, func() float64 {
		if n.edge.Status().Isolated {
			return 1
		}
		return 0
	})
	for kind, info := range map[string]func() geoip.Info{"place": n.geo.Info, "asn": n.geo.ASNInfo} {
		if info().Path == "" {
			continue
		}
		of := map[string]string{"database": kind}
		m.Gauge("mirrornet_geo_database_age_seconds", "Time since the GeoIP database in use was built.", of,
			func() float64 { return time.Since(info().Built).Seconds() })
		m.Gauge("mirrornet_geo_database_refused", "1 while the GeoIP database's file as it is now is not in use.", of, func() float64 {
			if info().Err != "" {
				return 1
			}
			return 0
		})
	}
	m.Gauge("mirrornet_load_requests_per_second", "Requests that this node's region serves a second, as its nodes say.", nil, func() float64 {
		perSecond, _, _ := n.edge.Load(n.config.region)
		return perSecond
	})
	m.Gauge("mirrornet_load_spill_percent", "Percent of the region's clients who are sent to their next region (soft_rps).", nil, func() float64 {
		_, spill, _ := n.edge.Load(n.config.region)
		return float64(spill)
	})
	m.Gauge("mirrornet_load_over", "1 while the region is above hard_rps: no new clients, and 503 where nothing is stored.", nil, func() float64 {
		if _, _, over := n.edge.Load(n.config.region); over {
			return 1
		}
		return 0
	})
	m.Gauge("mirrornet_client_networks", "Networks of clients from which a round trip to some region is known.", nil, func() float64 { return float64(n.edge.Networks()) })
	m.Counter("mirrornet_region_sets_refused_total", "Sets of region files that were refused.", nil,
		func() float64 { return float64(n.regions.RefusedCount()) })
	for _, use := range []region.Use{region.ByFile, region.InForce, region.Outvoted, region.Refused, announce.Unread} {
		m.Gauge("mirrornet_announcements", "What nodes announce of their regions, by what became of it.", map[string]string{"use": string(use)}, func() float64 {
			count := 0
			for _, o := range n.maps.Outcomes() {
				if o.Use == use {
					count++
				}
			}
			return float64(count)
		})
	}
	m.Gauge("mirrornet_drains", "Regions and nodes that are drained by a statement.", nil, func() float64 { return float64(len(n.drains.List())) })
	if n.cert != nil {
		m.Gauge("mirrornet_certificate_end_seconds", "When the certificate of the HTTPS listener ends, in seconds since 1970.", nil,
			func() float64 { return float64(n.cert.until().Unix()) })
	}
	storeGauge(m, "lane", "bytes", func() float64 { return float64(n.aliases.Bytes()) })
	storeGauge(m, "lane", "entries", func() float64 { return float64(n.aliases.Len()) })
	storeCounter(m, "lane", "evictions", func() float64 { return float64(n.aliases.Evictions()) })
	if t := n.memory; t != nil {
		storeGauge(m, "memory", "bytes", func() float64 { return float64(t.Stats().Bytes) })
		storeGauge(m, "memory", "entries", func() float64 { return float64(t.Stats().Entries) })
		for name, f := range map[string]func(store.MemoryStats) uint64{
			"hits":      func(s store.MemoryStats) uint64 { return s.Hits },
			"misses":    func(s store.MemoryStats) uint64 { return s.Misses },
			"stores":    func(s store.MemoryStats) uint64 { return s.Stores },
			"evictions": func(s store.MemoryStats) uint64 { return s.Evictions },
			"too_large": func(s store.MemoryStats) uint64 { return s.Refused },
		} {
			storeCounter(m, "memory", name, func() float64 { return float64(f(t.Stats())) })
		}
	}
	if t := n.shared; t != nil {
		storeGauge(m, "memcached", "queued", func() float64 { return float64(t.Stats().Queued) })
		for name, f := range map[string]func(store.MemcachedStats) uint64{
			"hits":      func(s store.MemcachedStats) uint64 { return s.Hits },
			"misses":    func(s store.MemcachedStats) uint64 { return s.Misses },
			"stores":    func(s store.MemcachedStats) uint64 { return s.Stores },
			"errors":    func(s store.MemcachedStats) uint64 { return s.Errors },
			"timeouts":  func(s store.MemcachedStats) uint64 { return s.Timeouts },
			"unasked":   func(s store.MemcachedStats) uint64 { return s.Unasked },
			"foreign":   func(s store.MemcachedStats) uint64 { return s.Foreign },
			"too_large": func(s store.MemcachedStats) uint64 { return s.TooLarge },
			"dropped":   func(s store.MemcachedStats) uint64 { return s.Dropped },
			"retries":   func(s store.MemcachedStats) uint64 { return s.Retries },
		} {
			storeCounter(m, "memcached", name, func() float64 { return float64(f(t.Stats())) })
		}
		const latency, help = "mirrornet_memcached_exchange_seconds", "Time of exchanges with memcached, retries and failures included."
		m.Histogram(latency, help, map[string]string{"operation": "get"}, func() observe.Distribution { return distribution(t.Stats().Gets) })
		m.Histogram(latency, help, map[string]string{"operation": "set"}, func() observe.Distribution { return distribution(t.Stats().Sets) })
	}
}

// storeHelp says what a figure of a tier is.
var storeHelp = map[string]string{
	"bytes":     "Memory that a tier takes.",
	"entries":   "Stored responses in a tier.",
	"queued":    "Writes that wait for memcached.",
	"hits":      "Look-ups that a tier answered.",
	"misses":    "Look-ups that a tier did not answer, for whatever reason.",
	"stores":    "Stored responses written to a tier.",
	"evictions": "Stored responses that made room for others.",
	"errors":    "Exchanges with memcached that failed, those of timeouts included.",
	"timeouts":  "Exchanges with memcached that took too long.",
	"unasked":   "Operations not begun: memcached's breaker open, or all connections in use.",
	"foreign":   "Records that could not be used: torn, of another version, or not ours.",
	"too_large": "Stored responses that a tier refused for their size.",
	"dropped":   "Writes that found the queue to memcached full.",
	"retries":   "Exchanges repeated on a new connection.",
}

func storeGauge(m *observe.Metrics, tier, name string, f func() float64) {
	m.Gauge("mirrornet_store_"+name, storeHelp[name], map[string]string{"tier": tier}, f)
}

func storeCounter(m *observe.Metrics, tier, name string, f func() float64) {
	m.Counter("mirrornet_store_"+name+"_total", storeHelp[name], map[string]string{"tier": tier}, f)
}

func distribution(l store.Latency) observe.Distribution {
	d := observe.Distribution{Count: l.Count, Sum: l.Sum.Seconds(), Buckets: make(map[float64]uint64, len(l.Buckets))}
	for _, b := range l.Buckets {
		d.Buckets[b.Bound.Seconds()] = b.Count
	}
	return d
}

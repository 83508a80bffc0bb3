package rtt

import (
	"net/netip"
	"time"

	"mirrornet/pkg/region"
)

// Said is a digest that a node of a region gave.
type Said struct {
	Region region.Name
	Digest []byte
}

// Map is what all nodes know together. It does not change. The nil Map knows
// nothing.
type Map struct {
	regions  map[region.Name]int
	networks map[network]int // → the place of its row in micros
	micros   []uint32        // rows with a column for each region; 0: unknown
}

// Merge puts digests together: of several round trips between a network and a
// region the shortest counts. It also tells how many digests were none.
func Merge(all []Said) (m *Map, bad int) {
	m = &Map{regions: map[region.Name]int{}, networks: map[network]int{}}
	for _, s := range all {
		if _, known := m.regions[s.Region]; !known {
			m.regions[s.Region] = len(m.regions)
		}
	}
	width := len(m.regions)
	for _, s := range all {
		if decode(s.Digest, func(network, code) {}) != nil {
			bad++
			continue
		}
		column := m.regions[s.Region]
		decode(s.Digest, func(n network, c code) {
			row, known := m.networks[n]
			if !known {
				row = len(m.micros)
				m.networks[n] = row
				m.micros = append(m.micros, make([]uint32, width)...)
			}
			now := uint32(c.trip() / time.Microsecond)
			if old := &m.micros[row+column]; *old == 0 || now < *old {
				*old = now
			}
		})
	}
	return m, bad
}

// RoundTrip is that between the client's network and the region; 0: unknown.
func (m *Map) RoundTrip(client netip.Addr, r region.Name) time.Duration {
	if m == nil {
		return 0
	}
	n, ok := networkOf(client)
	if !ok {
		return 0
	}
	row, ok := m.networks[n]
	if !ok {
		return 0
	}
	column, ok := m.regions[r]
	if !ok {
		return 0
	}
	return time.Duration(m.micros[row+column]) * time.Microsecond
}

// Len is the number of networks.
func (m *Map) Len() int {
	if m == nil {
		return 0
	}
	return len(m.networks)
}

package route

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
)

const (
	// vagueKm is the accuracy from which a place is no more than its country.
	vagueKm = 500
	// slots bounds the orders that are kept: 16 bytes a region each.
	slots = 1 << 13
	ways  = 4 // slots in which one order may be
)

// A class is how specific a rule is; more is more.
type class uint8

const (
	noRule class = iota
	byContinent
	byCountry
	byASN
	byNetwork
)

// A plan is what follows from a map alone. It outlives health and load.
type plan struct {
	m        *region.Map
	network  region.Network
	regions  []region.Region // the Map's own
	self     int             // -1: not in the map
	home     int
	networks networks
	asns     map[uint32]bool // those that a rule names
	draws    []draws         // by region
	kept     [slots]atomic.Pointer[order]
}

// draws are what a region's shares are drawn by.
type draws struct{ canary, spill uint64 }

// A spot is what the order of regions depends on.
type spot struct {
	country, continent string
	point              geo.Point
	vague              bool
	asn                uint32 // 0: unknown, or in no rule
	network            int32  // of a rule, the innermost; -1 none
}

// An order is all regions as they are near to a spot, whatever their state.
type order struct {
	spot   spot
	point  geo.Point // from where distances count
	ranked []ranked
}

// ranked is one region in an order.
type ranked struct {
	km    float64 // +Inf unknown
	index int32
	class class // of its serves rule that matches
	bits  uint8 // of the network in it; longer is more specific
	avoid class // of its avoid rule that matches
}

func newPlan(m *region.Map, self region.Name) *plan {
	p := &plan{m: m, network: m.Network(), regions: m.Regions(), self: -1, home: -1, asns: map[uint32]bool{}}
	p.networks = compileNetworks(p.regions)
	p.draws = make([]draws, len(p.regions))
	for i := range p.regions {
		r := &p.regions[i]
		if r.Name == self {
			p.self = i
		}
		if r.Name == p.network.Home {
			p.home = i
		}
		for _, list := range [][]uint32{r.Serves.ASNs, r.Avoid.ASNs} {
			for _, n := range list {
				p.asns[n] = true
			}
		}
		sum := sha256.Sum256([]byte(r.Name))
		p.draws[i] = draws{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
	}
	return p
}

// index is -1 for a name that is not in the map.
func (p *plan) index(name region.Name) int {
	i, ok := slices.BinarySearchFunc(p.regions, name, func(r region.Region, n region.Name) int { return cmp.Compare(r.Name, n) })
	if !ok {
		return -1
	}
	return i
}

// order finds the order for a client, kept or made.
func (p *plan) order(client netip.Addr, at *geo.Place) *order {
	s := spot{country: at.Country, continent: at.Continent, point: at.Point, vague: at.AccuracyKm >= vagueKm,
		network: p.networks.find(client)}
	if at.ASN != 0 && p.asns[at.ASN] {
		s.asn = at.ASN
	}
	first := s.hash() % slots &^ (ways - 1)
	for i := range uint64(ways) {
		o := p.kept[first+i].Load()
		if o == nil {
			o = p.rank(s)
			p.kept[first+i].Store(o)
			return o
		}
		if o.spot == s {
			return o
		}
	}
	o := p.rank(s)
	p.kept[first+s.hash()>>60%ways].Store(o)
	return o
}

// hash need not be the same on two nodes, only cheap.
func (s *spot) hash() uint64 {
	h := math.Float64bits(s.point.Lat()) ^ math.Float64bits(s.point.Lon())*0x9e3779b97f4a7c15
	if len(s.country) >= 2 {
		h ^= uint64(s.country[0])<<8 | uint64(s.country[1])
	}
	if len(s.continent) >= 2 {
		h ^= uint64(s.continent[0])<<24 | uint64(s.continent[1])<<16
	}
	return mix(h ^ uint64(s.asn)<<32 ^ uint64(uint32(s.network))<<20)
}

// mix spreads a number over all bits (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// rank makes an order.
func (p *plan) rank(s spot) *order {
	o := &order{spot: s, point: pointOf(s.point, s.country, s.vague), ranked: make([]ranked, len(p.regions))}
	continent := s.continent
	if continent == "" {
		continent = geo.ContinentOf(s.country)
	}
	for i := range p.regions {
		r := &p.regions[i]
		o.ranked[i] = ranked{km: o.point.DistanceKm(r.Location), index: int32(i),
			class: match(&r.Serves, s, continent), avoid: match(&r.Avoid, s, continent)}
	}
	for n := s.network; n >= 0; n = p.networks.list[n].outer {
		of := &p.networks.list[n]
		for _, i := range of.serves {
			if e := &o.ranked[i]; e.class != byNetwork { // from within, so the longest comes first
				e.class, e.bits = byNetwork, uint8(of.prefix.Bits())
			}
		}
		for _, i := range of.avoids {
			o.ranked[i].avoid = byNetwork
		}
	}
	slices.SortFunc(o.ranked, func(a, b ranked) int {
		_, c := p.nearer(o, &a, &b)
		return c
	})
	return o
}

// PointOf is the point from which distances to a place are counted; invalid if
// there is none.
func PointOf(p geo.Place) geo.Point { return pointOf(p.Point, p.Country, p.AccuracyKm >= vagueKm) }

func pointOf(p geo.Point, country string, vague bool) geo.Point {
	if !p.Valid() || vague {
		// The centre of a vague circle may lie in a neighbour; the country's own
		// point does not.
		if at, ok := geo.CountryPoint(country); ok {
			return at
		}
	}
	return p
}

// match finds the most specific rule but for those of networks.
func match(r *region.Rules, s spot, continent string) class {
	switch {
	case s.asn != 0 && slices.Contains(r.ASNs, s.asn):
		return byASN
	case slices.Contains(r.Countries, s.country):
		return byCountry
	case slices.Contains(r.Continents, continent):
		return byContinent
	}
	return noRule
}

// nearer compares two regions of an order and names the key that decided.
func (p *plan) nearer(o *order, a, b *ranked) (key, int) {
	if c := cmp.Or(cmp.Compare(b.class, a.class), cmp.Compare(b.bits, a.bits)); c != 0 {
		return rule, c
	}
	if !o.point.Valid() {
		if c := before(int(a.index) == p.home, int(b.index) == p.home); c != 0 {
			return home, c
		}
		if c := before(int(a.index) == p.self, int(b.index) == p.self); c != 0 {
			return here, c
		}
	}
	if c := cmp.Compare(a.km, b.km); c != 0 {
		return distance, c
	}
	return name, cmp.Compare(a.index, b.index) // the Map is sorted by name
}

// before sorts true in front of false.
func before(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// ruleText is the rule of a class that matches: of serves, or else of avoid.
func (p *plan) ruleText(o *order, e *ranked, serves bool) string {
	of := e.class
	if !serves {
		of = e.avoid
	}
	switch of {
	case byASN:
		return "asn " + strconv.FormatUint(uint64(o.spot.asn), 10)
	case byCountry:
		return "country " + o.spot.country
	case byContinent:
		return "continent " + cmp.Or(o.spot.continent, geo.ContinentOf(o.spot.country))
	case byNetwork:
		for n := o.spot.network; n >= 0; n = p.networks.list[n].outer {
			list := p.networks.list[n].serves
			if !serves {
				list = p.networks.list[n].avoids
			}
			if slices.Contains(list, e.index) {
				return "network " + p.networks.list[n].prefix.String()
			}
		}
	}
	return ""
}

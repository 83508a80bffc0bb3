package region

import (
	"cmp"
	"slices"
	"strings"
)

// HostKind says what a hostname is in a Map.
type HostKind string

const (
	Regional  HostKind = "regional"  // one region's own name
	Canonical HostKind = "canonical" // a name of the whole network
	Unknown   HostKind = "unknown"   // not in the Map
)

// A Map is the whole network at one Revision. It never changes and may be used
// by many goroutines.
type Map struct {
	regions  []Region // by name
	byHost   map[string]host
	network  Network
	revision string
}

type host struct {
	kind HostKind
	name Name
}

// NewMap makes a Map from parts, such as a Map's own regions and an announced
// one. Zero fields are what the files' defaults are. Everything is checked as
// [Load] checks it; the error is Problems, whose files are named after the
// regions and whose lines are those of [Region.Text].
func NewMap(network Network, regions ...Region) (*Map, error) {
	var set set
	var problems, more Problems
	// Reading the canonical text back is the one check, for files and values.
	set.network, problems = parseNetwork("network.yaml", []byte(network.Text()))
	for _, r := range regions {
		var p parsed[Region]
		p, more = parseRegion(r.Name, string(r.Name)+".yaml", []byte(r.Text()))
		set.regions = append(set.regions, p)
		problems = append(problems, more...)
	}
	return set.build(problems)
}

// Regions are all regions in the order of their names, in every state. The slice
// is the Map's own: read it only.
func (m *Map) Regions() []Region { return m.regions }

// Region finds a region by name.
func (m *Map) Region(name Name) (Region, bool) {
	i, ok := m.index(name)
	if !ok {
		return Region{}, false
	}
	return m.regions[i], true
}

func (m *Map) index(name Name) (int, bool) {
	return slices.BinarySearchFunc(m.regions, name, func(r Region, n Name) int { return cmp.Compare(r.Name, n) })
}

// ByHost says what a hostname (without a port, in any case) is, and for a
// Regional one whose.
func (m *Map) ByHost(hostname string) (HostKind, Name) {
	h, ok := m.byHost[strings.ToLower(strings.TrimSuffix(hostname, "."))]
	if !ok {
		return Unknown, ""
	}
	return h.kind, h.name
}

// Network is what holds for all regions.
func (m *Map) Network() Network { return m.network }

// Revision is 12 hex digits of a hash over the meaning of the files. Equal
// Revisions mean equal Maps.
func (m *Map) Revision() string { return m.revision }

// CanonicalURL is the first canonical base URL, the one to use in links.
func (m *Map) CanonicalURL() string { return m.network.Canonical[0] }

package dns

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

// An Address is one at which a node is reached by clients.
type Address struct {
	Addr netip.Addr
	// Serving: the node behind it is confirmed serving, and reached over the
	// address's family.
	Serving bool
}

// maxServers bounds the name servers that are taken from the map.
const maxServers = 6

// A snapshot is everything that answers depend on, made once per change.
// Nothing in it changes.
type snapshot struct {
	world     route.World
	addresses map[region.Name][]Address

	names    map[string]*node // by lower-case wire form: what exists
	zones    map[string]*zone // by lower-case wire form of the apex
	deepest  int              // labels of the longest name in zones
	families [2]family        // A, AAAA
	scopes   scopes
}

// A node is a name that exists.
type node struct {
	zone *zone
	kind nodeKind
	// region whose addresses are asked for by its own name.
	region region.Name
}

type nodeKind int

const (
	empty  nodeKind = iota // there are names below it
	apex                   // a canonical hostname
	server                 // a name server's name
	own                    // a region's hostname
)

// A zone is what is below one canonical hostname, itself included.
type zone struct {
	apex    string // lower-case wire form
	host    string // as requests name it
	servers []name
	contact name
	serial  uint32
}

// A name is a name in a record of a zone: what goes in front of the longest
// part that it shares with the apex, which the question ends in.
type name struct {
	head []byte // labels; with shared 0 the root label, too
	// shared is the length of the shared part, without its root label; 0: none.
	shared int
}

// A family is what answers of one address family depend on.
type family struct {
	serving *route.Router // among the regions with an address that serves
	// assumed: among all with an address, as if everything were well. For when
	// nobody is known to serve, or this node is cut off from all others.
	assumed *route.Router
	good    map[region.Name]*hosts
	all     map[region.Name]*hosts
	last    *hosts // when no region can be chosen; nil: no address of the family is known
}

// hosts are the addresses of one region and family, in wire form.
type hosts struct {
	size  int
	bytes []byte
}

func (h *hosts) len() int { return len(h.bytes) / h.size }

// compile makes a snapshot.
func compile(w route.World, addresses map[region.Name][]Address, servers []string) *snapshot {
	s := &snapshot{world: w, addresses: addresses, names: map[string]*node{}, zones: map[string]*zone{}}
	s.compileNames(servers)
	s.families[0] = compileFamily(w, addresses, true)
	s.families[1] = compileFamily(w, addresses, false)
	s.scopes = compileScopes(w)
	return s
}

func compileFamily(w route.World, addresses map[region.Name][]Address, v4 bool) family {
	f := family{good: map[region.Name]*hosts{}, all: map[region.Name]*hosts{}}
	serving, assumed := w, w
	serving.Status, assumed.Status = map[region.Name]route.Status{}, map[region.Name]route.Status{}
	assumed.Isolated = false
	home := w.Map.Network().Home
	for _, r := range w.Map.Regions() {
		st := w.Status[r.Name]
		unreached := st.NoV6
		if v4 {
			unreached = st.NoV4
		}
		list := addresses[r.Name]
		// A region may serve by the word of others, while this node reaches none of
		// its nodes: then it cannot tell which of the addresses are good.
		blind := st.Serving && !slices.ContainsFunc(list, func(a Address) bool { return a.Serving })
		good, all := pack(list, v4, !blind), pack(list, v4, false)
		if all != nil {
			f.all[r.Name] = all
			if f.last == nil || r.Name == home {
				f.last = all
			}
		}
		assumed.Status[r.Name] = route.Status{Serving: all != nil, Nodes: st.Nodes, Draining: st.Draining}
		if good == nil || unreached {
			st.Serving = false
		} else if st.Serving {
			f.good[r.Name] = good
		}
		// The family is settled: that of the address that a client asks with is
		// another matter.
		st.NoV4, st.NoV6 = false, false
		serving.Status[r.Name] = st
	}
	f.serving, f.assumed = route.Compile(serving), route.Compile(assumed)
	if w.Isolated {
		f.serving, f.good = f.assumed, f.all
	}
	return f
}

// pack puts the addresses of a family in a row, nothing twice; nil if there are
// none.
func pack(list []Address, v4, serving bool) *hosts {
	var addrs []netip.Addr
	for _, a := range list {
		if addr := a.Addr.Unmap().WithZone(""); addr.IsValid() && addr.Is4() == v4 && (a.Serving || !serving) {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		return nil
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	h := &hosts{size: 16}
	if v4 {
		h.size = 4
	}
	for _, a := range slices.Compact(addrs) {
		h.bytes = append(h.bytes, a.AsSlice()...)
	}
	return h
}

// compileNames finds zones and names.
func (s *snapshot) compileNames(servers []string) {
	m := s.world.Map
	net := m.Network()
	serial := uint32(1)
	if b, err := hex.DecodeString(m.Revision()); err == nil && len(b) >= 4 {
		serial = max(1, binary.BigEndian.Uint32(b))
	}
	if len(servers) == 0 {
		servers = regionalServers(m)
	}
	for _, base := range net.Canonical {
		host := hostname(base)
		wire, ok := wireName(host)
		if !ok {
			continue // an address
		}
		z := &zone{apex: wire, host: host, serial: serial}
		s.zones[wire] = z
		s.names[wire] = &node{zone: z, kind: apex}
		s.deepest = max(s.deepest, labels(wire))
		z.contact = within(z, wire)
		if contact := "\x0ahostmaster" + wire; len(contact) <= maxName {
			z.contact = within(z, contact)
		}
		for _, n := range servers {
			if w, ok := wireName(n); ok {
				z.servers = append(z.servers, within(z, w))
			}
		}
		if len(z.servers) == 0 {
			z.servers = []name{within(z, wire)}
		}
	}
	add := func(host string, n node) {
		wire, ok := wireName(host)
		if !ok {
			return
		}
		if n.zone = s.zoneOf(wire, labels(wire)); n.zone == nil || s.names[wire] != nil && s.names[wire].kind != empty {
			return
		}
		s.names[wire] = &n
	}
	for _, r := range m.Regions() {
		add(hostname(r.URL), node{kind: own, region: r.Name})
	}
	for _, n := range servers {
		add(n, node{kind: server})
	}
	// Whatever stands between a name and the apex that it is below exists, too.
	for wire := range s.names {
		for up := parent(wire); up != "\x00"; up = parent(up) {
			z := s.zoneOf(up, labels(up))
			if z == nil {
				break
			}
			if s.names[up] == nil {
				s.names[up] = &node{zone: z}
			}
		}
	}
}

// regionalServers are the hostnames of the regions, home's first.
func regionalServers(m *region.Map) (names []string) {
	home := m.Network().Home
	for _, r := range m.Regions() {
		if host := hostname(r.URL); r.State == region.Retired {
			continue
		} else if _, ok := wireName(host); !ok {
			continue
		} else if r.Name == home {
			names = slices.Insert(names, 0, host)
		} else {
			names = append(names, host)
		}
	}
	return names[:min(len(names), maxServers)]
}

// zoneOf is the zone that a name of so many labels stands in; nil: in none.
func (s *snapshot) zoneOf(wire string, n int) *zone {
	for ; n > 0; n-- {
		if n <= s.deepest {
			if z := s.zones[wire]; z != nil {
				return z
			}
		}
		wire = wire[1+int(wire[0]):]
	}
	return nil
}

// within writes a name for records of a zone.
func within(z *zone, wire string) name {
	off := 0
	for rest := wire; rest != "\x00"; rest = parent(rest) {
		if strings.HasSuffix(z.apex, rest) && aligned(z.apex, len(rest)) {
			return name{head: []byte(wire[:off]), shared: len(rest) - 1}
		}
		off += 1 + int(rest[0])
	}
	return name{head: []byte(wire)}
}

// aligned reports whether the last n bytes of a name begin with a label.
func aligned(wire string, n int) bool {
	for len(wire) > n {
		wire = parent(wire)
	}
	return len(wire) == n
}

func parent(wire string) string {
	if wire == "\x00" {
		return wire
	}
	return wire[1+int(wire[0]):]
}

func labels(wire string) (n int) {
	for ; wire != "\x00"; wire = parent(wire) {
		n++
	}
	return n
}

// hostname is that of a base URL.
func hostname(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// wireName is a hostname in lower-case wire form; false for what is no name of
// the DNS: an address, or too long.
func wireName(host string) (string, bool) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return "", false
	}
	var b []byte
	for label := range strings.SplitSeq(host, ".") {
		if len(label) == 0 || len(label) > maxLabel {
			return "", false
		}
		b = append(append(b, byte(len(label))), label...)
	}
	b = append(b, 0)
	return string(b), len(b) <= maxName
}

// same reports whether nothing that answers depend on differs.
func (s *snapshot) same(w route.World, addresses map[region.Name][]Address) bool {
	if s.world.Map != w.Map || s.world.Self != w.Self || s.world.Isolated != w.Isolated || s.world.Clients != w.Clients ||
		len(s.world.Status) != len(w.Status) || len(s.addresses) != len(addresses) {
		return false
	}
	for name, a := range s.world.Status {
		b, ok := w.Status[name]
		a.Why, b.Why, a.Nodes, b.Nodes = "", "", 0, 0
		a.Without, b.Without = nil, nil // classes of requests: no matter here
		if !ok || !equalStatus(a, b) {
			return false
		}
	}
	for name, list := range s.addresses {
		if !slices.Equal(list, addresses[name]) {
			return false
		}
	}
	return true
}

func equalStatus(a, b route.Status) bool {
	return a.Serving == b.Serving && a.Overloaded == b.Overloaded && a.Spill == b.Spill && a.Draining == b.Draining &&
		a.NoV4 == b.NoV4 && a.NoV6 == b.NoV6
}

// choose picks the addresses for a client; nil: none of the family is known.
func (f *family) choose(client netip.Addr, place geo.Place, host string) *hosts {
	q := route.Query{Client: client, Place: place, Host: host, Method: "GET"}
	if h := f.good[f.serving.Decide(q).Nearest]; h != nil {
		return h
	}
	if h := f.all[f.assumed.Decide(q).Nearest]; h != nil {
		return h
	}
	return f.last
}

// ofRegion are the addresses of a region's own name: its own while one of them
// serves, then those of the client's nearest region, since any edge answers to
// that name. byClient: which ones depends on who asks.
func (f *family) ofRegion(r region.Name, client netip.Addr, place geo.Place, host string) (h *hosts, byClient bool) {
	if h := f.good[r]; h != nil {
		return h, false
	}
	q := route.Query{Client: client, Place: place, Host: host, Method: "GET"}
	if h := f.good[f.serving.Decide(q).Nearest]; h != nil {
		return h, true
	}
	if h := f.all[r]; h != nil {
		return h, false
	}
	return f.last, false
}

package route

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
)

// vagueKm is the accuracy from which a place is no more than its country.
const vagueKm = 500

// A class is how specific a rule is; more is more.
type class int

const (
	noRule class = iota
	byContinent
	byCountry
	byASN
	byNetwork
)

// An entry is one region while it is ranked.
type entry struct {
	region  *region.Region // the Map's own
	status  Status
	class   class
	bits    int // of the network that matches; longer is more specific
	rule    string
	km      float64 // +Inf unknown
	rtt     time.Duration
	wish    int    // place in Query.Prefer; len(Prefer) if not there
	out     string // why it is no candidate; "" if it is one
	nearest bool
}

// A scene is one world and one request, looked at once.
type scene struct {
	world   World
	query   Query
	place   geo.Place
	point   geo.Point // from where distances count
	entries []*entry
}

func newScene(w World, q Query) *scene {
	s := &scene{world: w, query: q, place: q.Place}
	s.query.Client = q.Client.Unmap().WithZone("")
	if s.place.Continent == "" {
		s.place.Continent = geo.ContinentOf(s.place.Country)
	}
	s.point = s.place.Point
	if !s.point.Valid() || s.place.AccuracyKm >= vagueKm {
		// The centre of a vague circle may lie in a neighbour; the country's own
		// point does not.
		if p, ok := geo.CountryPoint(s.place.Country); ok {
			s.point = p
		}
	}
	return s
}

// rank fills entries: candidates first, the best in front, then the rest by name.
func (s *scene) rank() {
	regions := s.world.Map.Regions()
	backing := make([]entry, len(regions))
	s.entries = make([]*entry, len(regions))
	for i := range regions {
		r, e := &regions[i], &backing[i]
		s.entries[i] = e
		*e = entry{region: r, status: s.status(r.Name), km: s.point.DistanceKm(r.Location), rtt: s.world.RTT[r.Name]}
		e.class, e.bits, e.rule = s.match(r.Serves)
		if e.wish = slices.Index(s.query.Prefer, r.Name); e.wish < 0 {
			e.wish = len(s.query.Prefer)
		}
		e.out = s.exclude(e)
	}
	slices.SortFunc(s.entries, func(a, b *entry) int {
		_, c := s.differ(a, b)
		return c
	})
	if len(s.entries) > 0 && s.entries[0].out == "" {
		s.entries[0].nearest = true
	}
}

func (s *scene) nearest() region.Name {
	if len(s.entries) == 0 || !s.entries[0].nearest {
		return ""
	}
	return s.entries[0].region.Name
}

// The keys of the order, the first that differs decides.
type key int

const (
	same key = iota
	excluded
	wished
	load
	rule
	home
	here
	distance
	name
)

// differ compares two entries and names the key that decided.
func (s *scene) differ(a, b *entry) (key, int) {
	if c := before(a.out == "", b.out == ""); c != 0 {
		return excluded, c
	}
	if a.out != "" {
		return name, cmp.Compare(a.region.Name, b.region.Name)
	}
	if c := cmp.Compare(a.wish, b.wish); c != 0 {
		return wished, c
	}
	if c := before(!a.status.Overloaded, !b.status.Overloaded); c != 0 {
		return load, c
	}
	if c := cmp.Or(cmp.Compare(b.class, a.class), cmp.Compare(b.bits, a.bits)); c != 0 {
		return rule, c
	}
	if !s.point.Valid() {
		base := s.world.Map.Network().Home
		if c := before(a.region.Name == base, b.region.Name == base); c != 0 {
			return home, c
		}
		if c := before(a.region.Name == s.world.Self, b.region.Name == s.world.Self); c != 0 {
			return here, c
		}
	}
	if c := cmp.Compare(a.km, b.km); c != 0 {
		return distance, c
	}
	return name, cmp.Compare(a.region.Name, b.region.Name)
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

// status is what is known of a region; this one's own needs no witness.
func (s *scene) status(name region.Name) Status {
	st, known := s.world.Status[name]
	if !known && name == s.world.Self {
		st = Status{Serving: true, Why: "this node", Nodes: 1}
	}
	return st
}

// unable says in words what keeps a region from serving anybody; "" if nothing.
func (s *scene) unable(name region.Name) string {
	r, known := s.world.Map.Region(name)
	if known && (r.State == region.Draining || r.State == region.Retired) {
		return string(r.State)
	}
	if st := s.status(name); !st.Serving {
		if st.Why != "" {
			return "not serving (" + st.Why + ")"
		}
		return "not confirmed serving"
	}
	return ""
}

// exclude says why a region is no candidate for this request; "" if it is one.
func (s *scene) exclude(e *entry) string {
	switch why := s.unable(e.region.Name); {
	case !e.status.Serving && why != "":
		return why
	case why != "":
		return why + ", so it takes no clients"
	}
	if s.world.Isolated && e.region.Name != s.world.Self {
		return "out of reach: this node is isolated"
	}
	if class, _, rule := s.match(e.region.Avoid); class != noRule {
		return "avoids this client by its rule " + rule
	}
	if slices.Contains(s.query.Avoid, e.region.Name) {
		return "avoided at the client's wish"
	}
	if e.region.State == region.Canary && e.wish == len(s.query.Prefer) && !inShare(e.region, s.query.Client) {
		return "canary for " + strconv.Itoa(e.region.Share) + " % of the clients, and this one is not among them"
	}
	return ""
}

// match finds the most specific rule that holds for the client.
func (s *scene) match(r region.Rules) (c class, bits int, rule string) {
	var best netip.Prefix
	for _, p := range r.Networks {
		if (!best.IsValid() || p.Bits() > best.Bits()) && p.Contains(s.query.Client) {
			best = p
		}
	}
	switch {
	case best.IsValid():
		return byNetwork, best.Bits(), "network " + best.String()
	case s.place.ASN != 0 && slices.Contains(r.ASNs, s.place.ASN):
		return byASN, 0, "asn " + strconv.FormatUint(uint64(s.place.ASN), 10)
	case slices.Contains(r.Countries, s.place.Country):
		return byCountry, 0, "country " + s.place.Country
	case slices.Contains(r.Continents, s.place.Continent):
		return byContinent, 0, "continent " + s.place.Continent
	}
	return noRule, 0, ""
}

// inShare draws by the client's network; a client without an address is not
// drawn.
func inShare(r *region.Region, client netip.Addr) bool {
	bits := 48
	if client.Is4() {
		bits = 24
	}
	network, err := client.Prefix(bits)
	if err != nil || !network.IsValid() {
		return false
	}
	sum := sha256.Sum256([]byte(string(r.Name) + " " + network.String()))
	return int(binary.BigEndian.Uint64(sum[:8])%100) < r.Share
}

// passOn picks the region that answers in place of this one: by the round trip
// from here where it is known, else by nearness to the client.
func (s *scene) passOn() region.Name {
	var best *entry
	for _, e := range s.entries {
		if e.out != "" || e.region.Name == s.world.Self {
			continue
		}
		// The entries come in order, so only a better round trip replaces one.
		if best == nil || e.wish == best.wish && e.status.Overloaded == best.status.Overloaded &&
			e.rtt > 0 && e.rtt < best.rtt {
			best = e
		}
	}
	if best == nil {
		return ""
	}
	return best.region.Name
}

// candidates turns the entries into words.
func (s *scene) candidates() []Candidate {
	out := make([]Candidate, len(s.entries))
	for i, e := range s.entries {
		out[i] = Candidate{Region: e.region.Name, Serving: e.status.Serving, Rule: e.rule, DistanceKm: e.km, RTT: e.rtt,
			Chosen: e.nearest, Reason: s.reason(i)}
		if math.IsInf(e.km, 1) {
			out[i].DistanceKm = -1
		}
	}
	return out
}

func (s *scene) reason(i int) string {
	e := s.entries[i]
	if e.out != "" {
		return e.out
	}
	// The first against the second, every other against the first.
	other := min(1, len(s.entries)-1)
	if i > 0 {
		other = 0
	}
	o := s.entries[other]
	if i == other || o.out != "" {
		return "chosen as the only region in question"
	}
	k, _ := s.differ(e, o)
	if e.nearest {
		switch k {
		case wished:
			return "chosen at the client's wish"
		case load:
			return "chosen because " + string(o.region.Name) + " is overloaded"
		case rule:
			return "chosen by its rule " + e.rule
		case home:
			return "chosen as home, for a client of unknown place"
		case here:
			return "chosen as the region asked, for a client of unknown place"
		case distance:
			return "chosen by distance, " + kilometres(e.km) + " against " + kilometres(o.km) + " to " + string(o.region.Name)
		}
		return "chosen by name, all else being equal"
	}
	first := string(o.region.Name)
	switch k {
	case wished:
		return "the client prefers " + first
	case load:
		return "overloaded, which " + first + " is not"
	case rule:
		if e.rule == "" {
			return "no rule of its own matches, and " + first + " has " + o.rule
		}
		return "its rule " + e.rule + " is less specific than " + o.rule + " of " + first
	case home:
		return "the client's place is unknown, and " + first + " is home"
	case here:
		return "the client's place is unknown, and " + first + " is the region asked"
	case distance:
		return "farther than " + first + ", " + kilometres(e.km) + " against " + kilometres(o.km)
	}
	return "after " + first + " by name, all else being equal"
}

func kilometres(km float64) string { return strconv.Itoa(int(math.Round(km))) + " km" }

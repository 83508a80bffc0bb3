package replay

import (
	"cmp"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

// Config is what two runs of the past are compared by.
type Config struct {
	Before, After *region.Map // not nil
	// Locate finds the place of a client; nil: every place is unknown.
	Locate func(netip.Addr) geo.Place
	// Clients: round trips measured from the networks of clients. They decide, as
	// they do in a node, and are compared. nil: none is known.
	Clients route.RoundTrips
	// MaxClients is how many clients are told apart; 0: 2,000,000.
	MaxClients int
}

// An Entry is what one client asked for at one time.
type Entry struct {
	At       time.Time // zero: unknown
	Client   netip.Addr
	Requests int
}

// A Report is what a change does.
type Report struct {
	From     time.Time `json:"from"` // of the entries
	To       time.Time `json:"to"`
	Requests int       `json:"requests"`
	Clients  int       `json:"clients"`
	// Uncounted are requests of clients beyond MaxClients: they stand in every
	// count of requests, and in none of clients.
	Uncounted int `json:"uncounted_requests,omitempty"`
	// Unlocated are requests of clients of unknown place.
	Unlocated int    `json:"unlocated_requests"`
	Moved     Moved  `json:"moved"`
	Moves     []Move `json:"moves"`   // those with the most requests first
	Regions   []Load `json:"regions"` // of both maps, by name
}

// Moved sums up the clients who go to another region. Distances and round trips
// are means over the requests for which both are known.
type Moved struct {
	Clients  int `json:"clients"`
	Requests int `json:"requests"`

	KmBefore  float64       `json:"km_before"`
	KmAfter   float64       `json:"km_after"`
	KmKnown   int           `json:"km_known_requests"`
	RTTBefore time.Duration `json:"rtt_before_ns"`
	RTTAfter  time.Duration `json:"rtt_after_ns"`
	RTTKnown  int           `json:"rtt_known_requests"`
}

// A Move is the clients who go from one region to another; "": to none.
type Move struct {
	From region.Name `json:"from"`
	To   region.Name `json:"to"`
	Moved
	Example netip.Addr `json:"example"` // the first of them
}

// Load is what one region serves. Peaks are requests a second in its busiest
// minute, 0 where the entries tell no time.
type Load struct {
	Region         region.Name `json:"region"`
	RequestsBefore int         `json:"requests_before"`
	RequestsAfter  int         `json:"requests_after"`
	ClientsBefore  int         `json:"clients_before"`
	ClientsAfter   int         `json:"clients_after"`
	PeakBefore     float64     `json:"peak_rps_before"`
	PeakAfter      float64     `json:"peak_rps_after"`
	// Limits of the later map, 0: none. Over is set where PeakAfter exceeds one.
	SoftRPS float64 `json:"soft_rps,omitempty"`
	HardRPS float64 `json:"hard_rps,omitempty"`
	Over    string  `json:"over,omitempty"` // soft, hard or ""
}

// maxMinutes bounds what is kept to find the busiest minute: a year.
const maxMinutes = 366 * 24 * 60

// side is one of the two maps.
type side struct {
	router *route.Router
	loads  map[region.Name]*load
}

type load struct {
	requests, clients int
	minutes           map[int64]int
}

// Replay routes the entries by both maps. The same arguments give the same
// Report; the order of the entries matters only beyond MaxClients, and for which
// client is the example of a move.
func Replay(c Config, entries iter.Seq[Entry]) Report {
	if c.MaxClients <= 0 {
		c.MaxClients = 2_000_000
	}
	var report Report
	before, after := newSide(c.Before, c.Clients), newSide(c.After, c.Clients)
	seen := map[netip.Addr]struct{}{}
	moves := map[[2]region.Name]*Move{}
	for e := range entries {
		if e.Requests <= 0 {
			continue
		}
		client := e.Client.Unmap().WithZone("")
		var place geo.Place
		if c.Locate != nil {
			place = c.Locate(client)
		}
		fresh := false
		if _, known := seen[client]; !known && len(seen) < c.MaxClients {
			seen[client], fresh = struct{}{}, true
		} else if !known {
			report.Uncounted += e.Requests
		}
		report.add(e, !place.Known())
		q := route.Query{Client: client, Place: place, Method: "GET"}
		from, to := before.count(q, e, fresh), after.count(q, e, fresh)
		if from == to {
			continue
		}
		m := moves[[2]region.Name{from, to}]
		if m == nil {
			m = &Move{From: from, To: to, Example: client}
			moves[[2]region.Name{from, to}] = m
		}
		m.Requests += e.Requests
		if fresh {
			m.Clients++
		}
		m.measure(c, client, place, e.Requests)
	}
	report.Clients = len(seen)
	report.sum(slices.Collect(maps.Values(moves)))
	report.load(c, before, after)
	return report
}

func newSide(m *region.Map, clients route.RoundTrips) *side {
	w := route.World{Map: m, Self: m.Network().Home, Clients: clients, Status: map[region.Name]route.Status{}}
	for _, r := range m.Regions() {
		w.Status[r.Name] = route.Status{Serving: true, Nodes: 1}
	}
	return &side{router: route.Compile(w), loads: map[region.Name]*load{}}
}

// count routes an entry and adds it to the region's load.
func (s *side) count(q route.Query, e Entry, fresh bool) region.Name {
	name := s.router.Decide(q).Nearest
	l := s.loads[name]
	if l == nil {
		l = &load{minutes: map[int64]int{}}
		s.loads[name] = l
	}
	l.requests += e.Requests
	if fresh {
		l.clients++
	}
	if minute := e.At.Unix() / 60; !e.At.IsZero() && (l.minutes[minute] > 0 || len(l.minutes) < maxMinutes) {
		l.minutes[minute] += e.Requests
	}
	return name
}

func (r *Report) add(e Entry, unlocated bool) {
	r.Requests += e.Requests
	if unlocated {
		r.Unlocated += e.Requests
	}
	if e.At.IsZero() {
		return
	}
	if r.From.IsZero() || e.At.Before(r.From) {
		r.From = e.At
	}
	if e.At.After(r.To) {
		r.To = e.At
	}
}

// measure adds what is known of a client's way to both regions; sums stand in m
// until [Report.sum] makes means of them.
func (m *Move) measure(c Config, client netip.Addr, place geo.Place, requests int) {
	from, ok1 := c.Before.Region(m.From)
	to, ok2 := c.After.Region(m.To)
	if !ok1 || !ok2 {
		return
	}
	if point := route.PointOf(place); point.Valid() {
		m.KmKnown += requests
		m.KmBefore += float64(requests) * point.DistanceKm(from.Location)
		m.KmAfter += float64(requests) * point.DistanceKm(to.Location)
	}
	if c.Clients == nil {
		return
	}
	a, b := c.Clients.RoundTrip(client, m.From), c.Clients.RoundTrip(client, m.To)
	if a > 0 && b > 0 {
		m.RTTKnown += requests
		m.RTTBefore += time.Duration(requests) * a
		m.RTTAfter += time.Duration(requests) * b
	}
}

func (r *Report) sum(moves []*Move) {
	all := &r.Moved
	for _, m := range moves {
		all.Clients += m.Clients
		all.Requests += m.Requests
		all.KmKnown += m.KmKnown
		all.KmBefore += m.KmBefore
		all.KmAfter += m.KmAfter
		all.RTTKnown += m.RTTKnown
		all.RTTBefore += m.RTTBefore
		all.RTTAfter += m.RTTAfter
		m.mean()
		r.Moves = append(r.Moves, *m)
	}
	all.mean()
	slices.SortFunc(r.Moves, func(a, b Move) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
}

func (m *Moved) mean() {
	if n := float64(m.KmKnown); n > 0 {
		m.KmBefore, m.KmAfter = m.KmBefore/n, m.KmAfter/n
	}
	if n := time.Duration(m.RTTKnown); n > 0 {
		m.RTTBefore, m.RTTAfter = m.RTTBefore/n, m.RTTAfter/n
	}
}

func (r *Report) load(c Config, before, after *side) {
	names := map[region.Name]bool{}
	for _, m := range []*region.Map{c.Before, c.After} {
		for _, g := range m.Regions() {
			names[g.Name] = true
		}
	}
	for _, s := range []*side{before, after} {
		for name := range s.loads {
			names[name] = true // that of clients whom nobody may take is ""
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		l := Load{Region: name}
		l.RequestsBefore, l.ClientsBefore, l.PeakBefore = before.loads[name].total()
		l.RequestsAfter, l.ClientsAfter, l.PeakAfter = after.loads[name].total()
		if g, ok := c.After.Region(name); ok {
			l.SoftRPS, l.HardRPS = g.SoftRPS, g.HardRPS
		}
		switch {
		case l.HardRPS > 0 && l.PeakAfter > l.HardRPS:
			l.Over = "hard"
		case l.SoftRPS > 0 && l.PeakAfter > l.SoftRPS:
			l.Over = "soft"
		}
		r.Regions = append(r.Regions, l)
	}
}

func (l *load) total() (requests, clients int, peak float64) {
	if l == nil {
		return 0, 0, 0
	}
	most := 0
	for _, n := range l.minutes {
		most = max(most, n)
	}
	return l.requests, l.clients, float64(most) / 60
}

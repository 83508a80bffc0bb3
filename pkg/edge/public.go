package edge

import (
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
	"mirrornet/pkg/status"
)

// Status reports the current snapshot.
func (e *Edge) Status() status.Report {
	w := e.world.Load()
	net := w.Map.Network()
	s := status.Report{Node: e.Node, Region: e.Region, Version: e.Version, Time: e.Now().UTC(), Started: e.started.UTC(), State: "serving",
		Isolated: w.Isolated, Revision: w.Map.Revision(), Canonical: net.Canonical, Home: net.Home,
		Catalogue: e.catalogue.current.Load().summary()}
	if e.drainsNow(w) {
		s.State = string(health.Draining)
	}
	for _, r := range w.Map.Regions() {
		st := w.World.Status[r.Name]
		state := "serving"
		switch {
		case r.State != region.Serving && r.State != "":
			state = string(r.State)
		case st.Draining != "":
			state, st.Why = string(region.Draining), st.Draining
		case !st.Serving:
			state = "unreachable"
		}
		s.Regions = append(s.Regions, status.Region{Name: r.Name, Title: r.Title, URL: r.URL, Host: r.Host,
			Location: location(r.Location, r.Country), State: state, Why: st.Why, Nodes: st.Nodes, RTT: ms(w.RTT[r.Name]),
			Votes: votes(w.votes[r.Name]), Without: st.Without, NoIPv4: st.NoV4, NoIPv6: st.NoV6})
	}
	for _, m := range w.members {
		t, v := w.health.Status[nodeID(m.Node)], w.verdicts[m.Node]
		n := status.Node{Name: m.Node, Region: m.Region, Membership: m.State, State: stateWord(t.State), Votes: votes(v),
			Revision: m.Revision, Since: m.Since.UTC(), RTT: ms(m.RTT), Self: m.Self, NoOrigin: t.NoOrigin}
		if _, probed := w.own[m.Node]; !probed && v.State != "" {
			n.State = string(v.State) // as the others see it
		}
		if _, drained := w.drained["node "+m.Node]; drained {
			n.State = string(health.Draining)
		}
		if m.Self {
			n.State, n.NoOrigin = s.State, w.down
		}
		s.Nodes = append(s.Nodes, n)
	}
	for i, o := range w.origins {
		t := w.health.Status["origin "+o.source.Name]
		os := status.Origin{Order: i + 1, State: stateWord(o.state), Release: t.Release, Without: o.lost}
		if !t.LastOK.IsZero() {
			at := t.LastOK.UTC()
			os.LastOK = &at
		}
		s.Origins = append(s.Origins, os)
	}
	return s
}

func location(p geo.Point, country string) *status.Location {
	if !p.Valid() {
		return nil
	}
	return &status.Location{Lat: p.Lat(), Lon: p.Lon(), Country: country}
}

func (e *Edge) status(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, r, http.StatusOK, e.Status())
}

// directory lists the mirrors for programs that choose one themselves.
func (e *Edge) directory(w http.ResponseWriter, r *http.Request) {
	s := e.Status()
	writeJSON(w, r, http.StatusOK, struct {
		Canonical []string        `json:"canonical"`
		Home      region.Name     `json:"home"`
		Revision  string          `json:"revision"`
		Regions   []status.Region `json:"regions"`
	}{s.Canonical, s.Home, s.Revision, s.Regions})
}

// Explain decides as for a request of that client, and says why.
func (e *Edge) Explain(client netip.Addr, host string, navigation bool) status.Explanation {
	now := e.world.Load()
	x := explanation(now.router, now.Map, e.Locator.Locate(client), client, host, navigation)
	x.Node = e.Node
	return x
}

// ExplainUnprobed decides from the map alone: every region counts as serving.
func ExplainUnprobed(m *region.Map, self region.Name, place geo.Place, client netip.Addr, host string, navigation bool) status.Explanation {
	w := route.World{Map: m, Self: self, Status: map[region.Name]route.Status{}}
	for _, r := range m.Regions() {
		w.Status[r.Name] = route.Status{Serving: true, Why: "health unknown"}
	}
	return explanation(route.Compile(w), m, place, client, host, navigation)
}

func explanation(router *route.Router, m *region.Map, place geo.Place, client netip.Addr, host string, navigation bool) status.Explanation {
	if host == "" {
		host = hostOf(first(m.Network().Canonical))
	}
	d := router.Explain(route.Query{Client: client, Place: place, Host: host, Method: http.MethodGet, Navigation: navigation})
	x := status.Explanation{Place: placeOf(place), Host: host, HostKind: string(d.HostKind), Navigation: navigation,
		Action: string(d.Action), Region: d.Region, Nearest: d.Nearest, URL: d.URL, Reason: d.Reason(), Revision: m.Revision()}
	if client.IsValid() {
		x.Client = client.String()
	}
	for _, c := range d.Candidates {
		y := status.Candidate{Region: c.Region, Serving: c.Serving, Chosen: c.Chosen, Rule: c.Rule, RTT: ms(c.RTT), Reason: c.Reason}
		if c.DistanceKm >= 0 {
			km := math.Round(c.DistanceKm)
			y.DistanceKm = &km
		}
		x.Candidates = append(x.Candidates, y)
	}
	return x
}

func placeOf(p geo.Place) status.Place {
	return status.Place{Country: p.Country, Continent: p.Continent, City: p.City, Point: location(p.Point, ""),
		AccuracyKm: p.AccuracyKm, ASN: p.ASN}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func hostOf(base string) string {
	_, host, _ := strings.Cut(base, "://")
	host, _, _ = strings.Cut(host, "/")
	return host
}

// ServeExplanation answers /-/route on the operators' listener.
func (e *Edge) ServeExplanation(w http.ResponseWriter, r *http.Request) { e.explain(w, r) }

// explain answers /-/route?addr=&host=&navigate=: without addr, for the asker.
func (e *Edge) explain(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var client netip.Addr
	if x, public := r.Context().Value(exchangeKey{}).(*exchange); public {
		client = x.client
	}
	if s := q.Get("addr"); s != "" {
		a, err := netip.ParseAddr(s)
		if err != nil {
			writeJSON(w, r, http.StatusBadRequest, map[string]string{"error": "addr is not an IP address; write one like 203.0.113.9 or 2001:db8::1"})
			return
		}
		client = a.Unmap()
	}
	navigate := q.Has("navigate") && !slices.Contains([]string{"0", "false", "no"}, q.Get("navigate"))
	writeJSON(w, r, http.StatusOK, e.Explain(client, q.Get("host"), navigate))
}

func (e *Edge) home(w http.ResponseWriter, r *http.Request) {
	if !e.page(w, r) {
		return
	}
	x := exchangeOf(r)
	h := status.Home{Report: e.Status(), CanonicalOK: x.decision.HostKind == region.Canonical}
	h.Decision = e.Explain(x.client, "", true)
	if c := first(h.Report.Canonical); c != "" {
		h.StayURL = c + "/?redirect=no"
	}
	if s := e.catalogue.current.Load(); s != nil {
		h.Catalogue = s.index.Catalogue()
	}
	e.Config.Home(w, r, h)
}

func (e *Edge) network(w http.ResponseWriter, r *http.Request) {
	if e.page(w, r) {
		e.Config.Network(w, r, e.Status())
	}
}

// page prepares the answer to a visitor of a page; it reports whether the
// page is to be written.
func (e *Edge) page(w http.ResponseWriter, r *http.Request) bool {
	x := exchangeOf(r)
	if r.Method != http.MethodGet && r.Method != http.MethodHead || e.Config.Home == nil || e.Config.Network == nil {
		e.api(w, r)
		return false
	}
	x.outcome.Action = "page"
	h := w.Header()
	e.mirrorFields(h, r, x)
	h.Set("Cache-Control", "private, no-store")
	h.Set("Via", via(r, e.Node))
	h.Set("Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src *; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer-when-downgrade")
	return true
}

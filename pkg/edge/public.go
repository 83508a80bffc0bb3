package edge

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

// Status reports the current snapshot. Nearest in it is shared: nobody may
// change it.
func (e *Edge) Status() status.Report {
	w := e.world.Load()
	net := w.Map.Network()
	s := status.Report{Node: e.Node, Region: e.Region, Version: e.Version, Time: e.Now().UTC(), Started: e.started.UTC(), State: "serving",
		Isolated: w.Isolated, Revision: w.Map.Revision(), Canonical: net.Canonical, Home: net.Home,
		Catalogue: e.catalogue.current.Load().summary(), Nearest: w.nearest()}
	if e.drainsNow(w) {
		s.State = string(health.Draining)
	}
	var announced map[region.Name]bool
	if e.Announced != nil {
		announced = e.Announced()
	}
	for _, r := range w.Map.Regions() {
		st := w.World.Status[r.Name]
		state := "serving"
		switch {
		case r.State == region.Draining, r.State == region.Retired:
			state = string(r.State)
		case st.Draining != "":
			state, st.Why = string(region.Draining), st.Draining
		case !st.Serving && w.emptied(r.Name):
			state = string(region.Draining)
		case !st.Serving:
			state = "unreachable"
		case r.State == region.Canary:
			state = string(r.State)
		}
		s.Regions = append(s.Regions, status.Region{Name: r.Name, Title: r.Title, URL: r.URL, Host: r.Host,
			Location: location(r.Location, r.Country), State: state, Why: st.Why, Nodes: st.Nodes, RTT: ms(w.RTT[r.Name]),
			Votes: votes(w.votes[r.Name]), Without: st.Without, NoIPv4: st.NoV4, NoIPv6: st.NoV6,
			Announced: announced[r.Name], Drained: st.Draining})
	}
	for _, m := range w.members {
		t, v := w.health.Status[nodeID(m.Node)], w.verdicts[m.Node]
		n := status.Node{Name: m.Node, Region: m.Region, Membership: m.State, State: stateWord(t.State), Votes: votes(v),
			Revision: m.Revision, Since: m.Since.UTC(), RTT: ms(m.RTT), Self: m.Self, NoOrigin: t.NoOrigin}
		if _, probed := w.own[m.Node]; !probed && v.State != "" {
			n.State = string(v.State) // as the others see it
		}
		if until, drained := w.drained["node "+m.Node]; drained {
			n.Drained = until
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

// emptied reports whether a node of the region is there and takes no clients
// because it was told so.
func (w *world) emptied(r region.Name) bool {
	return slices.ContainsFunc(w.members, func(n Member) bool {
		_, drained := w.drained["node "+n.Node]
		return n.Region == r && (n.present() || n.Self) && (drained || w.health.Status[nodeID(n.Node)].State == health.Draining)
	})
}

func location(p geo.Point, country string) *status.Location {
	if !p.Valid() {
		return nil
	}
	return &status.Location{Lat: p.Lat(), Lon: p.Lon(), Country: country}
}

// whole is Status with all that there is to tell.
func (e *Edge) whole() status.Report {
	s := e.Status()
	if e.Complete != nil {
		s = e.Complete(s)
	}
	return s
}

// status answers /-/status.json; with ?own for other nodes, which ask for what
// this one says of itself and would read no more of it.
func (e *Edge) status(w http.ResponseWriter, r *http.Request) {
	s := e.whole()
	if r.URL.Query().Has("own") {
		s.Nodes = slices.DeleteFunc(s.Nodes, func(n status.Node) bool { return !n.Self })
		s.Regions, s.Nearest, s.Events = []status.Region{}, nil, nil
	}
	writeJSON(w, r, http.StatusOK, s)
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

func (e *Edge) home(w http.ResponseWriter, r *http.Request) {
	if e.page(w, r) {
		e.Config.Home(w, r, e.visit(r))
	}
}

func (e *Edge) network(w http.ResponseWriter, r *http.Request) {
	if e.page(w, r) {
		v := e.visit(r)
		v.Asked = e.Answer(r.URL.Query(), true)
		e.Config.Network(w, r, v)
	}
}

// visit is what pages show to the client.
func (e *Edge) visit(r *http.Request) status.Visit {
	x := exchangeOf(r)
	v := e.Visit(x.client)
	v.Canonical = x.decision.HostKind == region.Canonical
	return v
}

// Visit is what pages show to a client who came by a name of this node's own.
func (e *Edge) Visit(client netip.Addr) status.Visit {
	v := status.Visit{Report: e.whole(), Decision: e.Explain(client, "", true)}
	if c := first(v.Report.Canonical); c != "" {
		v.StayURL = c + "/?redirect=no"
	}
	if s := e.catalogue.current.Load(); s != nil {
		v.Catalogue = s.index.Catalogue()
	}
	return v
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
	// Not no-store: the way back shows what was there, at once.
	h.Set("Cache-Control", "private, no-cache")
	h.Add("Vary", "Cookie")
	h.Set("Via", via(r, e.Node))
	h.Set("X-Content-Type-Options", "nosniff")
	return true
}

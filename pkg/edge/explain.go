package edge

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
	"mirrornet/pkg/status"
)

// maxAsked bounds how many clients one request to the operators' listener
// may ask for.
const maxAsked = 1000

// An Explainer says what would become of requests, in one World.
type Explainer struct {
	node   string // who decides; "" for none
	m      *region.Map
	router *route.Router
}

// Explainer explains by the current snapshot.
func (e *Edge) Explainer() Explainer {
	now := e.world.Load()
	return Explainer{e.Node, now.Map, now.router}
}

// ExplainUnprobed explains from the map alone: every region counts as serving.
func ExplainUnprobed(m *region.Map, self region.Name) Explainer {
	w := route.World{Map: m, Self: self, Status: map[region.Name]route.Status{}}
	for _, r := range m.Regions() {
		w.Status[r.Name] = route.Status{Serving: true, Why: "health unknown"}
	}
	return Explainer{m: m, router: route.Compile(w)}
}

// Explain decides as for a request of that client, and says why. host "" is the
// first canonical one.
func (x Explainer) Explain(client netip.Addr, place geo.Place, host string, navigation bool) status.Explanation {
	q := x.query(client, place, host, navigation)
	d := x.router.Explain(q)
	s := status.Explanation{Place: placeOf(place), Host: q.Host, HostKind: string(d.HostKind), Navigation: navigation,
		Action: string(d.Action), Region: d.Region, Nearest: d.Nearest, URL: d.URL, Reason: d.Reason(), Revision: x.m.Revision(), Node: x.node}
	if client.IsValid() {
		s.Client = client.String()
	}
	for _, c := range d.Candidates {
		y := status.Candidate{Region: c.Region, Serving: c.Serving, Chosen: c.Chosen, Excluded: c.Excluded, Rule: c.Rule,
			RTT: ms(c.RTT), ClientRTT: ms(c.ClientRTT), Reason: c.Reason}
		if c.DistanceKm >= 0 {
			km := math.Round(c.DistanceKm)
			y.DistanceKm = &km
		}
		s.Candidates = append(s.Candidates, y)
	}
	return s
}

// Route is Explain in short.
func (x Explainer) Route(client netip.Addr, place geo.Place, host string, navigation bool) status.Routed {
	d := x.router.Decide(x.query(client, place, host, navigation))
	return status.Routed{Client: client.String(), Country: place.Country, Action: string(d.Action), Region: d.Region, Nearest: d.Nearest, Reason: d.Reason()}
}

func (x Explainer) query(client netip.Addr, place geo.Place, host string, navigation bool) route.Query {
	if host == "" {
		host = hostOf(first(x.m.Network().Canonical))
	}
	return route.Query{Client: client, Place: place, Host: host, Method: http.MethodGet, Navigation: navigation}
}

// nearestByCountry is where a page load from the middle of each country would be
// sent.
func nearestByCountry(r *route.Router) map[string]region.Name {
	countries := geo.Countries()
	nearest := make(map[string]region.Name, len(countries))
	for _, c := range countries {
		d := r.Decide(route.Query{Place: countryPlace(c), Method: http.MethodGet, Navigation: true})
		if d.Nearest != "" {
			nearest[c] = d.Nearest
		}
	}
	return nearest
}

// countryPlace is a place of which no more than the country is known.
func countryPlace(code string) geo.Place {
	p := geo.Place{Country: code, Continent: geo.ContinentOf(code)}
	p.Point, _ = geo.CountryPoint(code)
	return p
}

func placeOf(p geo.Place) status.Place {
	return status.Place{Country: p.Country, Continent: p.Continent, City: p.City, Point: location(p.Point, ""),
		AccuracyKm: p.AccuracyKm, ASN: p.ASN}
}

// Explain decides as for a request of that client, and says why.
func (e *Edge) Explain(client netip.Addr, host string, navigation bool) status.Explanation {
	return e.Explainer().Explain(client, e.Locator.Locate(client), host, navigation)
}

// ServeExplanation answers /route on the operators' listener: as /-/route on the
// public one, and for several addr at once with a list in short.
func (e *Edge) ServeExplanation(w http.ResponseWriter, r *http.Request) {
	list := r.URL.Query()["addr"]
	if len(list) < 2 {
		e.explain(w, r)
		return
	}
	if len(list) > maxAsked {
		writeJSON(w, r, http.StatusBadRequest, map[string]string{"error": fmt.Sprintf("more than %d addr at once; ask in parts", maxAsked)})
		return
	}
	x, answers := e.Explainer(), make([]status.Routed, 0, len(list))
	host, navigate := r.URL.Query().Get("host"), navigates(r)
	for _, s := range list {
		a, err := netip.ParseAddr(s)
		if err != nil {
			writeJSON(w, r, http.StatusBadRequest, map[string]string{"error": errAddr.Error()})
			return
		}
		a = a.Unmap()
		answers = append(answers, x.Route(a, e.Locator.Locate(a), host, navigate))
	}
	writeJSON(w, r, http.StatusOK, answers)
}

// explain answers /-/route: for the address addr, for the place lat, lon and
// country, or without them for the asker.
func (e *Edge) explain(w http.ResponseWriter, r *http.Request) {
	a := e.Answer(r.URL.Query(), navigates(r))
	switch {
	case a == nil:
		var client netip.Addr
		if x, public := r.Context().Value(exchangeKey{}).(*exchange); public {
			client = x.client
		}
		writeJSON(w, r, http.StatusOK, e.Explain(client, r.URL.Query().Get("host"), navigates(r)))
	case a.Error != "":
		writeJSON(w, r, http.StatusBadRequest, map[string]string{"error": a.Error})
	default:
		writeJSON(w, r, http.StatusOK, a.Explanation)
	}
}

// Answer explains what a query asks for: an address, or a place. nil: neither.
func (e *Edge) Answer(q url.Values, navigation bool) *status.Asked {
	a := &status.Asked{Addr: q.Get("addr"), Country: strings.ToUpper(q.Get("country"))}
	place, asked, err := askedPlace(q)
	var client netip.Addr
	switch {
	case err != nil:
	case asked:
		if q.Get("lat") != "" {
			a.Point = location(place.Point, a.Country)
		}
	case a.Addr == "":
		return nil
	default:
		if client, err = netip.ParseAddr(a.Addr); err != nil {
			err = errAddr
		}
		client = client.Unmap()
		place = e.Locator.Locate(client)
	}
	if err != nil {
		a.Error = err.Error()
		return a
	}
	x := e.Explainer().Explain(client, place, q.Get("host"), navigation)
	a.Explanation = &x
	return a
}

// askedPlace is the place that a question is about; false: it is about none.
func askedPlace(q url.Values) (p geo.Place, asked bool, err error) {
	lat, lon, country := q.Get("lat"), q.Get("lon"), strings.ToUpper(q.Get("country"))
	switch {
	case lat == "" && lon == "" && country == "":
		return p, false, nil
	case q.Get("addr") != "":
		return p, true, errors.New("ask for an address (addr) or for a place (lat, lon, country), not for both")
	case (lat == "") != (lon == ""):
		return p, true, errors.New("a point has two numbers; write both, like lat=35.7&lon=139.7")
	case country != "" && !geo.KnownCountry(country):
		return p, true, errors.New("country is no code of ISO 3166-1 that is known here; write two letters, like JP")
	}
	if country != "" {
		p = countryPlace(country)
	}
	if lat == "" {
		return p, true, nil
	}
	y, errLat := strconv.ParseFloat(lat, 64)
	x, errLon := strconv.ParseFloat(lon, 64)
	if p.Point, err = geo.At(y, x); err != nil || errLat != nil || errLon != nil {
		return p, true, errors.New("lat and lon are degrees, -90 to 90 and -180 to 180; write them like lat=35.7&lon=139.7")
	}
	return p, true, nil
}

func navigates(r *http.Request) bool {
	q := r.URL.Query()
	return q.Has("navigate") && !slices.Contains([]string{"0", "false", "no"}, q.Get("navigate"))
}

var errAddr = errors.New("addr is not an IP address; write one like 203.0.113.9 or 2001:db8::1")

package route

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
)

// Status is what is known of a region's health and load.
type Status struct {
	Serving bool   // confirmed within the last seconds
	Why     string // a few words for people: "2 of its nodes serving", "asia-1 is unreachable"
	Nodes   int    // serving nodes
	// Overloaded: above its hard limit, so it takes no new client while another
	// can.
	Overloaded bool
	// Spill is the percentage of its clients who go to their next region: it is
	// above its soft limit.
	Spill int
	// Without are the classes of endpoints that it cannot serve now.
	Without []string
	// Draining: it takes no clients by a statement, whose end this says: "until
	// 14:05 UTC". "": no such statement.
	Draining string
	// NoV4, NoV6: known not to be reachable over that family.
	NoV4, NoV6 bool
}

// DecidesAs reports whether both lead to the same decisions; what they say in
// words may differ.
func (s Status) DecidesAs(o Status) bool {
	return s.Serving == o.Serving && s.Overloaded == o.Overloaded && s.Spill == o.Spill && slices.Equal(s.Without, o.Without) &&
		(s.Draining == "") == (o.Draining == "") && s.NoV4 == o.NoV4 && s.NoV6 == o.NoV6
}

// RoundTrips tells of round trips measured from the networks of clients. Its
// method is called by many goroutines.
type RoundTrips interface {
	// RoundTrip is that between a client's network and a region; 0 unknown.
	RoundTrip(client netip.Addr, r region.Name) time.Duration
}

// World is everything but the request that a decision depends on. It is only
// read, and nobody may change what it holds afterwards.
type World struct {
	Map  *region.Map // not nil
	Self region.Name // the region of the node that decides
	// Status of each region; one that is absent is not serving, but Self is.
	Status map[region.Name]Status
	// Isolated: this node reaches no other region and no origin.
	Isolated bool
	// RTT from this node to the nearest node of a region; absent or 0: unknown.
	RTT map[region.Name]time.Duration
	// Clients: round trips from the networks of clients; nil: none is known.
	Clients RoundTrips
}

// Query is one request.
type Query struct {
	Client     netip.Addr // invalid: unknown
	Place      geo.Place  // of Client
	Host       string     // as sent; a port is ignored
	Method     string
	Class      string // of the endpoint that is asked for; "" unknown
	Navigation bool   // a page load in a browser, see [Navigation]
	// Stay: the client does not want to be sent elsewhere (redirect=no, or the
	// cookie of an earlier one).
	Stay bool
	// Force: decide afresh (redirect=force), Stay or not.
	Force bool
	// Prefer and Avoid are the client's own wishes, the most wanted first. Names
	// that are no regions have no effect.
	Prefer, Avoid []region.Name
	// Forwarded: it came through another edge, and goes no further.
	Forwarded bool
}

// An Action is what becomes of a request.
type Action string

const (
	Serve    Action = "serve"    // answer here
	Redirect Action = "redirect" // 307 to Decision.URL
	Proxy    Action = "proxy"    // ask a node of Decision.Region and pass its answer on
	// Refuse is for callers that shed load; Decide itself refuses nobody, since
	// an answer from store is always possible.
	Refuse Action = "refuse"
)

// A Candidate is one region of the map, seen from one request.
type Candidate struct {
	Region  region.Name
	Serving bool // confirmed serving, whatever its state in the map
	// Excluded: it is not in question for this request, for whatever Reason says.
	Excluded bool
	// Rule is the most specific of its serves rules that matches: "network
	// 192.0.2.0/24", "asn 64500", "country JP", "continent AS" or "".
	Rule       string
	DistanceKm float64       // from the client; -1 unknown
	RTT        time.Duration // from this node; 0 unknown
	ClientRTT  time.Duration // from the client's network; 0 unknown
	Chosen     bool          // it is Decision.Nearest
	Reason     string        // one sentence: why it was chosen or not
}

// A Decision is what becomes of a request.
type Decision struct {
	Action Action
	Region region.Name // who serves this request
	// Nearest is the best region for the client, able to serve, whatever the
	// action; "" if there is none.
	Nearest  region.Name
	URL      string // base URL of Region, from the map; the target of a redirect
	HostKind region.HostKind

	// What Reason needs. Regions are places in the map, -1 none.
	router          *Router
	method, class   string
	why             why
	nearest, to     int32
	named           int32 // by a regional hostname
	spiller, passed int32 // see choose
}

// An Explanation is a Decision with what was thought of every region.
type Explanation struct {
	Decision
	// Candidates are all regions: those in question first, the best of them in
	// front, then the others by name.
	Candidates []Candidate
}

// Navigation reports whether a request is a page load in a browser: a GET or
// HEAD with Sec-Fetch-Mode: navigate or, from clients that do not send that
// field, with text/html first in Accept and without X-Requested-With.
func Navigation(method string, h http.Header) bool {
	if method != http.MethodGet && method != http.MethodHead {
		return false
	}
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" {
		return strings.EqualFold(mode, "navigate")
	}
	if h.Get("X-Requested-With") != "" {
		return false
	}
	accepted, _, _ := strings.Cut(h.Get("Accept"), ",")
	accepted, _, _ = strings.Cut(accepted, ";")
	return strings.EqualFold(strings.TrimSpace(accepted), "text/html")
}

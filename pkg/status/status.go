// Package status is the public JSON of a node, types alone: what a node says of
// itself and of the network, and how it explains a decision. The edge fills it
// in, the dashboard and the commands show it. It names regions, nodes and
// states, and no address.
package status

import (
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/region"
)

// Report is what a node says of itself and of the network.
type Report struct {
	Node      string      `json:"node"`
	Region    region.Name `json:"region"`
	Version   string      `json:"version"`
	Time      time.Time   `json:"time"`
	Started   time.Time   `json:"started"`
	State     string      `json:"state"` // serving, draining
	Isolated  bool        `json:"isolated,omitempty"`
	Revision  string      `json:"revision"` // of the region map
	Canonical []string    `json:"canonical"`
	Home      region.Name `json:"home"`
	Catalogue *Catalogue  `json:"catalogue,omitempty"`
	Regions   []Region    `json:"regions"`
	Nodes     []Node      `json:"nodes"`
	Origins   []Origin    `json:"origins"`
	// Nearest is the region that a page load from the middle of a country would
	// be sent to, by its ISO 3166-1 alpha-2 code.
	Nearest map[string]region.Name `json:"nearest,omitempty"`
	Events  []Event                `json:"events,omitempty"` // the newest first
}

// Event is one change in the network, as this node saw it.
type Event struct {
	Seq    uint64      `json:"seq"` // counts this node's events from 1
	Time   time.Time   `json:"time"`
	Kind   EventKind   `json:"kind"`
	Region region.Name `json:"region,omitempty"`
	Node   string      `json:"node,omitempty"`
	Origin int         `json:"origin,omitempty"` // of the node, by its order
	// To is what it is now: a state, membership, revision or release, or how many
	// mistakes; "" for a region that is none any more.
	To     string `json:"to,omitempty"`
	Text   string `json:"text"`             // one sentence
	Detail string `json:"detail,omitempty"` // for operators alone
}

// EventKind is what an Event is about.
type EventKind string

const (
	Joined        EventKind = "joined"         // a node came
	Left          EventKind = "left"           // a node left, as it said
	Dead          EventKind = "dead"           // gossip gave a node up
	State         EventKind = "state"          // a region, node or origin changed its state
	Drained       EventKind = "drained"        // an operator took a region or node out
	Resumed       EventKind = "resumed"        // and put it back
	Revision      EventKind = "revision"       // a node runs another revision of the region map
	Release       EventKind = "release"        // another release of the data, or catalogue
	ConfigRefused EventKind = "config refused" // region files with a mistake; what ran goes on
)

// Figures are what a node counted over the last Window, and what it has now.
type Figures struct {
	At        time.Time          `json:"at"`
	Window    float64            `json:"window_s"` // seconds that the rates below are over
	Requests  float64            `json:"requests_per_s"`
	P50       float64            `json:"p50_ms"` // time to the end of the answer; 0: no request
	P99       float64            `json:"p99_ms"`
	Hits      map[string]float64 `json:"hits"`      // share of API requests answered by each tier: lane, memory, memcached
	Decisions []Count            `json:"decisions"` // the most frequent first
	Memory    *CacheSize         `json:"memory,omitempty"`
	Memcached *CacheSize         `json:"memcached,omitempty"`
	GeoIP     *GeoIP             `json:"geoip,omitempty"`
	Release   string             `json:"release,omitempty"` // of the catalogue that it runs by
	Origins   []Origin           `json:"origins"`           // as seen from there
	Refused   int                `json:"refused,omitempty"` // mistakes in its region files
}

// Count is how many requests were decided for one reason.
type Count struct {
	Reason string `json:"reason"`
	N      uint64 `json:"n"`
}

// CacheSize is what a tier of the store holds.
type CacheSize struct {
	Bytes   int64 `json:"bytes"`
	Limit   int64 `json:"limit,omitempty"`
	Entries int64 `json:"entries"`
	Down    bool  `json:"down,omitempty"` // it does not answer
}

// GeoIP is the database that a node finds clients by.
type GeoIP struct {
	Type  string    `json:"type"` // as GeoLite2-City
	Built time.Time `json:"built"`
}

// Catalogue says which catalogue a node runs by.
type Catalogue struct {
	Title     string    `json:"title"`
	Hash      string    `json:"hash"`
	Release   string    `json:"release"`
	Endpoints int       `json:"endpoints"`
	Since     time.Time `json:"since"`
}

// Region is one region as this node sees it.
type Region struct {
	Name     region.Name `json:"name"`
	Title    string      `json:"title"`
	URL      string      `json:"url"`
	Host     string      `json:"host"`
	Location *Location   `json:"location,omitempty"`
	State    string      `json:"state"` // serving, draining, unreachable, retired, canary
	Why      string      `json:"why"`
	Nodes    int         `json:"nodes"` // serving
	// Votes says how many of the nodes that look see the region's best node.
	Votes string `json:"votes,omitempty"`
	// Without are classes of endpoints that it cannot serve from its origins.
	Without []string `json:"without,omitempty"`
	// NoIPv4, NoIPv6: not reached over that family.
	NoIPv4 bool    `json:"no_ipv4,omitempty"`
	NoIPv6 bool    `json:"no_ipv6,omitempty"`
	RTT    float64 `json:"rtt_ms,omitempty"`
	// Announced: by its own nodes; no file here describes it.
	Announced bool `json:"announced,omitempty"`
	// Drained: an operator took it out of service, until when this says.
	Drained string `json:"drained,omitempty"`
}

// Location is a point in degrees, and its country.
type Location struct {
	Lat     float64 `json:"lat"`
	Lon     float64 `json:"lon"`
	Country string  `json:"country,omitempty"`
}

// Node is one node as this node sees it.
type Node struct {
	Name       string      `json:"name"`
	Region     region.Name `json:"region"`
	Membership string      `json:"membership"` // alive, suspect, dead, left
	State      string      `json:"state"`      // serving, draining, unreachable, unknown
	Revision   string      `json:"revision"`
	Since      time.Time   `json:"since"`
	RTT        float64     `json:"rtt_ms,omitempty"`
	Votes      string      `json:"votes,omitempty"` // of the nodes that look at it
	NoOrigin   bool        `json:"no_origin,omitempty"`
	Self       bool        `json:"self,omitempty"`
	Drained    string      `json:"drained,omitempty"` // as that of a Region
	Figures    *Figures    `json:"figures,omitempty"` // nil: not known
}

// Origin is one origin, by its place in the order of preference.
type Origin struct {
	Order   int        `json:"order"`
	State   string     `json:"state"`
	Release string     `json:"release,omitempty"`
	LastOK  *time.Time `json:"last_ok,omitempty"`
	Without []string   `json:"without,omitempty"` // classes of endpoints that it fails, while others work
}

// Explanation is a decision with everything that led to it.
type Explanation struct {
	Client     string      `json:"client"`
	Place      Place       `json:"place"`
	Host       string      `json:"host"`
	HostKind   string      `json:"host_kind"`
	Navigation bool        `json:"navigation"`
	Action     string      `json:"action"`
	Region     region.Name `json:"region"`
	Nearest    region.Name `json:"nearest"`
	URL        string      `json:"url"`
	Reason     string      `json:"reason"`
	Candidates []Candidate `json:"candidates"`
	Revision   string      `json:"revision"`
	Node       string      `json:"node"` // who decided
}

// Routed is an Explanation in short, in the words of the access log.
type Routed struct {
	Client  string      `json:"client"`
	Country string      `json:"country,omitempty"`
	Action  string      `json:"action"`
	Region  region.Name `json:"region"`
	Nearest region.Name `json:"nearest,omitempty"`
	Reason  string      `json:"reason"`
}

// Place is where a client is, as far as it is known.
type Place struct {
	Country    string    `json:"country,omitempty"`
	Continent  string    `json:"continent,omitempty"`
	City       string    `json:"city,omitempty"`
	Point      *Location `json:"point,omitempty"`
	AccuracyKm int       `json:"accuracy_km,omitempty"`
	ASN        uint32    `json:"asn,omitempty"`
}

// Candidate is one region that was considered.
type Candidate struct {
	Region     region.Name `json:"region"`
	Serving    bool        `json:"serving"`
	Chosen     bool        `json:"chosen,omitempty"`
	Excluded   bool        `json:"excluded,omitempty"` // not in question, whatever its distance
	Rule       string      `json:"rule,omitempty"`
	DistanceKm *float64    `json:"distance_km,omitempty"`
	RTT        float64     `json:"rtt_ms,omitempty"`        // from the node
	ClientRTT  float64     `json:"client_rtt_ms,omitempty"` // from the client's network
	Reason     string      `json:"reason"`
}

// Visit is what a page shows to one visitor.
type Visit struct {
	Report    Report
	Decision  Explanation // as for this visitor on the canonical name
	StayURL   string      // the canonical name with redirect=no
	Catalogue *apispec.Catalogue
	Canonical bool   // the visitor came by a canonical name
	Asked     *Asked // on the network's page: what its query asks for (addr, or lat, lon and country); nil: nothing
}

package region

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"mirrornet/pkg/geo"
)

// A Name names a region and its file: lower-case letters, digits and hyphens,
// beginning with a letter, at most 32.
type Name string

// Valid reports whether n can name a region. "network" cannot: that is the file
// of the whole.
func (n Name) Valid() bool {
	if len(n) < 1 || len(n) > 32 || n == "network" || n[0] < 'a' || n[0] > 'z' {
		return false
	}
	for _, c := range []byte(n) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

// Rules match clients, from the least to the most specific. The lists are
// sorted and hold nothing twice.
type Rules struct {
	Continents []string       // AF AN AS EU NA OC SA
	Countries  []string       // ISO 3166-1 alpha-2, upper case
	Networks   []netip.Prefix // masked
	ASNs       []uint32
}

// A State is what an operator wants of a region.
type State string

const (
	Serving  State = "serving"
	Canary   State = "canary"   // a share of the clients
	Draining State = "draining" // no new clients; answers those who ask it
	Retired  State = "retired"  // no clients; kept so that its name is known
)

// A Region is one file of the folder.
type Region struct {
	Name     Name
	Title    string    // for people; the name if the file gives none
	URL      string    // base URL without a path: "https://asia.ensembl.org"
	Host     string    // URL's authority as users type it: lower case, with the port if URL has one
	Location geo.Point // always valid
	Country  string    // of Location; "" unknown
	Serves   Rules     // clients for whom this region is meant
	Avoid    Rules     // clients who are never sent here
	SoftRPS  float64   // requests/s above which the excess goes to the next region; 0: no limit
	HardRPS  float64   // requests/s above which no new client is taken; 0: no limit
	Parent   Name      // whom to ask before the origin; "" none
	State    State     // Serving if the file says nothing
	Share    int       // percent of the clients in state Canary; no effect in other states
}

// Network is network.yaml: what holds for all regions.
type Network struct {
	Canonical []string // base URLs of the names that any region answers to, the first for links; not empty
	Home      Name     // where clients of unknown place go
	// Navigation is what a browser's page load on a canonical name gets:
	// "redirect" (default) or "serve".
	Navigation string
	// API is what an API call on a canonical name gets: "serve" (default),
	// "proxy" or "redirect".
	API       string
	Announced Announced
}

// Announced bounds what joining nodes may announce about regions of which there
// is no file. Without URLs no announcement is accepted.
type Announced struct {
	URLs     []string // patterns: scheme and authority, "*." in front stands for one label
	Networks []netip.Prefix
	ASNs     []uint32
}

// AllowsURL reports whether a region's URL matches one of a's patterns.
func (a Announced) AllowsURL(url string) bool {
	for _, pattern := range a.URLs {
		scheme, host, _ := strings.Cut(pattern, "://")
		rest, ok := strings.CutPrefix(url, scheme+"://")
		if suffix, wild := strings.CutPrefix(host, "*."); wild && ok {
			label, domain, _ := strings.Cut(rest, ".")
			if label != "" && domain == suffix {
				return true
			}
		} else if ok && rest == host {
			return true
		}
	}
	return false
}

// Text is r as a region file in canonical form: [ParseRegion] makes an equal
// Region of it, and equal Regions have equal texts.
func (r Region) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "title: %s\nurl: %s\n", quote(cmp.Or(r.Title, string(r.Name))), quote(r.URL))
	if r.Location.Valid() {
		fmt.Fprintf(&b, "location: {lat: %s, lon: %s, country: %s}\n", number(r.Location.Lat()), number(r.Location.Lon()), quote(r.Country))
	}
	fmt.Fprintf(&b, "serves: %s\navoid: %s\n", r.Serves.text(), r.Avoid.text())
	fmt.Fprintf(&b, "capacity: {soft_rps: %s, hard_rps: %s}\n", number(r.SoftRPS), number(r.HardRPS))
	fmt.Fprintf(&b, "parent: %s\nstate: %s\nshare: %d\n", quote(string(r.Parent)), quote(string(cmp.Or(r.State, Serving))), r.Share)
	return b.String()
}

// Digest is 12 hex digits of a hash of r's name and Text.
func (r Region) Digest() string { return digest(string(r.Name) + "\n" + r.Text()) }

// Text is n as network.yaml in canonical form.
func (n Network) Text() string {
	return fmt.Sprintf("canonical: %s\nhome: %s\nrouting: {navigation: %s, api: %s}\nannounced: {urls: %s, networks: %s, asns: %s}\n",
		flow(n.Canonical, quote), quote(string(n.Home)), quote(cmp.Or(n.Navigation, "redirect")), quote(cmp.Or(n.API, "serve")),
		flow(n.Announced.URLs, quote), flow(n.Announced.Networks, quotePrefix), flow(n.Announced.ASNs, quoteASN))
}

func (r Rules) text() string {
	return fmt.Sprintf("{continents: %s, countries: %s, networks: %s, asns: %s}",
		flow(r.Continents, quote), flow(r.Countries, quote), flow(r.Networks, quotePrefix), flow(r.ASNs, quoteASN))
}

func flow[T any](list []T, text func(T) string) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = text(v)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// quote writes a YAML double-quoted scalar: Go's escapes are a part of YAML's.
func quote(s string) string             { return strconv.QuoteToASCII(s) }
func quotePrefix(p netip.Prefix) string { return quote(p.String()) }
func quoteASN(n uint32) string          { return strconv.FormatUint(uint64(n), 10) }
func number(f float64) string           { return strconv.FormatFloat(f, 'f', -1, 64) }

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}

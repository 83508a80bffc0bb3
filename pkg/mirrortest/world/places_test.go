//go:build linux

package world

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"mirrornet/pkg/geo"
)

// Every address is one that is routed on the Internet, since edges give no
// place to special-use ones; here they exist in the world's namespaces alone.

// A site is a region with its two nodes.
type site struct {
	region, country string
	lat, lon        float64
	serves          []string // continents
	nodes           [2]string
}

var sites = []site{
	{"europe", "GB", 52.0797, 0.1863, []string{"EU"}, [2]string{"193.62.193.11", "193.62.193.12"}},
	{"asia", "SG", 1.3521, 103.8198, []string{"AS", "OC"}, [2]string{"137.132.1.11", "137.132.1.12"}},
	{"useast", "US", 39.0438, -77.4874, []string{"NA"}, [2]string{"149.165.1.11", "149.165.1.12"}},
	{"samerica", "BR", -23.5475, -46.6361, []string{"SA"}, [2]string{"143.107.1.11", "143.107.1.12"}},
	{"africa", "ZA", -26.2023, 28.0436, []string{"AF"}, [2]string{"146.141.1.11", "146.141.1.12"}},
}

// oceania is the region that comes later, with one node.
var oceania = site{"oceania", "AU", -33.8678, 151.2073, []string{"OC"}, [2]string{"150.203.1.11"}}

// A home is where a continent's client sits.
type home struct {
	continent, country, city string
	lat, lon                 float64
	addr                     string
}

var homes = []home{
	{"EU", "DE", "Berlin", 52.52, 13.40, "141.20.1.10"},
	{"AS", "JP", "Tokyo", 35.6895, 139.6917, "133.39.1.1"},
	{"NA", "US", "Bethesda", 38.9807, -77.1003, "130.14.29.110"},
	{"SA", "AR", "Buenos Aires", -34.6, -58.38, "157.92.1.10"},
	{"AF", "KE", "Nairobi", -1.29, 36.82, "196.216.2.1"},
	{"OC", "AU", "Sydney", -33.8678, 151.2073, "139.130.4.4"},
}

// origins stand beside two of the regions.
var origins = []struct {
	name, beside, addr string
}{{"origin-1", "europe", "193.62.193.80"}, {"origin-2", "useast", "149.165.1.80"}}

func at(lat, lon float64) geo.Point {
	p, err := geo.At(lat, lon)
	if err != nil {
		panic(err)
	}
	return p
}

// nearest lists the regions of sites as h's clients should get them: the one
// that serves their continent, then by distance. It is what the edges' answers
// are held against, and knows nothing of how they decide.
func nearest(h home, sites []site) []string {
	type candidate struct {
		region string
		rule   bool
		km     float64
	}
	var all []candidate
	for _, s := range sites {
		all = append(all, candidate{s.region, slices.Contains(s.serves, h.continent), at(s.lat, s.lon).DistanceKm(at(h.lat, h.lon))})
	}
	slices.SortFunc(all, func(a, b candidate) int {
		switch {
		case a.rule != b.rule && a.rule, a.rule == b.rule && a.km < b.km:
			return -1
		default:
			return 1
		}
	})
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.region
	}
	return names
}

// geoDatabase makes a GeoIP City database of homes.
func geoDatabase(t testing.TB, homes []home) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-City", RecordSize: 24,
		Description: map[string]string{"en": "Six clients"}, Languages: []string{"en"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range homes {
		_, network, err := net.ParseCIDR(netip.PrefixFrom(netip.MustParseAddr(h.addr), 24).Masked().String())
		if err != nil {
			t.Fatal(err)
		}
		country := mmdbtype.Map{"iso_code": mmdbtype.String(h.country)}
		err = tree.Insert(network, mmdbtype.Map{
			"continent":          mmdbtype.Map{"code": mmdbtype.String(h.continent)},
			"country":            country,
			"registered_country": country,
			"city":               mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(h.city)}},
			"location": mmdbtype.Map{"latitude": mmdbtype.Float64(h.lat), "longitude": mmdbtype.Float64(h.lon),
				"accuracy_radius": mmdbtype.Uint16(20)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (s site) url() string { return "http://" + s.host() }

func (s site) host() string { return s.region + ".mirror.example" }

// file is the site's region file.
func (s site) file() string {
	continents := fmt.Sprint(s.serves)
	continents = "[" + string(bytes.ReplaceAll([]byte(continents[1:len(continents)-1]), []byte(" "), []byte(", "))) + "]"
	return fmt.Sprintf("title: %s\nurl: %s\nlocation: {lat: %v, lon: %v, country: %s}\nserves: {continents: %s}\n",
		s.region, s.url(), s.lat, s.lon, s.country, continents)
}

const (
	canonical = "rest.mirror.example"
	// The second name makes the regions' hostnames parts of the network's own zone.
	networkFile = "canonical: [http://" + canonical + ", http://mirror.example]\nhome: europe\nrouting: {navigation: redirect, api: serve}\n" +
		"announced: {urls: [\"http://*.mirror.example\"]}\n"
)

package route_test

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/geoip"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

// located is a router with every kind of rule, the real country database, and
// addresses all over the world.
func located(t testing.TB) (*route.Router, *geoip.Locator, []netip.Addr) {
	dir := os.Getenv("MIRRORNET_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	path := filepath.Join(dir, "geo", "geo-whois-asn-country.mmdb")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the reference data is not here: %v (MIRRORNET_SHARED names its folder)", err)
	}
	places, err := geoip.Open(geoip.Config{Database: path})
	if err != nil {
		t.Fatal(err)
	}
	var regions []region.Region
	w := route.World{Self: "europe", Status: map[region.Name]route.Status{}}
	for _, r := range []struct {
		name     region.Name
		lat, lon float64
		serves   region.Rules
	}{
		{"europe", 52.08, 0.19, region.Rules{Continents: []string{"EU"}}}, {"asia", 1.35, 103.82, region.Rules{Continents: []string{"AS", "OC"}}},
		{"useast", 39.04, -77.49, region.Rules{Continents: []string{"NA", "SA"}, Networks: []netip.Prefix{netip.MustParsePrefix("3.0.0.0/8")}}},
		{"tokyo", 35.69, 139.69, region.Rules{Countries: []string{"JP"}}}, {"sydney", -33.87, 151.21, region.Rules{Countries: []string{"AU"}}},
		{"africa", -1.29, 36.82, region.Rules{Networks: []netip.Prefix{netip.MustParsePrefix("102.0.0.0/8"), netip.MustParsePrefix("2c00::/12")}}},
		{"uswest", 45.84, -119.7, region.Rules{}}, {"saopaulo", -23.55, -46.63, region.Rules{}}, {"mumbai", 19.08, 72.88, region.Rules{}}, {"lima", -12.05, -77.04, region.Rules{}},
	} {
		at, err := geo.At(r.lat, r.lon)
		if err != nil {
			t.Fatal(err)
		}
		regions = append(regions, region.Region{Name: r.name, URL: "https://" + string(r.name) + ".example.org", Location: at, Serves: r.serves})
		w.Status[r.name] = route.Status{Serving: true}
	}
	if w.Map, err = region.NewMap(region.Network{Canonical: []string{"https://rest.example.org"}, Home: "europe"}, regions...); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	addrs := make([]netip.Addr, 1<<16)
	for i := range addrs {
		n := random.Uint32()
		addrs[i] = netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		if i%4 == 3 {
			addrs[i] = netip.AddrFrom16([16]byte{0x24 + byte(n>>24)%9, byte(n >> 16), byte(n >> 8), byte(n)})
		}
	}
	return route.Compile(w), places, addrs
}

func decide(r *route.Router, places *geoip.Locator, a netip.Addr) route.Decision {
	return r.Decide(route.Query{Client: a, Place: places.Locate(a), Host: "rest.example.org", Method: "GET", Navigation: true})
}

// An address whose place has been seen costs no allocation from end to end.
func TestLocateDecideNoAllocation(t *testing.T) {
	r, places, addrs := located(t)
	for range 2 {
		for _, a := range addrs {
			decide(r, places, a)
		}
	}
	i := 0
	if n := testing.AllocsPerRun(len(addrs), func() { decide(r, places, addrs[i%len(addrs)]); i++ }); n != 0 {
		t.Errorf("%v allocations an address", n)
	}
}

func BenchmarkLocateDecide(b *testing.B) {
	r, places, addrs := located(b)
	for _, a := range addrs {
		decide(r, places, a)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		decide(r, places, addrs[i%len(addrs)])
	}
}

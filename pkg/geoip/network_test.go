package geoip

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

func TestNetwork(t *testing.T) {
	l := openDB(t, makeDB(t, "GeoLite2-City", records{"133.39.0.0/16": cityRecord("JP", "AS", "Tokyo", 35.7, 139.7, 20), "198.0.0.0/8": cityRecord("US", "NA", "", 38, -97, 900),
		"2001:200::/32": cityRecord("JP", "AS", "Tokyo", 35.7, 139.7, 20)}))
	for a, want := range map[string]string{
		"133.39.1.1":        "133.39.0.0/16",
		"::ffff:133.39.1.1": "133.39.0.0/16",
		"133.38.1.1":        "133.38.0.0/16",
		"10.1.2.3":          "10.0.0.0/8",    // special use
		"198.18.0.1":        "198.18.0.0/15", // special use within a record
		"198.20.0.1":        "198.20.0.0/14", // the record without it
		"198.128.0.1":       "198.128.0.0/9",
		"2001:200:1::1":     "2001:200::/32",
		"fd00::1":           "e000::/3",
		"2001:db8::1":       "2001:db8::/32",
		"2001:db9::1":       "2001:db9::/32",
	} {
		if got := l.Network(netip.MustParseAddr(a)); got.String() != want {
			t.Errorf("%s: %v, want %s", a, got, want)
		}
	}
	if got := l.Network(netip.Addr{}); got.IsValid() {
		t.Errorf("no address: %v", got)
	}
	none, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if got := none.Network(netip.MustParseAddr("133.39.1.1")); got.IsValid() {
		t.Errorf("no database: %v", got)
	}
}

// Whatever the address, all of its network is in one place.
func TestNetworkHolds(t *testing.T) {
	l, err := Open(Config{Database: shared(t, "geo/geo-whois-asn-country.mmdb")})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	random := func(p netip.Prefix) netip.Addr {
		b, bits := p.Addr().AsSlice(), p.Bits()
		for i := bits; i < 8*len(b); i++ {
			if r.IntN(2) == 1 {
				b[i/8] |= 0x80 >> (i % 8)
			}
		}
		a, _ := netip.AddrFromSlice(b)
		return a
	}
	for _, all := range []string{"0.0.0.0/0", "2000::/3", "::/0"} {
		for range 20_000 {
			a := random(netip.MustParsePrefix(all))
			p := l.Network(a)
			if !p.Contains(a) {
				t.Fatalf("%v is not in its network %v", a, p)
			}
			for range 5 {
				if b := random(p); l.Locate(a) != l.Locate(b) {
					t.Fatalf("%v and %v of %v are in %v and %v", a, b, p, l.Locate(a), l.Locate(b))
				}
			}
		}
	}
}

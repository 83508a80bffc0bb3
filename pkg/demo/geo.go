package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// located is one network of the demo database: real facts, few of them.
type located struct {
	network, country, continent, city string
	lat, lon                          float64
}

var demoPlaces = []located{
	{"193.62.192.0/21", "GB", "EU", "Hinxton", 52.0797, 0.1863},
	{"133.0.0.0/8", "JP", "AS", "Tokyo", 35.6895, 139.6917},
	{"2001:200::/32", "JP", "AS", "Tokyo", 35.6895, 139.6917},
	{"130.14.0.0/16", "US", "NA", "Bethesda", 38.9807, -77.1003},
	{"200.160.0.0/20", "BR", "SA", "São Paulo", -23.5475, -46.6361},
	{"196.216.2.0/24", "ZA", "AF", "Johannesburg", -26.2023, 28.0436},
	{"1.1.1.0/24", "AU", "OC", "Sydney", -33.8678, 151.2073},
}

// writeGeo makes a GeoIP City database of demoPlaces.
func writeGeo(file string) error {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-City", RecordSize: 24,
		Description: map[string]string{"en": "A few networks, for the mirrornet demo"}, Languages: []string{"en"}})
	if err != nil {
		return err
	}
	for _, p := range demoPlaces {
		_, network, err := net.ParseCIDR(p.network)
		if err != nil {
			return err
		}
		code := func(c string) mmdbtype.Map { return mmdbtype.Map{"iso_code": mmdbtype.String(c)} }
		if err := tree.Insert(network, mmdbtype.Map{
			"continent":          mmdbtype.Map{"code": mmdbtype.String(p.continent)},
			"country":            code(p.country),
			"registered_country": code(p.country),
			"city":               mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(p.city)}},
			"location": mmdbtype.Map{"latitude": mmdbtype.Float64(p.lat), "longitude": mmdbtype.Float64(p.lon),
				"accuracy_radius": mmdbtype.Uint16(20)},
		}); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return replace(file, b.Bytes())
}

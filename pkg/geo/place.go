package geo

import (
	_ "embed"
	"encoding/csv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Place is what is known of where a client is. Every field may be empty; the
// zero Place is a client of whom nothing is known.
type Place struct {
	Country   string // ISO 3166-1 alpha-2, upper case; "" unknown
	Continent string // AF AN AS EU NA OC SA; "" unknown
	City      string // English name; "" unknown
	Point     Point  // invalid if unknown
	// AccuracyKm is the radius around Point within which the client is; 0 when
	// the database does not say.
	AccuracyKm int
	ASN        uint32 // autonomous system; 0 unknown
}

// Known reports whether p says where: a point, a country or a continent. An ASN
// alone is not a place.
func (p Place) Known() bool {
	return p.Point.Valid() || p.Country != "" || p.Continent != ""
}

type country struct {
	name      string
	continent string
	point     Point
}

//go:embed countries.csv
var countriesCSV string

// countries is read once, at first use, and never changes. A bad row is left
// out here and found by the package's tests.
var countries = sync.OnceValue(func() map[string]country {
	rows, _ := csv.NewReader(strings.NewReader(countriesCSV)).ReadAll()
	m := make(map[string]country, len(rows))
	for _, row := range rows {
		lat, err1 := strconv.ParseFloat(row[2], 64)
		lon, err2 := strconv.ParseFloat(row[3], 64)
		point, err3 := At(lat, lon)
		if err1 != nil || err2 != nil || err3 != nil {
			continue // the heading
		}
		m[row[0]] = country{name: row[4], continent: row[1], point: point}
	}
	return m
})

// CountryPoint is a representative point inside a country, for clients of whom
// no more is known. The code is ISO 3166-1 alpha-2 in upper case, or XK or AN.
func CountryPoint(code string) (Point, bool) {
	c, ok := countries()[code]
	return c.point, ok
}

// CountryName is the English name of a country; "" for an unknown code.
func CountryName(code string) string { return countries()[code].name }

// Countries are the codes of all countries, sorted.
func Countries() []string { return slices.Sorted(maps.Keys(countries())) }

// ContinentOf is the continent of a country: AF, AN, AS, EU, NA, OC or SA; ""
// for an unknown code.
func ContinentOf(code string) string { return countries()[code].continent }

// KnownCountry reports whether code names a country, in upper case.
func KnownCountry(code string) bool {
	_, ok := countries()[code]
	return ok
}

// KnownContinent reports whether code is AF, AN, AS, EU, NA, OC or SA.
func KnownContinent(code string) bool {
	switch code {
	case "AF", "AN", "AS", "EU", "NA", "OC", "SA":
		return true
	}
	return false
}

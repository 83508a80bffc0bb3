package geo

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func at(t testing.TB, lat, lon float64) Point {
	t.Helper()
	p, err := At(lat, lon)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAt(t *testing.T) {
	for _, tt := range []struct {
		lat, lon float64
		err      string
	}{
		{0, 0, ""},
		{90, 180, ""},
		{-90, -180, ""},
		{90.0001, 0, "latitude 90.0001"},
		{-91, 0, "latitude -91"},
		{0, 180.5, "longitude 180.5"},
		{0, -181, "longitude -181"},
		{math.NaN(), 0, "latitude NaN"},
		{0, math.NaN(), "longitude NaN"},
		{math.Inf(1), 0, "latitude +Inf"},
		{0, math.Inf(-1), "longitude -Inf"},
	} {
		p, err := At(tt.lat, tt.lon)
		switch {
		case tt.err == "" && (err != nil || !p.Valid() || p.Lat() != tt.lat || p.Lon() != tt.lon):
			t.Errorf("At(%v, %v) = %v, %v", tt.lat, tt.lon, p, err)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || p.Valid()):
			t.Errorf("At(%v, %v) = %v, %v; want an error with %q", tt.lat, tt.lon, p, err, tt.err)
		}
	}
}

func TestZeroPointIsInvalid(t *testing.T) {
	var zero Point
	if zero.Valid() || zero == at(t, 0, 0) {
		t.Error("the zero Point passes for 0°, 0°")
	}
	if d := zero.DistanceKm(at(t, 0, 0)); !math.IsInf(d, 1) {
		t.Errorf("distance from nowhere = %v, want +Inf", d)
	}
	if d := at(t, 0, 0).DistanceKm(zero); !math.IsInf(d, 1) {
		t.Errorf("distance to nowhere = %v, want +Inf", d)
	}
}

// Published city and airport distances; the sphere is within 0.6 % of them.
func TestDistanceKm(t *testing.T) {
	for _, tt := range []struct {
		name                   string
		lat1, lon1, lat2, lon2 float64
		km                     float64
	}{
		{"same", 1.3521, 103.8198, 1.3521, 103.8198, 0},
		{"London Heathrow to New York Kennedy", 51.4706, -0.461941, 40.639801, -73.7789, 5540},
		{"Tokyo Narita to Singapore Changi", 35.764702, 140.386002, 1.35019, 103.994003, 5356},
		{"a degree of the equator", 0, 0, 0, 1, 111.195},
		{"across the date line", 0, 179.5, 0, -179.5, 111.195},
		{"pole to pole", 90, 0, -90, 77, math.Pi * 6371.0088},
		{"antipodes", 30, 40, -30, -140, math.Pi * 6371.0088},
	} {
		got := at(t, tt.lat1, tt.lon1).DistanceKm(at(t, tt.lat2, tt.lon2))
		if math.Abs(got-tt.km) > 0.006*tt.km+1e-6 {
			t.Errorf("%s: %.3f km, want about %.3f", tt.name, got, tt.km)
		}
	}
}

func TestDistanceProperties(t *testing.T) {
	point := rapid.Custom(func(t *rapid.T) Point {
		p, err := At(rapid.Float64Range(-90, 90).Draw(t, "lat"), rapid.Float64Range(-180, 180).Draw(t, "lon"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := point.Draw(t, "a"), point.Draw(t, "b"), point.Draw(t, "c")
		ab, ba := a.DistanceKm(b), b.DistanceKm(a)
		if ab < 0 || ab > math.Pi*earthKm+1e-6 || math.IsNaN(ab) {
			t.Fatalf("distance %v is not on the Earth", ab)
		}
		if math.Abs(ab-ba) > 1e-6 {
			t.Fatalf("%v there, %v back", ab, ba)
		}
		// The haversine loses digits near antipodes: metres, not kilometres.
		if ac := a.DistanceKm(c); ac > ab+b.DistanceKm(c)+0.1 {
			t.Fatalf("the way round is shorter: %v > %v", ac, ab+b.DistanceKm(c))
		}
	})
}

func TestPointJSON(t *testing.T) {
	for _, p := range []Point{{}, at(t, 0, 0), at(t, 52.0797, 0.1863), at(t, -90, -180)} {
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		got := at(t, 1, 1)
		if err := json.Unmarshal(data, &got); err != nil || got != p {
			t.Errorf("%v → %s → %v, %v", p, data, got, err)
		}
	}
	for _, in := range []string{`{}`, `{"lat":1}`, `{"lat":91,"lon":0}`, `"x"`, `[1,2]`} {
		p := at(t, 1, 1)
		if err := json.Unmarshal([]byte(in), &p); err == nil {
			t.Errorf("%s was read as %v", in, p)
		}
	}
}

func TestPlaceKnown(t *testing.T) {
	for _, tt := range []struct {
		place Place
		want  bool
	}{
		{Place{}, false},
		{Place{ASN: 64500}, false},
		{Place{AccuracyKm: 20}, false},
		{Place{Country: "JP"}, true},
		{Place{Continent: "AS"}, true},
		{Place{Point: at(t, 0, 0)}, true},
	} {
		if got := tt.place.Known(); got != tt.want {
			t.Errorf("%+v.Known() = %v", tt.place, got)
		}
	}
}

// Every row of the embedded table is whole, and its point is on the right side
// of the world for its continent.
func TestCountries(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(countriesCSV)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	// 249 codes of ISO 3166-1, XK, AN, and the heading.
	if len(rows) != 252 || len(countries()) != 251 {
		t.Fatalf("%d rows, %d countries; want 252, 251", len(rows), len(countries()))
	}
	// Generous boxes: south, north, west, east (west > east crosses 180°).
	box := map[string][4]float64{
		"AF": {-35, 38, -26, 60}, "AN": {-90, -49, -180, 180}, "AS": {-13, 55, 25, 155}, "EU": {30, 82, -32, 100},
		"NA": {5, 84, -170, -10}, "OC": {-55, 22, 100, -120}, "SA": {-57, 14, -93, -30},
	}
	last := ""
	for _, row := range rows[1:] {
		code := row[0]
		if code <= last {
			t.Errorf("%s stands after %s", code, last)
		}
		last = code
		p, ok := CountryPoint(code)
		if !ok || !KnownCountry(code) || len(code) != 2 || row[4] == "" {
			t.Errorf("row %q was not read", row)
			continue
		}
		if want := row[2]; strconv.FormatFloat(p.Lat(), 'f', 2, 64) != want {
			t.Errorf("%s: latitude %v, the file says %s", code, p.Lat(), want)
		}
		b, ok := box[ContinentOf(code)]
		if !ok || !KnownContinent(ContinentOf(code)) {
			t.Errorf("%s: continent %q", code, ContinentOf(code))
			continue
		}
		inLon := p.Lon() >= b[2] && p.Lon() <= b[3]
		if b[2] > b[3] {
			inLon = p.Lon() >= b[2] || p.Lon() <= b[3]
		}
		if p.Lat() < b[0] || p.Lat() > b[1] || !inLon {
			t.Errorf("%s at %v is not in %s", code, p, ContinentOf(code))
		}
	}
}

// The rows that no data set gave, each against a place that is surely there.
func TestHandEnteredCountries(t *testing.T) {
	for code, near := range map[string]struct {
		lat, lon, km float64
		continent    string
	}{
		"AN": {12.117, -68.933, 50, "NA"},   // Willemstad
		"BQ": {12.150, -68.267, 50, "NA"},   // Kralendijk
		"BV": {-54.433, 3.400, 50, "AN"},    // Olavtoppen
		"CC": {-12.188, 96.829, 50, "AS"},   // West Island
		"CX": {-10.422, 105.679, 50, "OC"},  // Flying Fish Cove
		"GF": {4.938, -52.335, 250, "SA"},   // Cayenne, on the coast
		"GP": {16.241, -61.533, 50, "NA"},   // Pointe-à-Pitre
		"MQ": {14.604, -61.067, 50, "NA"},   // Fort-de-France
		"RE": {-20.879, 55.448, 50, "AF"},   // Saint-Denis
		"SJ": {78.223, 15.647, 100, "EU"},   // Longyearbyen
		"TK": {-9.380, -171.220, 150, "OC"}, // Fakaofo
		"XK": {42.663, 21.162, 50, "EU"},    // Pristina
		"YT": {-12.781, 45.228, 50, "AF"},   // Mamoudzou
	} {
		p, ok := CountryPoint(code)
		if d := p.DistanceKm(at(t, near.lat, near.lon)); !ok || d > near.km {
			t.Errorf("%s at %v is %.0f km from where it should be", code, p, d)
		}
		if got := ContinentOf(code); got != near.continent {
			t.Errorf("%s is in %s, want %s", code, got, near.continent)
		}
	}
}

func TestUnknownCountry(t *testing.T) {
	for _, code := range []string{"", "gb", "UK", "EU", "ZZ", "code", "GBR"} {
		if p, ok := CountryPoint(code); ok || p.Valid() || KnownCountry(code) || ContinentOf(code) != "" {
			t.Errorf("%q passes for a country", code)
		}
	}
	for _, code := range []string{"", "eu", "XX", "GB"} {
		if KnownContinent(code) {
			t.Errorf("%q passes for a continent", code)
		}
	}
}

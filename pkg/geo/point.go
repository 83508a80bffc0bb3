package geo

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// earthKm is the mean radius of the Earth (IUGG R1).
const earthKm = 6371.0088

// A Point is a place on the Earth in degrees (WGS 84). Points are comparable
// with ==. The zero Point is invalid: make one with [At].
type Point struct {
	lat, lon float64
	valid    bool
}

// At returns the Point at a latitude of -90 to 90 and a longitude of -180 to
// 180 degrees. The error says which of the two is wrong.
func At(lat, lon float64) (Point, error) {
	// The negated comparisons refuse NaN as well.
	if !(lat >= -90 && lat <= 90) {
		return Point{}, fmt.Errorf("latitude %v is not between -90 and 90", lat)
	}
	if !(lon >= -180 && lon <= 180) {
		return Point{}, fmt.Errorf("longitude %v is not between -180 and 180", lon)
	}
	return Point{lat: lat, lon: lon, valid: true}, nil
}

// Valid reports whether p was made by [At].
func (p Point) Valid() bool { return p.valid }

// Lat is the latitude in degrees, north positive; 0 for an invalid Point.
func (p Point) Lat() float64 { return p.lat }

// Lon is the longitude in degrees, east positive; 0 for an invalid Point.
func (p Point) Lon() float64 { return p.lon }

// DistanceKm is the great-circle distance to q in kilometres (haversine on a
// sphere: within 0.6 % of the ellipsoid). It is +Inf if either is invalid.
func (p Point) DistanceKm(q Point) float64 {
	if !p.valid || !q.valid {
		return math.Inf(1)
	}
	const rad = math.Pi / 180
	dLat := math.Sin((q.lat - p.lat) * rad / 2)
	dLon := math.Sin((q.lon - p.lon) * rad / 2)
	h := dLat*dLat + math.Cos(p.lat*rad)*math.Cos(q.lat*rad)*dLon*dLon
	// Rounding can carry h just over 1 for antipodes.
	return 2 * earthKm * math.Asin(math.Sqrt(min(h, 1)))
}

// String is "52.0797, 0.1863", or "unknown" for an invalid Point.
func (p Point) String() string {
	if !p.valid {
		return "unknown"
	}
	return strconv.FormatFloat(p.lat, 'f', -1, 64) + ", " + strconv.FormatFloat(p.lon, 'f', -1, 64)
}

type pointJSON struct {
	Lat *float64 `json:"lat"`
	Lon *float64 `json:"lon"`
}

// MarshalJSON writes {"lat":52.0797,"lon":0.1863}, or null for an invalid Point.
func (p Point) MarshalJSON() ([]byte, error) {
	if !p.valid {
		return []byte("null"), nil
	}
	return json.Marshal(pointJSON{&p.lat, &p.lon})
}

// UnmarshalJSON reads what MarshalJSON writes, and checks it as [At] does.
func (p *Point) UnmarshalJSON(data []byte) error {
	var in *pointJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if in == nil {
		*p = Point{}
		return nil
	}
	if in.Lat == nil || in.Lon == nil {
		return fmt.Errorf(`point %s: write both numbers, {"lat":52.08,"lon":0.19}`, data)
	}
	q, err := At(*in.Lat, *in.Lon)
	if err == nil {
		*p = q
	}
	return err
}

package worldmap

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mirrornet/pkg/geo"
)

type xy struct{ x, y float64 }

var step = regexp.MustCompile(`^(?:M(\d+) (\d+)l|(z)|\s*(-?\d+)\s*(-?\d+))`)

// rings reads a path; it fails on all that is not one of closed rings.
func rings(t *testing.T, c Country) (list [][]xy) {
	t.Helper()
	rest := c.Path
	for rest != "" {
		m := step.FindStringSubmatch(rest)
		switch {
		case m == nil, m[1] == "" && len(list) == 0:
			t.Fatalf("%s: this is no path of rings: %.20q", c.Code, rest)
		case m[1] != "":
			list = append(list, []xy{{number(m[1]), number(m[2])}})
		case m[3] == "":
			r := &list[len(list)-1]
			last := (*r)[len(*r)-1]
			*r = append(*r, xy{last.x + number(m[4])*Scale, last.y + number(m[5])*Scale})
		}
		if m[1] != "" {
			r := &list[len(list)-1]
			(*r)[0] = xy{(*r)[0].x * Scale, (*r)[0].y * Scale}
		}
		rest = rest[len(m[0]):]
	}
	return list
}

func number(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return f
}

func within(rings [][]xy, x, y float64) (in bool) {
	for _, r := range rings {
		for i, p := range r {
			q := r[(i+len(r)-1)%len(r)]
			if (p.y > y) != (q.y > y) && x < (q.x-p.x)*(y-p.y)/(q.y-p.y)+p.x {
				in = !in
			}
		}
	}
	return in
}

// Every path is closed rings on the map, and none runs across it where its
// country goes on beyond 180°.
func TestPaths(t *testing.T) {
	list := Countries()
	if len(list) < 170 || !slices.IsSortedFunc(list, func(a, b Country) int { return strings.Compare(a.Code, b.Code) }) {
		t.Fatalf("%d countries, or not sorted", len(list))
	}
	for _, c := range list {
		if !geo.KnownCountry(c.Code) {
			t.Errorf("%s is no country", c.Code)
		}
		for _, r := range rings(t, c) {
			if len(r) < 3 {
				t.Errorf("%s: a ring of %d points", c.Code, len(r))
			}
			for i, p := range r {
				if p.x < -0.01 || p.x > Width+0.01 || p.y < -0.01 || p.y > Height+0.01 {
					t.Errorf("%s: %v is off the map", c.Code, p)
				}
				if q := r[(i+1)%len(r)]; math.Abs(p.x-q.x) > Width/8 {
					t.Errorf("%s: a line from %v to %v", c.Code, p, q)
				}
			}
		}
	}
	if n := len(land); n > 45_000 {
		t.Errorf("%d bytes; pages shall hold 45,000 at most", n)
	}
}

func TestPlaces(t *testing.T) {
	by := map[string]Country{}
	for _, c := range Countries() {
		by[c.Code] = c
	}
	for _, tt := range []struct {
		place    string
		lat, lon float64
		country  string
	}{
		{"Tokyo", 35.75, 139.5, "JP"}, {"Hinxton", 52.08, 0.18, "GB"}, {"Ashburn", 39.04, -77.49, "US"}, {"Anchorage", 61.8, -149.5, "US"},
		{"Anadyr, beyond 180°", 66.5, -175, "RU"}, {"Moscow", 55.75, 37.6, "RU"}, {"Nairobi", -1.29, 36.82, "KE"}, {"Brasília", -15.8, -47.9, "BR"},
		{"Alice Springs", -23.7, 133.9, "AU"}, {"Cayenne", 4, -53, "GF"}, {"Longyearbyen", 78.5, 16, "SJ"}, {"Pristina", 42.6, 21, "XK"}, {"Hargeisa", 9.6, 44.1, "SO"},
	} {
		p, err := geo.At(tt.lat, tt.lon)
		if err != nil {
			t.Fatal(err)
		}
		x, y := Project(p)
		for code, c := range by {
			if in := within(rings(t, c), x, y); in != (code == tt.country) {
				t.Errorf("%s is in %s: %v", tt.place, code, in)
			}
		}
	}
	// geo's own points, but those so near to a border that this map is too coarse.
	missed := 0
	for code, c := range by {
		p, ok := geo.CountryPoint(code)
		if x, y := Project(p); !ok || !within(rings(t, c), x, y) {
			t.Logf("the point of %s is not in it", code)
			missed++
		}
	}
	if missed > 3 {
		t.Errorf("the points of %d countries are not in them", missed)
	}
}

func TestProjection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := geo.At(rapid.Float64Range(south, north).Draw(t, "lat"), rapid.Float64Range(-180, 180).Draw(t, "lon"))
		if err != nil {
			t.Fatal(err)
		}
		x, y := Project(p)
		if x < 0 || x > Width || y < 0 || y > Height {
			t.Fatalf("%v stands off the map, at %v, %v", p, x, y)
		}
		if q := At(x, y); math.Abs(q.Lat()-p.Lat()) > 0.05 || math.Abs(q.Lon()-p.Lon()) > 1e-6 {
			t.Fatalf("%v, there and back, is %v", p, q)
		}
	})
	for _, lat := range []float64{90, north, south, -90} {
		p, _ := geo.At(lat, 0)
		if x, y := Project(p); x != Width/2 || y < 0 || y > Height {
			t.Errorf("latitude %v stands at %v, %v", lat, x, y)
		}
	}
	for _, c := range [][2]float64{{0, 0}, {0, Height}, {Width, 0}, {Width, Height}} {
		if p := At(c[0], c[1]); !p.Valid() {
			t.Errorf("the corner %v is no place", c)
		}
	}
	for _, c := range [][2]float64{{-1, 10}, {10, -1}, {Width + 1, 10}, {10, Height + 1}, {math.NaN(), 1}} {
		if p := At(c[0], c[1]); p.Valid() {
			t.Errorf("%v is %v", c, p)
		}
	}
}

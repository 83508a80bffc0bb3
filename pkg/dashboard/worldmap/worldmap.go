// Package worldmap is a map of the world's countries that is drawn already: SVG
// paths in one projection, and that projection for whatever stands on the map.
//
// # Decisions
//
// 2026-11-25: Gall's stereographic projection. It has a closed form both ways, so
// that a click is a place; parallels are straight, so that north is up
// everywhere; and it shows the populated latitudes larger than a map with equal
// steps, without the polar sizes of Mercator's.
//
// 2026-11-25: land.txt is made by gen.go from Natural Earth 1:110m (public
// domain), as the npm package world-atlas carries it. Borders are simplified arc
// by arc before rings are put together, so that neighbours keep one border.
// Antarctica, which lies beyond the map's edge, is left out; so are islands too
// small to see, unless they are all of a country.
package worldmap

import (
	_ "embed"
	"math"
	"strings"
	"sync"

	"mirrornet/pkg/geo"
)

//go:generate go run gen.go countries-110m.json

// Width and Height are those of the map, from 0, 0 at the upper left.
const (
	Width  = 1000
	Height = 555
)

// Scale is what coordinates in a Path are multiplied by to stand on the map: they
// are whole numbers, and so are short.
const Scale = 0.1

// South and north end the map.
const (
	north = 84
	south = -57
)

// radius of the projected globe: 360° are Width.
var (
	radius  = Width * math.Sqrt2 / (2 * math.Pi)
	stretch = radius * (1 + math.Sqrt2/2)
	top     = stretch * math.Tan(north*math.Pi/360)
)

// Project is where p stands on the map. What lies beyond its edges, in the north
// or the south, stands at the edge; so does nothing else, but an invalid p at
// the middle of the map.
func Project(p geo.Point) (x, y float64) {
	if !p.Valid() {
		return Width / 2, Height / 2
	}
	lat := min(max(p.Lat(), south), north)
	return Width/2 + radius*p.Lon()*math.Pi/180/math.Sqrt2, min(max(top-stretch*math.Tan(lat*math.Pi/360), 0), Height)
}

// At is the point that stands at x, y; invalid off the map.
func At(x, y float64) geo.Point {
	if !(x >= 0 && x <= Width && y >= 0 && y <= Height) {
		return geo.Point{}
	}
	lon := (x - Width/2) * math.Sqrt2 / radius * 180 / math.Pi
	p, _ := geo.At(2*math.Atan((top-y)/stretch)*180/math.Pi, min(max(lon, -180), 180)) // rounding can lead beyond the edge
	return p
}

// Country is the land of one country.
type Country struct {
	Code string // ISO 3166-1 alpha-2, or XK
	Path string // of SVG, in units of Scale
}

//go:embed land.txt
var land string

// Countries are those that are large enough to be drawn, by code. The list is
// shared: it is to be read alone.
var Countries = sync.OnceValue(func() (list []Country) {
	for line := range strings.Lines(land) {
		if code, path, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			list = append(list, Country{code, path})
		}
	}
	return list
})

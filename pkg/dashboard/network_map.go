package dashboard

import (
	"cmp"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/dashboard/worldmap"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

// mapView is what is on the map.
type mapView struct {
	Patterns []pattern
	Land     []land
	Lines    []line
	Marks    []*mark
	Pins     []*pin        // you, and who is asked for
	Beyond   []region.Name // regions without a place
}

// pattern is how the countries of one region are shaded: a tint and a texture,
// since a tint alone is not seen by all.
type pattern struct {
	ID, Region    string
	Tint, Texture int
	Selected      bool
	Countries     int
}

type land struct {
	Code, Path, Title, Fill string
}

// Shapes writes all countries, those of a live part without their outlines. A
// template takes as long for this as for the rest of the page.
func (m mapView) Shapes(live bool) template.HTML {
	var b strings.Builder
	b.Grow(100_000)
	for _, l := range m.Land {
		b.WriteString(`<path data-key="` + template.HTMLEscapeString(l.Code) + `"`)
		if !live {
			b.WriteString(` d="` + l.Path + `"`) // digits and letters
		}
		if l.Fill != "" {
			b.WriteString(` fill="` + template.HTMLEscapeString(l.Fill) + `"`)
		}
		b.WriteString("><title>" + template.HTMLEscapeString(l.Title) + "</title></path>")
	}
	return template.HTML(b.String())
}

type line struct {
	Class, Key, Path string
}

// mark is a region on the map.
type mark struct {
	spot
	Region   status.Region
	State    string
	URL      string
	Title    string
	Selected bool
	Pips     []pip
}

// At is where the mark stands.
func (m *mark) At() string { return "translate(" + units(m.x) + " " + units(m.y) + ")" }

// pip is one node of a region, beside its word: a letter of the state's shape.
type pip struct{ State, Shape string }

var pipShapes = map[string]string{"serving": "●", "alive": "●", "draining": "▲", "overloaded": "▲", "suspect": "▲", "canary": "◆", "unreachable": "✕", "dead": "✕"}

// pin is a client on the map.
type pin struct {
	spot
	Class, Title string
}

func (p *pin) At() string { return "translate(" + units(p.x) + " " + units(p.y) + ")" }

const (
	tints    = 5
	textures = 8
	// How many client countries a region is joined to by lines.
	nearestShown    = 5
	nearestSelected = 20
)

func (v *networkView) drawMap(visit *status.Visit) mapView {
	r := &visit.Report
	m := mapView{}
	fill, serves := map[region.Name]string{}, map[region.Name][]string{}
	for _, code := range geo.Countries() {
		if n := r.Nearest[code]; n != "" {
			serves[n] = append(serves[n], code)
		}
	}
	for i, g := range r.Regions {
		if len(serves[g.Name]) == 0 {
			continue
		}
		p := pattern{ID: "p" + strconv.Itoa(i), Region: string(g.Name), Tint: i % tints, Texture: i % textures, Selected: g.Name == v.Selected, Countries: len(serves[g.Name])}
		fill[g.Name] = "url(#" + p.ID + ")"
		m.Patterns = append(m.Patterns, p)
	}
	for _, c := range worldmap.Countries() {
		l := land{Code: c.Code, Path: c.Path, Title: geo.CountryName(c.Code)}
		if n := r.Nearest[c.Code]; n != "" {
			l.Title += ": " + string(n)
			l.Fill = fill[n]
		}
		m.Land = append(m.Land, l)
	}
	var spots []*spot
	where := map[region.Name]geo.Point{}
	for _, g := range r.Regions {
		at := point(g.Location)
		if !at.Valid() {
			m.Beyond = append(m.Beyond, g.Name)
			continue
		}
		where[g.Name] = at
		k := &mark{Region: g, State: sign(g.State), URL: v.link(g.Name), Selected: g.Name == v.Selected}
		k.x, k.y = worldmap.Project(at)
		k.name, k.word, k.room = string(g.Name), g.State, "unreachable"
		for _, n := range r.Nodes {
			if n.Region == g.Name && n.Membership != "left" {
				state := sign(nodeState(n))
				k.Pips = append(k.Pips, pip{state, cmp.Or(pipShapes[state], "▬")})
			}
		}
		if len(k.Pips) > 6 {
			k.Pips = nil // their table says more than so many dots
		}
		k.pips = len(k.Pips)
		k.Title = string(g.Name) + " " + g.State + after(": ", g.Title)
		m.Marks = append(m.Marks, k)
		spots = append(spots, &k.spot)
		near := serves[g.Name]
		slices.SortStableFunc(near, func(a, b string) int { return cmp.Compare(distanceTo(a, at), distanceTo(b, at)) })
		class, shown := "reach", nearestShown
		if g.Name == v.Selected {
			class, shown = "reach on", nearestSelected
		}
		for _, code := range near[:min(len(near), shown)] {
			if c, ok := geo.CountryPoint(code); ok {
				m.Lines = append(m.Lines, line{class, string(g.Name) + "-" + code, greatCircle(at, c)})
			}
		}
	}
	// Routes come last, over the others.
	for _, c := range []struct {
		key, class, name string
		d                *status.Explanation
		point            *status.Location
	}{{"you", "you", "you", &visit.Decision, nil}, {"asked", "asked", v.Asked.Name, v.Asked.Explanation, v.Asked.Point}} {
		if c.d == nil || c.key == "you" && v.Ops != nil {
			continue
		}
		at := placePoint(c.d.Place)
		if p := point(c.point); p.Valid() {
			at = p
		}
		if !at.Valid() {
			continue
		}
		p := &pin{Class: c.class, Title: c.name}
		p.x, p.y = worldmap.Project(at)
		p.name, p.fixed = c.name, true
		m.Pins = append(m.Pins, p)
		spots = append(spots, &p.spot)
		if to := where[c.d.Nearest]; to.Valid() {
			p.Title += ", nearest to " + string(c.d.Nearest)
			m.Lines = append(m.Lines, line{"route " + c.class, c.key, greatCircle(at, to)})
		}
	}
	apart(spots)
	place(spots, wideLabels, func(s *spot) *label { return &s.Wide })
	place(spots, narrowLabels, func(s *spot) *label { return &s.Narrow })
	return m
}

func point(l *status.Location) geo.Point {
	if l == nil {
		return geo.Point{}
	}
	p, _ := geo.At(l.Lat, l.Lon)
	return p
}

// placePoint is where a client stands on the map, as far as that is known.
func placePoint(p status.Place) geo.Point {
	if at := point(p.Point); at.Valid() {
		return at
	}
	at, _ := geo.CountryPoint(p.Country)
	return at
}

func distanceTo(country string, from geo.Point) float64 {
	p, _ := geo.CountryPoint(country)
	return from.DistanceKm(p)
}

// greatCircle is the path of the shortest way: a line that ends at one edge of
// the map goes on at the other.
func greatCircle(a, b geo.Point) string {
	steps := min(max(int(a.DistanceKm(b)/600), 1), 24)
	from, to := vector(a), vector(b)
	angle := math.Acos(min(max(from[0]*to[0]+from[1]*to[1]+from[2]*to[2], -1), 1))
	var path strings.Builder
	var last geo.Point
	for i := range steps + 1 {
		p := a
		if f := float64(i) / float64(steps); i == steps {
			p = b
		} else if s := math.Sin(angle); i > 0 && s > 1e-6 {
			p = between(from, to, math.Sin((1-f)*angle)/s, math.Sin(f*angle)/s)
		}
		x, y := worldmap.Project(p)
		switch {
		case i == 0:
			path.WriteString("M" + units(x) + " " + units(y))
		case math.Abs(p.Lon()-last.Lon()) > 180: // to the edge, and on from the other
			edge := math.Copysign(180, last.Lon())
			turn := p.Lon() + 2*edge
			f := (edge - last.Lon()) / (turn - last.Lon())
			here, _ := geo.At(last.Lat()+f*(p.Lat()-last.Lat()), edge)
			there, _ := geo.At(here.Lat(), -edge)
			hx, hy := worldmap.Project(here)
			tx, ty := worldmap.Project(there)
			path.WriteString("L" + units(hx) + " " + units(hy) + "M" + units(tx) + " " + units(ty) + "L" + units(x) + " " + units(y))
		default:
			path.WriteString("L" + units(x) + " " + units(y))
		}
		last = p
	}
	return path.String()
}

func vector(p geo.Point) [3]float64 {
	lat, lon := p.Lat()*math.Pi/180, p.Lon()*math.Pi/180
	return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}

func between(a, b [3]float64, f, g float64) geo.Point {
	x, y, z := a[0]*f+b[0]*g, a[1]*f+b[1]*g, a[2]*f+b[2]*g
	p, _ := geo.At(math.Atan2(z, math.Hypot(x, y))*180/math.Pi, math.Atan2(y, x)*180/math.Pi)
	return p
}

// units writes a length on the map.
func units(f float64) string { return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64) }

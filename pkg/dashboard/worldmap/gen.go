//go:build ignore

// Gen writes land.txt out of countries-110m.json (TopoJSON) of the npm package
// world-atlas:
//
//	npm pack world-atlas && tar xf world-atlas-*.tgz
//	go run gen.go package/countries-110m.json
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"mirrornet/pkg/dashboard/worldmap"
	"mirrornet/pkg/geo"
)

const (
	tolerance = 0.55 // how far a simplified border may lie from the true one, on the map
	smallest  = 1.2  // area of an island that is drawn, on the map
)

// codes are ISO 3166-1: numeric, alpha-2.
const codes = `004AF 008AL 012DZ 024AO 031AZ 032AR 036AU 040AT 044BS 050BD 051AM 056BE 064BT 068BO 070BA 072BW 076BR 084BZ 090SB 096BN
100BG 104MM 108BI 112BY 116KH 120CM 124CA 140CF 144LK 148TD 152CL 156CN 158TW 170CO 178CG 180CD 188CR 191HR 192CU 196CY 203CZ 204BJ
208DK 214DO 218EC 222SV 226GQ 231ET 232ER 233EE 238FK 242FJ 246FI 250FR 260TF 262DJ 266GA 268GE 270GM 275PS 276DE 288GH 300GR 304GL
320GT 324GN 328GY 332HT 340HN 348HU 352IS 356IN 360ID 364IR 368IQ 372IE 376IL 380IT 384CI 388JM 392JP 398KZ 400JO 404KE 408KP 410KR
414KW 417KG 418LA 422LB 426LS 428LV 430LR 434LY 440LT 442LU 450MG 454MW 458MY 466ML 478MR 484MX 496MN 498MD 499ME 504MA 508MZ 512OM
516NA 524NP 528NL 540NC 548VU 554NZ 558NI 562NE 566NG 578NO 586PK 591PA 598PG 600PY 604PE 608PH 616PL 620PT 624GW 626TL 630PR 634QA
642RO 643RU 646RW 682SA 686SN 688RS 694SL 703SK 704VN 705SI 706SO 710ZA 716ZW 724ES 728SS 729SD 732EH 740SR 748SZ 752SE 756CH 760SY
762TJ 764TH 768TG 780TT 784AE 788TN 792TR 795TM 800UG 804UA 807MK 818EG 826GB 834TZ 840US 854BF 858UY 860UZ 862VE 887YE 894ZM`

// named are those that Natural Earth gives no number.
var named = map[string]string{"Kosovo": "XK", "N. Cyprus": "CY", "Somaliland": "SO"}

// apart are parts of a country with a code of their own in ISO 3166-1, by a point in
// them: Natural Earth draws them with their country.
var apart = []struct {
	country, code string
	lat, lon      float64
}{{"FR", "GF", 4, -53}, {"NO", "SJ", 79, 16}, {"NO", "SJ", 80, 23}, {"NO", "SJ", 78, 22}}

type topology struct {
	Transform struct{ Scale, Translate [2]float64 }
	Arcs      [][][2]float64
	Objects   struct {
		Countries struct {
			Geometries []struct {
				ID         string
				Type       string
				Arcs       json.RawMessage
				Properties struct{ Name string }
			}
		}
	}
}

type point [2]float64 // lon, lat; or x, y

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run gen.go countries-110m.json")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var t topology
	if err := json.Unmarshal(text, &t); err != nil {
		log.Fatal(err)
	}
	alpha := map[string]string{}
	for _, c := range strings.Fields(codes) {
		alpha[c[:3]] = c[3:]
	}
	arcs := make([][]point, len(t.Arcs))
	for i, a := range t.Arcs {
		var x, y float64
		for _, d := range a {
			x, y = x+d[0], y+d[1]
			arcs[i] = append(arcs[i], point{x*t.Transform.Scale[0] + t.Transform.Translate[0], y*t.Transform.Scale[1] + t.Transform.Translate[1]})
		}
		arcs[i] = simplify(unwrap(arcs[i]))
	}
	rings := map[string][][]point{}
	for _, g := range t.Objects.Countries.Geometries {
		code := alpha[g.ID]
		if g.ID == "" {
			code = named[g.Properties.Name]
		}
		if g.ID == "010" {
			continue // Antarctica
		}
		if code == "" {
			log.Fatalf("no code is known for %s %s", g.ID, g.Properties.Name)
		}
		var polygons [][][]int
		if g.Type == "Polygon" {
			polygons = make([][][]int, 1)
			err = json.Unmarshal(g.Arcs, &polygons[0])
		} else {
			err = json.Unmarshal(g.Arcs, &polygons)
		}
		if err != nil {
			log.Fatal(err)
		}
		for _, p := range polygons {
			own := code
			for _, refs := range p {
				ring := join(arcs, refs)
				for _, a := range apart {
					if a.country == code && inside(ring, a.lon, a.lat) {
						own = a.code
					}
				}
				rings[own] = append(rings[own], cut(ring)...)
			}
		}
	}
	var out strings.Builder
	for _, code := range slices.Sorted(maps.Keys(rings)) {
		fmt.Fprintf(&out, "%s %s\n", code, path(rings[code]))
	}
	if err := os.WriteFile("land.txt", []byte(out.String()), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(rings), "countries,", out.Len(), "bytes")
}

// unwrap lets a line that passes 180° go on beyond it.
func unwrap(line []point) []point {
	for i := 1; i < len(line); i++ {
		for line[i][0]-line[i-1][0] > 180 {
			line[i][0] -= 360
		}
		for line[i][0]-line[i-1][0] < -180 {
			line[i][0] += 360
		}
	}
	return line
}

// join puts a ring together from arcs; ^i is arc i backwards.
func join(arcs [][]point, refs []int) (ring []point) {
	for _, ref := range refs {
		var a []point
		if ref < 0 {
			a = slices.Clone(arcs[^ref])
			slices.Reverse(a)
		} else {
			a = slices.Clone(arcs[ref])
		}
		if len(ring) > 0 {
			a = a[1:]
		}
		ring = append(ring, a...)
	}
	return unwrap(ring)
}

// cut gives a ring's parts between 180° west and east.
func cut(ring []point) (parts [][]point) {
	for _, turn := range []float64{-360, 0, 360} {
		part := make([]point, len(ring))
		for i, p := range ring {
			part[i] = point{p[0] + turn, p[1]}
		}
		part = clip(clip(part, 180, 1), -180, -1)
		if len(part) > 2 {
			parts = append(parts, part)
		}
	}
	return parts
}

// clip keeps what of a ring lies on the lower side of a meridian times side
// (Sutherland and Hodgman's way).
func clip(ring []point, meridian, side float64) (kept []point) {
	in := func(p point) bool { return (p[0]-meridian)*side <= 0 }
	for i, p := range ring {
		before := ring[(i+len(ring)-1)%len(ring)]
		if in(p) != in(before) {
			f := (meridian - before[0]) / (p[0] - before[0])
			kept = append(kept, point{meridian, before[1] + f*(p[1]-before[1])})
		}
		if in(p) {
			kept = append(kept, p)
		}
	}
	return kept
}

func project(p point) point {
	lon := p[0]
	turns := 0.0
	for lon > 180 {
		lon, turns = lon-360, turns+1
	}
	for lon < -180 {
		lon, turns = lon+360, turns-1
	}
	at, err := geo.At(p[1], lon)
	if err != nil {
		log.Fatal(err)
	}
	x, y := worldmap.Project(at)
	return point{x + turns*worldmap.Width, y}
}

// simplify drops points that the line goes by within the tolerance (Douglas and
// Peucker's way). The ends stay: other arcs meet there.
func simplify(line []point) []point {
	if len(line) < 3 {
		return line
	}
	a, b := project(line[0]), project(line[len(line)-1])
	far, at := 0.0, 0
	for i := 1; i < len(line)-1; i++ {
		if d := distance(project(line[i]), a, b); d > far {
			far, at = d, i
		}
	}
	if far < tolerance && !(a == b && len(line) > 3) {
		return []point{line[0], line[len(line)-1]}
	}
	return append(simplify(line[:at+1]), simplify(line[at:])[1:]...)
}

func distance(p, a, b point) float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	if l := dx*dx + dy*dy; l > 0 {
		f := min(max(((p[0]-a[0])*dx+(p[1]-a[1])*dy)/l, 0), 1)
		a = point{a[0] + f*dx, a[1] + f*dy}
	}
	return math.Hypot(p[0]-a[0], p[1]-a[1])
}

func inside(ring []point, x, y float64) (in bool) {
	for i, p := range ring {
		q := ring[(i+len(ring)-1)%len(ring)]
		if (p[1] > y) != (q[1] > y) && x < (q[0]-p[0])*(y-p[1])/(q[1]-p[1])+p[0] {
			in = !in
		}
	}
	return in
}

func area(ring []point) (sum float64) {
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		sum += p[0]*q[1] - q[0]*p[1]
	}
	return math.Abs(sum) / 2
}

// path writes rings as SVG does, each from an absolute point by relative steps.
func path(rings [][]point) string {
	var drawn [][]point
	for _, r := range rings {
		line := make([]point, len(r))
		for i, p := range r {
			line[i] = project(p)
		}
		drawn = append(drawn, line)
	}
	slices.SortStableFunc(drawn, func(a, b []point) int { return int(math.Copysign(1, area(b)-area(a))) })
	var out strings.Builder
	for i, line := range drawn {
		if i > 0 && area(line) < smallest {
			continue
		}
		first, last := true, [2]int{}
		for _, p := range line {
			at := [2]int{int(math.Round(p[0] / worldmap.Scale)), int(math.Round(p[1] / worldmap.Scale))}
			switch {
			case first:
				fmt.Fprintf(&out, "M%d %dl", at[0], at[1])
			case at == last:
				continue
			default:
				out.WriteString(strings.TrimPrefix(number(at[0]-last[0]), " ") + number(at[1]-last[1]) + " ")
			}
			first, last = false, at
		}
		s := strings.TrimSuffix(out.String(), " ")
		out.Reset()
		out.WriteString(s + "z")
	}
	return strings.ReplaceAll(out.String(), " -", "-")
}

// number is n after another number.
func number(n int) string {
	if n < 0 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf(" %d", n)
}

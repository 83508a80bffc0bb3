package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/status"
)

// asked is the question in the form, and what came of it.
type asked struct {
	Name        string // of the place, on the map
	Addr        string
	Country     string
	Error       string
	Point       *status.Location
	Explanation *status.Explanation
	Countries   []country
	Sentence    string
}

type country struct{ Code, Name string }

// countriesByName is made once: it is for reading alone.
var countriesByName = sync.OnceValue(func() (list []country) {
	for _, code := range geo.Countries() {
		list = append(list, country{code, geo.CountryName(code)})
	}
	slices.SortFunc(list, func(a, b country) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return list
})

func readAsked(a *status.Asked) (v asked) {
	v.Countries = countriesByName()
	if a == nil {
		return v
	}
	v.Addr, v.Country, v.Error, v.Explanation, v.Point = cut(a.Addr), a.Country, a.Error, a.Explanation, a.Point
	if rest, ok := strings.CutPrefix(v.Error, "addr is "); ok { // the form has no such name
		v.Error = "That is " + rest
	}
	x := a.Explanation
	if x == nil {
		return v
	}
	where := placeText(x.Place)
	switch {
	case a.Addr != "" && where == "":
		v.Name, v.Sentence = a.Addr, a.Addr+", whose place is not known,"
	case a.Addr != "":
		v.Name, v.Sentence = a.Addr, a.Addr+", in "+where+","
	case v.Point != nil && where == "":
		v.Name, v.Sentence = "there", "A client at "+coordinates(*v.Point)
	case v.Point != nil:
		v.Name, v.Sentence = where, "A client at "+coordinates(*v.Point)+", in "+where+","
	default:
		v.Name, v.Sentence = where, "A client in "+where
	}
	switch x.Action {
	case "redirect":
		v.Sentence += " would be sent to " + string(x.Region)
	case "proxy":
		v.Sentence += " would be answered through " + string(x.Region)
	case "refuse":
		v.Sentence += " would be refused"
	default:
		v.Sentence += " would be served by " + string(x.Region)
	}
	reason := x.Reason
	if where == "" && v.Point == nil { // nothing is the nearest to nowhere
		for _, c := range x.Candidates {
			if c.Chosen {
				reason = c.Reason
			}
		}
	}
	v.Sentence += after(": ", reason) + "."
	return v
}

// Rule is that of a candidate, unless its reason names it.
func (asked) Rule(c status.Candidate) string {
	if strings.Contains(c.Reason, c.Rule) {
		return ""
	}
	return c.Rule
}

func coordinates(l status.Location) string {
	ns, ew := "N", "E"
	if l.Lat < 0 {
		ns, l.Lat = "S", -l.Lat
	}
	if l.Lon < 0 {
		ew, l.Lon = "W", -l.Lon
	}
	return fmt.Sprintf("%.1f° %s, %.1f° %s", l.Lat, ns, l.Lon, ew)
}

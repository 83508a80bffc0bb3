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
	Subject     string
	Verdict     string
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
	v.Addr, v.Country, v.Error, v.Explanation, v.Point = a.Addr, a.Country, a.Error, a.Explanation, a.Point
	x := a.Explanation
	if x == nil {
		return v
	}
	where := placeText(x.Place)
	switch {
	case a.Addr != "":
		v.Name, v.Subject = a.Addr, a.Addr
		if where != "" {
			v.Subject += ", in " + where
		} else {
			v.Subject += ", whose place is not known"
		}
	case v.Point != nil:
		v.Name = cmp.Or(where, "there")
		v.Subject = "A client at " + coordinates(*v.Point) + after(", ", where)
	default:
		v.Name = cmp.Or(where, "there")
		v.Subject = "A client in " + cmp.Or(where, "no known place")
	}
	switch x.Action {
	case "redirect":
		v.Verdict = "would be sent to " + string(x.Region)
	case "proxy":
		v.Verdict = "would be answered through " + string(x.Region)
	case "refuse":
		v.Verdict = "would be refused"
	default:
		v.Verdict = "would be served by " + string(x.Region)
	}
	v.Verdict += after(": ", x.Reason) + "."
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

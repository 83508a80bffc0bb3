package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

// noteCookie holds the note that a visitor has hidden: one that says something
// else is shown again.
const noteCookie = "mirror_note"

// note says on which region the visitor is, how near that is, and what else
// there is to choose.
type note struct {
	Here    string // the region's name
	Title   string
	Text    string // the rest of the sentence that begins with "You are on HERE"
	Nearer  *noteLink
	Instead *noteLink // the network's common name
	Key     string    // of what it says
	Hidden  bool
}

type noteLink struct{ URL, Text string }

// noteFor makes the note on a page: path is the same on any mirror, endpoint the
// id of the one that it is about, or empty.
func noteFor(r *http.Request, v *status.Visit, path, endpoint string) note {
	d := &v.Decision
	here, nearest := find(v.Report.Regions, v.Report.Region), find(v.Report.Regions, d.Nearest)
	n := note{Here: string(v.Report.Region), Title: here.Title}
	place := placeText(d.Place)
	switch {
	case d.Nearest == "":
		n.Text = "No other mirror can be chosen at the moment."
	case d.Nearest == v.Report.Region && place != "":
		n.Text = "the nearest to " + place + "."
	case d.Nearest == v.Report.Region:
		n.Text = "the mirror for those whose place is not known."
	case place == "":
		n.Text = "Where you are is not known; visitors of unknown place go to " + nearest.Title + "."
		n.Nearer = &noteLink{pageURL(nearest.URL, path, endpoint, ""), "Go to " + string(nearest.Name)}
	default:
		switch there, from := distance(d.Candidates, d.Nearest), distance(d.Candidates, v.Report.Region); {
		case there == nil || from == nil:
			n.Text = nearest.Title + " is nearer to " + place + "."
		case *there <= *from:
			n.Text = fmt.Sprintf("%s is nearer to %s: %s km, not %s km.", nearest.Title, place, thousands(int(*there)), thousands(int(*from)))
		default: // by a rule of the region files, or for load
			n.Text = nearest.Title + " is the mirror for " + place + "."
		}
		n.Nearer = &noteLink{pageURL(nearest.URL, path, endpoint, ""), "Go to " + string(nearest.Name)}
	}
	if base := origin(v.StayURL); base != "" {
		_, host, _ := strings.Cut(base, "://")
		switch {
		case v.Canonical && d.Nearest == v.Report.Region: // it has chosen already
		case v.Canonical:
			n.Instead = &noteLink{pageURL(base, path, endpoint, "redirect=force"), "Let " + host + " choose"}
		default:
			n.Instead = &noteLink{pageURL(base, path, endpoint, "redirect=no"), "Use " + host + " instead"}
		}
	}
	n.Key = n.Here + "." + string(d.Nearest)
	if c, err := r.Cookie(noteCookie); err == nil {
		n.Hidden = c.Value == n.Key
	}
	return n
}

// Comma reports whether the text goes on with the sentence, else it is one.
func (n note) Comma() bool { return n.Nearer == nil && strings.HasPrefix(n.Text, "the ") }

// pageURL is a page of this dashboard on another name. endpoint is an id of the
// catalogue.
func pageURL(base, path, endpoint, query string) string {
	if endpoint != "" {
		query = strings.Trim("endpoint="+url.QueryEscape(endpoint)+"&"+query, "&")
	}
	if query != "" {
		query = "?" + query
	}
	return strings.TrimSuffix(base, "/") + path + query
}

// problems are what keeps this node from answering everything, in words for
// its users.
func problems(v *status.Visit) (list []string) {
	s := &v.Report
	down := len(s.Origins) > 0
	for _, o := range s.Origins {
		down = down && o.State == "unreachable"
	}
	switch {
	case s.Isolated:
		list = append(list, "This mirror reaches no other region and no origin. It answers what it has stored, and nothing else, until that is mended.")
	case down && v.Catalogue == nil:
		list = append(list, "The API behind this mirror does not answer, and has not since this mirror started; so its endpoints are not known here. Requests are passed on to other regions that may have an answer.")
	case down:
		list = append(list, "The API behind this mirror does not answer at the moment. What is stored here or in another region is still given, however old; other requests fail with 503.")
	case v.Catalogue == nil && len(s.Origins) > 0:
		list = append(list, "This mirror does not know the API's endpoints yet. Requests are passed on to the origin.")
	}
	if s.State == "draining" {
		list = append(list, "This mirror is being taken out of service. It still answers; new visitors are sent elsewhere.")
	}
	return list
}

// distance is how far a region is from the client, in kilometres; nil: not
// known.
func distance(candidates []status.Candidate, name region.Name) *float64 {
	for _, c := range candidates {
		if c.Region == name {
			return c.DistanceKm
		}
	}
	return nil
}

// placeText names a place for people.
func placeText(p status.Place) string {
	country := geo.CountryName(p.Country)
	switch {
	case p.City != "" && country != "":
		return p.City + ", " + country
	case country != "":
		return country
	}
	return p.Country
}

// Package dashboard writes the pages for people: which region a visitor is on
// and why, the endpoints with examples, and the state of the network. It shows
// a node's public JSON and knows nothing else.
package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/region"
	"mirrornet/pkg/status"
)

//go:embed *.tmpl style.css
var files embed.FS

// Pages writes pages. It is safe for concurrent use.
type Pages struct {
	home, network *template.Template
}

// New reads the templates; an error is a fault of this package.
func New() (*Pages, error) {
	css, err := files.ReadFile("style.css")
	if err != nil {
		return nil, err
	}
	funcs := template.FuncMap{
		"css":   func() template.CSS { return template.CSS(css) },
		"ago":   ago,
		"link":  link,
		"km":    func(f *float64) string { return thousands(int(*f)) + " km" },
		"ms":    func(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) + " ms" },
		"stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
	parse := func(page string) *template.Template {
		t, perr := template.New(page).Funcs(funcs).ParseFS(files, "layout.tmpl", page)
		if perr != nil && err == nil {
			err = perr
		}
		return t
	}
	p := &Pages{home: parse("home.tmpl"), network: parse("network.tmpl")}
	if err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	return p, nil
}

// homeView is what home.tmpl shows.
type homeView struct {
	Title     string
	Home      status.Home
	Here      status.Region
	Nearest   status.Region
	Sentence  string
	IsNearest bool
	Away      bool   // a nearer region is serving
	Place     string // of the visitor, for people
	Groups    []group
	Tries     []string
}

type group struct {
	Name      string
	Endpoints []apispec.Endpoint
}

// Home writes the page at /.
func (p *Pages) Home(w http.ResponseWriter, r *http.Request, h status.Home) {
	v := homeView{Home: h, Here: find(h.Report.Regions, h.Report.Region), Nearest: find(h.Report.Regions, h.Decision.Nearest)}
	v.Title = v.Here.Title
	if v.Title == "" {
		v.Title = string(h.Report.Region)
	}
	v.IsNearest = h.Decision.Nearest == h.Report.Region
	v.Away = h.Decision.Nearest != "" && !v.IsNearest
	v.Place = placeText(h.Decision.Place)
	v.Sentence = sentence(v)
	if h.Catalogue != nil {
		v.Groups = groups(h.Catalogue)
		v.Tries = tries(h.Catalogue)
	}
	write(w, r, p.home, v)
}

// Network writes the page at /network.
func (p *Pages) Network(w http.ResponseWriter, r *http.Request, s status.Report) {
	write(w, r, p.network, struct {
		Title   string
		Report  status.Report
		Differs bool
	}{"Network", s, revisionsDiffer(s)})
}

func write(w http.ResponseWriter, r *http.Request, t *template.Template, v any) {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout.tmpl", v); err != nil {
		http.Error(w, "this page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(b.Bytes())
	}
}

func find(regions []status.Region, name region.Name) status.Region {
	for _, r := range regions {
		if r.Name == name {
			return r
		}
	}
	return status.Region{}
}

// sentence says where the visitor is and how near this region is.
func sentence(v homeView) string {
	where := "Where you are is not known"
	if v.Place != "" {
		where = "You seem to be in " + v.Place
	}
	here := distance(v.Home.Decision.Candidates, v.Home.Report.Region)
	switch {
	case v.IsNearest && here != "":
		return fmt.Sprintf("%s; this is the nearest serving mirror, %s away.", where, here)
	case v.IsNearest && v.Place == "":
		return where + ", so you get the network's home mirror."
	case v.IsNearest:
		return where + "; this is the mirror for you."
	case v.Away:
		if there := distance(v.Home.Decision.Candidates, v.Home.Decision.Nearest); there != "" && here != "" {
			return fmt.Sprintf("%s; this mirror is %s away, and %s is nearer: %s.", where, here, v.Nearest.Title, there)
		}
		return fmt.Sprintf("%s; %s is nearer to you.", where, v.Nearest.Title)
	}
	return where + "."
}

func distance(candidates []status.Candidate, name region.Name) string {
	for _, c := range candidates {
		if c.Region == name && c.DistanceKm != nil {
			return fmt.Sprintf("%s km", thousands(int(*c.DistanceKm)))
		}
	}
	return ""
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func placeText(p status.Place) string {
	switch {
	case p.City != "" && p.Country != "":
		return p.City + ", " + p.Country
	case p.Country != "":
		return p.Country
	}
	return ""
}

func groups(c *apispec.Catalogue) (list []group) {
	at := map[string]int{}
	for _, e := range c.Endpoints {
		i, ok := at[e.Group]
		if !ok {
			i = len(list)
			at[e.Group] = i
			list = append(list, group{Name: e.Group})
		}
		list[i].Endpoints = append(list[i].Endpoints, e)
	}
	return list
}

// link is an example's target, with the media type that it shows.
func link(x apispec.Example) string {
	if x.ContentType == "" || x.ContentType == apispec.JSON || strings.Contains(x.Target, "content-type=") {
		return x.Target
	}
	if strings.Contains(x.Target, "?") {
		return x.Target + ";content-type=" + x.ContentType
	}
	return x.Target + "?content-type=" + x.ContentType
}

// tries are a few examples that show data: of each group the first whose path
// asks for something.
func tries(c *apispec.Catalogue) (targets []string) {
	seen := map[string]bool{}
	for _, e := range c.Endpoints {
		if e.Method == http.MethodGet && len(e.Examples) > 0 && strings.Contains(e.Path, "{") && !seen[e.Group] && len(targets) < 4 {
			seen[e.Group] = true
			targets = append(targets, e.Examples[0].Target)
		}
	}
	return targets
}

func revisionsDiffer(s status.Report) bool {
	for _, n := range s.Nodes {
		if n.Membership == "alive" && n.Revision != s.Revision {
			return true
		}
	}
	return false
}

func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return ""
	case d < 2*time.Second:
		return "just now"
	case d < 2*time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strings.TrimSpace(strconv.Itoa(int(d.Hours()/24)) + " days")
}

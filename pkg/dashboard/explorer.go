package dashboard

import (
	"net/http"
	"slices"
	"strings"
	"unicode"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/snippet"
	"mirrornet/pkg/status"
)

// Explorer writes the page at /: all endpoints, or the one that the query names,
// with the request that it fills in.
func (p *Pages) Explorer(w http.ResponseWriter, r *http.Request, v status.Visit) {
	x := explore(&v, apispec.ParseQuery(r.URL.RawQuery))
	l := layout{Title: x.API, Page: "explorer", Report: &v.Report, Problems: problems(&v), View: x}
	id := ""
	switch {
	case x.Endpoint != nil:
		id, l.Title = x.Endpoint.E.ID, x.Endpoint.E.Method+" "+readable(x.Endpoint.E.Path)+" – "+x.API
	case x.Missing:
		l.Title, l.Status = "No such endpoint – "+x.API, http.StatusNotFound
	}
	l.Note = noteFor(r, &v, "/", id)
	p.show(w, r, p.explorer, l)
}

// explorer is what explorer.tmpl shows.
type explorer struct {
	API      string // its title
	Version  string
	Groups   []group
	Total    int
	Found    int
	Search   string // words that were searched for
	Missing  bool   // an endpoint was asked for that is not there
	Asked    string // its id
	Endpoint *endpointView
}

// maxShown bounds what a page repeats of a query's odd parts.
const maxShown = 80

func explore(v *status.Visit, query apispec.Values) explorer {
	c := v.Catalogue
	if c == nil {
		id := query.Get("endpoint")
		return explorer{API: "mirrornet", Missing: id != "", Asked: cut(id)}
	}
	x := explorer{API: c.Title, Version: c.Version, Search: clean(query.Get("q")), Total: len(c.Endpoints)}
	if x.API == "" {
		x.API = "mirrornet"
	}
	if id := query.Get("endpoint"); id != "" {
		x.Asked = cut(id)
		if i := slices.IndexFunc(c.Endpoints, func(e apispec.Endpoint) bool { return e.ID == id }); i >= 0 {
			x.Endpoint = newEndpointView(v, &c.Endpoints[i], query)
		}
		x.Missing = x.Endpoint == nil
	}
	x.Groups = groups(c, strings.Fields(strings.ToLower(x.Search)))
	for _, g := range x.Groups {
		for _, e := range g.Entries {
			if !e.Hidden {
				x.Found++
			}
		}
	}
	return x
}

func cut(s string) string {
	if r := []rune(clean(s)); len(r) > maxShown {
		return string(r[:maxShown]) + "…"
	}
	return clean(s)
}

// clean is what a form's field of one line can hold.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

type group struct {
	Name, Anchor string
	Entries      []entry
	Hidden       bool // nothing in it is among what was searched for
}

// entry is one line of the list.
type entry struct {
	ID, Method, Summary string
	Path                []segment
	Words               string // that find it, beside those in sight
	Hidden              bool
}

// segment is a piece of a path; parameters are told from the rest.
type segment struct {
	Text  string
	Param bool
}

func groups(c *apispec.Catalogue, search []string) (list []group) {
	at := map[string]int{}
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		n, ok := at[e.Group]
		if !ok {
			n = len(list)
			at[e.Group] = n
			list = append(list, group{Name: e.Group, Anchor: anchor(e.Group), Hidden: true})
		}
		g := &list[n]
		seen := strings.ToLower(e.Method + " " + readable(e.Path) + " " + e.Summary)
		line := entry{ID: e.ID, Method: e.Method, Summary: e.Summary, Path: segmentsOf(e.Path), Words: words(e, seen)}
		for _, s := range search {
			line.Hidden = line.Hidden || !strings.Contains(seen+" "+line.Words, s)
		}
		g.Hidden = g.Hidden && line.Hidden
		g.Entries = append(g.Entries, line)
	}
	return list
}

// words are those of an endpoint's statement that are not among seen, each once.
func words(e *apispec.Endpoint, seen string) string {
	text := []string{e.ID, e.Path, e.Group, e.Description}
	text = append(text, e.Formats...)
	add := func(p apispec.Param) {
		text = append(text, p.Name, p.Description)
		text = append(append(text, p.Aliases...), p.Allowed...)
	}
	for _, p := range e.Params {
		if p.In == apispec.InQuery || inPattern(e, p.Name) {
			add(p)
		}
	}
	if e.Body != nil {
		text = append(text, "batch")
		for _, p := range e.Body.Fields {
			add(p)
		}
	}
	had := map[string]bool{}
	var list []string
	for w := range strings.FieldsSeq(strings.ToLower(strings.Join(text, " "))) {
		w = strings.Trim(w, ".,;:()'\"")
		if len(w) > 1 && !had[w] && !strings.Contains(seen, w) {
			had[w] = true
			list = append(list, w)
		}
	}
	return strings.Join(list, " ")
}

func anchor(name string) string {
	return "topic-" + strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return '-'
	}, name)
}

// readable writes a path's parameters as the API's documentation does.
func readable(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(strings.TrimPrefix(path, "/"))
}

func segmentsOf(path string) (list []segment) {
	for s := range strings.SplitAfterSeq(readable(path), "/") {
		name, slash := strings.CutSuffix(s, "/")
		if strings.HasPrefix(name, ":") {
			list = append(list, segment{name, true})
			if name = ""; slash {
				name = "/"
			}
		} else if slash {
			name += "/"
		}
		if n := len(list); n > 0 && !list[n-1].Param {
			list[n-1].Text += name
		} else if name != "" {
			list = append(list, segment{Text: name})
		}
	}
	return list
}

// explorerData is what the page's script reads: what it cannot see in the form.
type explorerData struct {
	API       string             `json:"api"`
	Here      string             `json:"here"` // the region's name
	Base      string             `json:"base"` // its URL
	Regions   []regionData       `json:"regions"`
	Endpoint  endpointData       `json:"endpoint"`
	Languages []snippet.Language `json:"languages"`
}

type regionData struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	URL   string `json:"url"`
	State string `json:"state"`
}

// endpointData is what it takes to write a request; request.js does so, too.
type endpointData struct {
	ID       string      `json:"id"`
	Method   string      `json:"method"`
	Paths    []string    `json:"paths"` // patterns, the endpoint's own first
	Suffixes []string    `json:"suffixes"`
	Fields   []fieldData `json:"fields"`
	ListOf   string      `json:"list_of,omitempty"`
	MaxItems int         `json:"max_items,omitempty"`
}

type fieldData struct {
	Key       string       `json:"key"`
	Name      string       `json:"name"`
	In        string       `json:"in"` // path, query, body
	Type      apispec.Type `json:"type"`
	Required  bool         `json:"required,omitempty"`
	Repeated  bool         `json:"repeated,omitempty"`
	Lenient   bool         `json:"lenient,omitempty"`
	Examples  []string     `json:"examples,omitempty"`
	Allowed   []string     `json:"allowed,omitempty"`
	CaseBlind bool         `json:"case_blind,omitempty"`
}

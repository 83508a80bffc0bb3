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
	x := explore(&v, p.endpoints(v.Catalogue), apispec.ParseQuery(r.URL.RawQuery))
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

// maxShown bounds what a page repeats of a query's odd parts, and how much it
// searches for.
const maxShown = 80

// endpoints are the list of one catalogue, for all visitors: nobody changes it.
type endpoints struct {
	of     *apispec.Catalogue
	groups []group
}

// endpoints are those of the catalogue, made when it is first shown.
func (p *Pages) endpoints(c *apispec.Catalogue) []group {
	if c == nil {
		return nil
	}
	l := p.list.Load()
	if l == nil || l.of != c {
		l = &endpoints{c, groups(c)}
		p.list.Store(l)
	}
	return l.groups
}

// explore reads a query. list is that of v.Catalogue.
func explore(v *status.Visit, list []group, query apispec.Values) explorer {
	c := v.Catalogue
	if c == nil {
		id := query.Get("endpoint")
		return explorer{API: "mirrornet", Missing: id != "", Asked: cut(id)}
	}
	x := explorer{API: c.Title, Version: c.Version, Search: first(clean(query.Get("q"))), Total: len(c.Endpoints)}
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
	x.Groups = search(list, strings.Fields(strings.ToLower(x.Search)))
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
	s = clean(s)
	if begins := first(s); begins != s {
		return begins + "…"
	}
	return s
}

// first are the first letters of s.
func first(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxShown {
			return s[:i]
		}
	}
	return s
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

	all string // that find it
}

// segment is a piece of a path; parameters are told from the rest.
type segment struct {
	Text  string
	Param bool
}

func groups(c *apispec.Catalogue) (list []group) {
	at := map[string]int{}
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		n, ok := at[e.Group]
		if !ok {
			n = len(list)
			at[e.Group] = n
			list = append(list, group{Name: e.Group, Anchor: anchor(e.Group)})
		}
		g := &list[n]
		seen := strings.ToLower(e.Method + " " + readable(e.Path) + " " + e.Summary)
		line := entry{ID: e.ID, Method: e.Method, Summary: e.Summary, Path: segmentsOf(e.Path), Words: words(e, seen)}
		line.all = seen + " " + line.Words
		g.Entries = append(g.Entries, line)
	}
	return list
}

// search hides what has not all of the words.
func search(list []group, words []string) []group {
	if len(words) == 0 {
		return list
	}
	list = slices.Clone(list)
	for i := range list {
		g := &list[i]
		g.Entries, g.Hidden = slices.Clone(g.Entries), true
		for j := range g.Entries {
			line := &g.Entries[j]
			line.Hidden = slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line.all, w) })
			g.Hidden = g.Hidden && line.Hidden
		}
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
		if p.In == apispec.InPath { // who types a gene's name finds where to write it
			text = append(text, p.Examples...)
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

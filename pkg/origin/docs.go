package origin

import (
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/snippet"
)

var docs = template.Must(template.Must(pages.Clone()).Parse(`
{{define "params"}}<div class="t" tabindex="0"><table><tr><th>Name<th>Type<th>Meaning
{{range .}}<tr><td><code>{{.Name}}</code>{{if .Required}}<br><small>required</small>{{end}}<td>{{.Type}}{{if .Repeated}}, many{{end}}{{if .Default}}<br><small>default <code>{{.Default}}</code></small>{{end}}
<td>{{.Description}}{{if .Allowed}}<br><small>one of {{range .Allowed}}<code>{{.}}</code> {{end}}</small>{{end}}{{if .Examples}}<br><small>such as {{range .Examples}}<code>{{.}}</code> {{end}}</small>{{end}}{{if .Aliases}}<br><small>also called {{range .Aliases}}<code>{{.}}</code> {{end}}</small>{{end}}
{{end}}</table></div>{{end}}
{{define "endpoint"}}{{template "head" .}}<p>{{.E.Summary}}.</p>{{if .E.Description}}<p>{{.E.Description}}</p>{{end}}
<nav><a href="/">All endpoints</a><a href="/openapi.json">OpenAPI</a></nav>
{{if .Path}}<h2>In the path</h2>{{template "params" .Path}}{{end}}
{{if .Query}}<h2>In the query</h2>{{template "params" .Query}}{{end}}
{{if .E.Body}}<h2>In the body</h2><p>A JSON object{{if .E.Body.MaxItems}} with at most {{.E.Body.MaxItems}} <code>{{.E.Body.ListOf}}</code>{{end}}.</p>{{template "params" .E.Body.Fields}}{{end}}
<h2>Formats</h2><p>Ask with the field <code>Accept</code>{{if not .E.Body}}, <code>Content-Type</code> or the parameter <code>content-type</code>{{end}}. Without one: <code>{{index .E.Formats 0}}</code>.</p>
<ul class="f">{{range .E.Formats}}<li><code>{{.}}</code>{{end}}</ul>
{{if .Aliases}}<h2>Other paths</h2><ul>{{range .Aliases}}<li><code>{{.}}</code>{{end}}</ul>{{end}}
<h2>Examples</h2>{{if .E.NoData}}<p>The data that is served here has no answer to any.</p>{{end}}{{range $i, $x := .Examples}}<h3>{{if $x.Link}}<a href="{{$x.Link}}"><code>{{$x.Target}}</code></a>{{else}}<code>{{$.E.Method}} {{$x.Target}}</code>{{end}}</h3><p>{{$x.ContentType}}</p>
{{range $j, $s := $x.Programs}}<details{{if not $i}}{{if not $j}} open{{end}}{{end}}><summary>{{$s.Language}}</summary><pre tabindex="0">{{$s.Text}}</pre></details>
{{end}}{{end}}
{{if .Kept}}<h2>Caches</h2><p>An answer may be kept for {{.Kept}}. Equal requests get the same ETag.</p>{{end}}
</main></html>
{{end}}
{{define "home"}}{{template "head" .}}<p>{{.Summary}}</p>
<nav><a href="/openapi.json">OpenAPI</a><a href="` + apispec.WellKnown + `">Catalogue</a></nav>
<nav aria-label="Topics">{{range .Groups}}<a href="#{{.Anchor}}">{{.Name}}</a>{{end}}</nav>
{{range .Groups}}<h2 id="{{.Anchor}}">{{.Name}}</h2><table class="h">
{{range .Endpoints}}<tr><td><a href="/documentation/info/{{.Page}}"><code>{{.Method}}&nbsp;{{.Path}}</code></a><td>{{.Summary}}
{{end}}</table>{{end}}
</main></html>
{{end}}`))

// endpointPage is what an endpoint's documentation page says.
type endpointPage struct {
	Title       string
	E           *apispec.Endpoint
	Path, Query []apispec.Param
	Aliases     []string
	Examples    []examplePage
	Kept        string
}

type examplePage struct {
	apispec.Example
	Link     string // to the answer; "" for a POST
	Programs []program
}

type program struct{ Language, Text string }

// readable writes a path's parameters as the reference's pages do.
func readable(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(strings.TrimPrefix(path, "/"))
}

func describeEndpoint(site string, e *apispec.Endpoint) endpointPage {
	p := endpointPage{Title: e.Method + " " + readable(e.Path), E: e}
	for _, q := range e.Params {
		switch {
		case q.In == apispec.InQuery:
			p.Query = append(p.Query, q)
		case strings.Contains(e.Path, "{"+q.Name+"}"):
			p.Path = append(p.Path, q)
		}
	}
	for _, a := range e.Aliases {
		if !apispec.PassesOver(a) {
			p.Aliases = append(p.Aliases, e.Method+" "+readable(a))
		}
	}
	for _, x := range e.Examples {
		page := examplePage{Example: x}
		for _, l := range snippet.Languages() {
			r := snippet.Request{Method: e.Method, URL: strings.TrimSuffix(site, "/") + x.Target, Accept: x.ContentType, Body: x.Body}
			page.Programs = append(page.Programs, program{l.Name, l.Program(r)})
		}
		if e.Method == http.MethodGet {
			page.Link = withType(x)
		}
		p.Examples = append(p.Examples, page)
	}
	if e.Freshness.MaxAge > 0 {
		p.Kept = (time.Duration(e.Freshness.MaxAge) * time.Second).String()
	}
	return p
}

type homePage struct {
	Title, Summary string
	Groups         []homeGroup
}

type homeGroup struct {
	Name, Anchor string
	Endpoints    []homeEndpoint
}

type homeEndpoint struct{ Page, Method, Path, Summary string }

func describeHome(c *apispec.Catalogue) homePage {
	p := homePage{Title: c.Title, Summary: "Version " + c.Version + ", release " + c.Release}
	at := map[string]int{}
	for i := range c.Endpoints {
		e := &c.Endpoints[i]
		n, ok := at[e.Group]
		if !ok {
			n = len(p.Groups)
			at[e.Group] = n
			p.Groups = append(p.Groups, homeGroup{Name: e.Group, Anchor: strings.ReplaceAll(strings.ToLower(e.Group), " ", "-")})
		}
		g := &p.Groups[n]
		g.Endpoints = append(g.Endpoints, homeEndpoint{ensembl.PageName(e), e.Method, readable(e.Path), e.Summary})
	}
	return p
}

func renderDocs(name string, data any) []byte {
	var b strings.Builder
	if err := docs.ExecuteTemplate(&b, name, data); err != nil { // templates and data are both ours
		panic(err)
	}
	return []byte(b.String())
}

// serveHome lists the endpoints: HTML for those who ask for it first, the
// catalogue's JSON for all others.
func (h *Handler) serveHome(w http.ResponseWriter, r *http.Request) {
	s := h.state.Load()
	w.Header().Set("Vary", "Accept, Content-Type")
	if errorFormat(r) != apispec.HTML {
		h.serveDocument(w, r, s, apispec.JSON, etag(apispec.JSON, s.json), s.json)
		return
	}
	h.servePage(w, r, s, renderDocs("home", describeHome(s.catalogue)))
}

// serveEndpointPage is the documentation of one endpoint, by the reference's
// name for the page or by the endpoint's id.
func (h *Handler) serveEndpointPage(w http.ResponseWriter, r *http.Request) {
	s := h.state.Load()
	name := chi.URLParam(r, "name")
	for i := range s.catalogue.Endpoints {
		if e := &s.catalogue.Endpoints[i]; e.ID == name || ensembl.PageName(e) == name {
			h.servePage(w, r, s, renderDocs("endpoint", describeEndpoint(h.cfg.Site, e)))
			return
		}
	}
	w.Header().Set("Cache-Control", "public, max-age=60")
	h.fail(w, r, s, apispec.HTML, ensembl.NotFound("There is no page about this; the list of all endpoints leads to those that are."))
}

func (h *Handler) servePage(w http.ResponseWriter, r *http.Request, s *state, body []byte) {
	w.Header().Set("Content-Security-Policy", pagePolicy)
	h.serveDocument(w, r, s, apispec.HTML, etag(apispec.HTML, body), body)
}

// icon is the page's sign in a browser's tab.
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="#0b5fad"/><path d="M5 4c0 4 6 4 6 8M11 4c0 4-6 4-6 8" stroke="#fff" fill="none" stroke-width="1.6"/></svg>`

func serveIcon(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	write(w, r, http.StatusOK, []byte(icon))
}

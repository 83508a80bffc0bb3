package origin

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
)

// pagePolicy lets a page use its own style and nothing else.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const pageStyle = `
:root{color-scheme:light dark;--fg:#1b2430;--bg:#fff;--soft:#5b6675;--line:#dfe4ea;--code:#f6f8fa;--a:#0b5fad;--s:#0a6640;--n:#8a3b00;--k:#0b5fad}
@media(prefers-color-scheme:dark){:root{--fg:#e6e9ee;--bg:#14181d;--soft:#9aa5b1;--line:#2c343d;--code:#1b2127;--a:#7cb8f5;--s:#7fd6a5;--n:#f0b27a;--k:#7cb8f5}}
*{box-sizing:border-box}body{margin:0 auto;max-width:72rem;padding:1.5rem 1rem;font:16px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg)}
h1{font-size:1.3rem;margin:0 0 .25rem;overflow-wrap:anywhere}h2{font-size:1rem;margin:1.75rem 0 .5rem;border-bottom:1px solid var(--line)}
p{margin:.25rem 0;color:var(--soft)}a{color:var(--a)}nav a{margin-right:1rem}
pre{background:var(--code);border:1px solid var(--line);border-radius:6px;padding:1rem;overflow:auto;font:13px/1.5 ui-monospace,monospace;tab-size:2}
h3{font-size:1rem;font-weight:400;margin:1.25rem 0 0;overflow-wrap:anywhere}ul{margin:.25rem 0;padding-left:1.25rem}nav a{display:inline-block}
.t{overflow-x:auto}th{text-align:left;font-weight:600;padding:.3rem .75rem .3rem 0}small{color:var(--soft)}summary{cursor:pointer;padding:.15rem 0}details pre{margin:.25rem 0 .75rem}
table{border-collapse:collapse;width:100%}td{padding:.3rem .75rem .3rem 0;vertical-align:top;border-bottom:1px solid var(--line);overflow-wrap:break-word}
@media(max-width:45rem){.h td{display:block;border:0;padding:0}.h td:last-child{padding-bottom:.6rem}}
code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}.k{color:var(--k)}.s{color:var(--s)}.n{color:var(--n)}`

var pages = template.Must(template.New("").Parse(`{{define "head"}}<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{{.Title}}</title><style>` + pageStyle + `</style>
<main><h1>{{.Title}}</h1>{{end}}
{{define "value"}}{{template "head" .}}<p>{{.Summary}}</p>
<nav>{{range .Links}}<a href="{{.URL}}">{{.Text}}</a>{{end}}</nav>
<pre tabindex="0">{{.Body}}</pre>
</main></html>
{{end}}
{{define "error"}}{{template "head" .}}<p>{{.Summary}}</p><nav><a href="/">All endpoints</a></nav>
</main></html>
{{end}}`))

type link struct{ URL, Text string }

type page struct {
	Title, Summary string
	Links          []link
	Body           template.HTML
}

func render(name string, p page) []byte {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, p); err != nil { // templates and data are both ours
		panic(err)
	}
	return b.Bytes()
}

func errorPage(status int, message string) []byte {
	return render("error", page{Title: strconv.Itoa(status) + " " + http.StatusText(status), Summary: message})
}

// answerPage is the frame of an answer's page, with links to its other forms.
// It is made of what was understood, not of what was sent: equal requests get
// equal pages.
func answerPage(req apispec.Request, body template.HTML) []byte {
	p := page{Title: req.Endpoint.Method + " " + req.TargetPath(), Summary: req.Endpoint.Summary, Body: body,
		Links: []link{{"/", "All endpoints"}, {"/documentation/info/" + ensembl.PageName(req.Endpoint), "About this one"}}}
	if req.Endpoint.Method != http.MethodPost {
		target := req.Target()
		separator := "?"
		if strings.Contains(target, separator) {
			separator = "&"
		}
		for _, f := range req.Endpoint.Formats {
			if f == apispec.HTML || f == apispec.JSONP {
				continue
			}
			p.Links = append(p.Links, link{target + separator + "content-type=" + strings.ReplaceAll(f, "+", "%2B"), f})
		}
	}
	return render("value", p)
}

func textPage(req apispec.Request, text []byte) []byte {
	return answerPage(req, template.HTML(template.HTMLEscapeString(string(text))))
}

// jsonPage shows JSON indented, with names, strings and numbers told apart.
func jsonPage(req apispec.Request, b []byte) ([]byte, error) {
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, b, "", "  "); err != nil {
		return nil, err
	}
	return answerPage(req, template.HTML(highlight(pretty.Bytes()))), nil
}

// highlight wraps the tokens of valid JSON in spans and escapes them.
func highlight(src []byte) string {
	var out strings.Builder
	out.Grow(len(src) * 2)
	for i := 0; i < len(src); {
		c := src[i]
		end := i + 1
		switch {
		case c == '"':
			for end < len(src) && src[end] != '"' {
				if src[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(src))
			class := "s"
			if end < len(src) && src[end] == ':' {
				class = "k"
			}
			out.WriteString(`<span class="` + class + `">` + template.HTMLEscapeString(string(src[i:end])) + `</span>`)
		case c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z':
			for end < len(src) && !strings.ContainsRune(",]} \n", rune(src[end])) {
				end++
			}
			out.WriteString(`<span class="n">` + template.HTMLEscapeString(string(src[i:end])) + `</span>`)
		default:
			out.WriteByte(c)
		}
		i = end
	}
	return out.String()
}

package dashboard

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/snippet"
)

// values are what a form holds, by the names of its fields: those of parameters,
// and body.NAME for what goes into a POST's body.
type values map[string][]string

// inBody is before the names of a body's fields.
const inBody = "body."

// first is the first value, or "".
func (v values) first(key string) string {
	if len(v[key]) == 0 {
		return ""
	}
	return v[key][0]
}

// shownPaths are an endpoint's paths, its own first, without aliases that pass
// over a rest.
func shownPaths(e *apispec.Endpoint) (list []string) {
	list = []string{e.Path}
	for _, p := range e.Aliases {
		if !apispec.PassesOver(p) {
			list = append(list, p)
		}
	}
	return list
}

func inPattern(e *apispec.Endpoint, name string) bool {
	return slices.ContainsFunc(shownPaths(e), func(p string) bool { return slices.Contains(namesIn(p), name) })
}

var braces = regexp.MustCompile(`\{([^{}/]+)\}`)

func namesIn(pattern string) (names []string) {
	for _, m := range braces.FindAllStringSubmatch(pattern, -1) {
		names = append(names, strings.TrimSuffix(m[1], "..."))
	}
	return names
}

// target writes path and query. Where a part of the path is missing, its name
// stands there in braces, and whole is false.
//
// It, bodyOf and permalink are in request.js, too, which follows the form as it
// is typed into; a test holds the two together.
func target(e *apispec.Endpoint, v values) (target string, whole bool) {
	r := apispec.Request{Endpoint: e, Path: map[string]string{}}
	for _, p := range e.Params {
		switch given := v.first(p.Name); {
		case p.In == apispec.InQuery:
			for _, one := range v[p.Name] {
				if one != "" {
					r.Query = append(r.Query, apispec.Value{Name: p.Name, Value: one})
				}
			}
		case inPattern(e, p.Name) && (given != "" || p.Required):
			r.Path[p.Name] = given
		}
	}
	pattern := e.Path
	for _, p := range shownPaths(e) {
		names := namesIn(p)
		if len(names) == len(r.Path) && !slices.ContainsFunc(names, func(n string) bool { _, ok := r.Path[n]; return !ok }) {
			pattern = p
			break
		}
	}
	whole = true
	path := map[string]string{}
	for _, name := range namesIn(pattern) {
		if path[name] = r.Path[name]; path[name] == "" {
			path[name], whole = from+name+to, false
		}
	}
	r.Path = path
	if target = r.Target(); !whole {
		target = missing.Replace(target)
	}
	return target, whole
}

// from and to hold the name of a missing part until the rest is escaped: two
// code points that mean nothing.
const from, to = "\uE000", "\uE001"

var missing = strings.NewReplacer("%EE%80%80", "{", "%EE%80%81", "}")

var number = map[apispec.Type]*regexp.Regexp{
	apispec.Integer: regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`),
	apispec.Boolean: regexp.MustCompile(`^[01]$`),
	apispec.Float:   regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`),
}

// bodyOf writes a POST's JSON; "" for a GET.
func bodyOf(e *apispec.Endpoint, v values) string {
	if e.Method != "POST" {
		return ""
	}
	var members []string
	if e.Body != nil {
		for _, p := range e.Body.Fields {
			given := v.first(inBody + p.Name)
			text := ""
			switch {
			case p.Repeated || p.Name == e.Body.ListOf:
				items := lines(given)
				if len(items) == 0 && !p.Required {
					continue
				}
				for i := range items {
					items[i] = snippet.Double.Quote(items[i])
				}
				text = "[" + strings.Join(items, ", ") + "]"
			case given == "":
				continue
			case number[p.Type] != nil && number[p.Type].MatchString(given):
				text = given
			default:
				text = snippet.Double.Quote(given)
			}
			members = append(members, snippet.Double.Quote(p.Name)+": "+text)
		}
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// lines are the entries of a list box.
func lines(s string) (list []string) {
	for l := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if l = strings.Trim(l, " \t"); l != "" {
			list = append(list, l)
		}
	}
	return list
}

// permalink is the page of this request.
func permalink(e *apispec.Endpoint, v values, format string) string {
	var b strings.Builder
	add := func(name, value string) { b.WriteString("&" + escapeQuery(name) + "=" + escapeQuery(value)) }
	b.WriteString("/?endpoint=" + escapeQuery(e.ID))
	for _, key := range keys(e) {
		for _, one := range v[key] {
			if one != "" {
				add(key, one)
			}
		}
	}
	add("content-type", format)
	return b.String()
}

// escapeQuery leaves to be read what may be.
func escapeQuery(s string) string {
	return strings.NewReplacer("+", "%20", "%3A", ":", "%2C", ",", "%40", "@", "%2F", "/").Replace(url.QueryEscape(s))
}

// keys are the names of an endpoint's fields in a form.
func keys(e *apispec.Endpoint) (list []string) {
	for _, p := range e.Params {
		if p.In == apispec.InQuery || inPattern(e, p.Name) {
			list = append(list, p.Name)
		}
	}
	if e.Body != nil {
		for _, p := range e.Body.Fields {
			if !inBoth(e, p.Name) {
				list = append(list, inBody+p.Name)
			}
		}
	}
	return list
}

// inBoth reports whether a parameter of the query may also stand in the body:
// the form has it once, and writes it into the query.
func inBoth(e *apispec.Endpoint, name string) bool {
	p, ok := e.Param(name)
	return ok && p.In == apispec.InQuery && e.Body != nil && name != e.Body.ListOf &&
		slices.ContainsFunc(e.Body.Fields, func(f apispec.Param) bool { return f.Name == name && !f.Repeated })
}

// fill reads the values of a form's fields, and what no field is there for.
func fill(e *apispec.Endpoint, query apispec.Values) (v values, format string, unknown []string) {
	v = values{}
	known := keys(e)
	for _, q := range query {
		name := q.Name
		if after, ok := strings.CutPrefix(name, inBody); ok && inBoth(e, after) {
			name = after
		}
		if p, ok := e.Param(name); ok {
			name = p.Name
		}
		switch {
		case name == "content-type":
			format = q.Value
		case slices.Contains(known, name):
			if list := v[name]; len(list) < maxShown {
				v[name] = append(list, fieldValue(e, name, q.Value))
			}
		case name == "endpoint", slices.Contains(asides[:], name):
		case len(unknown) < maxShown && !slices.Contains(unknown, cut(name)):
			unknown = append(unknown, cut(name))
		}
	}
	return v, format, unknown
}

// asides are what is said to the network.
var asides = [...]string{"redirect", "mirror-prefer", "mirror-avoid"}

// fieldValue is as the field holds it: one line, but for a list.
func fieldValue(e *apispec.Endpoint, key, s string) string {
	if e.Body != nil && strings.HasPrefix(key, inBody) {
		for _, p := range e.Body.Fields {
			if inBody+p.Name == key && (p.Repeated || p.Name == e.Body.ListOf) {
				return strings.Join(lines(strings.Map(func(r rune) rune {
					if r == 0 {
						return -1
					}
					return r
				}, strings.ToValidUTF8(s, "\uFFFD"))), "\n")
			}
		}
	}
	if p, ok := e.Param(key); ok && p.Type == apispec.Boolean && s != "" && s != "0" {
		return "1" // as the API reads it
	}
	return clean(s)
}

// local is the host of a URL below localhost and what to write for it: resolvers
// of many languages do not know such names.
func local(base string) (host [2]string) {
	u, err := url.Parse(base)
	if err != nil || !strings.HasSuffix(u.Hostname(), ".localhost") {
		return host
	}
	host = [2]string{u.Host, "127.0.0.1"}
	if port := u.Port(); port != "" {
		host[1] += ":" + port
	}
	return host
}

package apispec

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Value is one query parameter as sent, decoded.
type Value struct{ Name, Value string }

// Values are query parameters in the order sent.
type Values []Value

// Get is the first value of that name, or "".
func (v Values) Get(name string) string {
	for _, p := range v {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Has reports whether the name was sent.
func (v Values) Has(name string) bool {
	return slices.ContainsFunc(v, func(p Value) bool { return p.Name == name })
}

// All are the values of that name in the order sent.
func (v Values) All(name string) (all []string) {
	for _, p := range v {
		if p.Name == name {
			all = append(all, p.Value)
		}
	}
	return all
}

// Bool is the reference's truth: absent, empty and "0" are false.
func (v Values) Bool(name string) bool {
	s := v.Get(name)
	return s != "" && s != "0"
}

// ParseQuery splits a raw query at "&" and ";" (net/url drops pairs around a
// semicolon) and decodes it. A pair with a bad escape keeps its raw text, as
// the reference does.
func ParseQuery(raw string) (vals Values) {
	for pair := range strings.FieldsFuncSeq(raw, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		vals = append(vals, Value{unescape(name), unescape(value)})
	}
	return vals
}

func unescape(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

// Request is a request as the API understands it: requests that the catalogue
// calls equal are equal in all but Format and Callback.
type Request struct {
	Endpoint *Endpoint
	Path     map[string]string // decoded path parameters, folded where case-blind
	Query    Values            // canonical: see [Index.Resolve]
	// Format is the media type of a good answer. It is offered by the
	// endpoint, unless Unsupported.
	Format string
	// Unsupported says that types were asked for and none is offered; Format
	// is the default then.
	Unsupported bool
	// ErrorFormat is the media type of an error: JSON, XML, YAML or HTML.
	ErrorFormat string
	// Callback is the JSONP function asked for, with Format JSONP.
	Callback string
}

var extensions = map[string]string{
	"json": JSON, "xml": XML, "yaml": YAML, "jsonp": JSONP, "txt": Plain, "fasta": FASTA,
	"seqxml": "text/x-seqxml+xml", "gff3": "text/x-gff3", "bed": "text/x-bed",
	"orthoxml": "text/x-orthoxml+xml", "nh": "text/x-nh", "nhx": "text/x-nhx", "phyloxml": "text/x-phyloxml+xml",
}

// CutExtension takes a known suffix (".json", ".fasta" …) off an escaped path
// and names its media type. As in the reference, it does so only when neither
// a Content-Type field nor a content-type parameter says the type.
func CutExtension(escapedPath, rawQuery string, h http.Header) (path, mediaType string) {
	return cutExtension(escapedPath, ParseQuery(rawQuery), h)
}

func cutExtension(escapedPath string, query Values, h http.Header) (path, mediaType string) {
	if h.Get("Content-Type") != "" || query.Has("content-type") {
		return escapedPath, ""
	}
	dot := strings.LastIndexByte(escapedPath, '.')
	if dot <= strings.LastIndexByte(escapedPath, '/') {
		return escapedPath, ""
	}
	if t, ok := extensions[escapedPath[dot+1:]]; ok {
		return escapedPath[:dot], t
	}
	return escapedPath, ""
}

// Resolve reads a request as the API does. ok is false when no endpoint has
// that path and method; methods then names those that the path has.
//
// The query is what is left when names are written as declared, case-blind
// values are folded, and content-type, callback, what is said to the network
// and what says no more than its absence are taken out, sorted by name.
func (ix *Index) Resolve(method, escapedPath, rawQuery string, h http.Header) (req Request, methods []string, ok bool) {
	query := ParseQuery(rawQuery)
	path, suffixType := cutExtension(escapedPath, query, h)
	e, params, methods := ix.Match(method, path)
	if e == nil {
		return Request{}, methods, false
	}
	asked := Asked(method, query.Get("content-type"), suffixType, h)
	req = Request{Endpoint: e, Path: canonicalPath(e, params), Query: canonicalQuery(e, query), ErrorFormat: ErrorFormat(asked)}
	req.Format, req.Unsupported = choose(e, asked)
	if req.Format == JSONP {
		req.Callback = query.Get("callback")
	}
	return req, nil, true
}

// Asked lists the media types that a request asks for, most wanted first,
// without "*/*". suffixType is that of a path suffix, "" for none.
func Asked(method, parameter, suffixType string, h http.Header) (types []string) {
	add := func(t string) {
		t, _, _ = strings.Cut(t, ";")
		if t = strings.TrimSpace(t); t != "" && t != "*/*" && !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	contentType := strings.ToLower(h.Get("Content-Type"))
	if suffixType != "" {
		contentType = suffixType
	}
	if method == "POST" {
		for _, t := range accepted(h) {
			add(t)
		}
		add(contentType)
		return types
	}
	add(contentType)
	add(parameter)
	for _, t := range accepted(h) {
		add(t)
	}
	return types
}

// accepted are the Accept field's types by descending weight; equal weights
// keep their order. Weight 0 is "not acceptable" (RFC 9110 §12.4.2).
func accepted(h http.Header) []string {
	type item struct {
		t string
		q float64
	}
	var items []item
	for part := range strings.SplitSeq(strings.Join(h.Values("Accept"), ","), ",") {
		t, params, _ := strings.Cut(part, ";")
		if q := weight(params); q > 0 && strings.TrimSpace(t) != "" {
			items = append(items, item{strings.TrimSpace(t), q})
		}
	}
	slices.SortStableFunc(items, func(a, b item) int {
		switch {
		case a.q > b.q:
			return -1
		case a.q < b.q:
			return 1
		}
		return 0
	})
	types := make([]string, len(items))
	for i, it := range items {
		types[i] = it.t
	}
	return types
}

func choose(e *Endpoint, asked []string) (format string, unsupported bool) {
	for _, t := range asked {
		if t == "text/x-json" && e.Offers(JSON) {
			return JSON, false
		}
		if e.Offers(t) {
			return t, false
		}
	}
	return e.Formats[0], len(asked) > 0
}

// ErrorFormat is the media type in which an error is told to a client that
// asked for these types.
func ErrorFormat(asked []string) string {
	for _, t := range asked {
		switch t {
		case JSON, XML, YAML, HTML:
			return t
		case JSONP, "text/x-json":
			return JSON
		}
	}
	return JSON
}

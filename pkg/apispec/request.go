package apispec

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
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
// semicolon) and decodes it. What is no escape stays as it is.
func ParseQuery(raw string) (vals Values) {
	for pair := range strings.FieldsFuncSeq(raw, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		vals = append(vals, Value{unescape(name), unescape(value)})
	}
	return vals
}

func unescape(s string) string {
	return unescapeAgain(strings.ReplaceAll(s, "+", " "))
}

// ValidQuery reports whether a decoded query is text; the API answers no
// other.
func ValidQuery(query Values) bool {
	return !slices.ContainsFunc(query, func(v Value) bool { return !validText(v.Name) || !validText(v.Value) })
}

// validText is UTF-8 without the code points that are never characters.
func validText(s string) bool {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") || r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE {
			return false
		}
	}
	return true
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

// Extensions are the suffixes that [CutExtension] knows.
func Extensions() []string { return slices.Sorted(maps.Keys(extensions)) }

// CutExtension takes a known suffix (".json", ".fasta" …) off an escaped path
// and names its media type. As in the reference, it does so only when neither
// a Content-Type field nor anything like a content-type parameter says the type.
func CutExtension(escapedPath, rawQuery string, h http.Header) (path, mediaType string) {
	dot := strings.LastIndexByte(escapedPath, '.')
	if dot <= strings.LastIndexByte(escapedPath, '/') || h.Get("Content-Type") != "" {
		return escapedPath, ""
	}
	if t, ok := extensions[escapedPath[dot+1:]]; ok && !namesType(rawQuery) {
		return escapedPath[:dot], t
	}
	return escapedPath, ""
}

// namesType reports whether a raw query has the text "content-type=" anywhere
// but in what is said to the network.
func namesType(rawQuery string) bool {
	for pair := range strings.FieldsFuncSeq(rawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(pair, "=")
		if strings.Contains(lower(pair), "content-type=") && !slices.Contains(steering[:], lower(unescape(name))) {
			return true
		}
	}
	return false
}

// Resolve reads a request as the API does. ok is false when no endpoint has
// that path and method; methods then names those that the path has.
//
// The query is what is left when names are written as declared, case-blind
// values are folded, and content-type, callback, what is said to the network
// and what says no more than its absence are taken out, sorted by name.
func (ix *Index) Resolve(method, escapedPath, rawQuery string, h http.Header) (req Request, methods []string, ok bool) {
	query := ParseQuery(rawQuery)
	path, suffixType := CutExtension(escapedPath, rawQuery, h)
	e, params, methods := ix.Match(method, path)
	if e == nil || !ValidQuery(query) {
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
		case Plain, "text/x-json":
			return JSON
		}
	}
	return JSON
}

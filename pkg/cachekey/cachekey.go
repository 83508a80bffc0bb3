// Package cachekey makes of a request the one canonical request that is sent
// to the origin, and the key that its answer is stored under. Requests that
// the catalogue calls equal get the same key; requests that the origin may
// answer differently never do.
//
// # Decisions
//
// 2026-11-24: the key is made from the canonical request and from nothing
// else, and the canonical request is what is fetched. So an answer can never
// depend on which of the equal requests came first.
//
// 2026-11-24: what the catalogue does not speak of is kept as sent: unknown
// parameters, the order of equal names, values of a parameter that came twice
// although it is not repeated, true values of booleans ("1", "yes"). A second
// copy of an answer is cheaper than a wrong one. Names are sorted, since no
// endpoint reads the order of different names.
//
// 2026-11-24: a request is not expressible, and passes through, when parsers
// may disagree on it: dot segments, a type that is refused with 415 (the
// message may quote it), a form as POST body, JSON with repeated or
// case-colliding names, or with text that is not Unicode.
//
// 2026-11-24: only ASCII letters are folded for case-blind parameters: what
// other letters' cases are is the origin's secret.
//
// 2026-11-24: JSONP is keyed as JSON with the callback set aside. Without a
// callback it has a key of its own, for its answer is the origin's to define.
package cachekey

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"mirrornet/pkg/apispec"
)

// Canonical is a request in the form that all its equals share.
type Canonical struct {
	// Request is how the API understands the request; its Format is the
	// client's, [apispec.JSONP] where a callback was set aside.
	Request  apispec.Request
	Endpoint *apispec.Endpoint // Request.Endpoint
	// Target is the origin-form to fetch: the endpoint's path, and the sorted
	// query without defaults, callback, content-type and steering.
	Target string
	// Accept is the only field that the fetch negotiates by. A POST is sent
	// with the Content-Type [apispec.JSON].
	Accept string
	// Key is empty when Unsafe.
	Key      string
	Callback string // JSONP function to wrap the answer in; "": none
	// Unsafe says that the endpoint is not declared to only read: the request
	// must reach the origin as it is, and nothing is stored.
	Unsafe bool

	path  map[string]string // canonical values of the path parameters
	query apispec.Values    // canonical query, sorted
}

// Keys makes canonical requests by one catalogue. It is safe for concurrent
// use.
type Keys struct {
	index *apispec.Index
}

// New makes Keys of a catalogue.
func New(ix *apispec.Index) *Keys { return &Keys{ix} }

// steering are the query parameters that are said to the network, not to the
// API, unless the endpoint declares one of that name.
var steering = [...]string{"mirror-prefer", "mirror-avoid", "redirect"}

// Canonical makes the canonical form of r. body is the whole body of a POST,
// or nil. False says that no endpoint matches or that the request cannot be
// expressed canonically: the caller passes it through, and stores nothing
// under the catalogue's rules. r is not changed, and its Host is not looked at.
func (k *Keys) Canonical(r *http.Request, body []byte) (Canonical, bool) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		return Canonical{}, false
	}
	req, _, ok := k.index.Resolve(r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header)
	if !ok {
		return Canonical{}, false
	}
	e := req.Endpoint
	c := Canonical{Request: req, Endpoint: e}
	if c.path, ok = canonicalPath(e, req.Path); !ok {
		return Canonical{}, false
	}
	c.query = canonicalQuery(e, req.Query)
	c.Target = target(e, c.path, c.query)
	if c.Accept, ok = k.accept(r.Method, c.Target, req); !ok {
		return Canonical{}, false
	}
	if req.Format == apispec.JSONP {
		c.Callback = req.Callback
	}
	method, digest := http.MethodGet, ""
	if r.Method == http.MethodPost {
		if e.Body == nil || !e.Body.Safe {
			c.Unsafe = true
			return c, true
		}
		text, ok := canonicalJSON(body)
		if !ok || isForm(r.Header) {
			return Canonical{}, false
		}
		sum := sha256.Sum256(text)
		method, digest = http.MethodPost, hex.EncodeToString(sum[:])
	}
	// No part but the last can hold a space.
	c.Key = strings.Join([]string{"c1", k.index.Hash(e), method, c.Target, digest, c.Accept}, " ")
	return c, true
}

// Plain is the key of a request to an API without a catalogue: its host in
// lower case, its path and its query as sent. Method and scheme are not part
// of it.
func Plain(r *http.Request) string {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	key := "p1 " + lower(host) + path
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		key += "?" + r.URL.RawQuery
	}
	return key
}

// Tags are the endpoint's invalidation tags with the request's values in place
// of "{name}". A tag with a value that the request does not have is left out;
// a query parameter's default counts as its value.
func (c Canonical) Tags() (tags []string) {
next:
	for _, t := range c.Endpoint.Tags {
		var b strings.Builder
		for {
			before, rest, found := strings.Cut(t, "{")
			name, after, closed := strings.Cut(rest, "}")
			b.WriteString(before)
			if !found || !closed {
				break
			}
			v := c.value(name)
			if v == "" {
				continue next
			}
			b.WriteString(v)
			t = after
		}
		tags = append(tags, b.String())
	}
	return tags
}

func (c Canonical) value(name string) string {
	if v := c.path[name]; v != "" {
		return v
	}
	if v := c.query.Get(name); v != "" {
		return v
	}
	p, ok := c.Endpoint.Param(name)
	switch {
	case !ok:
		return ""
	case p.CaseBlind:
		return lower(p.Default)
	}
	return p.Default
}

// accept finds the Accept field by which the origin comes to the same format,
// for answers and for errors, as from the client's request.
func (k *Keys) accept(method, target string, req apispec.Request) (string, bool) {
	e, format := req.Endpoint, req.Format
	if req.Unsupported && e.Refuse415 {
		return "", false
	}
	if format == apispec.JSONP && req.Callback != "" {
		if !e.Offers(apispec.JSON) {
			return "", false
		}
		format = apispec.JSON
	}
	path, _, _ := strings.Cut(target, "?")
	h := http.Header{}
	if method == http.MethodPost {
		h.Set("Content-Type", apispec.JSON)
	}
	for _, try := range [...]string{format, req.ErrorFormat + "," + format, format + "," + req.ErrorFormat, "*/*"} {
		if try == apispec.JSON && req.ErrorFormat == apispec.JSON && e.Offers(apispec.JSON) {
			return try, true // what nearly every request asks for
		}
		h.Set("Accept", try)
		got, _, ok := k.index.Resolve(method, path, "", h)
		if ok && got.Endpoint == e && got.Format == format && got.ErrorFormat == req.ErrorFormat &&
			!(got.Unsupported && e.Refuse415) {
			return try, true
		}
	}
	return "", false
}

// isForm reports a body that the API does not read as JSON, whatever it holds.
func isForm(h http.Header) bool {
	t, _, _ := strings.Cut(lower(h.Get("Content-Type")), ";")
	t = strings.TrimSpace(t)
	return t == "application/x-www-form-urlencoded" || strings.HasPrefix(t, "multipart/")
}

func canonicalPath(e *apispec.Endpoint, path map[string]string) (map[string]string, bool) {
	values := make(map[string]string, len(path))
	for name, v := range path {
		if v == "." || v == ".." {
			return nil, false // a server on the way may resolve it
		}
		if p, ok := e.Param(name); ok && p.CaseBlind {
			v = lower(v)
		}
		values[name] = v
	}
	return values, true
}

func canonicalQuery(e *apispec.Endpoint, sent apispec.Values) apispec.Values {
	query := make(apispec.Values, 0, len(sent))
	for _, v := range sent {
		p, declared := e.Param(v.Name)
		declared = declared && p.In == apispec.InQuery
		switch {
		case !declared && slices.Contains(steering[:], v.Name):
			continue
		case !declared:
		default:
			if p.CaseBlind {
				v.Value = lower(v.Value)
			}
			if count(sent, v.Name) == 1 && isDefault(p, v.Value) {
				continue
			}
		}
		query = append(query, v)
	}
	slices.SortStableFunc(query, func(a, b apispec.Value) int { return strings.Compare(a.Name, b.Name) })
	return query
}

func count(values apispec.Values, name string) (n int) {
	for _, v := range values {
		if v.Name == name {
			n++
		}
	}
	return n
}

// isDefault reports a value that says no more than its absence.
func isDefault(p *apispec.Param, value string) bool {
	if p.Type == apispec.Boolean {
		// Absent, empty and "0" are false.
		return (value == "" || value == "0") && (p.Default == "" || p.Default == "0")
	}
	def := p.Default
	if p.CaseBlind {
		def = lower(def)
	}
	return def != "" && value == def
}

func lower(s string) string {
	i := strings.IndexFunc(s, func(r rune) bool { return 'A' <= r && r <= 'Z' })
	if i < 0 {
		return s
	}
	b := []byte(s)
	for ; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

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
// case-colliding names, or with text that is not Unicode; and when its target
// in the canonical form would be another endpoint's.
//
// 2026-11-25: what equal requests have in common is found by apispec, where it
// reads them, and no more of a request than that reaches a handler. So no
// answer can depend on what its key leaves out.
//
// 2026-11-24: JSONP is keyed as JSON with the callback set aside. Without a
// callback it has a key of its own, for its answer is the origin's to define.
package cachekey

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
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
	// Body is the JSON to send with a POST, in the form that its equals share.
	Body []byte
	// Key is empty when Unsafe, and where the Callback is not valid.
	Key string
	// Callback is the JSONP function to wrap the answer in; "": none. It is the
	// caller's to refuse one that is not [apispec.ValidCallback].
	Callback string
	// Unsafe says that the endpoint is not declared to only read: the request
	// must reach the origin as it is, and nothing is stored.
	Unsafe bool
}

// Keys makes canonical requests by one catalogue. It is safe for concurrent
// use.
type Keys struct {
	index *apispec.Index
}

// New makes Keys of a catalogue.
func New(ix *apispec.Index) *Keys { return &Keys{ix} }

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
	for _, v := range req.Path {
		if v == "." || v == ".." { // a server on the way may resolve it
			return Canonical{}, false
		}
	}
	c := Canonical{Request: req, Endpoint: e, Target: req.Target()}
	// A value that is folded, or written behind another path, may be a word of
	// another endpoint's there.
	path, _, _ := strings.Cut(c.Target, "?")
	if there, _, _ := k.index.Match(r.Method, path); there != e {
		return Canonical{}, false
	}
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
		c.Body = text
		sum := sha256.Sum256(text)
		method, digest = http.MethodPost, hex.EncodeToString(sum[:])
	}
	if c.Callback != "" && !apispec.ValidCallback(c.Callback) {
		return c, true
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
	key := "p1 " + strings.ToLower(host) + path
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
			v := c.Request.Value(name)
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
	t, _, _ := strings.Cut(strings.ToLower(h.Get("Content-Type")), ";")
	t = strings.TrimSpace(t)
	return t == "application/x-www-form-urlencoded" || strings.HasPrefix(t, "multipart/")
}

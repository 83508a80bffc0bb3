package edge

import (
	"context"
	"net/http"
	"net/url"

	"mirrornet/pkg/cachekey"
	"mirrornet/pkg/rfc9111"
)

// invalidate drops what an unsafe request may have changed (RFC 9111 §4.4).
func (e *Edge) invalidate(ctx context.Context, r *http.Request, resp *http.Response) {
	if !rfc9111.Invalidates(r.Method, resp.StatusCode) {
		return
	}
	base := targetOf(r)
	for _, target := range rfc9111.InvalidatedTargets(base, resp.Header) {
		if u, err := url.Parse(target); err == nil {
			for _, key := range e.keysOf(&http.Request{Method: http.MethodGet, Host: r.Host, URL: base.ResolveReference(u), Header: http.Header{}}) {
				e.changes.add(key, e.Now()) // first: what is being fetched must not be stored after
				e.Store.Delete(ctx, key)
			}
		}
	}
}

// onlyReads reports whether the catalogue says that this endpoint's POST changes
// nothing. It holds for bodies that make no key too: what they are cannot make
// anybody's stored responses invalid.
func (e *Edge) onlyReads(r *http.Request) bool {
	s := e.catalogue.current.Load()
	if e.Catalogue == None || s == nil {
		return false
	}
	q, _, ok := s.index.Resolve(r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header)
	return ok && q.Endpoint.Body != nil && q.Endpoint.Body.Safe
}

// keysOf are the keys under which the target of r may be stored.
func (e *Edge) keysOf(r *http.Request) []string {
	plain := cachekey.Plain(r)
	list := []string{"http " + plain, "https " + plain}
	keys := e.catalogue.keys()
	if e.Catalogue == None || keys == nil {
		return list
	}
	if c, ok := keys.Canonical(r, nil); ok { // one for each format
		for _, format := range c.Endpoint.Formats {
			r.Header.Set("Accept", format)
			if c, ok := keys.Canonical(r, nil); ok && c.Key != "" {
				list = append(list, c.Key)
			}
		}
	}
	return list
}

// targetOf is the URI that a request speaks of, without what it says to routing.
func targetOf(r *http.Request) *url.URL {
	return &url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: exchangeOf(r).query}
}

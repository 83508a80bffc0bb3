package edge

import (
	"net/http"

	"mirrornet/pkg/rfc9111"
	"mirrornet/pkg/store"
)

// partial reports whether the request asks for a part of what is not stored
// as a whole, or for a whole of which a part is stored: then it is passed on
// with its Range, or with one that asks for the rest (RFC 9111 §3.3, §3.4).
func (p *plan) partial(s stored) bool {
	if !p.byRFC || s.response != nil && !s.variants {
		return false
	}
	if len(p.asked["Range"]) > 0 {
		p.parts = s.parts
		return true
	}
	if s.parts == nil {
		return false
	}
	p.parts = s.parts
	if _, ok := p.rest(); !ok {
		p.parts = nil
	}
	return p.parts != nil
}

// fromParts answers a range from an incomplete response that is fresh; nil:
// it does not lie within.
func (p *plan) fromParts(s stored) *fetched {
	if s.parts == nil || s.reuse.Verdict != rfc9111.Fresh || p.method != http.MethodGet {
		return nil
	}
	for _, name := range ofTheClient[:4] {
		if len(p.asked[name]) > 0 {
			return nil
		}
	}
	if ifRange := p.asked.Get("If-Range"); ifRange != "" {
		if _, v := rfc9111.StrongValidator(ruled(s.parts)); v != ifRange {
			return nil
		}
	}
	wanted, ok := rfc9111.ParseRange(p.asked)
	if !ok {
		return nil
	}
	resp := *s.parts
	resp.Header = resp.Header.Clone()
	if asked := resp.Header.Get("Range"); asked == "" || asked != p.asked.Get("Range") {
		have, err := s.parts.Body.Identity()
		if err != nil {
			return nil
		}
		body, at, ok := wanted.Slice(ruled(s.parts), have)
		if !ok {
			return nil
		}
		resp.Body = store.NewBody(body)
		resp.Header["Content-Range"] = []string{at}
		resp.Header.Del("Content-Digest") // of other bytes
		resp.Header.Del("Content-Md5")
	}
	delete(resp.Header, "Range")
	return &fetched{response: &resp, hit: true, age: true, tier: s.tier, reuse: s.reuse}
}

// passedHeader is the header of a request that is passed on: with the fields
// that ask for less than the whole, or for the rest of what is stored.
func (p *plan) passedHeader() http.Header {
	if p.key == "" {
		return p.header
	}
	h := p.header.Clone()
	for _, name := range ofTheClient {
		if v := p.asked[name]; len(v) > 0 {
			h[name] = v
		}
	}
	if rest, ok := p.rest(); ok {
		for _, name := range ofTheClient {
			delete(h, name)
		}
		h.Set("Range", rest)
		if _, v := rfc9111.StrongValidator(ruled(p.parts)); v != "" {
			h.Set("If-Range", v)
		}
	}
	return h
}

// rest is the Range that completes the stored part for a request that wants
// the whole.
func (p *plan) rest() (string, bool) {
	if p.parts == nil || len(p.asked["Range"]) > 0 || p.method != http.MethodGet {
		return "", false
	}
	return rfc9111.Missing(ruled(p.parts), p.parts.Body.Len())
}

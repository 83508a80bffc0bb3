package edge

import (
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/cachekey"
	"mirrornet/pkg/rfc9111"
	"mirrornet/pkg/store"
)

// maxPost is the longest POST body that is read to make a key; longer ones
// pass through.
const maxPost = 4 << 20

// disconnected is how long a stale copy may stand in when no source answers
// and the response does not say.
const disconnected = 24 * time.Hour

// plan is how a request is looked up and fetched.
type plan struct {
	key      string // "": neither looked up nor stored
	byVary   bool   // variants under the key by Vary (no catalogue entry)
	method   string
	target   string
	header   http.Header // sent to the source
	prepare  func()      // makes header where a hit would not need it; before anything else of the plan is used for a fetch
	asked    http.Header // the client's, for request directives and Vary, without what Connection takes away
	body     []byte      // of a safe POST
	stream   io.Reader   // of a request that passes through
	length   int64
	callback string
	endpoint *apispec.Endpoint
	release  string     // of the data, as the catalogue says; "": whichever
	client   netip.Addr // whose request it is, or made a fetch necessary
	tags     []string
	changes  uint64    // of the key, when the request came
	changed  time.Time // the last of them: what is stored from before is invalid, though a tier did not delete it
	policy   rfc9111.Policy
	byRFC    bool            // plain RFC 9111, and nothing else, was asked for
	parts    *store.Response // an incomplete response that is stored under the key
	standby  stored          // what may answer where no source does, though the request is passed on
	interim  func(status int, h http.Header)
	// repeatable: asking twice does no harm.
	repeatable bool
}

// foreign reports whether an answer is of another release than the one that
// this node gives out: its origins have changed, and the catalogue here has not
// yet, or not there.
func (p *plan) foreign(h http.Header) bool {
	release := h.Get("Ensembl-Release")
	return release != "" && p.release != "" && release != p.release && !p.byRFC
}

func (p *plan) request() rfc9111.Request { return rfc9111.Request{Method: p.method, Header: p.asked} }

// plan makes the canonical request and its key.
func (e *Edge) plan(r *http.Request, x *exchange) *plan {
	q := r
	if x.query != r.URL.RawQuery {
		u, c := *r.URL, *r
		u.RawQuery, c.URL = x.query, &u
		q = &c
	}
	p := &plan{client: x.client, method: r.Method, target: q.URL.EscapedPath(), asked: endToEnd(r.Header), stream: r.Body, length: r.ContentLength,
		policy: rfc9111.Policy{StaleIfError: disconnected}}
	if p.target == "" || p.target[0] != '/' {
		p.target = "/" + p.target
	}
	if x.query != "" {
		p.target += "?" + x.query
	}
	p.repeatable = r.Method == http.MethodGet || r.Method == http.MethodHead
	var keys *cachekey.Keys
	if s := e.catalogue.current.Load(); s != nil {
		keys, p.release = s.keys, s.index.Catalogue().Release
	}
	auto := e.Catalogue == Auto
	if p.byRFC = !auto; p.byRFC {
		p.policy.AllowSetCookie, p.policy.StoreParts = true, true
	}
	p.prepare = func() {
		if p.header == nil {
			p.header = e.forwardedHeader(r, x)
			p.strip()
		}
	}
	if !auto || keys == nil {
		if !auto && p.repeatable {
			e.plain(p, q)
		}
		return p
	}
	var body []byte
	if r.Method == http.MethodPost && r.ContentLength >= 0 && r.ContentLength <= maxPost {
		whole, err := io.ReadAll(r.Body)
		p.stream = io.MultiReader(bytes.NewReader(whole), failing{err})
		if err == nil {
			body, p.stream = whole, bytes.NewReader(whole)
		}
	}
	c, ok := keys.Canonical(q, body)
	if ok {
		p.endpoint = c.Request.Endpoint
	}
	if r.Header.Get("Authorization") != "" || !ok || c.Unsafe {
		if !ok && p.repeatable && r.Header.Get("Authorization") == "" {
			e.plain(p, q)
		}
		return p
	}
	p.key, p.target, p.callback, p.tags, p.repeatable = c.Key, c.Target, c.Callback, c.Tags(), true
	p.changes, p.changed = e.changes.last(p.key)
	p.header = http.Header{"Accept": {c.Accept}}
	for _, name := range [...]string{"Traceparent", "Tracestate", "Cdn-Loop"} {
		if v := r.Header.Values(name); len(v) > 0 {
			p.header[name] = v
		}
	}
	if r.Method == http.MethodPost {
		p.body, p.stream = c.Body, nil
		p.policy.StoreUnsafe = true
		p.header.Set("Content-Type", apispec.JSON)
	} else {
		p.method, p.stream = http.MethodGet, nil // a HEAD is answered from the GET
	}
	if s := p.endpoint.Freshness.StaleFor(); s > p.policy.StaleIfError {
		p.policy.StaleIfError = s
	}
	return p
}

// endToEnd is the header without the fields of one connection: what no source
// is sent must not select a stored response.
func endToEnd(h http.Header) http.Header {
	for _, v := range h["Connection"] {
		if !strings.EqualFold(v, "keep-alive") && !strings.EqualFold(v, "close") {
			h = h.Clone()
			rfc9111.RemoveHopByHop(h)
			return h
		}
	}
	return h
}

// plain keys the request by RFC 9111 alone. Beside a catalogue, a range and a
// request with credentials are passed on unstored.
func (e *Edge) plain(p *plan, r *http.Request) {
	if r.ContentLength != 0 { // what its content means, only the origin knows
		return
	}
	if !p.byRFC && (r.Header.Get("Range") != "" || r.Header.Get("Authorization") != "") {
		return
	}
	p.key, p.byVary = e.plainKey(r), true
	p.changes, p.changed = e.changes.last(p.key)
	p.stream = nil
}

// strip takes out of the header what the stored whole does not depend on.
func (p *plan) strip() {
	if !p.byVary {
		return
	}
	for _, name := range ofTheClient {
		p.header.Del(name) // judged on the stored whole
	}
	p.header.Del("Accept-Encoding") // stored in one form; coded on the way out
	p.header.Del("X-Forwarded-For") // the answer is for others too
}

// ofTheClient are the fields that ask for less than the whole.
var ofTheClient = [...]string{"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range"}

func (e *Edge) plainKey(r *http.Request) string { return e.scheme(r) + " " + cachekey.Plain(r) }

// scheme is the one that the client used.
func (e *Edge) scheme(r *http.Request) string {
	if proto := exchangeOf(r).hop.Proto; proto != "" {
		return proto
	}
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" && e.trusts(r.RemoteAddr) {
		return "https"
	}
	return "http"
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// forwardedHeader are the client's fields as they go on: without hop-by-hop
// fields and what was said to routing, with the client's address appended.
func (e *Edge) forwardedHeader(r *http.Request, x *exchange) http.Header {
	h := r.Header.Clone()
	rfc9111.RemoveHopByHop(h)
	for name := range h { // what clients write here must not steer an origin
		if steersOrigins(name) {
			delete(h, name)
		}
	}
	if x.client.IsValid() {
		h.Set("X-Forwarded-For", x.client.String())
	}
	h.Set("X-Forwarded-Proto", e.scheme(r))
	h.Add("Via", via(r, e.Node))
	if c := strings.Join(h["Cookie"], "; "); c != "" {
		if rest := withoutCookie(c, stayCookie); rest != "" {
			h.Set("Cookie", rest)
		} else {
			h.Del("Cookie")
		}
	}
	return h
}

// steersOrigins tells the fields by which proxies speak to origins, also where
// an origin (by CGI and its heirs) takes an underscore for a hyphen.
func steersOrigins(name string) bool {
	name = http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
	switch name {
	case "Forwarded", "X-Original-Url", "X-Rewrite-Url", "X-Real-Ip", "X-Http-Method-Override":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "Mirror-")
}

func via(r *http.Request, node string) string {
	return strings.TrimPrefix(r.Proto, "HTTP/") + " " + node
}

func withoutCookie(header, name string) string {
	var kept []string
	for c := range strings.SplitSeq(header, ";") {
		c = strings.TrimSpace(c)
		if n, _, _ := strings.Cut(c, "="); n != name && c != "" {
			kept = append(kept, c)
		}
	}
	return strings.Join(kept, "; ")
}

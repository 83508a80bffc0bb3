package edge

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/rfc9111"
	"mirrornet/pkg/store"
)

const (
	// maxBody is the longest body that is stored.
	maxBody = 16 << 20
	// downBudget bounds the wait for origins that are all known not to answer:
	// with as much again for other regions, a user without a stored copy is
	// told within two seconds.
	downBudget = 900 * time.Millisecond
	// downForwarded is the same for what another region forwarded: it waits
	// for several regions one after the other.
	downForwarded = 200 * time.Millisecond
	// keepStale is how long past its freshness a stored response is kept, to
	// be validated, or to stand in when no source answers.
	keepStale = 8 * 24 * time.Hour
)

var errPass = errors.New("edge: to be passed on")

const (
	// unsharedFor is how long it is remembered that the answers of a key are
	// not for sharing, so that requests do not queue to find that out.
	unsharedFor = 10 * time.Second
	// maxRounds bounds how often a request waits for a fetch that turns out to
	// be for another variant.
	maxRounds = 3
)

// unshared is what is remembered of a key whose answers are not for sharing.
type unshared struct {
	long bool // because of its length
}

// stored is what a look-up found.
type stored struct {
	response *store.Response // nil: nothing
	tier     store.Tier
	reuse    rfc9111.Reuse
	variants bool            // the target is stored, in other variants than this
	parts    *store.Response // it is an incomplete response; then reuse speaks of it
	ended    uint64          // Edge.ended from before the look-up
}

// fetched is an answer on its way to one or more clients. Those share it: it
// is not changed once made.
type fetched struct {
	response *store.Response
	hit      bool
	tier     store.Tier
	fwd      string // RFC 9211 §2.2, unless hit
	status   int    // of the source's answer to the forwarded request
	stored   bool
	storable bool // may be stored, and so shared
	common   bool // may be shared although it may not be stored
	replaces bool // the stored response is to go, even if this one may not be stored
	age      bool // the answer comes from store
	spare    bool // of use only where no origin answers
	detail   string
	source   string
	vary     []string
	variant  string    // rfc9111.VaryKey of the request that was sent
	arriving *arriving // the body, while it is on its way; response has none then
	in       *inflow   // its source; the flight's own
	reuse    rfc9111.Reuse
	limits   http.Header // what the origin says of the client's allowance
	before   http.Header // Via and Cache-Status of the hops before this node
}

// cached answers from store, or fetches and stores.
func (e *Edge) cached(ctx context.Context, x *exchange, p *plan) (f *fetched, collapsed bool, err error) {
	s := e.lookUp(ctx, p)
	if s.response != nil && !s.variants {
		hit := &fetched{response: s.response, hit: true, age: true, tier: s.tier, reuse: s.reuse}
		if s.reuse.Verdict == rfc9111.Fresh {
			return hit, false, nil
		}
		p.prepare()
		_, down := x.world.originSources("")
		doubt, doubted := e.inDoubt(p, e.Now())
		switch {
		case s.reuse.Verdict == rfc9111.StaleWhileRevalidate:
			e.refreshBehind(x, p, s)
			hit.detail = "stale-while-revalidate"
			return hit, false, nil
		case down && s.reuse.StaleIfError && !p.byRFC: // there, only an origin that was asked in vain is disconnected (§4.2.4)
			e.refreshBehind(x, p, s)
			hit.detail = "no origin answers"
			return hit, false, nil
		case s.reuse.StaleIfError && !p.byRFC && e.overloaded(x):
			hit.detail = "overloaded"
			return hit, false, nil
		case doubted && s.reuse.StaleIfError:
			hit.detail = doubt.detail()
			return hit, false, nil
		}
	}
	p.prepare()
	if f := p.fromParts(s); f != nil {
		return f, false, nil
	}
	if rfc9111.Evaluate(p.request(), rfc9111.Response{}, p.policy, e.Now()).OnlyIfCached {
		return nil, false, &failure{status: http.StatusGatewayTimeout, message: "only-if-cached was asked for, and no stored response can be used"}
	}
	if p.method == http.MethodHead || p.partial(s) {
		p.standby = s
		return nil, false, errPass // without a catalogue: its answer says too little to store, and nothing to others
	}
	return e.fetch(ctx, x, p, s)
}

// standIn is the stored response in place of what the source said, or did not.
func (p *plan) standIn(s stored, f *fetched, detail string) *fetched {
	in := &fetched{response: s.response, age: true, tier: s.tier, fwd: cmp.Or(s.reuse.Fwd, "stale"), detail: detail, reuse: s.reuse}
	if f != nil {
		in.status, in.source = f.status, f.source
	}
	in.vary, _ = rfc9111.VaryFields(s.response.Header)
	in.variant = rfc9111.VaryKey(in.vary, p.asked)
	return in
}

// class names the requests that an answer's fate speaks of. What is not stored
// because of what one client sent must not part the others.
func (p *plan) class() string {
	switch {
	case p.request().NoStore():
		return p.key + "\nno-store"
	case p.asked.Get("Authorization") != "":
		return p.key + "\nauthorized"
	}
	return p.key
}

// lookUp finds the stored response that the request selects, and judges it.
func (e *Edge) lookUp(ctx context.Context, p *plan) (s stored) {
	defer func(ended uint64) { s.ended = ended }(e.ended.of(p.key))
	resp, tier, ok := e.Store.Get(ctx, p.key)
	if ok && p.byVary && resp.Status == 0 {
		variants := resp
		resp, tier, ok = e.Store.Get(ctx, variantKey(variants, rfc9111.VaryKey(variants.Vary, p.asked)))
		if !ok {
			return stored{response: variants, variants: true}
		}
	}
	if !ok || resp.Status == 0 || resp.ResponseTime.Before(p.changed) || p.foreign(resp.Header) {
		return stored{}
	}
	s = stored{response: resp, tier: tier}
	s.reuse = rfc9111.Evaluate(p.request(), ruled(resp), p.policy, e.Now())
	if s.reuse.Verdict == rfc9111.Miss {
		return stored{reuse: s.reuse}
	}
	if resp.Status == http.StatusPartialContent {
		s.response, s.parts, s.reuse.Fwd = nil, resp, "partial"
	}
	return s
}

// variantKey holds the time of the variants record: with the record, all of its
// variants are invalidated.
func variantKey(variants *store.Response, variant string) string {
	return variants.Key + "\n" + strconv.FormatInt(variants.ResponseTime.UnixNano(), 36) + "\n" + variant
}

// ruled is a stored response as the caching rules see it.
func ruled(r *store.Response) rfc9111.Response {
	return rfc9111.Response{Status: r.Status, Header: r.Header, RequestTime: r.RequestTime, ResponseTime: r.ResponseTime}
}

// received makes an answer of the head that a source sent.
func (e *Edge) received(p *plan, s stored, a *fetch.Answer) *fetched {
	now := e.Now()
	f := &fetched{status: a.Response.StatusCode, source: a.Source.Name, fwd: forwardedBecause(s)}
	header := a.Response.Header
	relativeLocation(header, a.Source)
	if h := p.endpoint; h != nil && f.status != http.StatusNotModified && header.Get("Cache-Control") == "" && header.Get("Expires") == "" {
		header.Set("Cache-Control", h.Freshness.CacheControl(f.status)) // the API does not say; its catalogue does
		f.common = f.status >= 400                                      // nothing of the client was in the request
	}
	f.common = f.common || p.endpoint != nil && !usable(f) // asking again would only repeat it
	if e.vouches() {
		f.common = f.common && !e.clients(f.status)
		f.limits = limits(header)
	}
	got := rfc9111.Response{Status: f.status, Header: header, RequestTime: a.RequestTime, ResponseTime: now}
	var body store.Body
	if f.status == http.StatusNotModified && s.response != nil && s.response.Status != 0 {
		got = rfc9111.Update(ruled(s.response), got, p.policy)
		body = s.response.Body
	} else {
		f.arriving = newArriving(a.Response.ContentLength)
	}
	ok, why := rfc9111.Storable(p.request(), got, p.policy)
	switch {
	case f.arriving != nil && f.arriving.length > maxBody:
		ok, why = false, "too long to store"
	case f.status >= 500 && (s.response != nil || s.variants || p.endpoint != nil):
		ok, why = false, "an error does not replace an answer"
	case p.foreign(got.Header): // its key would outlive the moment, were that release to come back
		ok, why, f.common = false, "another release than the catalogue's", true
		e.catalogue.hurry()
	}
	for _, name := range [...]string{"Via", "Cache-Status"} {
		if values := header[name]; len(values) > 0 {
			if f.before == nil {
				f.before = http.Header{}
			}
			f.before[name] = values
		}
	}
	if a.Source.Kind.Edge() { // written by that node for its own client
		links := slices.DeleteFunc(slices.Clone(got.Header.Values("Link")), func(l string) bool { return strings.HasSuffix(l, `rel="alternate"`) })
		got.Header = got.Header.Clone()
		if got.Header.Del("Link"); len(links) > 0 {
			got.Header["Link"] = links
		}
		withoutCoding(got.Header)
	}
	f.vary, _ = rfc9111.VaryFields(got.Header)
	f.variant = rfc9111.VaryKey(f.vary, p.asked)
	f.storable, f.detail = ok, why
	f.response = &store.Response{Key: p.key, Status: got.Status, Body: body, Tags: p.tags, RequestTime: got.RequestTime, ResponseTime: got.ResponseTime}
	if !ok {
		rfc9111.RemoveHopByHop(got.Header)
		f.response.Header = own(got.Header)
		dropLimits(f.response.Header)
		if f.common { // it may go to several
			delete(f.response.Header, "Set-Cookie")
		}
		return f
	}
	f.response.Header = own(rfc9111.StoredHeader(got, p.policy))
	f.reuse = rfc9111.Evaluate(p.request(), got, p.policy, now)
	return f
}

// current reports whether nothing was invalidated since the request came.
func (e *Edge) current(p *plan) bool { return p.changes == e.changes.of(p.key) }

// keep stores a whole answer if it may be, with the consequences for what was
// stored and for those who ask next.
func (e *Edge) keep(ctx context.Context, p *plan, f *fetched, body store.Body) {
	switch {
	case f.storable:
		e.unshared.forget(p.class())
		if e.current(p) {
			resp := *f.response
			resp.Body = body
			e.put(context.WithoutCancel(ctx), p, f, &resp)
			e.ended.add(p.key, time.Time{})
		}
	case f.replaces:
		e.Store.Delete(ctx, p.key)
	}
}

func (e *Edge) put(ctx context.Context, p *plan, f *fetched, resp *store.Response) {
	lifetime, _ := rfc9111.FreshnessLifetime(ruled(resp))
	keep := lifetime + keepStale
	if p.byVary && len(f.vary) > 0 {
		variants, _, ok := e.Store.Get(ctx, p.key)
		if !ok || variants.Status != 0 || !slices.Equal(variants.Vary, f.vary) {
			variants = &store.Response{Key: p.key, Vary: f.vary, ResponseTime: resp.ResponseTime}
			e.Store.Put(ctx, variants, keep)
		}
		resp.Key = variantKey(variants, f.variant)
	}
	e.Store.Put(ctx, resp, keep)
}

// forwardedBecause is the RFC 9211 §2.2 token for a fetch.
func forwardedBecause(s stored) string {
	switch {
	case s.variants:
		return "vary-miss"
	case s.reuse.Fwd != "":
		return s.reuse.Fwd
	}
	return "uri-miss"
}

// own takes out the fields that each node writes for itself.
func own(h http.Header) http.Header {
	for _, name := range [...]string{"Cache-Status", "Via", "Server-Timing", "Mirror-Region", "Mirror-Nearest", "Server"} {
		h.Del(name)
	}
	return h
}

package edge

import (
	"bytes"
	"context"
	"errors"
	"io"
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

var (
	errTimeout = errors.New("edge: no source answered in time")
	errPass    = errors.New("edge: to be passed on")
)

// stored is what a look-up found.
type stored struct {
	response *store.Response // nil: nothing
	tier     store.Tier
	reuse    rfc9111.Reuse
	variants bool // the target is stored, in other variants than this
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
	age      bool // the answer comes from store
	detail   string
	source   string
	vary     []string
	variant  string // rfc9111.VaryKey of the request that was sent
	rest     *rest  // the body is too long to hold; the response's body is its start
	reuse    rfc9111.Reuse
	before   http.Header // Via and Cache-Status of the hops before this node
}

// cached answers from store, or fetches and stores.
func (e *Edge) cached(ctx context.Context, x *exchange, p *plan) (f *fetched, collapsed bool, err error) {
	s := e.lookUp(ctx, p)
	if s.response != nil && !s.variants {
		hit := &fetched{response: s.response, hit: true, age: true, tier: s.tier, reuse: s.reuse}
		_, down := x.world.originSources()
		switch {
		case s.reuse.Verdict == rfc9111.Fresh:
			return hit, false, nil
		case s.reuse.Verdict == rfc9111.StaleWhileRevalidate:
			e.refreshBehind(x, p, s)
			hit.detail = "stale-while-revalidate"
			return hit, false, nil
		case down && s.reuse.StaleIfError:
			e.refreshBehind(x, p, s)
			hit.detail = "no origin answers"
			return hit, false, nil
		}
	}
	if rfc9111.Evaluate(p.request(), rfc9111.Response{}, p.policy, e.Now()).OnlyIfCached {
		return nil, false, &failure{status: http.StatusGatewayTimeout, message: "only-if-cached was asked for, and no stored response can be used"}
	}
	if p.method == http.MethodHead {
		return nil, false, errPass // without a catalogue: its answer says too little to store
	}
	flight := p.key
	if p.byVary {
		flight += "\n" + strconv.FormatUint(e.changes.of(p.key).Load(), 10) // what was begun before a change is not for later requests
	}
	if x.hops > 0 {
		flight += "\nforwarded" // it asks no other region, so it must not stand for one that may
	}
	if s.variants {
		flight += "\n" + rfc9111.VaryKey(s.response.Vary, p.asked)
		s.response = nil
	}
	f, shared, err := e.flights.Do(ctx, flight, func(ctx context.Context) (*fetched, error) {
		if s.response == nil { // a flight may have ended, and stored, since the look-up
			if again := e.lookUp(ctx, p); again.response != nil && !again.variants && again.reuse.Verdict == rfc9111.Fresh {
				hit := &fetched{response: again.response, hit: true, age: true, tier: again.tier, reuse: again.reuse}
				hit.vary, _ = rfc9111.VaryFields(again.response.Header)
				hit.variant = rfc9111.VaryKey(hit.vary, p.asked)
				return hit, nil
			}
		}
		return e.refresh(ctx, x.world, p, s, x.hops, true)
	})
	if err != nil {
		return nil, false, err
	}
	if shared && !f.serves(p) || f.rest != nil && !f.rest.claim() {
		f, err = e.refresh(ctx, x.world, p, s, x.hops, true) // not for sharing: each asks for itself
		if f != nil && f.rest != nil {
			f.rest.claim()
		}
		return f, false, err
	}
	return f, shared, nil
}

// serves reports whether an answer fetched for another request may answer
// this one: it was storable (or an error that asking again would only repeat),
// and is the variant that this request selects.
func (f *fetched) serves(p *plan) bool {
	if !f.stored && !f.age && (p.endpoint == nil || usable(f)) {
		return false
	}
	return !p.byVary || rfc9111.VaryKey(f.vary, p.asked) == f.variant
}

// lookUp finds the stored response that the request selects, and judges it.
func (e *Edge) lookUp(ctx context.Context, p *plan) (s stored) {
	resp, tier, ok := e.Store.Get(ctx, p.key)
	if ok && p.byVary && resp.Status == 0 {
		variants := resp
		resp, tier, ok = e.Store.Get(ctx, variantKey(variants, rfc9111.VaryKey(variants.Vary, p.asked)))
		if !ok {
			return stored{response: variants, variants: true}
		}
	}
	if !ok || resp.Status == 0 {
		return stored{}
	}
	s = stored{response: resp, tier: tier}
	s.reuse = rfc9111.Evaluate(p.request(), ruled(resp), p.policy, e.Now())
	if s.reuse.Verdict == rfc9111.Miss {
		return stored{reuse: s.reuse}
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

// refreshBehind validates a stored response beside the request, one at a time.
func (e *Edge) refreshBehind(x *exchange, p *plan, s stored) {
	w, hops := x.world, x.hops
	if _, running := e.behind.LoadOrStore(p.key, true); running {
		return
	}
	if !e.inBackground(func(ctx context.Context) {
		defer e.behind.Delete(p.key)
		f, _, err := e.flights.Do(ctx, p.key, func(ctx context.Context) (*fetched, error) {
			return e.refresh(ctx, w, p, s, hops, true)
		})
		if err == nil && f.rest != nil && f.rest.claim() {
			f.rest.Close()
		}
	}) {
		e.behind.Delete(p.key)
	}
}

// refresh asks the sources, and stores what they answer if it may be stored.
// When no origin gives a usable answer, the stored copy stands in, and without
// one the nodes of other regions are asked.
func (e *Edge) refresh(ctx context.Context, w *world, p *plan, s stored, hops int, keep bool) (*fetched, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, e.Timeout, errTimeout)
	defer cancel()
	origins, down := w.originSources()
	octx := ctx
	if down {
		var stop context.CancelFunc
		budget := downBudget
		if hops > 0 {
			budget = downForwarded
		}
		octx, stop = context.WithTimeoutCause(ctx, budget, errTimeout)
		defer stop()
	}
	f, err := e.ask(octx, origins, p, s, keep)
	if err == nil && usable(f) {
		return f, nil
	}
	if down && err != nil && ctx.Err() == nil {
		err = &fetch.Error{} // nobody answered in the time that a lost origin gets
	}
	if ctx.Err() != nil && context.Cause(ctx) != errTimeout {
		return nil, context.Cause(ctx)
	}
	if s.response != nil && s.reuse.StaleIfError {
		f.discard()
		return &fetched{response: s.response, age: true, tier: s.tier, fwd: "stale", status: f.sourceStatus(),
			detail: "stale-if-error", reuse: s.reuse}, nil
	}
	if regions := w.regionSources(); hops == 0 && len(regions) > 0 && ctx.Err() == nil {
		elsewhere := *p
		elsewhere.header = withoutSecrets(p.header, regions)
		rctx := ctx
		if down { // what is left of two seconds
			var stop context.CancelFunc
			rctx, stop = context.WithTimeoutCause(ctx, downBudget, errTimeout)
			defer stop()
		}
		g, gerr := e.ask(rctx, regions, &elsewhere, stored{reuse: s.reuse}, keep)
		if gerr == nil && usable(g) {
			f.discard()
			return g, nil
		}
		g.discard()
	}
	return f, err
}

// usable reports whether an answer says something of the resource. A 429 says
// something of us.
func usable(f *fetched) bool { return f.status < 500 && f.status != http.StatusTooManyRequests }

func (f *fetched) sourceStatus() int {
	if f == nil {
		return 0
	}
	return f.status
}

func (f *fetched) discard() {
	if f != nil && f.rest != nil && f.rest.claim() {
		f.rest.Close()
	}
}

// ask fetches from the first of the sources that gives a whole answer.
func (e *Edge) ask(ctx context.Context, sources []fetch.Source, p *plan, s stored, keep bool) (*fetched, error) {
	header := p.header
	if s.response != nil && s.response.Status != 0 {
		header = header.Clone()
		for name, v := range rfc9111.ConditionalHeader(ruled(s.response)) {
			header[name] = v
		}
	}
	for {
		detached, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
		req := fetch.Request{Method: p.method, Target: p.target, Header: header, Repeatable: true}
		if p.body != nil {
			req.Body, req.ContentLength = bytes.NewReader(p.body), int64(len(p.body))
		}
		a, err := e.fetcher.Do(detached, sources, req)
		if err != nil {
			stop()
			cancel(nil)
			return nil, err
		}
		if a.Response.StatusCode == http.StatusNotModified && s.response != nil &&
			!rfc9111.Updates(ruled(s.response), rfc9111.Response{Status: http.StatusNotModified, Header: a.Response.Header}) {
			a.Response.Body.Close() // it speaks of another copy: ask for the whole
			stop()
			cancel(nil)
			s, header = stored{reuse: s.reuse}, p.header
			continue
		}
		if a.Response.StatusCode == http.StatusNotModified && s.response == nil { // nothing was asked that it could answer
			a.Response.Body.Close()
			stop()
			cancel(nil)
			return nil, &fetch.Error{Attempts: a.Attempts, Unusable: true}
		}
		body, err := io.ReadAll(io.LimitReader(a.Response.Body, maxBody+1))
		if err != nil { // it died in the middle: the next source has the whole
			a.Response.Body.Close()
			stop()
			cancel(nil)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			e.report(fetch.Attempt{Source: a.Source, Err: err})
			if sources = after(sources, a.Source); len(sources) == 0 {
				return nil, &fetch.Error{Attempts: a.Attempts, Unusable: true}
			}
			continue
		}
		f := e.received(ctx, p, s, a, body, keep)
		if len(body) > maxBody && stop() {
			f.rest = newRest(a.Response.Body, cancel)
			return f, nil
		}
		a.Response.Body.Close()
		stop()
		cancel(nil)
		return f, nil
	}
}

func after(sources []fetch.Source, s fetch.Source) []fetch.Source {
	for i := range sources {
		if sources[i].Name == s.Name {
			return sources[i+1:]
		}
	}
	return nil
}

// received makes an answer of what a source sent, and stores it if it may be.
func (e *Edge) received(ctx context.Context, p *plan, s stored, a *fetch.Answer, body []byte, keep bool) *fetched {
	now, content := e.Now(), store.NewBody(body)
	f := &fetched{status: a.Response.StatusCode, source: a.Source.Name, fwd: forwardedBecause(s)}
	header := a.Response.Header
	relativeLocation(header, a.Source)
	if h := p.endpoint; h != nil && header.Get("Cache-Control") == "" && header.Get("Expires") == "" {
		header.Set("Cache-Control", h.Freshness.CacheControl(f.status)) // the API does not say; its catalogue does
	}
	got := rfc9111.Response{Status: f.status, Header: header, RequestTime: a.RequestTime, ResponseTime: now}
	if f.status == http.StatusNotModified && s.response != nil && s.response.Status != 0 {
		got = rfc9111.Update304(ruled(s.response), got)
		content = s.response.Body
	}
	ok, why := rfc9111.Storable(p.request(), got, p.policy)
	switch {
	case !keep || content.Len() > maxBody:
		ok, why = false, "too long to store"
	case f.status >= 500 && (s.response != nil || p.endpoint != nil):
		ok, why = false, "an error does not replace an answer"
	}
	f.before = http.Header{"Via": header.Values("Via"), "Cache-Status": header.Values("Cache-Status")}
	if a.Source.Kind == fetch.Region { // written by that node for its own client
		links := slices.DeleteFunc(slices.Clone(got.Header.Values("Link")), func(l string) bool { return strings.HasSuffix(l, `rel="alternate"`) })
		got.Header = got.Header.Clone()
		if got.Header.Del("Link"); len(links) > 0 {
			got.Header["Link"] = links
		}
	}
	f.vary, _ = rfc9111.VaryFields(got.Header)
	f.variant = rfc9111.VaryKey(f.vary, p.asked)
	f.response = &store.Response{Key: p.key, Status: got.Status, Header: own(rfc9111.StoredHeader(got, p.policy)), Body: content, Tags: p.tags,
		RequestTime: got.RequestTime, ResponseTime: got.ResponseTime}
	if !ok {
		f.detail = why
		rfc9111.RemoveHopByHop(got.Header)
		f.response.Header = own(got.Header)
		dropLimits(f.response.Header)
		return f
	}
	f.reuse = rfc9111.Evaluate(p.request(), got, p.policy, now)
	if f.stored = !p.byVary || p.changes == e.changes.of(p.key).Load(); f.stored { // nothing was invalidated meanwhile
		e.put(context.WithoutCancel(ctx), p, f)
	}
	return f
}

func (e *Edge) put(ctx context.Context, p *plan, f *fetched) {
	lifetime, _ := rfc9111.FreshnessLifetime(ruled(f.response))
	keep := lifetime + keepStale
	if p.byVary && len(f.vary) > 0 {
		variants, _, ok := e.Store.Get(ctx, p.key)
		if !ok || variants.Status != 0 || !slices.Equal(variants.Vary, f.vary) {
			variants = &store.Response{Key: p.key, Vary: f.vary, ResponseTime: f.response.ResponseTime}
			e.Store.Put(ctx, variants, keep)
		}
		f.response.Key = variantKey(variants, f.variant)
	}
	e.Store.Put(ctx, f.response, keep)
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

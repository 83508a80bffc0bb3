package edge

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/fetch"
	"mirrornet/pkg/rfc9111"
)

// pass streams a request that is not for the store to the origins, and if none
// takes it and it may be repeated, to other regions.
func (e *Edge) pass(w http.ResponseWriter, r *http.Request, x *exchange, p *plan, interim *interim) {
	if rfc9111.Evaluate(p.request(), rfc9111.Response{}, p.policy, e.Now()).OnlyIfCached {
		e.fail(w, r, &failure{status: http.StatusGatewayTimeout, message: "only-if-cached was asked for, and this request is never answered from store"})
		return
	}
	if e.overloaded(x) {
		e.fail(w, r, shed())
		return
	}
	e.working(x)
	p.prepare()
	ctx := r.Context() // fetch bounds the wait for a head; a body may take its time
	fwd := "bypass"
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		fwd = "method"
	case p.parts != nil:
		fwd = "partial"
	case p.byRFC && p.key != "" && r.Method == http.MethodGet:
		fwd = "uri-miss"
	}
	req := fetch.Request{Method: p.method, Target: p.target, Header: withTrailers(r, p.passedHeader()), ContentLength: p.length, Repeatable: p.repeatable, Interim: p.interim,
		Client: x.client, Proto: e.scheme(r)}
	if p.stream != nil && p.length != 0 {
		req.Body, req.Trailer = requestTrailer(r, p.stream)
	}
	class := apispec.ClassOf(p.target)
	sources, down := x.world.originSources(class)
	if down {
		req.Wait = downBudget
	}
	regions := x.world.regionSources(class, p.place())
	if !p.repeatable || x.hops > 0 || req.Body != nil || !trusted(req.Header, regions) {
		regions = nil // not for them
	}
	var there *fetch.Answer
	var lost error // what came of asking there first
	first := len(regions) > 0 && p.parts == nil && x.world.elsewhereFirst(class)
	if first {
		there, lost = e.fetcher.Do(ctx, regions, forRegions(req, regions))
	}
	a, err := there, lost
	switch {
	case !first:
		a, err = e.fetcher.Do(ctx, sources, req)
	case err != nil || a.Response.StatusCode >= 500:
		a, err = e.fetcher.Do(ctx, sources, req)
		a, err = better(a, err, there, lost)
	}
	if _, completing := p.rest(); completing && (err != nil || a.Response.StatusCode != http.StatusOK) {
		if f := e.completed(ctx, p, a); f != nil {
			interim.end()
			e.answer(w, r, x, p, f, false)
			return
		}
		p.parts = nil // it does not help: ask for the whole
		if req.Header = p.passedHeader(); err == nil {
			a.Response.Body.Close()
			a, err = e.fetcher.Do(ctx, sources, req)
		}
	}
	if !first && len(regions) > 0 && ctx.Err() == nil && (err != nil || a.Response.StatusCode >= 500) {
		there, lost = e.fetcher.Do(ctx, regions, forRegions(req, regions))
		a, err = better(a, err, there, lost)
	}
	interim.end()
	if s := p.standby; s.response != nil && !s.variants && s.reuse.StaleIfError && r.Context().Err() == nil && (err != nil || a.Response.StatusCode >= 500) {
		f := p.standIn(s, nil, "stale-if-error")
		if err == nil {
			f.status, f.source = a.Response.StatusCode, a.Source.Name
			a.Response.Body.Close()
		}
		e.answer(w, r, x, p, f, false)
		return
	}
	if err != nil {
		e.fail(w, r, err)
		return
	}
	if safe := r.Method == http.MethodGet || r.Method == http.MethodHead; !safe && !e.onlyReads(r) {
		e.invalidate(ctx, r, a.Response)
	}
	e.relay(w, r, x, a, fwd, e.keeper(ctx, r, x, p, a))
}

// forRegions is a request as other regions' nodes may see it.
func forRegions(req fetch.Request, regions []fetch.Source) fetch.Request {
	req.Header = withoutSecrets(req.Header, regions)
	req.Wait = 0 // that is for lost origins
	return req
}

// better is another region's answer if it is usable or the only one, and else the
// origins'. The other one is ended.
func better(a *fetch.Answer, err error, there *fetch.Answer, lost error) (*fetch.Answer, error) {
	switch {
	case lost != nil:
		return a, err
	case err != nil:
		return there, nil
	case there.Response.StatusCode < 500:
		a.Response.Body.Close()
		return there, nil
	}
	there.Response.Body.Close()
	return a, nil
}

// relay streams a source's answer to the client, and to k if it is to be kept.
func (e *Edge) relay(w http.ResponseWriter, r *http.Request, x *exchange, a *fetch.Answer, fwd string, k *keeper) {
	resp := a.Response
	defer resp.Body.Close()
	rfc9111.RemoveHopByHop(resp.Header)
	relativeLocation(resp.Header, a.Source)
	h := w.Header()
	for name, v := range resp.Header {
		h[name] = append(h[name], v...)
	}
	from := h.Get("Mirror-Region")
	for _, name := range [...]string{"Server-Timing", "Mirror-Nearest", "Mirror-Region", "Link"} {
		if a.Source.Kind.Edge() {
			h.Del(name)
		}
	}
	if resp.StatusCode == http.StatusTooManyRequests && !e.vouches() { // the origin's limit is on this node, not on the client
		e.fail(w, r, &failure{status: http.StatusServiceUnavailable, message: "the origin takes no more requests for now; try again later",
			forwarded: true, retryAfter: seconds(h.Get("Retry-After"), 5)})
		return
	}
	if !e.vouches() {
		dropLimits(h)
	}
	e.mirrorFields(h, r, x)
	if from != "" {
		h.Set("Mirror-Region", from)
	}
	h.Add("Via", via(r, e.Node))
	h.Add("Cache-Status", rfc9111.CacheStatus{Cache: e.Node, Fwd: fwd, FwdStatus: resp.StatusCode, Stored: k != nil}.String())
	x.outcome.Cache, x.outcome.Source = fwd, a.Source.Name
	x.fetched = e.Now().Sub(x.start)
	h.Set("Server-Timing", serverTiming(x, fwd, nil))
	w.WriteHeader(resp.StatusCode)
	out := io.Writer(w)
	if resp.ContentLength < 0 {
		out = flusher{w, http.NewResponseController(w)}
	}
	if k != nil {
		defer k.close()
		out = k.beside(out)
	}
	if _, err := io.Copy(out, resp.Body); err != nil { // who left may have closed one direction only
		panic(http.ErrAbortHandler) // a cut body must not look whole
	}
	if k != nil {
		k.put(context.WithoutCancel(r.Context()))
	}
	passTrailers(w, r, resp.Trailer)
}

// vouches reports whether this node says to its origins for whom it asks: then
// what they say of limits is for that client.
func (e *Edge) vouches() bool { return e.ClientKeys != nil && e.ClientKeys() != nil }

// clients reports whether an answer with that status is one client's alone.
func (e *Edge) clients(status int) bool {
	return status == http.StatusTooManyRequests && e.vouches()
}

// limits are the fields of an answer that speak of an allowance; nil: none.
func limits(h http.Header) (out http.Header) {
	for name, v := range h {
		if ofLimits(name) {
			if out == nil {
				out = http.Header{}
			}
			out[name] = v
		}
	}
	return out
}

func ofLimits(name string) bool {
	return strings.HasPrefix(name, "X-Ratelimit") || strings.HasPrefix(name, "X-Rate-Limit") || strings.HasPrefix(name, "Ratelimit")
}

// dropLimits takes out what an origin says of this node's own use of it.
func dropLimits(h http.Header) {
	for name := range h {
		if ofLimits(name) {
			h.Del(name)
		}
	}
}

// relativeLocation makes a Location at the source itself one at this node:
// clients do not know, and may not reach, the source's address.
func relativeLocation(h http.Header, s fetch.Source) {
	u, err := url.Parse(h.Get("Location"))
	if err != nil || u.Host == "" || u.Host != s.URL.Host || strings.HasPrefix(u.Path, "//") { // without a host, // would begin one
		return
	}
	u.Scheme, u.Host, u.User = "", "", nil
	if u.Path == "" {
		u.Path = "/"
	}
	h.Set("Location", u.String())
}

// flusher sends each piece on as it comes, for answers of unknown length.
type flusher struct {
	io.Writer
	c *http.ResponseController
}

func (f flusher) Write(b []byte) (int, error) {
	n, err := f.Writer.Write(b)
	if err == nil {
		err = f.c.Flush()
	}
	return n, err
}

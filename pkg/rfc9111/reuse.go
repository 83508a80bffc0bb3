package rfc9111

import (
	"net/http"
	"time"
)

// Verdict says how a stored response may answer a request (§4).
type Verdict int

const (
	// Fresh: answer with it. It may be past its lifetime where the request
	// takes stale answers (max-stale); TTL says so.
	Fresh Verdict = iota
	// StaleWhileRevalidate: answer with it, and validate it in the background.
	StaleWhileRevalidate
	// Validate: ask first, with the fields of [ConditionalHeader], if any.
	Validate
	// Miss: it does not answer this request, validated or not.
	Miss
)

func (v Verdict) String() string {
	switch v {
	case Fresh:
		return "fresh"
	case StaleWhileRevalidate:
		return "stale-while-revalidate"
	case Validate:
		return "validate"
	}
	return "miss"
}

// Reuse is what [Evaluate] finds.
type Reuse struct {
	Verdict Verdict
	// TTL is the freshness left, negative when stale; Age the current age.
	TTL, Age time.Duration
	// StaleIfError says that the stored response may be used now if the
	// origin fails, whatever the verdict (RFC 5861 §4).
	StaleIfError bool
	// OnlyIfCached says that the request must not be forwarded: the answer is
	// 504 unless the verdict allows the stored response (§5.2.1.7).
	OnlyIfCached bool
	// Fwd is the reason to forward in the words of RFC 9211 §2.2 (stale,
	// request, vary-miss, method), for Validate and Miss.
	Fwd string
	// Detail is what decided, where it is not plain freshness: the directive.
	Detail string
}

// Evaluate decides whether the stored response resp, selected by key and
// Vary, may answer req at the time now (§4, §5.2.1, RFC 5861).
func Evaluate(req Request, resp Response, p Policy, now time.Time) Reuse {
	d, q := parseResponse(resp.Header), parseRequest(req.Header)
	lifetime, _ := freshnessLifetime(resp, d)
	r := Reuse{Age: CurrentAge(resp, now), OnlyIfCached: q.onlyIfCached}
	r.TTL = lifetime - r.Age
	fresh, staleness := r.TTL > 0, -r.TTL

	switch { // whose stored response it may be (§4)
	case req.Method == http.MethodGet, req.Method == http.MethodHead, p.StoreUnsafe && req.Method == http.MethodPost:
	default:
		return r.forward(Miss, "method", "")
	}
	if _, any := VaryFields(resp.Header); any {
		return r.forward(Miss, "vary-miss", "Vary: *")
	}

	window := d.errorWindow(p)
	if q.staleIfError.set && d.mayBeStale() && !d.sMaxAge.set {
		window = q.staleIfError.d
	}
	r.StaleIfError = fresh && !d.noCache || d.mayBeStale() && window > 0 && staleness <= window

	refused := "stale"
	if fresh {
		refused = "request" // fresh, but not enough for this request
	}
	switch {
	case d.noCache:
		return r.forward(Validate, "stale", "no-cache")
	case q.noCache:
		return r.forward(Validate, refused, "request no-cache")
	case q.maxAge.set && (r.Age > q.maxAge.d || q.maxAge.d == 0):
		return r.forward(Validate, refused, "request max-age")
	case q.minFresh.set && r.TTL < q.minFresh.d:
		return r.forward(Validate, refused, "request min-fresh")
	case fresh:
		return r
	case !d.mayBeStale():
		return r.forward(Validate, "stale", "must-revalidate")
	case q.maxStale.set && staleness > q.maxStale.d:
		return r.forward(Validate, "stale", "request max-stale")
	case q.maxStale.set && !d.sMaxAge.set:
		r.Detail = "request max-stale"
		return r
	case q.maxAge.set && !q.maxStale.set: // §5.2.1.1: nothing stale
		return r.forward(Validate, "stale", "request max-age")
	}
	if w := d.revalidateWindow(p, lifetime); w > 0 && staleness <= w {
		r.Verdict, r.Detail = StaleWhileRevalidate, "stale-while-revalidate"
		return r
	}
	return r.forward(Validate, "stale", "")
}

func (r Reuse) forward(v Verdict, fwd, detail string) Reuse {
	r.Verdict, r.Fwd, r.Detail = v, fwd, detail
	return r
}

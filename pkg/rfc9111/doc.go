// Package rfc9111 holds the rules of a shared HTTP cache as pure functions, a
// file per section: what may be stored (§3), which request a stored response
// answers (§4.1), how long it is fresh and when it may be used stale (§4.2),
// how it is validated (§4.3) and what unsafe requests invalidate (§4.4). Beside
// them stand the fields of RFC 9211 (Cache-Status), RFC 9213 (CDN-Cache-Control)
// and RFC 5861 (stale-while-revalidate, stale-if-error).
//
// Nothing here does I/O, reads a clock or keeps state: the time is an argument.
// No function changes a header that it is given, except [RemoveHopByHop], so
// stored responses may be shared between goroutines.
//
// A request goes through the package like this: [VaryKey] finds the stored
// response, [Evaluate] says how it may be used, [ConditionalHeader] asks the
// origin, [Updates] and [Update] take in its 304; any other answer is kept
// where [Storable] agrees, with the fields of [StoredHeader].
//
// # Decisions
//
// 2026-11-24: broken input is read in the safe direction. A directive that
// restricts counts even where it is malformed; one that permits does not. An
// invalid max-age is 0; of two, the shorter holds.
//
// 2026-11-24: a response that could never be used (no freshness, no validator,
// no leave to be stale) is not stored, though §3 would allow it.
//
// 2026-11-24: HEAD responses are not stored: HEAD is asked as GET further up,
// and a body-less entry must never answer a GET.
//
// 2026-11-24: s-maxage means proxy-revalidate (§5.2.2.10), which switches the
// Policy's stale windows off; stale-while-revalidate and stale-if-error written
// beside it in the response still hold, since the origin cannot have meant
// them otherwise.
//
// 2026-11-24: a default stale-while-revalidate needs a lifetime above zero:
// max-age=0 is how origins say "always ask".
//
// 2026-11-24: when the origin fails, a request's no-cache, max-age or min-fresh
// does not forbid a stored answer. They state what the client prefers (§5.2.1),
// and an error serves it worse; stale-if-error=0 in the request forbids it.
//
// 2026-11-24: a Connection option that names a field of §3 to §5 or
// Authorization (which RFC 9110 §7.6.1 forbids to send) is ignored, since
// removing Cache-Control would make a response cacheable that is not.
package rfc9111

import (
	"net/http"
	"time"
)

// Request is the part of a request that caching looks at.
type Request struct {
	Method string
	Header http.Header
}

// Response is the head of a response, as received or as stored.
type Response struct {
	Status int
	Header http.Header
	// RequestTime is when this node asked, ResponseTime when the head arrived,
	// by its own clock (§4.2.3). A zero RequestTime counts as ResponseTime.
	RequestTime, ResponseTime time.Time
}

// Policy is what the operator allows beyond what responses say. The zero
// Policy is plain RFC 9111.
type Policy struct {
	// StaleIfError and StaleWhileRevalidate are the windows of RFC 5861 for
	// responses that do not state their own.
	StaleIfError, StaleWhileRevalidate time.Duration
	// StoreUnsafe says that this endpoint's POST is a query, and that its
	// answer may be stored if it has explicit freshness.
	StoreUnsafe bool
	// AllowSetCookie stores responses with Set-Cookie, field included.
	AllowSetCookie bool
	// StoreParts says that the caller combines the parts of representations:
	// a 206 may be stored, as what it is (§3.3).
	StoreParts bool
}

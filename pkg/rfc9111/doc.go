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
// where [Storable] agrees, with the fields of [StoredHeader]. Parts of a
// representation (§3.3, §3.4) are [ByteRange.Slice]d and [Combine]d.
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
//
// 2026-11-25: what a 206 says is an incomplete response as it stands: its
// Content-Range and its bytes. Parts that are kept apart are one such response
// with a Content-Range line each, so nothing but §3.4 is needed to join them.
// Bytes that overlap must be the same, whatever the validators say.
//
// 2026-11-25: a part whose bytes end before its Content-Range does stands for
// what its source has of that range: it answers ranges within, with the bytes
// there are, and is never combined.
//
// 2026-11-25: the order and case of fields with weights (Accept-Language and
// its like) do not select: RFC 9110 §12.5.4 gives order no meaning, and §4.1
// allows what is known to have identical semantics, and no more.
//
// 2026-11-25: of the public cache tests (pkg/conformance), these ask for what
// the RFCs forbid or leave impossible, and stay failed. Required, in the npm
// release: age-parse-nonnumeric, -negative, -float, -parameter,
// -numeric-parameter want an invalid Age to make a response stale, where §5.1
// has "a cache SHOULD ignore the field"; age-parse-prefix-twoline, -dup-0,
// -dup-0-twoline, -dup-old the same of lists, where §5.1 has "SHOULD use the
// first member of the field value, discarding subsequent ones" (the newer tests
// agree). stale-close-must-revalidate, -proxy-revalidate, -no-cache and
// -s-maxage=2 want a field of a response that the origin never sent, where
// §5.2.2.2 has "the cache MUST generate an error response" (mended in the newer
// tests). 304-etag-update-response-ETag wants a 304 with another strong tag to
// update, where §4.3.4 has "the cache MUST NOT use the new response to update
// any stored responses" (no longer required by the newer tests). Required in
// both: headers-store-Transfer-Encoding wants the content of an unknown
// transfer coding to be passed on as if it had none, from a message without an
// end; RFC 9112 §6.1: "the sender MUST either apply chunked as the final transfer
// coding or terminate the message by closing the connection". Optional:
// vary-normalise-lang-select wants a response whose Accept-Language differs
// (§4.1: "MUST NOT use that stored response without revalidation unless all the
// presented request header fields nominated by that Vary field value match"),
// conditional-lm-fresh-no-lm a 304 though Date is after If-Modified-Since
// (§4.3.2: "SHOULD use the stored response's Date field value"), and
// partial-store-partial-reuse-partial-suffix the last byte of five as number 9
// where other tests want it as number 8.
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

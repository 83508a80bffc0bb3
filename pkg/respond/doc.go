// Package respond writes a stored response to a client: preconditions
// (RFC 9110 §13), ranges (§14), content codings (§8.4, §12.5.3) and JSONP. It is
// the one place where a body changes its form; what was stored stays as it is.
//
// # Decisions
//
// 2026-11-24: ranges are always of the identity coding, and each coding has an
// entity tag of its own ("abc" becomes "abc-zstd"), because a part of one form
// must never be joined to a part of another. Preconditions match any form of
// the stored tag: they are all the same state of the resource.
//
// 2026-11-24: JSONP wraps status 200 only. The reference answers errors as plain
// application/json, and a browser does not run a script that came with an error.
// What is not JSON is never wrapped: it would run as a script.
//
// 2026-11-24: callbacks are ASCII identifiers. The reference takes anything,
// which lets a URL choose what a page runs.
//
// 2026-11-24: a "*" in Accept-Encoding gets gzip and nothing newer: those who
// send it mean "whatever", and gzip is what everyone can read.
//
// 2026-11-24: a Range that cannot be read, has an unknown unit, or asks for more
// than it is worth (more than 16 parts, more than 2 overlaps, more bytes than the whole) is
// ignored, as §14.2 allows: the whole is never wrong.
//
// 2026-11-24: preconditions are evaluated for GET and HEAD. A stored answer to a
// POST is no representation of its target, which is what they speak of.
//
// 2026-11-24: encoders and buffers live in package-level sync.Pools. They cost
// some hundred kilobytes to make, and hold no state that an answer could depend
// on.
package respond

import (
	"net/http"
	"time"

	"mirrornet/pkg/store"
)

// Source is a stored response.
type Source struct {
	Status int // 0: 200
	// Header is not changed. Its Content-Length and fields of one connection
	// are left out.
	Header http.Header
	Body   store.Body // its identity is that of Header's Content-Encoding, if there is one
}

// Options say how to answer. The zero Options are ready.
type Options struct {
	// Callback wraps JSON as callback(…); and must satisfy [apispec.ValidCallback].
	// Empty: no JSONP.
	Callback string
	// Now is the Date of a response that has none. Zero: net/http's clock.
	Now time.Time
}

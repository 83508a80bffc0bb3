// Package origin makes an HTTP server out of API modules. From the modules'
// statements (package apispec) come the routes, the input checks, negotiation,
// caching fields, the OpenAPI document and the published catalogue; a module's
// handler only answers.
//
// # Decisions
//
// 2026-11-24: chi routes the fixed paths (pages, catalogue, operations); every
// other path goes through [apispec.Index.Resolve], and not through a chi route
// per endpoint. The edges read requests with the same function, so origin and
// edge cannot differ on suffixes, separators, aliases and trailing slashes.
//
// 2026-11-24: an answer is built whole before its first byte is sent. The
// strong ETag is a hash of the bytes, so it needs them all, and an error
// halfway can still become a proper status. The API's own limits bound the size.
//
// 2026-11-24: If-None-Match is answered on GET and HEAD alone. A POST of this
// API is a question, not a change: refusing it with 412 would help nobody.
//
// 2026-11-24: a POST body sent as application/x-www-form-urlencoded is read as
// an empty object, as the reference does; scripts that forget the type see the
// same answers from both.
//
// 2026-11-24: an edge's health probe, known by its User-Agent, is not counted,
// and its answer names the catalogue's hash: probes ask real endpoints, and the
// request count is there to show what clients caused.
package origin

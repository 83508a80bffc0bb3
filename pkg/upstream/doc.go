// Package upstream stands before an API that exists: a caching
// http.RoundTripper by RFC 9111 (what requests-cache was to the Flask app), and
// the handler that serves through it.
//
// The same request is not made twice while its answer is fresh, concurrent ones
// are collapsed, and a stale answer stands in when the API fails. What the API
// does not say (how long an answer holds, what it varies by) its endpoint
// catalogue says. Requests are paced by the API's X-RateLimit fields, and its
// 429 is never a client's.
//
// # Decisions
//
// 2026-11-24: requests are spread over what is left of the API's window
// (Remaining / Reset), not sent as fast as they come until the window is empty:
// Ensembl's limit per second is not announced, and 55,000 per hour spread out
// stays under its 15 per second.
//
// 2026-11-24: without a catalogue entry, the key holds the values of the fields
// that APIs negotiate by, and a response that varies by anything else is not
// stored. That is stricter than RFC 9111 §4.1, and needs no second look-up.
package upstream

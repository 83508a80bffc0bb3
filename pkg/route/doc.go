// Package route decides which region serves a client. It is pure: the client's
// place, the map, and what is known of health and load go in; a [Decision] comes
// out, with every region of the map as a [Candidate] and one sentence each on
// why it was chosen or not. It reads no clock and keeps no state.
//
// A [Router] decides in two halves. rank (rank.go) orders the regions by nearness to the
// client; the rules by hostname and kind of request (decide.go) then say whether
// the request is served here, redirected or proxied.
//
// # Decisions
//
// 2026-11-24: a region in state draining or retired counts as unable to serve,
// on its own hostname too: there it proxies to another region, so the name goes
// on answering while its machines are emptied. With no other region it serves.
//
// 2026-11-24: the share of a canary is taken by a hash of the client's /24 or
// /48 and the region's name, so a client stays on one side of it, clients behind
// one network see one thing, and two canaries draw independently. A client that
// names a canary in Prefer gets it: somebody has to try it first.
//
// 2026-11-24: an overloaded region stays a candidate behind all that are not; a
// slow answer is better than none.
//
// 2026-11-24: an avoid rule keeps a region from being chosen for a client; it
// does not refuse a client who came by itself, by the region's own name or by an
// API call that policy answers where it arrives. Nor does a client's own steering
// make an API call travel when the policy is serve: the answer is the same
// everywhere, and Decision.Nearest names the region it asked for.
//
// 2026-11-24: a region that must pass a request on picks the other region by the
// round trip from its own node, if one is known: client and node are near each
// other by then. With policy api: proxy the nearest to the client is asked.
//
// 2026-11-24: round trips measured from the client's own network (the third step
// of design's "nearest") are not in World yet; when they come, they are one more
// step behind rank.
package route

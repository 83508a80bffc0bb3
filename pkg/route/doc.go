// Package route decides which region serves a client. It is pure: the client's
// place, the map, and what is known of health and load go in; a [Decision] comes
// out, and with [Router.Explain] every region of the map as a [Candidate] and one
// sentence each on why it was chosen or not. It reads no clock.
//
// A [Router] is one world, compiled. For a request it finds the order of the
// regions by nearness to the client's place (order.go: rules, then distance; kept
// by place), takes the first that is in question for this client now (choose.go:
// health, shares, wishes, round trips), and lets hostname and kind of request say
// whether the request is served here, redirected or proxied (decide.go). The words
// are made when somebody reads them (reason.go).
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
//
// 2026-11-25: they came, as World.Clients. The rule class within which they count
// is class and, among networks, length; of two regions one of which spills the
// client or is overloaded they do not decide. A client of unknown place goes by
// them as well: home is only the guess for want of better.
//
// 2026-11-25: there is one ranking. What depends on map and place alone is the
// order, made once per place and kept; what a second changes is looked up while
// the order is walked, so a change of health costs nothing of what is kept.
// Explain walks the same way and adds words. The orders stand in a fixed array of
// slots, four to a hash: no lock, and a place that is pushed out costs one order
// anew (3 µs for 30 regions).
//
// 2026-11-25: shares are drawn by SplitMix64 of the network and a number from
// the SHA-256 of the region's name: 2 ns, and the same on all nodes. Canary and
// spill draw by two numbers, else a canary's few clients would be the first to be
// spilled. Networks drawn for a canary before are not those drawn now.
//
// 2026-11-25: a client that its nearest region spills goes to the first that does
// not spill it; where all do, it stays with the nearest, since moving would cost
// distance and help nobody. A region above its hard limit stands behind all that
// only spill.
//
// 2026-11-25: a region that lost a class of endpoints is still able: it is passed
// over for requests of that class, and answers those under its own name, since
// its store may hold what its origins no longer give.
//
// 2026-11-25: a region that the client's address family does not reach may still
// answer in place of another, over this node's connection.
//
// 2026-11-25: draining by a statement is the state draining with more words.
package route

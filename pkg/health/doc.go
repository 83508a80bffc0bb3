// Package health finds out what edges and origins are to their clients: it
// probes each over HTTP, hears of failed real requests, and turns the evidence
// into a state that does not flap.
//
// The verdicts are made by a pure state machine (machine.go): N failures in a
// row make a target unreachable, M > N successes in a row over a time that
// grows with its recent changes make it serving again, a target never seen
// before serves from its first success, and a target that says it is draining
// is believed at once. The loop around it (watch.go) runs one watcher per target:
// a probe every Interval, and every Fast, beside those that still wait, from the
// first that is late or fails until there is a verdict. Readers take an
// immutable [View].
//
// # Decisions
//
// 2026-11-24: failures in a row, not a share of a window. The order "serving,
// failing once, …, unreachable, recovering" is a chain on which a success never
// moves down and a failure never up, so a better history never ends in a worse
// state (this is tested), and alternating answers change nothing.
//
// 2026-11-24: failed real requests never convict alone where the probe is a
// real request too: they count, up to N-1, and bring the next probe forward,
// whose failure completes the verdict. Otherwise three requests that shared one
// broken connection would take a region out of service within a millisecond.
// They do convict a ConnectOnly target, since a server that accepts connections
// and answers nothing looks sound to a TCP connect; there a connect that works
// does not excuse them, only a real answer or [realMemory] does.
//
// 2026-11-24: a successful real request excuses failed real requests, never
// failed probes. A node that answers its health endpoint with an error has a
// reason, even while hits from its memory still work.
//
// 2026-11-24: recovery is probed at Interval, not at Fast.
//
// 2026-11-24: the client that this package makes speaks HTTP/1.1 only. A timed
// out HTTP/1.1 probe costs its connection, and the next one dials; an HTTP/2
// connection to a host that vanished is used again and again, and a host that
// is back would stay unreachable.
//
// 2026-11-25 (instead of "periods are measured from the start of a probe", by
// which a target that swallows packets was convicted after 4 s): probes
// overlap. A probe without an answer after 1¼ round trips and 50 ms is late;
// that is no evidence, but from then on further probes go out every Fast beside
// it, on connections of their own. Each fails after two round trips and 600 ms,
// at least a second: two, since it may have to make its connection; 600 ms, so
// that a link that gets slower by half a second at once is not taken for a dead
// one. The round trip is smoothed, and counted from having a connection on. So
// with an Interval of 500 ms a refused connection is a verdict after 1 s and
// silence after 2 s; over a round trip of 300 ms after 1.3 s and 2.4 s (tested,
// over all places between two probes). A failure of a probe that began before
// one that was answered is dropped: it says nothing of now.
//
// 2026-11-25: being unreachable must never be late, so damping is all in the
// way back. A convicted edge has to be good for a minute, for 2, 4, 8 minutes
// when it was convicted again within ten minutes of coming back, and two
// acquittals are never closer than two minutes. Hence a link that comes and
// goes faster than once a minute changes the state once and then stays out, and
// no evidence whatever gives more changes than minutes, plus two (both tested).
// A minute costs little: the next region serves meanwhile. What ends a good run
// is as many failures as would convict, not a single one, or a link that loses
// a packet now and then would never come back. An edge that answers as another
// process than before was restarted, not cut: it needs only the M successes, at
// most once in two minutes, so that a crash loop is damped too. The same holds
// for a target that never served.
//
// 2026-11-25: State is what clients and other nodes go by, and is damped. Whom
// this node itself asks (origins, siblings, parents, proxies) needs no damping,
// since a wrong guess costs one attempt and moves nobody: a target that answered
// M probes in a row is Back, for that, after some seconds.
//
// 2026-11-25: with damping, one long outage comes back sooner than two short
// ones, so the machine is monotone only up to its first change (tested); that
// is what damping is.
//
// 2026-11-25: nodes vote on nodes, not on regions (votes.go): a region serves
// while one of its nodes does. Votes on regions would not add up where each
// observer looks at a part of the nodes, as in a large network. What a node says
// names those that it looks at, and of these the exceptions; a node that cannot
// fit that into a packet speaks of fewer nodes. Silence is no vote: who does not
// know a node, or heard that it is dead, does not see it serving. The votes of the isolated count
// nothing, nor of those whom nobody reaches: what they said is old. Even votes go
// by one's own view, so that of two that lost sight of each other neither sends
// clients there, while a third that sees both goes on.
//
// 2026-11-25: up to 30 nodes each probes all others, which is 60 probes a second
// at most. Beyond that each node has 6 observers in other regions, placed by
// rendezvous, so that all agree without talking; a node then probes 8 others on
// average and 16 at most (300 nodes in 60 regions, tested), besides its siblings and
// one node of its nearest regions, which it asks and proxies to.
//
// 2026-11-25: an edge that says that it is without a class of endpoints loses it
// at once, since it asked its origins more than once, and has it again by the
// damping of an edge.
//
// 2026-11-25: an unreachable target that goes away keeps its evidence for ten
// minutes. Gossip calls a node dead that was cut off for half a minute, which
// then is no target any more; when it came back as a new one it served from its
// first success, and a link that came and went slowly escaped damping.
//
// 2026-11-25: an answer excuses all probes that began before it came. On a link that
// has become slower at once, the further probes, each on a connection of its
// own, take twice as long as the one that they were sent to hurry.
package health

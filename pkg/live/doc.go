// Package live follows what a node knows of the network: it keeps the figures
// that nodes count, says in sentences what changed, and tells it to whoever
// watches (server-sent events of the HTML standard).
//
// A [Hub] looks at the node's report once a second, and at once after
// [Hub.Notice]. What changed between two looks is a pure function of both
// ([Changes]). A report that says something new goes to all watchers as one
// piece of bytes, made once.
//
// # Decisions
//
// 2026-11-25: each event holds the whole report. A watcher that was slow or away
// needs the newest and nothing else, so nothing is kept for anybody and
// Last-Event-ID means nothing; a network of hundreds of nodes is some 200 kB.
//
// 2026-11-25: times, round trips and the last answer of an origin, which differ
// at every look, are no news of their own; they go along when something is.
//
// 2026-11-25: figures are asked for, not gossiped: gossip carries a few hundred
// bytes a node at its pace, and only pages need them. A node asks all others
// every 10 s, every 2 s while somebody watches, and more seldom in a network of more than
// 100 nodes (50 questions a second); an answer is what the other says
// of itself alone, so the cost grows with the nodes and not with their square.
//
// 2026-11-25: streams end when the process is told to end, with a report that
// says so, and not when an operator drains the node: who watches a drain is on
// that page.
package live

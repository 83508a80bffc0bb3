// Package replay says what a change of the map would do to the clients of the
// past, before it is applied: who moves from which region to which, what that
// means in kilometres and, where they were measured, round trips, and what each
// region then has to serve.
//
// [ReadLog] reads the entries of an access log, [Replay] routes them by two maps.
//
// # Decisions
//
// 2026-11-25: every request counts for the region nearest to its client, whatever
// name it used. A page load that was redirected is followed by many requests on
// the region's own name, which would all have gone elsewhere; the few users who
// typed that name by themselves are counted wrong, and a log does not tell them.
//
// 2026-11-25: all regions count as serving, unless the map itself says draining
// or retired: the log does not tell how things were, and a map is judged by how
// it works when all is well.
//
// 2026-11-25: what another edge forwarded is left out: that edge has logged it
// too.
//
// 2026-11-25: clients beyond MaxClients are no longer told apart, only their
// requests counted: the memory is bounded whatever the log holds.
package replay

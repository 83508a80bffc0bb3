// Package archive reads the history of stable ids: which releases had one, in
// which version, and what became of it.
//
// A [Reader] reads many at once: whatever is asked for a list of ids costs a
// fixed number of queries, not one per id.
//
// # Decisions
//
// 2026-11-25: sessions of one time, and events of one session, are in the
// order of their ids and their type. The reference leaves both to chance.
package archive

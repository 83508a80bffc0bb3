// Package xrefs answers /xrefs: what other databases call a gene, transcript
// or translation, and what a name of theirs leads to.
//
// # Decisions
//
// 2026-11-25: where external_db comes twice, the second value is the type of
// the external database, as in the reference, which nowhere says so.
package xrefs

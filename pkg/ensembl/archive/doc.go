// Package archive answers /archive: in which release a stable id was last
// seen, in which version, and what took its place.
//
// # Decisions
//
// 2026-11-25: of a batch, what is not found is left out, and an answer without
// any record is null, as in the reference. Elements that are no texts are not
// found either; a field "id" that is no list is a 400 where the reference
// breaks.
package archive

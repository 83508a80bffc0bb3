// Package mapping answers /map: where a stretch of a transcript, a coding
// sequence or a protein lies on the genome, and where a region lies in another
// assembly or coordinate system.
//
// # Decisions
//
// 2026-11-25: where the reference fails with 500 (unknown ids, an end before
// the start, a coding sequence that is not there) the answer is a 400 that
// says so. An end before the start is not always a failure there: for some
// transcripts it gives an odd but well-formed answer, and so it does here.
//
// 2026-11-25: a position beyond 2^60 is refused. The reference counts on with
// what its number type makes of it.
package mapping

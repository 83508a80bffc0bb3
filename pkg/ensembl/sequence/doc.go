// Package sequence answers /sequence: the bases of a region, and the genomic,
// spliced, coding or protein sequence of what an id names.
//
// # Decisions
//
// 2026-11-24: of a batch, elements that cannot be answered are left out, as in
// the reference; only when nothing is left is the answer 404. Where an element
// is refused for what was asked of it (too long, an unknown mask), the
// answer is the error alone: 404, or 200 if others were good.
//
// 2026-11-24: trimming with start and end is worked out for each element of a
// batch by itself. The reference carries the first one's coordinates over.
//
// 2026-11-24: SeqXML is for GET. The reference offers it for POST and then
// fails; refusing says so.
//
// 2026-11-24: a page for browsers (text/html) shows FASTA.
package sequence

// Package track loads what lies on a slice, as genome browsers draw it in
// tracks: genes, transcripts with their exons and coding parts, repeats,
// simple and miscellaneous features, bands and constrained elements. A list
// costs a fixed number of queries, each by the table's index on places.
//
// # Decisions
//
// 2026-11-25: rows are sorted here and not in the database: ORDER BY the
// primary key would tempt it to walk the whole table by that key.
//
// 2026-11-25: the small tables that every row refers to (analyses, biotypes,
// types of attributes, external databases) are read once per database, into a
// [Words].
//
// 2026-11-25: genes and transcripts are kept as they were made, with what
// attributes and references say of them, in bounded bins along the sequences:
// an answer for a megabase with genes and transcripts took a millisecond of
// queries, and takes none. A stretch is kept when it is asked for the second
// time, so that a walk over a genome costs no more than its own answers.
package track

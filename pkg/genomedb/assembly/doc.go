// Package assembly knows how a genome is put together: its coordinate systems,
// the sequences in each, how one maps onto another, and the bases at the bottom.
//
// An [Assembly] belongs to one database of the Ensembl core schema. A [Slice]
// is an interval on one of its sequences, on either strand.
//
// # Decisions
//
// 2026-11-24: coordinate systems, mapping paths, assembly exceptions and the
// attributes that change how a sequence is read (codon table, reference or
// not) are read once per database: they are small and every request needs
// them. Sequences are cached as they are met, and never the bases.
//
// 2026-11-24: bases are written into a buffer of N at their place, rather than
// appended piece after piece: overlapping or missing assembly rows can then
// not shift what follows.
//
// 2026-11-24: rows of a mapping step are found by the table's own indexes with
// a join on the wanted coordinate system; no mapper is kept between requests.
//
// 2026-11-25: a location is read in two steps, as the reference reads it:
// what it refuses at sight ([CheckLocation]), then what it makes of the rest
// ([ReadLocation]). The second takes odd texts, such as X:1,000- or X:-10. Both
// are regular expressions, with a plain one tried first.
//
// 2026-11-25: strand 0 in a region is kept: the reference reads it on the
// reverse strand, and writes the 0 back.
//
// 2026-11-25: mapping for users ([Assembly.Convert], [Mapper]) is apart from
// projection ([Assembly.Project]): the reference's answers to users have quirks
// (positions on borrowed intervals, ends before starts) that bases and
// features must not have.
package assembly

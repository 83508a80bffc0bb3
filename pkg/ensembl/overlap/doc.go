// Package overlap answers /overlap: the features that lie on a region, or on
// the place of what an id names, and those of a protein.
//
// # Adding a type of features
//
// A type is a function that finds its features on the slice of a query, in the
// order in which the reference finds them, and a line in the table sources of
// sources.go. A feature is any [Feature]: it says its fields
// once, by the names of the reference's summary_as_hash; JSON, XML and GFF3 are
// made of these. What JSON alone has (the reference's to_hash adds it) is told
// under Fields.JSON; feature_type is added for all. What BED alone needs is
// said by the method of an optional interface (see bed.go). Where the reference
// has no list at all, not even an empty one, a source gives errNone.
//
// The SQL of a type is in a package below genomedb. It asks
// [assembly.Assembly.Places] where its rows can lie, runs one query per place,
// and lets the place carry each row onto the slice.
//
// # Decisions
//
// 2026-11-25: an id that names a protein is refused with the id alone for a
// message, as the reference does it: it is what scripts may have matched.
//
// 2026-11-25: answers in JSON are appended by the features themselves
// (ensembl.JSONAppender): encoding/json would look at every byte twice.
//
// 2026-11-25: what the reference does by mistake stays where answers show it:
// the phases of coding exons in BED, the first of two incomplete ends there, an
// exon that shares one base with a region, 400 for GFF3 and BED where there is
// not even an empty list (no MANE transcripts, bands of what is no chromosome,
// all features trimmed).
//
// 2026-11-25: variants on a protein are in the order of their residues. The
// reference has them in no order.
//
// 2026-11-25: a client's regular expression for "type" has Go's syntax, which is
// Perl's without what can take exponential time. What Go does not have is
// refused.
package overlap

// Package xref reads what an Ensembl database says of other databases: the
// entries that its genes, transcripts and translations correspond to, and the
// way back from a name to the objects that have it.
//
// # Decisions
//
// 2026-11-25: entries of an object are in the order of object_xref_id, which is
// the order in which the reference's database hands them out. Objects that a
// name leads to, which the reference gives in a random order, are in the order
// of their database ids, those on the reference assembly first.
//
// 2026-11-25: as in the reference, a transcript speaks for its canonical
// translation alone, and so does the id of another translation.
package xref

// Package feature loads genes, transcripts, exons and translations of an
// Ensembl core database, and works out what follows from them: coding
// intervals, spliced sequences, untranslated regions and proteins.
//
// A [Reader] loads many at once: whatever is asked for a list of ids costs a
// fixed number of queries, not one per id.
//
// # Decisions
//
// 2026-11-24: transcripts of a gene are in the order of their database ids,
// which is the order in which the reference's database hands them out.
//
// 2026-11-24: an id that several objects share (Ensembl's CCDS) is the gene
// first, then the others by name of their kind, as in the reference's index of
// stable ids.
//
// 2026-11-24: the length of a protein is worked out from the coding exons and
// the last codon alone, unless edits change the sequence: expanding a gene
// must not read megabases.
//
// 2026-11-24: a translation that is not its transcript's canonical one is
// answered as itself. The reference answers with the canonical one's data
// under the asked id.
package feature

// Package genome has the small arithmetic of sequences: an [Interval] of one
// and how the API writes it, reverse complement, translation by NCBI's codon
// tables, and the line width of FASTA. It knows no database.
//
// # Decisions
//
// 2026-11-24: An end that was not given is 0, not the largest number: only
// whoever knows the sequence's length can fill it in, and must not forget to.
//
// 2026-11-24: Codon tables are kept as differences from the standard code, with
// codons by name, so that a reader can compare them with a textbook.
package genome

// Package genome has the small arithmetic of sequences: reverse complement,
// translation by NCBI's codon tables, and the line width of FASTA. It knows no
// database.
//
// # Decisions
//
// 2026-11-24: Codon tables are kept as differences from the standard code, with
// codons by name, so that a reader can compare them with a textbook.
package genome

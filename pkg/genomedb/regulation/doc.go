// Package regulation reads an Ensembl regulation database (funcgen): regulatory
// features and the motifs of transcription factors on a slice.
//
// # Decisions
//
// 2026-11-25: features on sequences that only map to the slice are left out.
// The reference leaves them out too: there should be none.
package regulation

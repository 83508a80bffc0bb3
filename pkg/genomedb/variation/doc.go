// Package variation reads an Ensembl variation database: variants and
// structural variants on a slice, and what variants do to a transcript.
//
// # Decisions
//
// 2026-11-25: what lies on a slice is in the order of position, then of
// database id: the reference's database hands it out by its index of positions.
//
// 2026-11-25: of a variant with several alternative alleles, the alleles of a
// transcript are in descending order of database id. The reference has them as
// they lie in its file, which nothing else tells.
//
// 2026-11-25: a set of consequences holds the most specific terms, so a term is
// looked for with all its descendants in the ontology.
//
// 2026-11-25: where no score is stored for an allele, it is looked up in the
// predictions for the protein, found by the MD5 of its residues, as in the
// reference. PolyPhen's are always looked up: the reference shows the model
// "humvar" alone, which no column has.
package variation

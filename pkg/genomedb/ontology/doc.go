// Package ontology reads Ensembl's ontology database: terms, how they relate,
// and what lies above and below them.
//
// # Decisions
//
// 2026-11-25: the names are the reference's, which turn the tree around:
// Ancestors gives what descends from a term, Descendants what it descends from.
//
// 2026-11-25: of terms that come by relations, by descent or by ascent, the
// ontology and namespace are those of the term that was asked for, as in the
// reference; the two differ only where relations cross namespaces.
//
// 2026-11-25: a search by name that finds more than MaxFound terms is refused.
// The reference builds any list, and its workers die of long ones.
package ontology

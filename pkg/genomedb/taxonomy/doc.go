// Package taxonomy reads the NCBI taxonomy out of a comparative genomics
// database: taxa, their names, and the tree that they form.
//
// # Decisions
//
// 2026-11-25: the reference keeps taxa in memory between requests, and what it
// says of a taxon's children depends on what was asked before. Here every
// answer is that of a fresh server.
//
// 2026-11-25: a search by name that finds more than MaxFound names is refused.
// The reference builds any list, and its workers die of long ones.
package taxonomy

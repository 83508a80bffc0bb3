// Package load makes the SQLite file that package genomedb reads out of
// Ensembl's database dumps.
//
// [Run] finds the dumps below a folder, loads them into a file beside the
// target, and renames it over the target when all of them are in: a broken dump
// or an interruption leaves the target as it was. A [Writer] is the part of
// that which makes tables, for those who make up their rows.
//
// # Decisions
//
// 2026-11-24: Text columns compare without case (COLLATE NOCASE), as MySQL's
// default collations do, unless the schema says binary. The folding is ASCII's;
// Ensembl's identifiers are.
//
// 2026-11-24: Secondary keys are made after the rows. Where a unique key then
// finds duplicates, the table is loaded again with its keys in place and later
// rows are ignored: row by row, as MySQL's IGNORE does it, at no cost to tables
// that have none.
//
// 2026-11-24: A key on a column's prefix becomes an index of the whole column,
// which queries can use. A unique one also becomes a unique index of the
// prefix expressions.
//
// 2026-11-24: A row may have fewer fields than its table has columns (Ensembl's
// own test files do, from before a column was added) unless an earlier row of
// the file had more, most rows of the file have all, or the missing column is a
// number without a default. Surplus fields must be empty. Both are noted in
// the report.
package load

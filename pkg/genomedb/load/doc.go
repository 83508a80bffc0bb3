// Package load makes the SQLite file that package genomedb reads out of
// Ensembl's database dumps.
//
// [Run] finds the dumps below a folder or a site's address and builds their
// tables in the folder FILE.partial; when all are in, it renames the file in it
// to FILE. A broken dump or an interruption leaves FILE as it was, and the next
// Run goes on after the last finished table. A [Writer] makes a file of rows
// that its caller makes up.
//
// # Decisions
//
// 2026-11-24: Text columns compare without case (COLLATE NOCASE), as MySQL's
// default collations do, unless the schema says binary. The folding is ASCII's;
// Ensembl's identifiers are.
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
//
// 2026-11-25: Tables and indexes are written in SQLite's file format by package
// btree, not through SQL. Measured with modernc.org/sqlite on repeat_feature,
// 60 bytes a row and three keys, in megabytes of text per second of one
// processor: INSERT of 512 values at a time, then CREATE INDEX: 13. INSERT …
// SELECT from a virtual table that reads the file: 57 for the rows, 19 with the
// keys. Trees: 43 to 53 with the keys; dna goes at 1,200. SQLite itself is asked to adopt
// the finished trees in one transaction, to keep statistics, and, in the tests,
// to check every page.
//
// 2026-11-25: Rows are written as they come while they are sorted by the
// primary key, else once more through a sorter: MyISAM, which Ensembl dumps
// from, hands rows out as they were inserted.
//
// 2026-11-25: Rows that repeat a unique key are ignored one by one, as MySQL's
// IGNORE does it; SQLite does that for the few tables that need it. A repeated
// primary key is refused: no server can have dumped that.
//
// 2026-11-25: The point to go on from is a table, not a row: the slowest of
// Ensembl's takes minutes. state.json names finished tables, and is written
// after their pages are on disk, at most every two seconds. A table is loaded
// again when its definition or its file (size and time, or sum, or the server's
// validator) is another, and with it those that were written after it.
//
// 2026-11-25: Files of a site are fetched whole into FILE.partial, a few ahead,
// and removed when they are in: a broken transfer costs no rows, a table that
// must be read a second time costs no transfer, and a wrong sum is seen before
// a row is.
package load

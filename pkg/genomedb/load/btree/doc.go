// Package btree writes tables and indexes in SQLite's file format, each from its
// rows in order: pages are filled one after the other and appended to a
// database file, in which SQLite sees them once its schema names their roots.
//
// A [Sorter] puts rows or keys in order in bounded memory. [AppendKey] writes
// values so that the order of the bytes is SQLite's order of the values.
//
// See https://www.sqlite.org/fileformat2.html for the format.
package btree

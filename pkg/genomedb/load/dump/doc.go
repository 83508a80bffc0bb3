// Package dump reads database dumps as Ensembl publishes them, which is what
// mysqldump --tab writes: CREATE TABLE statements in MySQL's dialect
// ([ParseSchema]), and a text file of rows per table ([Rows]), whose fields a
// column turns into values ([Column.Value]).
//
// # Decisions
//
// 2026-11-24: A field becomes what MySQL's LOAD DATA makes of it where Ensembl's
// own files need that (an empty string in a number is 0, NULL in a NOT NULL
// column is 0 or empty, missing trailing fields are defaults), and an error
// where MySQL would silently store something else: text in a number, a number
// out of range, an unknown member of an enumeration.
//
// 2026-11-24: The unquoted word NULL in a number is 0, as LOAD DATA has it: the
// reference's answers were made that way.
//
// 2026-11-24: Text that is not UTF-8 is read as Windows-1252, which is what
// MySQL calls latin1. Dumps do not say their character set, and JSON needs UTF-8.
package dump

// Package genomedb reads databases of the Ensembl schema. They stand side by
// side in one SQLite file, which package load makes from Ensembl's dumps: the
// table gene of the database homo_sapiens_core is the SQLite table
// "homo_sapiens_core.gene", and a catalogue table lists the databases.
//
// A [Registry] knows the species and their databases; a [Database] answers
// queries whose SQL writes tables in braces:
//
//	d.Query(ctx, "SELECT stable_id FROM {gene} WHERE seq_region_id = ?", id)
//
// # Decisions
//
// 2026-11-24: One file for all databases rather than a file each with ATTACH:
// SQLite attaches at most ten by default, every pooled connection would have
// to attach them again, and one file can be swapped in one rename.
//
// 2026-11-24: Tables are named in braces in the SQL, not through a default
// database, because a pooled connection has no current database on SQLite, and
// because the same text then serves `db`.`gene` on MySQL.
//
// 2026-11-24: meta is read once, when the file is opened. The file is
// read-only and never changes under an open registry: a loader renames a new
// file over it.
//
// 2026-11-24: Dates are TEXT as dumped. The driver would turn columns declared
// DATETIME into time.Time, and MySQL's zero dates have none.
//
// 2026-11-24: Open connections have no bound of their own. Handlers ask while
// they read other rows; with a bound, enough of them at once would wait for
// each other for ever. The server bounds requests.
package genomedb

package genomedb

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// CatalogueTable is the SQLite table that lists a file's databases.
const CatalogueTable = "mirrornet.databases"

// CatalogueSQL creates the catalogue. Whatever writes such a file runs it.
const CatalogueSQL = `CREATE TABLE IF NOT EXISTS "` + CatalogueTable + `" (
	name           TEXT PRIMARY KEY,
	owner          TEXT NOT NULL,
	kind           TEXT NOT NULL,
	schema_version INTEGER NOT NULL,
	format         INTEGER NOT NULL
) WITHOUT ROWID`

// Format is the version of the layout that this package reads and package load
// writes: a file of another one must be loaded again.
const Format = 1

// Entry is one database of the catalogue.
type Entry struct {
	Name          string // prefix of its tables, such as homo_sapiens_core_115_38
	Owner         string // the species' production name, or multi, homology …
	Kind          string // core, otherfeatures, variation, funcgen, compara, ontology, stable_ids
	SchemaVersion int    // meta schema_version; 0 where it has none
}

// InsertSQL and its arguments add the entry to the catalogue, or replace it.
func (e Entry) InsertSQL() (string, []any) {
	return `INSERT OR REPLACE INTO "` + CatalogueTable + `" (name, owner, kind, schema_version, format) VALUES (?,?,?,?,?)`,
		[]any{e.Name, e.Owner, e.Kind, e.SchemaVersion, Format}
}

// Physical is the quoted name in SQLite of a database's table.
func Physical(database, table string) string {
	return quote(database + "." + table)
}

func quote(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// Querier is a *sql.DB, *sql.Conn or *sql.Tx.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Catalogue reads the entries of an open file, by owner and kind. A file
// without a catalogue is an error.
func Catalogue(ctx context.Context, db Querier) ([]Entry, error) {
	rows, err := db.QueryContext(ctx, `SELECT name, owner, kind, schema_version, format FROM "`+CatalogueTable+`"`)
	if err != nil {
		return nil, fmt.Errorf("no catalogue of Ensembl databases in it (make it with origin load): %w", err)
	}
	defer rows.Close()
	var entries []Entry
	for rows.Next() {
		var e Entry
		var format int
		if err := rows.Scan(&e.Name, &e.Owner, &e.Kind, &e.SchemaVersion, &format); err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		if format != Format {
			return nil, fmt.Errorf("database %s has layout %d, this program reads %d: load it again with origin load", e.Name, format, Format)
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return entries, rows.Err()
}

package genomedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Database is one Ensembl database. It is immutable and safe for concurrent
// use until its Registry is closed.
type Database struct {
	Name          string // homo_sapiens_core_115_38
	Kind          string // core, variation, compara …
	Owner         string // production name of its species, or multi, homology …
	SchemaVersion int    // meta schema_version; 0 where it has none

	registry *Registry
	schema   schema
	texts    texts
	meta     map[string][]string
	assembly string // version of the default coordinate system, of a core database
}

// Query runs SQL that writes tables of this database in braces: {gene}. The
// caller closes the rows. Values come back as int64, float64, string, []byte
// (BLOB columns) or nil.
func (d *Database) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	tables, err := d.schema.get(ctx)
	if err != nil {
		return nil, fmt.Errorf("genomedb: %s: reading its tables' names: %w", d.Name, err)
	}
	text, ok := d.texts.get(query)
	if !ok {
		text, err = expand(query, func(name string) (string, error) {
			if t := tables[strings.ToLower(name)]; t != nil {
				return t.physical, nil
			}
			return "", fmt.Errorf("genomedb: database %s has no table %q: %w", d.Name, name, ErrNoTable)
		})
		if err != nil {
			return nil, err
		}
		d.texts.put(query, text)
	}
	return d.run(ctx, query, text, args)
}

func (d *Database) run(ctx context.Context, query, text string, args []any) (*sql.Rows, error) {
	rows, err := d.registry.engine.query(ctx, text, args)
	if err != nil {
		return nil, fmt.Errorf("genomedb: %s: %w in %s", d.Name, err, squeeze(query))
	}
	return rows, nil
}

// Row is the answer of QueryRow.
type Row struct {
	rows *sql.Rows
	err  error
}

// QueryRow is Query for at most one row.
func (d *Database) QueryRow(ctx context.Context, query string, args ...any) *Row {
	rows, err := d.Query(ctx, query, args...)
	return &Row{rows, err}
}

// Err is the query's error, without reading the row.
func (r *Row) Err() error { return r.err }

// Scan reads the first row and closes the answer; sql.ErrNoRows where there is
// none. It is called once.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	for _, d := range dest {
		if _, ok := d.(*sql.RawBytes); ok {
			return errors.New("genomedb: sql.RawBytes cannot outlive QueryRow: scan into []byte")
		}
	}
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	return r.rows.Close()
}

// HasTable says whether the database has the table. Case does not count. While
// a server cannot be asked, it has whatever it may have: the query that follows
// fails, and nobody is told that there is nothing.
func (d *Database) HasTable(name string) bool {
	tables, err := d.schema.get(context.Background())
	return err != nil || tables[strings.ToLower(name)] != nil
}

// HasColumn says whether the database has the table with the column, as
// HasTable does.
func (d *Database) HasColumn(table, column string) bool {
	tables, err := d.schema.get(context.Background())
	if err != nil {
		return true
	}
	t := tables[strings.ToLower(table)]
	return t != nil && t.columns[strings.ToLower(column)]
}

// Meta gives the values of a meta key, by meta_id; nil where it has none. The
// slice is not to be changed.
func (d *Database) Meta(key string) []string { return d.meta[key] }

// MetaFirst gives the first value of a meta key, or "".
func (d *Database) MetaFirst(key string) string {
	if v := d.meta[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

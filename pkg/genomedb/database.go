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
	tables   map[string]*table // by name in lower case
	meta     map[string][]string
}

type table struct {
	physical string // quoted
	columns  map[string]bool
}

// Query runs SQL that writes tables of this database in braces: {gene}. The
// caller closes the rows. Values come back as int64, float64, string, []byte
// (BLOB columns) or nil.
func (d *Database) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	text, err := d.expand(query)
	if err != nil {
		return nil, err
	}
	rows, err := d.registry.stmts.query(ctx, text, args)
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

// HasTable says whether the database has the table. Case does not count.
func (d *Database) HasTable(name string) bool {
	return d.tables[strings.ToLower(name)] != nil
}

// HasColumn says whether the database has the table with the column.
func (d *Database) HasColumn(table, column string) bool {
	t := d.tables[strings.ToLower(table)]
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

func (d *Database) readMeta(ctx context.Context) error {
	d.meta = map[string][]string{}
	if !d.HasColumn("meta", "meta_value") {
		return nil
	}
	rows, err := d.Query(ctx, `SELECT meta_key, meta_value FROM {meta} WHERE meta_value IS NOT NULL ORDER BY meta_id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k, v string
		if err := rows.Scan(&k, &v); err != nil {
			return fmt.Errorf("%s.meta: %w", d.Name, err)
		}
		d.meta[k] = append(d.meta[k], v)
	}
	return rows.Err()
}

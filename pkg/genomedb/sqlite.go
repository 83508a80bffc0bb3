package genomedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// file is an SQLite file as an engine.
type file struct {
	db    *sql.DB
	stmts *statements
}

func openFile(path string) (*file, error) {
	if strings.Contains(path, ":memory:") {
		return nil, fmt.Errorf("genomedb: SQLite is %q: give the path of a file made by origin load", path)
	}
	if st, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("genomedb: %w", err)
	} else if st.IsDir() {
		return nil, fmt.Errorf("genomedb: %s is a folder: give the file that origin load made of it", path)
	}
	db, err := sql.Open("sqlite", fileDSN(path))
	if err != nil {
		return nil, fmt.Errorf("genomedb: %s: %w", path, err)
	}
	// To open one is to read the schema of all tables, which takes longer than
	// most queries; a handler that asks while it reads has two.
	db.SetMaxIdleConns(12 * runtime.GOMAXPROCS(0))
	return &file{db, newStatements(db)}, nil
}

// fileDSN opens the file read-only, mapped into memory up to 8 GiB. Nothing
// writes to a file that is served (a new one is renamed over it): saying so
// spares each query the locks.
func fileDSN(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	q := url.Values{"mode": {"ro"}, "immutable": {"1"}, "_pragma": {"query_only(1)", "mmap_size(8589934592)", "cache_size(-16000)", "temp_store(memory)"}}
	u.RawQuery = q.Encode()
	return u.String()
}

func (f *file) list(ctx context.Context, _ *slog.Logger) ([]*Database, error) {
	entries, err := Catalogue(ctx, f.db)
	if err != nil {
		return nil, err
	}
	// A table is named database.table.
	rows, err := f.db.QueryContext(ctx, `SELECT substr(m.name, 1, instr(m.name, '.') - 1), substr(m.name, instr(m.name, '.') + 1), c.name
		FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND instr(m.name, '.') > 0`)
	if err != nil {
		return nil, err
	}
	all, err := readTables(rows, Physical)
	if err != nil {
		return nil, err
	}
	var list []*Database
	for _, e := range entries {
		d := &Database{Name: e.Name, Kind: e.Kind, Owner: e.Owner, SchemaVersion: e.SchemaVersion}
		tables := all[e.Name]
		d.schema.tables.Store(&tables)
		list = append(list, d)
	}
	return list, nil
}

func (f *file) open(ctx context.Context, d *Database, table, column, query string) (*sql.Rows, error) {
	if !d.HasColumn(table, column) {
		return nil, ErrNoTable
	}
	return d.Query(ctx, query)
}

func (f *file) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	return f.stmts.query(ctx, text, args)
}

func (f *file) ping(ctx context.Context) error {
	var one int
	return f.db.QueryRowContext(ctx, `SELECT 1 FROM "`+CatalogueTable+`" LIMIT 1`).Scan(&one)
}

func (f *file) parallel() int { return 1 }

func (f *file) close() error { return errors.Join(f.stmts.close(), f.db.Close()) }

package genomedb

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// file is an SQLite file as an engine.
type file struct {
	db     *sql.DB
	stmts  *statements
	stop   context.CancelFunc // of what opens connections ahead
	opened chan struct{}      // closed when that has ended
}

// errReplaced says that another file stands at the path now: what was opened
// before is all that there is of the old one.
var errReplaced = errors.New("genomedb: another file was put in place of the one that is served")

// replacedAgain is how long who lacks a connection to a replaced file waits
// until one may be free.
const replacedAgain = 2 * time.Millisecond

// pinned opens connections to one file, and to no other that is renamed to its
// path: SQLite opens by path, and answers of two files must not mix.
type pinned struct {
	driver    driver.Driver
	path, dsn string
	file      os.FileInfo
}

func (p *pinned) Driver() driver.Driver { return p.driver }

func (p *pinned) Connect(context.Context) (driver.Conn, error) {
	c, err := p.driver.Open(p.dsn)
	if err != nil {
		return nil, err
	}
	// What stood there before and after it was opened, was opened.
	if now, err := os.Stat(p.path); err != nil || !os.SameFile(now, p.file) {
		c.Close()
		return nil, errReplaced
	}
	return c, nil
}

func openFile(path string) (*file, error) {
	if strings.Contains(path, ":memory:") {
		return nil, fmt.Errorf("genomedb: SQLite is %q: give the path of a file made by origin load", path)
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("genomedb: %w", err)
	} else if st.IsDir() {
		return nil, fmt.Errorf("genomedb: %s is a folder: give the file that origin load made of it", path)
	}
	unused, err := sql.Open("sqlite", "")
	if err != nil {
		return nil, fmt.Errorf("genomedb: %s: %w", path, err)
	}
	defer unused.Close()
	db := sql.OpenDB(&pinned{unused.Driver(), path, fileDSN(path), st})
	// To open one is to read the schema of all tables, which takes longer than
	// most queries; a handler that asks while it reads has two. They are opened
	// ahead, for a file that is replaced has no more.
	n := 8 + 12*runtime.GOMAXPROCS(0)
	db.SetMaxIdleConns(n)
	ctx, stop := context.WithCancel(context.Background())
	f := &file{db: db, stmts: newStatements(db), stop: stop, opened: make(chan struct{})}
	go f.openAhead(ctx, min(n, 128))
	return f, nil
}

// openAhead opens n connections, unless others did, and leaves them to all.
func (f *file) openAhead(ctx context.Context, n int) {
	defer close(f.opened)
	var held []*sql.Conn
	for f.db.Stats().OpenConnections < n {
		c, err := f.db.Conn(ctx)
		if err != nil { // whoever needs one is told
			break
		}
		held = append(held, c)
	}
	for _, c := range held {
		c.Close()
	}
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
	for {
		rows, err := f.stmts.query(ctx, text, args)
		if !errors.Is(err, errReplaced) {
			return rows, err
		}
		select { // its connections are all in use
		case <-ctx.Done():
			return nil, err
		case <-time.After(replacedAgain):
		}
	}
}

func (f *file) ping(ctx context.Context) error {
	rows, err := f.query(ctx, `SELECT 1 FROM "`+CatalogueTable+`" LIMIT 1`, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	return nil
}

func (f *file) parallel() int { return 1 }

func (f *file) close() error {
	f.stop()
	<-f.opened
	return errors.Join(f.stmts.close(), f.db.Close())
}

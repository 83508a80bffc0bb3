package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"mirrornet/pkg/genomedb"
)

// Writer makes a file of databases: tables go into a temporary file beside the
// target, and Commit renames it. It is for one goroutine.
type Writer struct {
	target string
	temp   string // "" once it is gone
	db     *sql.DB
	conn   *sql.Conn
}

// Create begins a file that will replace target. It starts as a copy of base,
// or empty where base is "" or does not exist. The caller closes the Writer.
func Create(ctx context.Context, target, base string) (*Writer, error) {
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".loading-*")
	if err != nil {
		return nil, err
	}
	w := &Writer{target: target, temp: f.Name()}
	err = errors.Join(copyFile(f, base), f.Close())
	if err == nil {
		err = w.open(ctx, base)
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func copyFile(to *os.File, base string) error {
	mode := os.FileMode(0o644)
	if base != "" {
		from, err := os.Open(base)
		if err == nil {
			defer from.Close()
			st, err := from.Stat()
			if err != nil {
				return err
			}
			if !st.Mode().IsRegular() {
				return fmt.Errorf("%s is not a file", base)
			}
			mode = st.Mode().Perm()
			if _, err := io.Copy(to, from); err != nil {
				return err
			}
		} else if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return to.Chmod(mode)
}

func (w *Writer) open(ctx context.Context, base string) error {
	abs, err := filepath.Abs(w.temp)
	if err != nil {
		return err
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: url.Values{"_pragma": {
		"journal_mode(MEMORY)", "synchronous(OFF)", "locking_mode(EXCLUSIVE)", "cache_size(-65536)", "temp_store(MEMORY)",
	}}.Encode()}
	if w.db, err = sql.Open("sqlite", u.String()); err != nil {
		return err
	}
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return fmt.Errorf("%s is no SQLite file: %w", base, err)
	}
	if size(w.temp) > 0 {
		if _, err := genomedb.Catalogue(ctx, w.conn); err != nil {
			return fmt.Errorf("%s exists and cannot be extended: %w", base, err)
		}
	}
	return w.exec(ctx, genomedb.CatalogueSQL)
}

func (w *Writer) exec(ctx context.Context, query string, args ...any) error {
	if _, err := w.conn.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("%w in %s", err, clip(query))
	}
	return nil
}

func clip(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}

// texts runs a query for one column of text, if the table that it reads exists.
func (w *Writer) texts(ctx context.Context, query, physical string, args ...any) ([]string, error) {
	var n int
	if err := w.conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND '"' || name || '"' = ?`, physical).Scan(&n); err != nil || n == 0 {
		return nil, err
	}
	rows, err := w.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// Drop removes a database, if the file has it.
func (w *Writer) Drop(ctx context.Context, database string) error {
	rows, err := w.conn.QueryContext(ctx, `SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, ?) = ?`, len(database)+1, database+".")
	if err != nil {
		return err
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		tables = append(tables, name[len(database)+1:])
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, t := range tables {
		if err := w.exec(ctx, "DROP TABLE "+genomedb.Physical(database, t)); err != nil {
			return err
		}
	}
	return w.exec(ctx, `DELETE FROM "`+genomedb.CatalogueTable+`" WHERE name = ?`, database)
}

// Catalogue lists a database in the file, or changes how it is listed.
func (w *Writer) Catalogue(ctx context.Context, e genomedb.Entry) error {
	query, args := e.InsertSQL()
	return w.exec(ctx, query, args...)
}

// Commit completes the file and puts it in the target's place. Only Close
// follows.
func (w *Writer) Commit(ctx context.Context) error {
	for _, q := range []string{"PRAGMA analysis_limit = 400", "ANALYZE"} { // the planner's statistics
		if err := w.exec(ctx, q); err != nil {
			return err
		}
	}
	if err := errors.Join(w.conn.Close(), w.db.Close()); err != nil {
		return err
	}
	w.conn, w.db = nil, nil
	f, err := os.OpenFile(w.temp, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close(), ctx.Err()); err != nil {
		return err
	}
	if err := os.Rename(w.temp, w.target); err != nil {
		return err
	}
	w.temp = ""
	if dir, err := os.Open(filepath.Dir(w.target)); err == nil { // the rename outlives a power cut
		err := dir.Sync()
		return errors.Join(err, dir.Close())
	}
	return nil
}

// Close removes the temporary file, unless Commit made it the target.
func (w *Writer) Close() error {
	var errs []error
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
		w.conn = nil
	}
	if w.db != nil {
		errs = append(errs, w.db.Close())
		w.db = nil
	}
	if w.temp != "" {
		errs = append(errs, os.Remove(w.temp))
		w.temp = ""
	}
	return errors.Join(errs...)
}

package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqlite is a file that SQLite has open, on one connection.
type sqlite struct {
	db   *sql.DB
	conn *sql.Conn
}

// openSQLite opens a file that nobody else has open.
func openSQLite(ctx context.Context, path string, pragmas ...string) (*sqlite, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: url.Values{"_pragma": append(pragmas, "locking_mode(EXCLUSIVE)")}.Encode()}
	s := new(sqlite)
	if s.db, err = sql.Open("sqlite", u.String()); err != nil {
		return nil, err
	}
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

func (s *sqlite) exec(ctx context.Context, query string, args ...any) error {
	if _, err := s.conn.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("%w in %s", err, clip(query))
	}
	return nil
}

// texts runs a query for one column of text.
func (s *sqlite) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

func (s *sqlite) close() error { return errors.Join(s.conn.Close(), s.db.Close()) }

func clip(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}

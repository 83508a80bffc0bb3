package genomedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"mirrornet/pkg/genomedb/dbserver"
)

// expand writes {table} as physical says. Text in single quotes, double quotes
// or backquotes stays.
func expand(query string, physical func(table string) (string, error)) (string, error) {
	var b strings.Builder
	b.Grow(len(query) + 64)
	var quoted byte
	for i := 0; i < len(query); i++ {
		c := query[i]
		switch {
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quoted = c
		case c == '{':
			end := strings.IndexByte(query[i:], '}')
			if end < 0 {
				return "", fmt.Errorf("genomedb: { without } in %s", squeeze(query))
			}
			name, err := physical(query[i+1 : i+end])
			if err != nil {
				return "", err
			}
			b.WriteString(name)
			i += end
			continue
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// texts keeps queries as they were expanded.
type texts struct {
	mu   sync.RWMutex
	kept map[string]string
}

func (t *texts) get(query string) (string, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	text, ok := t.kept[query]
	return text, ok
}

func (t *texts) put(query, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil || len(t.kept) >= maxStatements {
		t.kept = map[string]string{}
	}
	t.kept[query] = text
}

var (
	// ErrNoTable is wrapped by the error of a query that names a table which
	// the database does not have.
	ErrNoTable = dbserver.ErrNoTable
	// ErrUnavailable is wrapped by the error of a query for which the database
	// server could not be reached: it may go well later.
	ErrUnavailable = dbserver.ErrUnavailable
)

// squeeze makes one short line of a query, for errors.
func squeeze(query string) string {
	s := strings.Join(strings.Fields(query), " ")
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}

// maxStatements bounds the prepared statements that are kept. Queries beyond
// them (IN lists come in many lengths) are prepared each time.
const maxStatements = 512

// statements keeps prepared statements by their text.
type statements struct {
	db *sql.DB

	mu   sync.Mutex // guards kept
	kept map[string]*sql.Stmt
}

func newStatements(db *sql.DB) *statements {
	return &statements{db: db, kept: map[string]*sql.Stmt{}}
}

func (s *statements) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	s.mu.Lock()
	stmt, full := s.kept[text], len(s.kept) >= maxStatements
	s.mu.Unlock()
	if stmt == nil && full {
		return s.db.QueryContext(ctx, text, args...)
	}
	if stmt == nil {
		fresh, err := s.db.PrepareContext(ctx, text)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		if stmt = s.kept[text]; stmt == nil {
			stmt, s.kept[text] = fresh, fresh
			fresh = nil
		}
		s.mu.Unlock()
		if fresh != nil { // another query was faster
			fresh.Close()
		}
	}
	return stmt.QueryContext(ctx, args...)
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.kept {
		errs = append(errs, stmt.Close())
	}
	clear(s.kept)
	return errors.Join(errs...)
}

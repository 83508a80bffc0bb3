package genomedb

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// table is a table of one database.
type table struct {
	physical string // quoted
	columns  map[string]bool
}

// schema is a database's tables by name in lower case. Those of a server are
// read when they are first asked for: it may have tens of thousands.
type schema struct {
	tables atomic.Pointer[map[string]*table]
	read   func(context.Context) (map[string]*table, error)
	mu     sync.Mutex // one reads
}

// schemaTimeout bounds the reading of one database's tables.
const schemaTimeout = 10 * time.Second

func (s *schema) get(ctx context.Context) (map[string]*table, error) {
	if t := s.tables.Load(); t != nil {
		return *t, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tables.Load(); t != nil {
		return *t, nil
	}
	ctx, cancel := context.WithTimeout(ctx, schemaTimeout)
	defer cancel()
	tables, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	s.tables.Store(&tables)
	return tables, nil
}

// readTables collects rows of (database, table, column).
func readTables(rows *sql.Rows, physical func(database, table string) string) (map[string]map[string]*table, error) {
	defer rows.Close()
	all := map[string]map[string]*table{}
	for rows.Next() {
		var database, name, column string
		if err := rows.Scan(&database, &name, &column); err != nil {
			return nil, err
		}
		tables := all[database]
		if tables == nil {
			tables = map[string]*table{}
			all[database] = tables
		}
		key := strings.ToLower(name)
		t := tables[key]
		if t == nil {
			t = &table{physical: physical(database, name), columns: map[string]bool{}}
			tables[key] = t
		}
		t.columns[strings.ToLower(column)] = true
	}
	return all, rows.Err()
}

package genomedb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb/dbserver"
)

// server is a MySQL or MariaDB server as an engine.
type server struct {
	db      *sql.DB
	release int // asked for; 0: the highest
}

func openServer(c Config) (*server, error) {
	db, err := dbserver.Open(dbserver.Config{DSN: c.DSN, Password: c.Password, Connections: c.Connections})
	if err != nil {
		return nil, fmt.Errorf("genomedb: %w", err)
	}
	return &server{db, c.Release}, nil
}

// list chooses the databases of one release among all that the server shows.
func (s *server) list(ctx context.Context, logger *slog.Logger) ([]*Database, error) {
	rows, err := s.db.QueryContext(ctx, `SHOW DATABASES`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	entries, release, err := chooseRelease(names, s.release, logger)
	if err != nil {
		return nil, err
	}
	list := make([]*Database, len(entries))
	for i, e := range entries {
		d := &Database{Name: e.Name, Kind: e.Kind, Owner: e.Owner, SchemaVersion: release}
		d.schema.read = func(ctx context.Context) (map[string]*table, error) { return s.tables(ctx, e.Name) }
		list[i] = d
	}
	return list, nil
}

// chooseRelease takes the databases of the wanted release, or of the highest
// that has a core database, from the names on a server. Where none has a
// release in its name, it takes those that are named without. Of several
// assemblies of one species in a release the last is taken.
func chooseRelease(names []string, want int, logger *slog.Logger) ([]Entry, int, error) {
	by := map[int][]Entry{}
	cores := map[int]int{}
	for _, name := range names {
		if e, release, ok := ParseName(name); ok {
			by[release] = append(by[release], e)
			if e.Kind == "core" {
				cores[release]++
			}
		}
	}
	releases := slices.Sorted(maps.Keys(cores))
	release := want
	switch {
	case len(releases) == 0:
		return nil, 0, fmt.Errorf("none of the %d databases that this user sees is a core database, named as homo_sapiens_core_115_38", len(names))
	case want == 0 || releases[len(releases)-1] == 0: // 0 sorts first: nothing else is there
		release = releases[len(releases)-1]
	case cores[want] == 0:
		if releases[0] == 0 {
			releases = releases[1:]
		}
		return nil, 0, fmt.Errorf("no core database of release %d; the server has release %s", want, strings.Trim(fmt.Sprint(releases), "[]"))
	}
	slices.SortFunc(by[release], func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Kind, b.Kind), cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	var chosen []Entry
	for _, e := range by[release] {
		if last := len(chosen) - 1; last >= 0 && chosen[last].Owner == e.Owner && chosen[last].Kind == e.Kind {
			logger.Warn("two databases of one species and kind: the latter is used", "unused", chosen[last].Name, "used", e.Name)
			chosen[last] = e
			continue
		}
		chosen = append(chosen, e)
	}
	return chosen, release, nil
}

func (s *server) tables(ctx context.Context, database string) (map[string]*table, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE table_schema = ?`, database)
	if err != nil {
		return nil, err
	}
	all, err := readTables(rows, serverTable)
	if err == nil && len(all[database]) == 0 {
		err = errors.New("it has no tables, or none that this user may see")
	}
	return all[database], err
}

func serverTable(database, table string) string {
	return backquote(database) + "." + backquote(table)
}

func backquote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// open does not read the database's schema for one query: the server says
// whether there is such a table.
func (s *server) open(ctx context.Context, d *Database, table, _, query string) (*sql.Rows, error) {
	text, err := expand(query, func(string) (string, error) { return serverTable(d.Name, table), nil })
	if err != nil {
		return nil, err
	}
	return d.run(ctx, query, text, nil)
}

func (s *server) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	return s.db.QueryContext(ctx, text, args...)
}

func (s *server) ping(ctx context.Context) error { return s.db.PingContext(ctx) }

func (s *server) parallel() int { return 12 }

func (s *server) close() error { return s.db.Close() }

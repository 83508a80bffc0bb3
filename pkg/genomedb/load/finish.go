package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"mirrornet/pkg/genomedb"
)

// finish has SQLite take over the tables, and puts the file in the target's
// place. Databases that loaded ones take the place of are told to note.
func (p *partial) finish(ctx context.Context, loaded []Loaded, note func(format string, args ...any)) error {
	if !p.adopted {
		p.state.Finishing = true
		if err := p.save(); err != nil {
			return err
		}
		err := errors.Join(p.file.Count(), p.file.Close())
		p.file = nil
		if err != nil {
			return err
		}
	}
	db, err := openSQLite(ctx, p.path("genome.sqlite"), "journal_mode(DELETE)", "synchronous(FULL)", "cache_size(-8192)")
	if err != nil {
		return err
	}
	if !p.adopted {
		err = db.adopt(ctx, p.state.Tables, loaded, note)
	}
	if err == nil {
		err = db.analyze(ctx)
	}
	if err := errors.Join(err, db.close(), ctx.Err()); err != nil {
		return err
	}
	if err := replace(p.path("genome.sqlite"), p.target); err != nil {
		return err
	}
	p.state = state{} // nothing is left to keep
	return os.RemoveAll(p.path("fetch"))
}

// adopt is one transaction.
func (s *sqlite) adopt(ctx context.Context, tables []tableState, loaded []Loaded, note func(format string, args ...any)) (err error) {
	if err := s.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.exec(context.WithoutCancel(ctx), "ROLLBACK"))
		}
	}()
	if err := s.makeRoom(ctx, loaded, note); err != nil {
		return err
	}
	if err := s.exec(ctx, "PRAGMA writable_schema = ON"); err != nil {
		return err
	}
	for _, t := range tables {
		for _, o := range t.Objects {
			if err := s.exec(ctx, "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?)",
				o.Kind, o.Name, t.Database+"."+t.Table, o.Root, o.SQL); err != nil {
				return err
			}
		}
	}
	for _, d := range loaded {
		query, args := d.Entry.InsertSQL()
		if err := s.exec(ctx, query, args...); err != nil {
			return err
		}
	}
	var cookie int
	if err := s.conn.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&cookie); err != nil {
		return err
	}
	if err := s.exec(ctx, fmt.Sprintf("PRAGMA schema_version = %d", cookie+1)); err != nil {
		return err
	}
	if err := s.exec(ctx, "COMMIT"); err != nil {
		return err
	}
	return s.exec(ctx, "PRAGMA writable_schema = RESET") // reads the schema
}

// makeRoom drops databases that are loaded anew, and older ones of the same
// owner and kind.
func (s *sqlite) makeRoom(ctx context.Context, loaded []Loaded, note func(format string, args ...any)) error {
	entries, err := genomedb.Catalogue(ctx, s.conn)
	if err != nil {
		return err
	}
	for _, e := range entries {
		for _, d := range loaded {
			if d.Name == e.Name {
				err = s.drop(ctx, e.Name)
				break
			}
			if d.Owner == e.Owner && d.Kind == e.Kind {
				note("%s takes the place of %s", d.Name, e.Name)
				err = s.drop(ctx, e.Name)
				break
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drop removes a database.
func (s *sqlite) drop(ctx context.Context, database string) error {
	tables, err := s.texts(ctx, `SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, ?) = ?`, len(database)+1, database+".")
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := s.exec(ctx, "DROP TABLE "+genomedb.Physical(database, strings.TrimPrefix(t, database+"."))); err != nil {
			return err
		}
	}
	return s.exec(ctx, `DELETE FROM "`+genomedb.CatalogueTable+`" WHERE name = ?`, database)
}

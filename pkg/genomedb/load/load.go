package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load/dump"
)

// Config says what to load where.
type Config struct {
	// From is the folder of one database's dump, or a folder with such folders
	// at any depth. A dump holds table.sql (or one *.sql) and a TABLE.txt per
	// table; each may be compressed (.gz). Its folder is named as Ensembl names
	// the database, or is the folder kind in the folder species.
	From string
	// DB is the SQLite file to make. One that exists is extended; a database
	// that it has of the same species and kind is replaced.
	DB string
	// Replace starts from an empty file even where DB exists.
	Replace bool
	// Progress is told now and then, from Run's goroutine; nil: nobody is.
	Progress func(Progress)
	// Logger hears what was ignored; nil: nobody does. The Report has it too.
	Logger *slog.Logger
}

// Progress is how far a load has come.
type Progress struct {
	Database   string
	Table      string
	Rows       int64 // of the table
	BytesDone  int64 // of all tables' files, as they lie on disk
	BytesTotal int64
}

// Report is what was loaded.
type Report struct {
	Databases []Loaded
	Notes     []string // what was ignored or mended, and where
}

// Loaded is a database of a report.
type Loaded struct {
	genomedb.Entry
	Tables  int
	Rows    int64
	Ignored int64 // rows that repeat a unique key
}

// Run loads all dumps of c.From into c.DB. When it fails or ctx ends, c.DB is
// as it was. A fault in a dump is a *dump.Error with file and line. Whoever has
// the file open keeps reading the old one.
func Run(ctx context.Context, c Config) (Report, error) {
	report, err := run(ctx, c)
	if err != nil {
		return Report{}, fmt.Errorf("load: %w", err)
	}
	return report, nil
}

func run(ctx context.Context, c Config) (report Report, err error) {
	if c.From == "" || c.DB == "" {
		return report, errors.New("both From (a folder of dumps) and DB (the file to make) are needed")
	}
	sources, err := find(c.From)
	if err != nil {
		return report, err
	}
	base := c.DB
	if c.Replace {
		base = ""
	}
	w, err := Create(ctx, c.DB, base)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	l := &loader{writer: w, notify: c.Progress, logger: c.Logger}
	if l.logger == nil {
		l.logger = slog.New(slog.DiscardHandler)
	}
	if l.notify == nil {
		l.notify = func(Progress) {}
	}
	for _, s := range sources {
		l.progress.BytesTotal += s.bytes
	}
	for _, s := range sources {
		loaded, err := l.database(ctx, s)
		if err != nil {
			return report, err
		}
		report.Databases = append(report.Databases, loaded)
	}
	if err := l.settle(ctx, report.Databases); err != nil {
		return report, err
	}
	report.Notes = l.notes
	return report, w.Commit(ctx)
}

// loader carries one run.
type loader struct {
	writer   *Writer
	notify   func(Progress)
	logger   *slog.Logger
	progress Progress
	done     int64 // bytes of the files that are in
	notes    []string
}

// tell tells progress, which never goes back: a table that is loaded a second
// time stays where it was.
func (l *loader) tell(rows, done int64) {
	l.progress.Rows, l.progress.BytesDone = rows, max(done, l.progress.BytesDone)
	l.notify(l.progress)
}

func (l *loader) note(format string, args ...any) {
	n := fmt.Sprintf(format, args...)
	l.notes = append(l.notes, n)
	l.logger.Warn(n)
}

func (l *loader) database(ctx context.Context, s source) (Loaded, error) {
	loaded := Loaded{Entry: s.entry}
	schema, err := readSchema(s.schema)
	if err != nil {
		return loaded, err
	}
	if len(schema.Tables) == 0 {
		return loaded, fmt.Errorf("%s defines no table", s.schema)
	}
	for _, i := range schema.Ignored {
		l.note("%s: ignored, %s", s.schema, i)
	}
	if err := l.writer.Drop(ctx, s.entry.Name); err != nil {
		return loaded, err
	}
	for i := range schema.Tables {
		t := &schema.Tables[i]
		l.progress.Database, l.progress.Table, l.progress.Rows = s.entry.Name, t.Name, 0
		key := strings.ToLower(t.Name)
		path := s.tables[key]
		delete(s.tables, key)
		rows, ignored, err := l.table(ctx, s.entry.Name, t, path)
		if err != nil {
			return loaded, err
		}
		loaded.Tables++
		loaded.Rows += rows
		loaded.Ignored += ignored
	}
	for _, path := range sorted(s.tables) {
		l.done += size(path)
		l.note("%s: ignored, the schema has no such table", path)
	}
	if loaded.SchemaVersion, err = l.schemaVersion(ctx, s.entry.Name); err != nil {
		return loaded, err
	}
	l.tell(0, l.done)
	return loaded, l.writer.Catalogue(ctx, loaded.Entry)
}

// schemaVersion reads meta's, 0 where there is none.
func (l *loader) schemaVersion(ctx context.Context, database string) (int, error) {
	versions, err := l.meta(ctx, database, "schema_version")
	if err != nil || len(versions) == 0 {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(versions[0]))
	if err != nil {
		return 0, fmt.Errorf("%s: meta schema_version is %q, and should be a number such as 115", database, versions[0])
	}
	return n, nil
}

// settle gives databases the production name of their species, where a core
// database's meta says another than its folder's name, and drops older
// databases that these take the place of.
func (l *loader) settle(ctx context.Context, loaded []Loaded) error {
	for _, core := range loaded {
		if core.Kind != "core" {
			continue
		}
		names, err := l.meta(ctx, core.Name, "species.production_name")
		if err != nil {
			return err
		}
		if len(names) > 1 {
			return fmt.Errorf("%s holds %d species (%s, %s …): databases of several species cannot be loaded yet", core.Name, len(names), names[0], names[1])
		}
		if len(names) == 0 || names[0] == core.Owner {
			continue
		}
		for i := range loaded {
			if d := &loaded[i]; d.Owner == core.Owner {
				d.Entry.Owner = names[0]
				if err := l.writer.Catalogue(ctx, d.Entry); err != nil {
					return err
				}
			}
		}
	}
	fresh := map[string]bool{}
	place := map[[2]string]string{} // name by owner and kind
	for _, d := range loaded {
		at := [2]string{d.Owner, d.Kind}
		if other, ok := place[at]; ok {
			return fmt.Errorf("%s and %s are both the %s database of %s: load one of them", other, d.Name, d.Kind, d.Owner)
		}
		fresh[d.Name], place[at] = true, d.Name
	}
	entries, err := genomedb.Catalogue(ctx, l.writer.conn)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name, ok := place[[2]string{e.Owner, e.Kind}]; ok && !fresh[e.Name] {
			l.note("%s takes the place of %s", name, e.Name)
			if err := l.writer.Drop(ctx, e.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loader) meta(ctx context.Context, database, key string) ([]string, error) {
	return l.writer.texts(ctx, `SELECT DISTINCT meta_value FROM `+genomedb.Physical(database, "meta")+` WHERE meta_key = ? AND meta_value IS NOT NULL ORDER BY meta_id`,
		genomedb.Physical(database, "meta"), key)
}

func readSchema(path string) (dump.Schema, error) {
	f, err := open(path, nil)
	if err != nil {
		return dump.Schema{}, err
	}
	defer f.Close()
	return dump.ParseSchema(path, f)
}

func size(path string) int64 {
	st, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return st.Size()
}

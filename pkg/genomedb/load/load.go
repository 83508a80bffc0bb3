package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load/site"
)

// Config says what to load where.
type Config struct {
	// From is the folder of one database's dump, or a folder with such folders
	// at any depth; or the address (http, https) of such a folder on a site laid
	// out as Ensembl's FTP site, or of one above it. A dump holds table.sql (or
	// one *.sql) and a TABLE.txt per table; each may be compressed (.gz). With a
	// file CHECKSUMS, they are checked against it. Its folder is named as Ensembl
	// names the database, or is the folder kind in the folder species.
	From string
	// DB is the SQLite file to make. One that exists is extended; a database
	// that it has of the same species and kind is replaced.
	DB string
	// Replace starts from an empty file even where DB exists.
	Replace bool
	// Species, by production name or a few common names; "multi" stands for what
	// belongs to no species. Empty: all.
	Species []string
	// Kinds of database, such as core; empty: all.
	Kinds []string
	// Release of Ensembl; 0: any.
	Release int
	// Memory bounds the bytes that are sorted at a time; 0: 96 MiB. The process
	// takes some times as much, and of each row a few times its length.
	Memory int
	// MaxRow is how long a row may be; 0: 512 MiB.
	MaxRow int
	// Site asks the site; nil: with its defaults.
	Site *site.Client
	// Progress is told now and then, from Run's goroutine; nil: nobody is.
	Progress func(Progress)
	// Logger hears what was ignored; nil: nobody does. The Report has it too.
	Logger *slog.Logger
}

// Progress is how far a load has come.
type Progress struct {
	Database     string
	Table        string
	Rows         int64 // of the table
	BytesDone    int64 // of all tables' files, as they lie on disk or on the site
	BytesTotal   int64
	BytesResumed int64  // of BytesDone, those that an earlier run loaded
	Doing        string // what is done other than reading rows: "index stable_id", "fetching"
}

// Report is what was loaded.
type Report struct {
	Databases []Loaded
	Notes     []string // what was ignored or mended, and where
	Resumed   int      // tables that an earlier run had loaded
	TextBytes int64    // of uncompressed rows that this run read
}

// Loaded is a database of a report.
type Loaded struct {
	genomedb.Entry
	Tables  int
	Rows    int64
	Ignored int64 // rows that repeat a unique key
}

// Run loads all dumps of c.From into c.DB. When it fails or ctx ends, c.DB is
// as it was, and the tables that are finished wait in the folder DB.partial for
// the next Run. A fault in a dump is a *dump.Error with file and line. Whoever
// has the file open keeps reading the old one.
func Run(ctx context.Context, c Config) (Report, error) {
	report, err := run(ctx, c)
	if err != nil {
		return Report{}, fmt.Errorf("load: %w", err)
	}
	return report, nil
}

func run(ctx context.Context, c Config) (report Report, err error) {
	if c.From == "" || c.DB == "" {
		return report, errors.New("both From (a folder or site of dumps) and DB (the file to make) are needed")
	}
	want, err := newSelection(c)
	if err != nil {
		return report, err
	}
	if st, err := os.Stat(filepath.Dir(c.DB)); err != nil {
		return report, err
	} else if !st.IsDir() {
		return report, fmt.Errorf("%s is no folder", filepath.Dir(c.DB))
	}
	if _, err := identity(c.DB); err != nil {
		return report, err
	}
	l := newLoader(c)
	sources, err := l.sources(ctx, c.From, want)
	if err != nil {
		return report, err
	}
	if l.partial, err = openPartial(c.DB); err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, l.partial.close()) }()
	base := c.DB
	if c.Replace {
		base = ""
	}
	if err := l.plan(ctx, sources); err != nil {
		return report, err
	}
	if err := l.begin(ctx, base); err != nil {
		return report, err
	}
	if err := l.tables(ctx); err != nil {
		if l.partial.file != nil { // what is finished is kept
			err = errors.Join(err, l.partial.save())
		}
		return report, err
	}
	if report.Databases, err = l.settle(want); err != nil {
		return report, err
	}
	l.progress.Doing = "the schema and statistics"
	l.notify(l.progress)
	if err := l.partial.finish(ctx, report.Databases, l.note); err != nil {
		return report, err
	}
	l.progress.Doing = ""
	l.tell(0, l.progress.BytesTotal)
	report.Notes, report.Resumed, report.TextBytes = l.notes, l.resumed, l.text
	return report, nil
}

func (l *loader) sources(ctx context.Context, from string, want selection) (found []source, err error) {
	if isSite(from) {
		found, err = findSite(ctx, from, l.site, want)
	} else {
		found, err = findLocal(from, want)
	}
	if err != nil {
		return nil, err
	}
	return settled(found, from, want)
}

// settle makes the report of what is in the file now: owners are the
// production names of their species, where a core database's meta says another
// than its folder's name.
func (l *loader) settle(want selection) ([]Loaded, error) {
	var all []Loaded
	metas := map[string]map[string][]string{}
	for _, s := range l.planned {
		all = append(all, Loaded{Entry: s.entry})
	}
	for _, t := range l.partial.state.Tables {
		i := slices.IndexFunc(all, func(d Loaded) bool { return d.Name == t.Database })
		all[i].Tables++
		all[i].Rows += t.Rows
		all[i].Ignored += t.Ignored
		if t.Meta != nil {
			metas[t.Database] = t.Meta
		}
	}
	for i, s := range l.planned {
		version, err := schemaVersion(s, metas[s.entry.Name], want)
		if err != nil {
			return nil, err
		}
		all[i].SchemaVersion = version
	}
	for _, core := range all {
		names := metas[core.Name][metaProduction]
		if core.Kind != "core" || len(names) == 0 {
			continue
		}
		if len(names) > 1 {
			return nil, fmt.Errorf("%s holds %d species (%s, %s …): databases of several species cannot be loaded yet", core.Name, len(names), names[0], names[1])
		}
		for i := range all {
			if all[i].Owner == core.Owner {
				all[i].Entry.Owner = names[0]
			}
		}
	}
	place := map[[2]string]string{} // name by owner and kind
	for _, d := range all {
		at := [2]string{d.Owner, d.Kind}
		if other, ok := place[at]; ok {
			return nil, fmt.Errorf("%s and %s are both the %s database of %s: load one of them", other, d.Name, d.Kind, d.Owner)
		}
		place[at] = d.Name
	}
	return all, nil
}

// The keys of meta whose values the loader needs.
const (
	metaVersion    = "schema_version"
	metaProduction = "species.production_name"
)

// schemaVersion is meta's, 0 where there is none. It must be the release that
// the folder's name says, and that is asked for.
func schemaVersion(s plannedSource, meta map[string][]string, want selection) (int, error) {
	versions := meta[metaVersion]
	if len(versions) == 0 {
		return 0, nil
	}
	name := s.entry.Name
	n, err := strconv.Atoi(strings.TrimSpace(versions[0]))
	if err != nil {
		return 0, fmt.Errorf("%s: meta schema_version is %q, and should be a number such as 115", name, versions[0])
	}
	if named := cmp.Or(s.release, want.release); named != 0 && named != n {
		return 0, fmt.Errorf("%s: meta schema_version is %d where release %d should be: the folder %s holds another release's dump", name, n, named, s.dir)
	}
	return n, nil
}

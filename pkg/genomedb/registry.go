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
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Config says where the databases are.
type Config struct {
	// SQLite is the path of the file that package load or sample wrote. It is
	// opened read-only and must exist.
	SQLite string
	// Logger hears what was found; nil: silent.
	Logger *slog.Logger
}

// Registry holds the species and databases of one file. It is immutable and
// safe for concurrent use until Close.
type Registry struct {
	db        *sql.DB
	stmts     *statements
	species   []*Species
	byName    map[string]*Species
	databases []*Database
	release   int
}

// Open opens the databases. The caller closes the Registry.
func Open(ctx context.Context, c Config) (*Registry, error) {
	logger := c.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if c.SQLite == "" || strings.Contains(c.SQLite, ":memory:") {
		return nil, fmt.Errorf("genomedb: SQLite is %q: give the path of a file made by origin load", c.SQLite)
	}
	if st, err := os.Stat(c.SQLite); err != nil {
		return nil, fmt.Errorf("genomedb: %w", err)
	} else if st.IsDir() {
		return nil, fmt.Errorf("genomedb: %s is a folder: give the file that origin load made of it", c.SQLite)
	}
	db, err := sql.Open("sqlite", dsn(c.SQLite))
	if err != nil {
		return nil, fmt.Errorf("genomedb: %s: %w", c.SQLite, err)
	}
	db.SetMaxIdleConns(4 * runtime.GOMAXPROCS(0))
	r := &Registry{db: db, stmts: newStatements(db)}
	if err := r.read(ctx, logger); err != nil {
		return nil, errors.Join(fmt.Errorf("genomedb: %s: %w", c.SQLite, err), r.Close())
	}
	return r, nil
}

// dsn opens the file read-only, mapped into memory up to 8 GiB.
func dsn(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	q := url.Values{"mode": {"ro"}, "_pragma": {"query_only(1)", "mmap_size(8589934592)", "cache_size(-16000)", "temp_store(memory)"}}
	u.RawQuery = q.Encode()
	return u.String()
}

// Close ends all queries and closes the file.
func (r *Registry) Close() error {
	return errors.Join(r.stmts.close(), r.db.Close())
}

// Species lists the species, by production name: whatever has a core database.
func (r *Registry) Species() []*Species { return slices.Clone(r.species) }

// Resolve finds a species by production name, alias, scientific, common or
// display name, or taxonomy id. Case does not count, and a space is an
// underscore.
func (r *Registry) Resolve(alias string) (*Species, bool) {
	s, ok := r.byName[fold(alias)]
	return s, ok
}

// Release is the Ensembl release of the set: the highest schema_version in it.
func (r *Registry) Release() int { return r.release }

// Databases lists all databases, by owner and kind.
func (r *Registry) Databases() []*Database { return slices.Clone(r.databases) }

// Database finds a database that spans species by its kind: compara, ontology,
// stable_ids, ancestral (the core of ancestral sequences). Of several of one
// kind, that of the owner multi (Ensembl's name for it) comes first.
func (r *Registry) Database(kind string) (*Database, bool) {
	if strings.EqualFold(kind, "ancestral") {
		return r.Owned(ancestral, "core")
	}
	if d, ok := r.Owned("multi", kind); ok {
		return d, true
	}
	for _, d := range r.databases {
		if _, ofSpecies := r.byName[fold(d.Owner)]; !ofSpecies && strings.EqualFold(d.Kind, kind) {
			return d, true
		}
	}
	return nil, false
}

// Owned finds a database by owner and kind, such as ("homology", "compara").
// Case does not count.
func (r *Registry) Owned(owner, kind string) (*Database, bool) {
	for _, d := range r.databases {
		if strings.EqualFold(d.Owner, owner) && strings.EqualFold(d.Kind, kind) {
			return d, true
		}
	}
	return nil, false
}

// read fills the registry from the file.
func (r *Registry) read(ctx context.Context, logger *slog.Logger) error {
	entries, err := Catalogue(ctx, r.db)
	if err != nil {
		return err
	}
	columns, err := r.columns(ctx)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if d, ok := r.Owned(e.Owner, e.Kind); ok {
			return fmt.Errorf("%s and %s are both the %s database of %s: load them again", d.Name, e.Name, e.Kind, e.Owner)
		}
		d := &Database{Name: e.Name, Kind: e.Kind, Owner: e.Owner, SchemaVersion: e.SchemaVersion,
			tables: columns[e.Name], registry: r}
		if err := d.readMeta(ctx); err != nil {
			return err
		}
		r.databases = append(r.databases, d)
		r.release = max(r.release, e.SchemaVersion)
	}
	if err := r.readSpecies(ctx, logger); err != nil {
		return err
	}
	logger.Debug("genome databases open", "species", len(r.species), "databases", len(r.databases), "release", r.release)
	return nil
}

// columns lists every database's tables with their columns in lower case.
func (r *Registry) columns(ctx context.Context) (map[string]map[string]*table, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]map[string]*table{}
	for rows.Next() {
		var name, column string
		if err := rows.Scan(&name, &column); err != nil {
			return nil, err
		}
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			continue
		}
		tables := all[name[:i]]
		if tables == nil {
			tables = map[string]*table{}
			all[name[:i]] = tables
		}
		key := strings.ToLower(name[i+1:])
		t := tables[key]
		if t == nil {
			t = &table{physical: quote(name), columns: map[string]bool{}}
			tables[key] = t
		}
		t.columns[strings.ToLower(column)] = true
	}
	return all, rows.Err()
}

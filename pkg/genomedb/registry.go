package genomedb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb/dbserver"
)

// Config says where the databases are: in SQLite or behind DSN.
type Config struct {
	// SQLite is the path of the file that package load or sample wrote. It is
	// opened read-only and must exist.
	SQLite string
	// DSN is a MySQL or MariaDB server, user@tcp(host:3306)/ or
	// mysql://user@host:3306/. Its databases are found by their names.
	DSN string
	// Password for DSN's user, which is better not part of it.
	Password string
	// Release is which of a server's releases to use. 0: the highest that has
	// a core database.
	Release int
	// Connections bounds the connections to the server. 0: 16.
	Connections int
	// Logger hears what was found; nil: silent.
	Logger *slog.Logger
}

// Registry holds the species and databases of one release. It is immutable and
// safe for concurrent use until Close.
type Registry struct {
	engine    engine
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
	r := &Registry{}
	var err error
	place := c.SQLite
	switch {
	case c.SQLite != "" && c.DSN != "":
		err = errors.New("genomedb: both a file and a server are given; give one")
	case c.DSN != "":
		place = dbserver.Address(c.DSN)
		r.engine, err = openServer(c)
	case c.SQLite != "":
		r.engine, err = openFile(c.SQLite)
	default:
		err = errors.New("genomedb: SQLite is empty: give the path of a file made by origin load")
	}
	if err != nil {
		return nil, err
	}
	if err := r.read(ctx, logger); err != nil {
		return nil, errors.Join(fmt.Errorf("genomedb: %s: %w", place, err), r.Close())
	}
	return r, nil
}

// Close ends all queries and closes the file or the connections.
func (r *Registry) Close() error { return r.engine.close() }

// Ping asks whether the databases can be asked now.
func (r *Registry) Ping(ctx context.Context) error { return r.engine.ping(ctx) }

// Species lists the species, by production name: whatever has a core database.
func (r *Registry) Species() []*Species { return slices.Clone(r.species) }

// Resolve finds a species by production name, alias, scientific name or
// taxonomy id. Case does not count; all else does, as in the reference.
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

// read fills the registry.
func (r *Registry) read(ctx context.Context, logger *slog.Logger) error {
	list, err := r.engine.list(ctx, logger)
	if err != nil {
		return err
	}
	for _, d := range list {
		d.registry = r
	}
	if err := each(ctx, r.engine.parallel(), list, (*Database).readMeta); err != nil {
		return err
	}
	for _, d := range settle(list, logger) {
		if other, ok := r.Owned(d.Owner, d.Kind); ok {
			return fmt.Errorf("%s and %s are both the %s database of %s: load them again", other.Name, d.Name, d.Kind, d.Owner)
		}
		r.databases = append(r.databases, d)
		r.release = max(r.release, d.SchemaVersion)
	}
	if err := r.readSpecies(ctx, logger); err != nil {
		return err
	}
	logger.Debug("genome databases open", "species", len(r.species), "databases", len(r.databases), "release", r.release)
	return nil
}

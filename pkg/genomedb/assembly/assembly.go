package assembly

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"mirrornet/pkg/genomedb"
)

// CoordSystem is a coordinate system: chromosome, scaffold, contig …
type CoordSystem struct {
	ID            int64
	Name          string
	Version       string // "" where it has none
	Rank          int64  // 1 is the highest
	Default       bool   // the default version of its name
	SequenceLevel bool   // its sequences have bases of their own
}

// Sequence is one sequence of a coordinate system (a row of seq_region).
type Sequence struct {
	ID     int64
	Name   string
	Length int64
	System *CoordSystem
}

// Assembly is the assembly of one database. It is safe for concurrent use.
type Assembly struct {
	db         *genomedb.Database
	systems    []*CoordSystem // by rank
	byID       map[int64]*CoordSystem
	mappings   []mapping
	exceptions map[int64][]exception
	codonTable map[int64]int
	nonRef     map[int64]bool
	circular   map[int64]bool

	mu        sync.Mutex // guards what follows
	sequences map[int64]*Sequence
	hops      map[hopKey]*pieces
	hopsCost  int
	marks     map[int64]marks // of sequences
	features  map[*genomedb.Database]map[string][]featureSystem
}

// maxSequences bounds the sequences that an Assembly remembers.
const maxSequences = 20_000

// Cache keeps the assemblies of one registry's databases. Its zero value is
// ready; it is safe for concurrent use.
type Cache struct {
	mu       sync.Mutex
	registry *genomedb.Registry
	by       map[*genomedb.Database]*Assembly
}

// Of is the assembly of a database of reg. A request for another registry (new
// data) forgets the former one's.
func (c *Cache) Of(ctx context.Context, reg *genomedb.Registry, db *genomedb.Database) (*Assembly, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.registry != reg {
		c.registry, c.by = reg, map[*genomedb.Database]*Assembly{}
	}
	if a := c.by[db]; a != nil {
		return a, nil
	}
	a, err := New(ctx, db)
	if err != nil {
		return nil, err
	}
	c.by[db] = a
	return a, nil
}

// New reads the assembly of a core-like database.
func New(ctx context.Context, db *genomedb.Database) (*Assembly, error) {
	a := &Assembly{
		db:         db,
		byID:       map[int64]*CoordSystem{},
		exceptions: map[int64][]exception{},
		codonTable: map[int64]int{},
		nonRef:     map[int64]bool{},
		circular:   map[int64]bool{},
		sequences:  map[int64]*Sequence{},
		marks:      map[int64]marks{},
		features:   map[*genomedb.Database]map[string][]featureSystem{},
	}
	for _, read := range []func(context.Context) error{a.readSystems, a.readExceptions, a.readAttributes} {
		if err := read(ctx); err != nil {
			return nil, fmt.Errorf("assembly of %s: %w", db.Name, err)
		}
	}
	a.readMappings()
	return a, nil
}

func (a *Assembly) readSystems(ctx context.Context) error {
	return a.db.Each(ctx, "SELECT coord_system_id, name, coalesce(version, ''), `rank`, coalesce(attrib, '') FROM {coord_system} ORDER BY `rank`", nil,
		func(scan func(...any) error) error {
			var c CoordSystem
			var attrib string
			if err := scan(&c.ID, &c.Name, &c.Version, &c.Rank, &attrib); err != nil {
				return err
			}
			for flag := range strings.SplitSeq(attrib, ",") {
				switch flag {
				case "default_version":
					c.Default = true
				case "sequence_level":
					c.SequenceLevel = true
				}
			}
			a.systems = append(a.systems, &c)
			a.byID[c.ID] = &c
			return nil
		})
}

func (a *Assembly) readExceptions(ctx context.Context) error {
	if !a.db.HasTable("assembly_exception") {
		return nil
	}
	return a.db.Each(ctx, `SELECT seq_region_id, seq_region_start, seq_region_end, exc_type,
		exc_seq_region_id, exc_seq_region_start, exc_seq_region_end FROM {assembly_exception} ORDER BY assembly_exception_id`, nil,
		func(scan func(...any) error) error {
			var id int64
			var e exception
			var kind string
			if err := scan(&id, &e.start, &e.end, &kind, &e.other, &e.otherStart, &e.otherEnd); err != nil {
				return err
			}
			e.par = kind == "PAR"
			a.exceptions[id] = append(a.exceptions[id], e)
			return nil
		})
}

func (a *Assembly) readAttributes(ctx context.Context) error {
	if !a.db.HasTable("seq_region_attrib") {
		return nil
	}
	return a.db.Each(ctx, `SELECT s.seq_region_id, t.code, s.value FROM {attrib_type} t
		JOIN {seq_region_attrib} s ON s.attrib_type_id = t.attrib_type_id
		WHERE t.code IN ('codon_table', 'non_ref', 'circular_seq')`, nil,
		func(scan func(...any) error) error {
			var id int64
			var code, value string
			if err := scan(&id, &code, &value); err != nil {
				return err
			}
			switch code {
			case "codon_table":
				if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && n > 0 {
					a.codonTable[id] = n
				}
			case "non_ref":
				a.nonRef[id] = true
			case "circular_seq":
				a.circular[id] = true
			}
			return nil
		})
}

// SystemNamed finds a coordinate system by name and version, case-blind. An
// empty version, or 0, is the default one. nil: there is none.
func (a *Assembly) SystemNamed(name, version string) *CoordSystem {
	var first *CoordSystem
	if version == "0" {
		version = ""
	}
	for _, c := range a.systems {
		switch {
		case !strings.EqualFold(c.Name, name):
		case version != "" && strings.EqualFold(c.Version, version), version == "" && c.Default:
			return c
		case version == "" && first == nil:
			first = c
		}
	}
	return first
}

// SequenceLevel is the coordinate system whose sequences have bases; nil where
// the database names none.
func (a *Assembly) SequenceLevel() *CoordSystem {
	for _, c := range a.systems {
		if c.SequenceLevel {
			return c
		}
	}
	return nil
}

// CodonTable is the number of the genetic code of a sequence (NCBI's
// numbering); 1 where nothing is said.
func (a *Assembly) CodonTable(s *Sequence) int {
	if n, ok := a.codonTable[s.ID]; ok {
		return n
	}
	return 1
}

// Reference says whether the sequence belongs to the reference assembly, and
// is not an alternative or a patch.
func (a *Assembly) Reference(s *Sequence) bool { return !a.nonRef[s.ID] }

// Circular says whether the sequence is circular.
func (a *Assembly) Circular(s *Sequence) bool { return a.circular[s.ID] }

// ErrNoSequence is returned for the id of a sequence that the database lacks.
var ErrNoSequence = errors.New("no such seq_region")

// Sequence finds a sequence by its seq_region_id.
func (a *Assembly) Sequence(ctx context.Context, id int64) (*Sequence, error) {
	a.mu.Lock()
	s := a.sequences[id]
	a.mu.Unlock()
	if s != nil {
		return s, nil
	}
	err := a.db.Each(ctx, `SELECT name, length, coord_system_id FROM {seq_region} WHERE seq_region_id = ?`, []any{id},
		func(scan func(...any) error) error {
			var system int64
			s = &Sequence{ID: id}
			if err := scan(&s.Name, &s.Length, &system); err != nil {
				return err
			}
			s.System = a.byID[system]
			return nil
		})
	if err != nil {
		return nil, err
	}
	if s == nil || s.System == nil {
		return nil, fmt.Errorf("assembly of %s: seq_region_id %d: %w", a.db.Name, id, ErrNoSequence)
	}
	return a.remember(s), nil
}

// remember keeps a sequence, and gives the one that is kept already.
func (a *Assembly) remember(s *Sequence) *Sequence {
	a.mu.Lock()
	defer a.mu.Unlock()
	if kept := a.sequences[s.ID]; kept != nil {
		return kept
	}
	if len(a.sequences) >= maxSequences {
		clear(a.sequences)
	}
	a.sequences[s.ID] = s
	return s
}

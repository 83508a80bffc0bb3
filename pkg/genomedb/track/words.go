package track

import (
	"context"
	"strings"
	"sync"

	"mirrornet/pkg/genomedb"
)

// Words are the small tables of a database that rows of others refer to.
type Words struct {
	analyses map[int64]Analysis
	byLogic  map[string]int64
	terms    map[string]string // of biotypes, by type of object and name

	codes      map[int64]string   // of types of attributes
	attributes map[string][]int64 // types of attributes by code
	mane       []string           // codes that mark MANE transcripts
	names      map[int64]string   // of external databases
	external   map[string][]int64 // external databases by name
}

// Analysis is what made a feature.
type Analysis struct {
	Logic string // logic_name
	GFF   string // gff_source
}

// Cache keeps what is asked for again and again of one registry's databases:
// their words, genes and transcripts. Its zero value is ready; it is safe for
// concurrent use.
type Cache struct {
	mu          sync.Mutex
	registry    *genomedb.Registry
	by          map[*genomedb.Database]*Words
	genes       bins[*Gene]
	transcripts bins[*Transcript]
	structures  bins[*Structure]
}

// words gives the words of a database of reg. Another registry (new data)
// makes the cache forget the former one's; bins know theirs by the database.
func (c *Cache) words(ctx context.Context, reg *genomedb.Registry, db *genomedb.Database) (*Words, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.registry != reg {
		c.registry, c.by = reg, map[*genomedb.Database]*Words{}
		c.genes.clear()
		c.transcripts.clear()
		c.structures.clear()
	}
	if w := c.by[db]; w != nil {
		return w, nil
	}
	w, err := readWords(ctx, db)
	if err != nil {
		return nil, err
	}
	c.by[db] = w
	return w, nil
}

func readWords(ctx context.Context, db *genomedb.Database) (*Words, error) {
	w := &Words{analyses: map[int64]Analysis{}, byLogic: map[string]int64{}, terms: map[string]string{},
		codes: map[int64]string{}, attributes: map[string][]int64{}, names: map[int64]string{}, external: map[string][]int64{}}
	if db.HasTable("analysis") {
		err := db.Each(ctx, "SELECT analysis_id, COALESCE(logic_name, ''), COALESCE(gff_source, '') FROM {analysis}", nil,
			func(scan func(...any) error) error {
				var id int64
				var a Analysis
				err := scan(&id, &a.Logic, &a.GFF)
				w.analyses[id] = a
				w.byLogic[fold(a.Logic)] = id
				return err
			})
		if err != nil {
			return nil, err
		}
	}
	if db.HasColumn("biotype", "so_term") {
		err := db.Each(ctx, "SELECT object_type, name, COALESCE(so_term, '') FROM {biotype}", nil,
			func(scan func(...any) error) error {
				var kind, name, term string
				err := scan(&kind, &name, &term)
				w.terms[kind+" "+fold(name)] = term
				return err
			})
		if err != nil {
			return nil, err
		}
	}
	if err := w.readNames(ctx, db, "attrib_type", "SELECT attrib_type_id, code FROM {attrib_type} ORDER BY attrib_type_id", func(id int64, code string) {
		w.codes[id] = code
		w.attributes[code] = append(w.attributes[code], id)
		if strings.Contains(code, "MANE") {
			w.mane = append(w.mane, code)
		}
	}); err != nil {
		return nil, err
	}
	return w, w.readNames(ctx, db, "external_db", "SELECT external_db_id, db_name FROM {external_db} ORDER BY external_db_id", func(id int64, name string) {
		w.names[id] = name
		w.external[fold(name)] = append(w.external[fold(name)], id)
	})
}

func (w *Words) readNames(ctx context.Context, db *genomedb.Database, table, text string, row func(id int64, name string)) error {
	if !db.HasTable(table) {
		return nil
	}
	return db.Each(ctx, text, nil, func(scan func(...any) error) error {
		var id int64
		var name string
		err := scan(&id, &name)
		row(id, name)
		return err
	})
}

// Analysis is the analysis of that id; empty where there is none.
func (w *Words) Analysis(id int64) Analysis { return w.analyses[id] }

// AnalysisID finds an analysis by its logic_name.
func (w *Words) AnalysisID(logic string) (id int64, ok bool) {
	id, ok = w.byLogic[fold(logic)]
	return id, ok
}

// Term is the Sequence Ontology's term for a gene's or transcript's biotype,
// or "".
func (w *Words) Term(object, biotype string) string { return w.terms[object+" "+fold(biotype)] }

// fold is how the databases compare text.
func fold(s string) string { return strings.ToLower(strings.TrimRight(s, " ")) }

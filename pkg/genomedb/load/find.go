package load

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb"
)

// source is the folder of one database's dump.
type source struct {
	entry  genomedb.Entry
	dir    string
	schema string            // path
	tables map[string]string // path by table name in lower case
	bytes  int64             // of the tables' files
}

// kinds are the kinds of database that a folder may be named for.
var kinds = []string{"core", "otherfeatures", "cdna", "rnaseq", "vega", "variation", "funcgen", "compara", "ontology", "stable_ids", "ancestral", "production", "metadata", "taxonomy", "mart"}

var (
	// published is how Ensembl names databases: homo_sapiens_core_115_38,
	// aedes_aegypti_lvpagwg_core_62_115_3, ensembl_compara_115.
	published = regexp.MustCompile(`^([a-z][a-z0-9_]*?)_(core|otherfeatures|cdna|rnaseq|vega|variation|funcgen|compara|ontology|stable_ids|ancestral)((?:_[a-z]+)*)_(\d+)(_[0-9a-z]+)*$`)
	word      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
)

// find lists the dumps in and below root, by path.
func find(root string) ([]source, error) {
	if st, err := os.Stat(root); err != nil {
		return nil, err
	} else if !st.IsDir() {
		return nil, fmt.Errorf("%s is a file: give the folder of a dump, or a folder of such folders", root)
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	var found []source
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		s, ok, err := inspect(path)
		if ok {
			found = append(found, s)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no dump in or below %s: a dump is a folder with table.sql and a TABLE.txt per table", root)
	}
	names := map[string]string{}
	for _, s := range found {
		if other, ok := names[s.entry.Name]; ok {
			return nil, fmt.Errorf("%s and %s are both dumps of %s: load one of them", other, s.dir, s.entry.Name)
		}
		names[s.entry.Name] = s.dir
	}
	return found, nil
}

// inspect says whether a folder is a dump, and of which database.
func inspect(dir string) (source, bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return source{}, false, err
	}
	s := source{dir: dir, tables: map[string]string{}}
	var schemas []string
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		base := strings.TrimSuffix(e.Name(), ".gz")
		switch filepath.Ext(base) {
		case ".sql":
			schemas = append(schemas, e.Name())
		case ".txt":
			table := strings.ToLower(strings.TrimSuffix(base, ".txt"))
			if other, ok := s.tables[table]; ok {
				return s, false, fmt.Errorf("%s and %s hold the same table: remove one of them", other, filepath.Join(dir, e.Name()))
			}
			s.tables[table] = filepath.Join(dir, e.Name())
			if st, err := e.Info(); err == nil {
				s.bytes += st.Size()
			}
		}
	}
	if len(schemas) == 0 {
		return s, false, nil
	}
	if s.schema = choose(schemas, filepath.Base(dir)); s.schema == "" {
		return s, false, fmt.Errorf("%s has several schemas (%s): name the one that holds table.sql", dir, strings.Join(schemas, ", "))
	}
	s.schema = filepath.Join(dir, s.schema)
	s.entry, err = identify(dir)
	return s, err == nil, err
}

func choose(schemas []string, base string) string {
	for _, want := range []string{"table.sql", "table.sql.gz", base + ".sql", base + ".sql.gz"} {
		if slices.Contains(schemas, want) {
			return want
		}
	}
	if len(schemas) == 1 {
		return schemas[0]
	}
	return ""
}

// identify tells a database from its folder: Ensembl's own name for it, or
// owner/kind.
func identify(dir string) (genomedb.Entry, error) {
	base, parent := filepath.Base(dir), filepath.Base(filepath.Dir(dir))
	if m := published.FindStringSubmatch(base); m != nil {
		e := genomedb.Entry{Name: base, Owner: m[1], Kind: m[2]}
		if e.Owner == "ensembl" || e.Owner == "ensemblgenomes" || e.Owner == "multi" {
			e.Owner = "multi"
			if division := strings.TrimPrefix(m[3], "_"); division != "" {
				e.Owner = division // ensembl_compara_plants_62_115
			}
		}
		if e.Kind == "ancestral" {
			e.Owner, e.Kind = "ancestral_sequences", "core"
		}
		return e, nil
	}
	if !slices.Contains(kinds, strings.ToLower(base)) || !word.MatchString(parent) {
		return genomedb.Entry{}, fmt.Errorf("%s: cannot tell which database this is: name the folder as Ensembl does (homo_sapiens_core_115_38), or species/kind with one of the kinds %s",
			dir, strings.Join(kinds, ", "))
	}
	owner, kind := strings.ToLower(parent), strings.ToLower(base)
	return genomedb.Entry{Name: owner + "_" + kind, Owner: owner, Kind: kind}, nil
}

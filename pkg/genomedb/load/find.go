package load

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load/dump"
	"mirrornet/pkg/genomedb/load/site"
)

// source is one database's dump: a folder here or on a site.
type source struct {
	entry   genomedb.Entry
	release int    // that its name says; 0: none
	dir     string // path or address
	schema  file
	tables  map[string]file // by table name in lower case
}

// file of a dump.
type file struct {
	name  string
	path  string   // "" while it is on a site alone
	from  *url.URL // on a site
	size  int64    // -1 where a site does not tell
	stamp string   // differs between versions of the file
	sum   *site.Sum
}

// place names the file in messages.
func (f file) place() string {
	if f.from != nil {
		return f.from.String()
	}
	return f.path
}

func (s source) bytes() (n int64) {
	for _, f := range s.tables {
		n += max(f.size, 0)
	}
	return n
}

// kinds are the kinds of database that a folder may be named for.
var kinds = []string{"core", "otherfeatures", "cdna", "rnaseq", "vega", "variation", "funcgen", "compara", "ontology", "stable_ids", "ancestral", "production", "metadata", "taxonomy", "mart"}

var (
	// published is how Ensembl names databases: homo_sapiens_core_115_38,
	// aedes_aegypti_lvpagwg_core_62_115_3, ensembl_compara_115.
	published = regexp.MustCompile(`^([a-z][a-z0-9_]*?)_(core|otherfeatures|cdna|rnaseq|vega|variation|funcgen|compara|ontology|stable_ids|ancestral|production|metadata|taxonomy)((?:_[a-z]+)*)_(\d+)(_[0-9a-z]+)*$`)
	word      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
)

// findLocal lists the dumps in and below root that are wanted, by path.
func findLocal(root string, want selection) ([]source, error) {
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
		s, ok, err := inspect(path, want)
		if ok {
			found = append(found, s)
		}
		return err
	})
	return found, err
}

// settled checks that what was found is something, and each database once.
func settled(found []source, root string, want selection) ([]source, error) {
	if len(found) == 0 {
		if want.any() {
			return nil, fmt.Errorf("no dump in or below %s is of %s", root, want)
		}
		return nil, fmt.Errorf("no dump in or below %s: a dump is a folder with table.sql and a TABLE.txt per table", root)
	}
	names := map[string]string{}
	for _, s := range found {
		if other, ok := names[s.entry.Name]; ok {
			return nil, fmt.Errorf("%s and %s are both dumps of %s: load one of them", other, s.dir, s.entry.Name)
		}
		names[s.entry.Name] = s.dir
	}
	if missing := want.missing(found); missing != "" {
		return nil, fmt.Errorf("no dump in or below %s is of the species %s: name it as its databases are named, such as homo_sapiens", root, missing)
	}
	return found, nil
}

// inspect says whether a folder is a wanted dump, and of which database.
func inspect(dir string, want selection) (source, bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return source{}, false, err
	}
	var files []file
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		f := file{name: e.Name(), path: filepath.Join(dir, e.Name())}
		if st, err := os.Stat(f.path); err == nil {
			f.size, f.stamp = st.Size(), st.ModTime().UTC().Format(time.RFC3339Nano)
		}
		files = append(files, f)
	}
	return assemble(dir, filepath.Base(dir), filepath.Base(filepath.Dir(dir)), files, want, func(f file) ([]byte, error) { return os.ReadFile(f.path) })
}

// assemble makes a source of a folder's files; false where the folder is no
// dump, or none that is wanted. read gives the text of the CHECKSUMS file.
func assemble(dir, base, parent string, files []file, want selection, read func(file) ([]byte, error)) (source, bool, error) {
	s := source{dir: dir, tables: map[string]file{}}
	byName := map[string]file{}
	var schemas []string
	for _, f := range files {
		byName[f.name] = f
		plain := strings.TrimSuffix(f.name, ".gz")
		switch filepath.Ext(plain) {
		case ".sql":
			schemas = append(schemas, f.name)
		case ".txt":
			table := strings.ToLower(strings.TrimSuffix(plain, ".txt"))
			if other, ok := s.tables[table]; ok {
				return s, false, fmt.Errorf("%s and %s hold the same table: remove one of them", other.place(), f.place())
			}
			s.tables[table] = f
		}
	}
	if len(schemas) == 0 {
		if published.MatchString(base) && len(s.tables) > 0 {
			return s, false, fmt.Errorf("%s has tables but no schema: %s.sql.gz or table.sql is missing, fetch it again", dir, base)
		}
		return s, false, nil
	}
	var err error
	if s.entry, s.release, err = identify(dir, base, parent); err != nil && (parent == "mysql" || want.any()) {
		return s, false, nil // a mart, or one of Ensembl's own
	}
	if err != nil || !want.takes(s) {
		return s, false, err
	}
	schema := choose(schemas, base)
	if schema == "" {
		return s, false, fmt.Errorf("%s has several schemas (%s): name the one that holds table.sql", dir, strings.Join(schemas, ", "))
	}
	if name := strings.TrimSuffix(strings.TrimSuffix(schema, ".gz"), ".sql"); name != base && published.MatchString(name) && published.MatchString(base) {
		return s, false, fmt.Errorf("%s holds the schema of %s: the folder of a dump is named as its database", dir, name)
	}
	s.schema = byName[schema]
	if sums, ok := byName["CHECKSUMS"]; ok {
		err = s.check(sums, byName, read)
	}
	return s, err == nil, err
}

// check gives the files the sums that CHECKSUMS has of them.
func (s *source) check(sums file, byName map[string]file, read func(file) ([]byte, error)) error {
	text, err := read(sums)
	if err != nil {
		return err
	}
	known, err := site.ParseChecksums(text)
	var at *site.LineError
	if errors.As(err, &at) {
		return &dump.Error{File: sums.place(), Line: at.Line, Err: at.Err}
	}
	if err != nil {
		return err
	}
	for name, sum := range known {
		if _, ok := byName[name]; !ok && (strings.Contains(name, ".txt") || strings.Contains(name, ".sql")) {
			return fmt.Errorf("%s names %s, which is missing from %s: fetch it again", sums.place(), name, s.dir)
		}
		if name == s.schema.name {
			s.schema.sum = &sum
		}
		for table, f := range s.tables {
			if f.name == name {
				f.sum = &sum
				s.tables[table] = f
			}
		}
	}
	return nil
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
func identify(dir, base, parent string) (genomedb.Entry, int, error) {
	if m := published.FindStringSubmatch(base); m != nil {
		e := genomedb.Entry{Name: base, Owner: m[1], Kind: m[2]}
		if e.Owner == "ensembl" || e.Owner == "ensemblgenomes" || e.Owner == "ncbi" || e.Owner == "multi" {
			e.Owner = "multi"
			if division := strings.TrimPrefix(m[3], "_"); division != "" {
				e.Owner = division // ensembl_compara_plants_62_115
			}
		}
		if e.Kind == "ancestral" {
			e.Owner, e.Kind = "ancestral_sequences", "core"
		}
		return e, releaseOf(base[len(m[1])+1+len(m[2])+len(m[3]):], e.Owner == "multi" || m[3] != ""), nil
	}
	if !slices.Contains(kinds, strings.ToLower(base)) || !word.MatchString(parent) {
		return genomedb.Entry{}, 0, fmt.Errorf("%s: cannot tell which database this is: name the folder as Ensembl does (homo_sapiens_core_115_38), or species/kind with one of the kinds %s",
			dir, strings.Join(kinds, ", "))
	}
	owner, kind := strings.ToLower(parent), strings.ToLower(base)
	return genomedb.Entry{Name: owner + "_" + kind, Owner: owner, Kind: kind}, 0, nil
}

// releaseOf reads the release from the numbers of a name: _115_38 (release and
// assembly), _62_115_3 (first the one of a division of Ensembl Genomes), and
// of databases of no species _115 or _62_115.
func releaseOf(numbers string, shared bool) int {
	parts := strings.Split(strings.TrimPrefix(numbers, "_"), "_")
	at := 0
	if shared && len(parts) > 1 || len(parts) > 2 {
		at = 1
	}
	n, err := strconv.Atoi(parts[at])
	if err != nil {
		return 0
	}
	return n
}

package load_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load"
	"mirrornet/pkg/genomedb/load/dump"
)

const tinySchema = `CREATE TABLE meta (meta_id int NOT NULL AUTO_INCREMENT, species_id int, meta_key varchar(40) NOT NULL, meta_value varchar(255), PRIMARY KEY (meta_id));
CREATE TABLE gene (
  gene_id int unsigned NOT NULL AUTO_INCREMENT,
  stable_id varchar(128),
  start int NOT NULL,
  score double,
  biotype varchar(40) NOT NULL DEFAULT 'protein_coding',
  seq blob,
  PRIMARY KEY (gene_id),
  UNIQUE KEY stable_id (stable_id, start),
  UNIQUE KEY prefix (biotype(3), gene_id)
);`

const tinyMeta = "1\t\\N\tschema_version\t115\n2\t1\tspecies.production_name\tpongo_abelii\n3\t1\tspecies.alias\torangutan\n"

const tinyGenes = "7\tENSG1\t5\t0.5\tmiRNA\t\\0\\\\x\n8\tENSG2\t\\N\t\\N\tlncRNA\t\\N\n"

// tree writes files below a new folder; those that end in .gz are compressed, but not
// NAME.gz:raw.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		data := []byte(content)
		path, raw := strings.CutSuffix(path, ":raw")
		if strings.HasSuffix(name, ".gz") && !raw {
			data = compress(t, content)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func compress(t *testing.T, s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// values runs a query and gives each row's values.
func values(t *testing.T, d *genomedb.Database, query string) (all [][]any) {
	t.Helper()
	rows, err := d.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	for rows.Next() {
		row := make([]any, len(columns))
		dest := make([]any, len(columns))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCompressedAndNamedAsPublished(t *testing.T) {
	from := tree(t, map[string]string{
		"mysql/pongo_abelii_core_115_3/pongo_abelii_core_115_3.sql.gz": tinySchema,
		"mysql/pongo_abelii_core_115_3/meta.txt.gz":                    tinyMeta,
		"mysql/pongo_abelii_core_115_3/gene.txt.gz":                    tinyGenes,
		"mysql/pongo_abelii_core_115_3/CHECKSUMS":                      sums("gene.txt.gz", string(compress(t, tinyGenes))),
		"mysql/ensembl_stable_ids_115/ensembl_stable_ids_115.sql.gz":   "CREATE TABLE species (species_id int PRIMARY KEY, name varchar(20));",
		"mysql/ensembl_ancestral_115/ensembl_ancestral_115.sql.gz":     "CREATE TABLE species (species_id int PRIMARY KEY, name varchar(20));",
		"mysql/ensembl_compara_plants_62_115/table.sql":                "CREATE TABLE method_link (id int PRIMARY KEY);",
	})
	db := filepath.Join(t.TempDir(), "g.db")
	report, err := load.Run(t.Context(), load.Config{From: from, DB: db})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Notes) > 0 {
		t.Errorf("notes %q", report.Notes)
	}
	r, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: db})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s, ok := r.Resolve("Orangutan")
	if !ok || s.Name != "pongo_abelii" {
		t.Fatalf("species %+v", s)
	}
	d, _ := s.Database("core")
	if d.Name != "pongo_abelii_core_115_3" || d.SchemaVersion != 115 {
		t.Errorf("database %+v", d)
	}
	got := values(t, d, "SELECT * FROM {gene} ORDER BY gene_id")
	if len(got) != 2 || got[0][0] != int64(7) || got[0][3] != 0.5 || !bytes.Equal(got[0][5].([]byte), []byte("\x00\\x")) ||
		got[1][2] != int64(0) || got[1][3] != nil || got[1][5] != nil {
		t.Errorf("rows %#v", got)
	}
	if len(values(t, d, "SELECT * FROM {gene} WHERE stable_id = 'ensg2' AND biotype = 'LNCRNA'")) != 1 {
		t.Error("text is not compared without case")
	}
	for _, want := range [][2]string{{"multi", "stable_ids"}, {"ancestral_sequences", "core"}, {"plants", "compara"}} {
		if _, ok := r.Owned(want[0], want[1]); !ok {
			t.Errorf("no %s database of %s", want[1], want[0])
		}
	}
	// Both the key and the rowid serve.
	if plan := values(t, d, "EXPLAIN QUERY PLAN SELECT 1 FROM {gene} WHERE stable_id = 'x'"); !strings.Contains(plan[0][3].(string), "stable_id") {
		t.Errorf("plan %v", plan)
	}
}

func TestFolderAndProductionNameDiffer(t *testing.T) {
	db := filepath.Join(t.TempDir(), "g.db")
	from := tree(t, map[string]string{"orang/core/table.sql": tinySchema, "orang/core/meta.txt": tinyMeta, "orang/variation/table.sql": "CREATE TABLE v (a int);"})
	if _, err := load.Run(t.Context(), load.Config{From: filepath.Join(from, "orang", "core"), DB: db}); err != nil {
		t.Fatal(err)
	}
	report, err := load.Run(t.Context(), load.Config{From: from, DB: db})
	if err != nil {
		t.Fatal(err)
	}
	r, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: db})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s, ok := r.Resolve("pongo_abelii")
	if !ok || strings.Join(s.Groups, " ") != "core variation" || len(report.Databases) != 2 || report.Databases[1].Owner != "pongo_abelii" {
		t.Errorf("species %+v, report %+v", s, report)
	}
}

// published is the folder of a dump as Ensembl names it.
const published = "root/mysql/pongo_abelii_core_115_3"

func TestBroken(t *testing.T) {
	const good = "1\tA\t1\t0.5\tmiRNA\tx\n2\tB\t2\t0.5\tmiRNA\tx\n"
	many := strings.Repeat(good, 2_000)
	zipped := compress(t, many)
	flipped := bytes.Clone(zipped)
	flipped[len(flipped)-5] ^= 1 // its checksum
	keyed := "CREATE TABLE pair (a int NOT NULL, b varchar(9) NOT NULL, PRIMARY KEY (a, b));"
	for name, tt := range map[string]struct {
		files map[string]string
		want  string // in the error
	}{
		"too many fields":       {map[string]string{"gene.txt": good + "3\tC\t3\t1\tx\ty\tz\n"}, "gene.txt:3: 7 fields where table gene has 6 columns"},
		"too few fields":        {map[string]string{"gene.txt": good + "3\tC\t3\t1\tx\n"}, "gene.txt:3: 5 fields where earlier rows have 6"},
		"too few at first":      {map[string]string{"gene.txt": "0\tC\t3\t1\tx\n" + good}, "gene.txt:1: fewer fields than the table has columns"},
		"no default":            {map[string]string{"gene.txt": "3\tC\n"}, "gene.txt:1: 2 fields where table gene has 6 columns, and start has no default"},
		"cut off":               {map[string]string{"gene.txt": "3\tC\t3"}, "gene.txt:1: the row is cut off"},
		"cut off in an escape":  {map[string]string{"gene.txt": good + "3\tC\t3\t1\tx\ty\\"}, "gene.txt:3: the file ends in a backslash"},
		"bad number":            {map[string]string{"gene.txt": good + "3\tC\tx3\t1\tx\ty\n"}, `gene.txt:3: column start: "x3" is no whole number`},
		"number of no range":    {map[string]string{"gene.txt": good + "-3\tC\t3\t1\tx\ty\n"}, `gene.txt:3: column gene_id: -3 is out of the range of int unsigned`},
		"escape in a number":    {map[string]string{"gene.txt": good + "3\tC\t\\N3\t1\tx\ty\n"}, `gene.txt:3: column start: "N3" is no whole number`},
		"after a long row":      {map[string]string{"gene.txt": "1\tA\\\nB\t1\t1\tx\ty\n2\tC\tx\t1\tx\ty\n"}, `gene.txt:3: column start`},
		"bad score":             {map[string]string{"gene.txt": "3\tC\t3\tfast\tx\ty\n"}, `gene.txt:1: column score: "fast" is no number`},
		"NUL":                   {map[string]string{"gene.txt": good + "3\tC\t3\t1\tx\t\x00\n"}, "gene.txt:3: a NUL byte"},
		"zeros at the end":      {map[string]string{"gene.txt": good + strings.Repeat("\x00", 4096)}, "gene.txt:3: a NUL byte"},
		"other line ends":       {map[string]string{"meta.txt": strings.ReplaceAll(tinyMeta, "\n", "\r\n")}, "meta.txt:1: every row ends in a carriage return"},
		"a row too long":        {map[string]string{"gene.txt": good + "3\tC\t3\t1\tx\t" + strings.Repeat("A", 1<<20) + "\n"}, "gene.txt:3: a row of more than 1000000 bytes"},
		"no newline for long":   {map[string]string{"gene.txt": strings.Repeat("A", 1<<21)}, "gene.txt:1: a row of more than 1000000 bytes"},
		"bad enumeration":       {map[string]string{"table.sql": "CREATE TABLE gene (a int, b enum('x','y'));", "gene.txt": "1\tx\n2\tz\n"}, `gene.txt:2: column b: "z" is not one of 'x','y'`},
		"a primary key twice":   {map[string]string{"gene.txt": good + "1\tC\t3\t1\tx\ty\n"}, "gene.txt:3: rows repeat the primary key (gene_id) 1 of line 1"},
		"a wide key twice":      {map[string]string{"table.sql": keyed, "meta.txt": "", "pair.txt": "1\tx\n2\tx\n1\tX\n"}, "pair.txt:3: rows repeat the primary key (a, b) 1, X of line 1"},
		"bad statement":         {map[string]string{"table.sql": "CREATE TABLE gene (\n gene_id wibble\n);"}, "table.sql:2: column gene_id has the unknown type wibble"},
		"a page for a schema":   {map[string]string{"table.sql": "<html>404</html>"}, "table.sql:1: < where a statement should begin"},
		"rows in the schema":    {map[string]string{"table.sql": tinySchema + "\nINSERT INTO gene VALUES (1);"}, "table.sql:13: INSERT in a schema"},
		"no statement":          {map[string]string{"table.sql": ""}, "table.sql defines no table"},
		"table twice":           {map[string]string{"gene.txt": good, "gene.txt.gz": good}, "hold the same table"},
		"bad release":           {map[string]string{"meta.txt": "1\t1\tschema_version\tlatest\n"}, `meta schema_version is "latest"`},
		"another release":       {map[string]string{"../../" + published + "/a.sql": tinySchema, "../../" + published + "/meta.txt": "1\t1\tschema_version\t114\n"}, "meta schema_version is 114 where release 115 should be"},
		"another's schema":      {map[string]string{"../../" + published + "/pan_core_115_3.sql": tinySchema}, "holds the schema of pan_core_115_3"},
		"no schema":             {map[string]string{"../../" + published + "/gene.txt": good}, "pongo_abelii_core_115_3.sql.gz or table.sql is missing"},
		"several species":       {map[string]string{"meta.txt": "1\t1\tspecies.production_name\ta\n2\t2\tspecies.production_name\tb\n"}, "holds 2 species"},
		"folder of no name":     {map[string]string{"../wibble/table.sql": tinySchema}, "cannot tell which database this is"},
		"two of one database":   {map[string]string{"../../x/ape/core/table.sql": tinySchema}, "are both dumps of ape_core"},
		"not even gzip":         {map[string]string{"gene.txt.gz:raw": good}, "gene.txt.gz:1: gzip: invalid header"},
		"truncated gzip":        {map[string]string{"gene.txt.gz:raw": string(zipped[:len(zipped)/2])}, "unexpected EOF"},
		"flipped gzip":          {map[string]string{"gene.txt.gz:raw": string(flipped)}, "gzip: invalid checksum"},
		"empty gzip":            {map[string]string{"gene.txt.gz:raw": ""}, "gene.txt.gz:1: EOF"},
		"more after gzip":       {map[string]string{"gene.txt.gz:raw": string(compress(t, good)) + "more than this"}, "gzip: invalid header"},
		"wrong sum":             {map[string]string{"gene.txt": good, "CHECKSUMS": sums("gene.txt", good+"x")}, "gene.txt:1: its sum is"},
		"wrong sum of schema":   {map[string]string{"CHECKSUMS": sums("table.sql", tinySchema+" ")}, "table.sql:1: its sum is"},
		"a file is missing":     {map[string]string{"CHECKSUMS": sums("gene.txt.gz", "")}, "CHECKSUMS names gene.txt.gz, which is missing"},
		"sums of another form":  {map[string]string{"CHECKSUMS": sums("table.sql", tinySchema) + "d41d8cd98f00b204e9800998ecf8427e  gene.txt\n"}, "CHECKSUMS:2: 2 words where a line is SUM BLOCKS NAME"},
		"a sum that is no sum":  {map[string]string{"CHECKSUMS": "99999 1 gene.txt\n"}, `CHECKSUMS:1: "99999" is no checksum`},
		"a sum twice":           {map[string]string{"CHECKSUMS": "1 1 gene.txt\n2 1 gene.txt\n"}, `CHECKSUMS:2: gene.txt has two different sums`},
		"a key of what is none": {map[string]string{"table.sql": "CREATE TABLE gene (a int,\nKEY k (b));"}, "table.sql:1: key k of table gene: no column b"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"root/ape/core/table.sql": tinySchema, "root/ape/core/meta.txt": tinyMeta}
			for n, c := range tt.files {
				files[filepath.Join("root/ape/core", n)] = c
			}
			root := tree(t, files)
			// Into a new file, and into one that exists.
			for _, before := range []string{"", "kept"} {
				dir := t.TempDir()
				db := filepath.Join(dir, "g.db")
				if before != "" {
					seedFile(t, db)
				}
				old, _ := os.ReadFile(db)
				_, err := load.Run(t.Context(), load.Config{From: root, DB: db, MaxRow: 1_000_000})
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v\nwant  %s", err, tt.want)
				}
				now, _ := os.ReadFile(db)
				left, _ := os.ReadDir(dir)
				for _, e := range left {
					if name := e.Name(); name != "g.db.partial" && (name != "g.db" || before == "") {
						t.Errorf("left: %s", name)
					}
				}
				if !bytes.Equal(old, now) {
					t.Error("the file changed")
				}
				var at *dump.Error
				if strings.Contains(tt.want, ":") && !errors.As(err, &at) {
					t.Errorf("error %v is no *dump.Error", err)
				}
			}
		})
	}
}

// sums is a line of CHECKSUMS, by another way than the loader's.
func sums(name, content string) string {
	var sum uint32
	for _, b := range []byte(content) {
		sum = (sum>>1 + (sum&1)<<15 + uint32(b)) % 65536
	}
	return fmt.Sprintf("%05d %d %s\n", sum, (len(content)+1023)/1024, name)
}

// seedFile makes a file with one database.
func seedFile(t *testing.T, db string) {
	t.Helper()
	from := tree(t, map[string]string{"pan/core/table.sql": tinySchema, "pan/core/meta.txt": "1\t1\tspecies.production_name\tpan\n", "pan/core/gene.txt": "1\tA\t1\t1\tx\ty\n"})
	if _, err := load.Run(t.Context(), load.Config{From: from, DB: db}); err != nil {
		t.Fatal(err)
	}
}

func TestExtend(t *testing.T) {
	db := filepath.Join(t.TempDir(), "g.db")
	seedFile(t, db)
	if err := os.Chmod(db, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: db})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	run := func(c load.Config) load.Report {
		t.Helper()
		c.DB = db
		report, err := load.Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	species := func() string {
		r, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: db})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var all []string
		for _, s := range r.Species() {
			d, _ := s.Database("core")
			var n string
			if err := d.QueryRow(t.Context(), "SELECT count(*) FROM {gene}").Scan(&n); err != nil {
				t.Fatal(err)
			}
			all = append(all, d.Name+"="+n)
		}
		return strings.Join(all, " ")
	}
	older := tree(t, map[string]string{"ape_core_114_1/table.sql": tinySchema})
	newer := tree(t, map[string]string{"ape_core_115_1/table.sql": tinySchema, "ape_core_115_1/gene.txt": "1\tA\t1\t1\tx\ty\n2\tB\t1\t1\tx\ty\n"})
	run(load.Config{From: older})
	if got := species(); got != "ape_core_114_1=0 pan_core=1" {
		t.Errorf("extended: %s", got)
	}
	report := run(load.Config{From: newer})
	if got := species(); got != "ape_core_115_1=2 pan_core=1" || len(report.Notes) != 1 {
		t.Errorf("with a newer release: %s, notes %q", got, report.Notes)
	}
	run(load.Config{From: newer})
	if got := species(); got != "ape_core_115_1=2 pan_core=1" {
		t.Errorf("loaded twice: %s", got)
	}
	run(load.Config{From: newer, Replace: true})
	if got := species(); got != "ape_core_115_1=2" {
		t.Errorf("replaced: %s", got)
	}
	if st, err := os.Stat(db); err != nil || st.Mode().Perm() != 0o644 {
		t.Errorf("a new file has mode %v, %v", st.Mode(), err)
	}
	// Whoever had the first file open still reads it.
	d, _ := reader.Owned("pan", "core")
	if len(values(t, d, "SELECT * FROM {gene}")) != 1 {
		t.Error("the replaced file cannot be read by who had it open")
	}
	both := tree(t, map[string]string{"ape_core_114_1/table.sql": tinySchema, "ape_core_115_1/table.sql": tinySchema})
	if _, err := load.Run(t.Context(), load.Config{From: both, DB: db}); err == nil || !strings.Contains(err.Error(), "are both the core database of ape") {
		t.Errorf("two releases at once: %v", err)
	}
}

func TestForeignFile(t *testing.T) {
	from := tree(t, map[string]string{"ape/core/table.sql": tinySchema})
	for name, content := range map[string]string{"text": strings.Repeat("dear diary, ", 1000), "short": "x"} {
		db := filepath.Join(t.TempDir(), "diary.txt")
		if err := os.WriteFile(db, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := load.Run(t.Context(), load.Config{From: from, DB: db}); err == nil || !strings.Contains(err.Error(), "diary.txt") {
			t.Errorf("%s: error %v", name, err)
		}
		if now, _ := os.ReadFile(db); string(now) != content {
			t.Errorf("%s: the file was changed", name)
		}
	}
	two := tree(t, map[string]string{"ape/core/a.sql": tinySchema, "ape/core/b.sql": tinySchema})
	for want, c := range map[string]load.Config{
		"both From":                         {},
		"nowhere: no such file":             {From: "nowhere", DB: "x"},
		"is a file":                         {From: "load_test.go", DB: "x"},
		"no dump in":                        {From: t.TempDir(), DB: "x"},
		"has several schemas (a.sql, b.sql": {From: two, DB: "x"},
		"no such file or directory":         {From: from, DB: "no/such/folder.db"},
	} {
		if _, err := load.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestDuplicates(t *testing.T) {
	// Row 2 repeats row 1's key, row 3 only row 2's: the third stays.
	from := tree(t, map[string]string{"ape/core/table.sql": `CREATE TABLE e (a varchar(9), b varchar(9), n int, UNIQUE KEY a (a), UNIQUE KEY b (b(2)));`,
		"ape/core/e.txt": "x\tone\t1\nX\ttwo\t2\ny\ttwo\t3\nz\tONly\t4\n\\N\t\\N\t5\n\\N\t\\N\t6\n"})
	db := filepath.Join(t.TempDir(), "g.db")
	report, err := load.Run(t.Context(), load.Config{From: from, DB: db})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Databases) != 1 || report.Databases[0].Ignored != 2 || report.Databases[0].Rows != 4 || len(report.Notes) != 1 {
		t.Errorf("report %+v", report)
	}
	r, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: db})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	d, _ := r.Owned("ape", "core")
	var got []any
	for _, row := range values(t, d, "SELECT n FROM {e} ORDER BY n") {
		got = append(got, row[0])
	}
	if len(got) != 4 || got[0] != int64(1) || got[1] != int64(3) || got[2] != int64(5) || got[3] != int64(6) {
		t.Errorf("rows %v, want 1 3 5 6", got)
	}
}

func TestCancelledWhileExtending(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "g.db")
	seedFile(t, db)
	old, _ := os.ReadFile(db)
	from := tree(t, map[string]string{"ape/core/table.sql": tinySchema, "ape/core/gene.txt": strings.Repeat("\\N\t\\N\t1\t1\tx\ty\n", 20_000)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := load.Run(ctx, load.Config{From: from, DB: db, Progress: func(p load.Progress) {
		if p.Rows > 0 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	now, _ := os.ReadFile(db)
	if left, _ := os.ReadDir(dir); !bytes.Equal(old, now) || len(left) != 2 {
		t.Errorf("the file changed, or others were left: %v", left)
	}
}

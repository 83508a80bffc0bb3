package load_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/genomedb/load"
)

func openRaw(t *testing.T, db string) *sql.DB {
	t.Helper()
	raw, err := sql.Open("sqlite", db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return raw
}

// rowsOf gives all rows of a query as text.
func rowsOf(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	row, dest := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		dest[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%q", row))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// contents writes all rows of all tables of a file, with its schema and
// catalogue, but not where things lie.
func contents(t *testing.T, db string) string {
	t.Helper()
	raw := openRaw(t, db)
	var b strings.Builder
	b.WriteString(strings.Join(rowsOf(t, raw, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name"), "\n"))
	rows, err := raw.Query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all := rowsOf(t, raw, `SELECT * FROM "`+name+`"`)
		if strings.HasPrefix(name, "sqlite_") {
			slices.Sort(all)
		}
		fmt.Fprintf(&b, "%s\n%s\n", name, strings.Join(all, "\n"))
	}
	return b.String()
}

// dumpOf is a dump of tables a, b, c … of many rows each.
func dumpOf(t *testing.T, tables int, rows int) string {
	files := map[string]string{"ape/core/meta.txt": tinyMeta}
	schema := strings.SplitAfter(tinySchema, ";\n")[0]
	for i := range tables {
		name := string(rune('a' + i))
		schema += fmt.Sprintf("CREATE TABLE %s (id int PRIMARY KEY, s varchar(40) DEFAULT 'none', n int, KEY s (s), UNIQUE KEY n (n));\n", name)
		var b strings.Builder
		for k := range rows {
			fmt.Fprintf(&b, "%d\tRow %d of %s\t%d\n", k, k*7919%rows, name, k*31)
		}
		files["ape/core/"+name+".txt"] = b.String()
	}
	files["ape/core/table.sql"] = schema
	return tree(t, files)
}

func mustLoad(t *testing.T, c load.Config) load.Report {
	t.Helper()
	report, err := load.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.DB + ".partial"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s.partial is left", c.DB)
	}
	return report
}

// TestResume breaks a load off at each table in turn and goes on.
func TestResume(t *testing.T) {
	from := dumpOf(t, 5, 6000)
	whole := filepath.Join(t.TempDir(), "g.db")
	mustLoad(t, load.Config{From: from, DB: whole})
	want := contents(t, whole)
	for at, table := range []string{"a", "b", "e"} {
		db := filepath.Join(t.TempDir(), "g.db")
		ctx, cancel := context.WithCancel(t.Context())
		_, err := load.Run(ctx, load.Config{From: from, DB: db, Progress: func(p load.Progress) {
			if p.Table == table && p.Rows > 0 {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		report := mustLoad(t, load.Config{From: from, DB: db})
		if finished := []int{1, 2, 5}[at]; report.Resumed != finished || len(report.Notes) > 0 {
			t.Errorf("broken off in %s: %d tables resumed, want %d; notes %q", table, report.Resumed, finished, report.Notes)
		}
		if got := contents(t, db); got != want {
			t.Errorf("broken off in %s: the contents differ", table)
		}
		a, _ := os.ReadFile(whole)
		if b, _ := os.ReadFile(db); len(a) != len(b) {
			t.Errorf("broken off in %s: %d bytes, %d when loaded in one go", table, len(b), len(a))
		}
		checkFile(t, db)
	}
}

// checkFile has SQLite check a whole file.
func checkFile(t *testing.T, db string) {
	t.Helper()
	if got := rowsOf(t, openRaw(t, db), "PRAGMA integrity_check"); len(got) != 1 || got[0] != `["ok"]` {
		t.Errorf("%s: %q", db, got)
	}
}

// TestResumeAnew changes something between two runs: what depends on it is
// loaded again, and the report says so.
func TestResumeAnew(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func(from, db string) error
		config  func(*load.Config)
		resumed int
		note    string
	}{
		"a file that is in": {func(from, _ string) error {
			return os.WriteFile(filepath.Join(from, "ape/core/b.txt"), []byte("1\tnew\t1\n"), 0o644)
		}, nil, 2, "core.b is another than then"},
		"a file that is touched": {func(from, _ string) error {
			return os.Chtimes(filepath.Join(from, "ape/core/a.txt"), time.Time{}, time.Unix(1e9, 0))
		}, nil, 1, "core.a is another than then"},
		"the first table": {func(from, _ string) error {
			return os.WriteFile(filepath.Join(from, "ape/core/meta.txt"), []byte("1\t1\tschema_version\t115\n"), 0o644)
		}, nil, 0, "core.meta is another than then"},
		"a file that is not in": {func(from, _ string) error {
			return os.WriteFile(filepath.Join(from, "ape/core/e.txt"), []byte("1\tnew\t1\n"), 0o644)
		}, nil, 4, ""},
		"the schema": {func(from, _ string) error {
			return rewrite(filepath.Join(from, "ape/core/table.sql"), "TABLE b (id int PRIMARY KEY, s varchar(40)", "TABLE b (id int PRIMARY KEY, s varchar(40) NOT NULL")
		}, nil, 2, "core.b is another than then"},
		"a default": {func(from, _ string) error {
			return rewrite(filepath.Join(from, "ape/core/table.sql"), "TABLE c (id int PRIMARY KEY, s varchar(40) DEFAULT 'none'", "TABLE c (id int PRIMARY KEY, s varchar(40) DEFAULT 'nothing'")
		}, nil, 3, "core.c is another than then"},
		"other databases": {func(from, _ string) error {
			return os.Rename(filepath.Join(from, "ape"), filepath.Join(from, "pan"))
		}, nil, 0, "is not asked for now"},
		"the file to extend": {func(_, db string) error { return os.Chtimes(db, time.Time{}, time.Unix(1e9, 0)) }, nil, 0, "is another file than it was"},
		"to replace now":     {nil, func(c *load.Config) { c.Replace = true }, 0, "is another file than it was"},
		"the program": {func(_, db string) error {
			return rewrite(db+".partial/state.json", `"Layout": 1`, `"Layout": 0`)
		}, nil, 0, "another version of this program"},
		"the state": {func(_, db string) error {
			return os.WriteFile(db+".partial/state.json", []byte("{"), 0o644)
		}, nil, 0, "state.json: unexpected end"},
		"the pages": {func(_, db string) error { return os.Truncate(db+".partial/genome.sqlite", 20_000) }, nil, 0, "pages of 4096 should be"},
	} {
		t.Run(name, func(t *testing.T) {
			from := dumpOf(t, 5, 3000)
			c := load.Config{From: from, DB: filepath.Join(t.TempDir(), "g.db")}
			seedFile(t, c.DB)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			broken := c
			broken.Progress = func(p load.Progress) {
				if p.Table == "d" && p.Rows > 0 {
					cancel()
				}
			}
			if _, err := load.Run(ctx, broken); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if tt.change != nil {
				if err := tt.change(from, c.DB); err != nil {
					t.Fatal(err)
				}
			}
			if tt.config != nil {
				tt.config(&c)
			}
			report := mustLoad(t, c)
			notes := strings.Join(report.Notes, "\n")
			if report.Resumed != tt.resumed || !strings.Contains(notes, tt.note) || (notes == "") != (tt.note == "") {
				t.Errorf("%d tables resumed, want %d; notes %q, want %q", report.Resumed, tt.resumed, notes, tt.note)
			}
			fresh := c
			fresh.DB = filepath.Join(t.TempDir(), "g.db")
			if !c.Replace {
				seedFile(t, fresh.DB)
			}
			mustLoad(t, fresh)
			if contents(t, fresh.DB) != contents(t, c.DB) {
				t.Error("the contents differ from those of a load in one go")
			}
			checkFile(t, c.DB)
		})
	}
}

func rewrite(path, old, new string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(old)) {
		return fmt.Errorf("%s has no %s", path, old)
	}
	return os.WriteFile(path, bytes.ReplaceAll(text, []byte(old), []byte(new)), 0o644)
}

func TestTwoLoaders(t *testing.T) {
	from := dumpOf(t, 2, 5000)
	db := filepath.Join(t.TempDir(), "g.db")
	tried := false
	mustLoad(t, load.Config{From: from, DB: db, Progress: func(p load.Progress) {
		if !tried && p.Rows > 0 {
			tried = true
			if _, err := load.Run(t.Context(), load.Config{From: from, DB: db}); err == nil || !strings.Contains(err.Error(), "another loader is at work on "+db) {
				t.Errorf("a second loader: %v", err)
			}
		}
	}})
	if !tried {
		t.Error("no progress")
	}
}

// TestMain lets a test run this binary as a loader that is killed.
func TestMain(m *testing.M) {
	if c := os.Getenv("LOAD_TEST_CHILD"); c != "" {
		var config load.Config
		if err := json.Unmarshal([]byte(c), &config); err != nil {
			panic(err)
		}
		if _, err := load.Run(context.Background(), config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestKilled kills loaders at ever later times until one ends.
func TestKilled(t *testing.T) {
	from := dumpOf(t, 12, 20_000)
	whole := filepath.Join(t.TempDir(), "g.db")
	mustLoad(t, load.Config{From: from, DB: whole})
	db := filepath.Join(t.TempDir(), "g.db")
	config, err := json.Marshal(map[string]any{"From": from, "DB": db})
	if err != nil {
		t.Fatal(err)
	}
	kills := 0
	for wait := 100 * time.Millisecond; ; wait += 100 * time.Millisecond {
		child := exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), "LOAD_TEST_CHILD="+string(config))
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(wait, func() { child.Process.Kill() })
		err := child.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		if kills++; kills > 60 {
			t.Fatal("no loader comes to its end")
		}
	}
	t.Logf("%d loaders were killed", kills)
	if contents(t, db) != contents(t, whole) {
		t.Errorf("after %d kills the contents differ", kills)
	}
	checkFile(t, db)
}

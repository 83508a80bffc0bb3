package genomedb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/sample"
)

func open(t testing.TB) *genomedb.Registry {
	t.Helper()
	r, err := sample.Open(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func core(t testing.TB, r *genomedb.Registry, species string) *genomedb.Database {
	t.Helper()
	s, ok := r.Resolve(species)
	if !ok {
		t.Fatalf("no species %s", species)
	}
	d, ok := s.Database("core")
	if !ok {
		t.Fatalf("%s has no core database", species)
	}
	return d
}

func TestQuery(t *testing.T) {
	r := open(t)
	human, mouse := core(t, r, "human"), core(t, r, "mouse")
	var label, quoted string
	// Quoted text stays; case of tables does not count.
	if err := human.QueryRow(t.Context(), `SELECT display_label, '{gene} it''s {' || "stable_id" FROM {Gene} JOIN {xref} ON xref_id = display_xref_id WHERE stable_id = ?`,
		"ENSG00000157764").Scan(&label, &quoted); err != nil || label != "BRAF" || quoted != "{gene} it's {ENSG00000157764" {
		t.Errorf("%q, %q, %v", label, quoted, err)
	}
	// The same text, another database.
	if err := mouse.QueryRow(t.Context(), `SELECT display_label FROM {gene} JOIN {xref} ON xref_id = display_xref_id WHERE stable_id = ?`, "ENSMUSG00000002413").Scan(&label); err != nil || label != "Braf" {
		t.Errorf("%q, %v", label, err)
	}
	if err := mouse.QueryRow(t.Context(), "SELECT stable_id FROM {gene} WHERE stable_id = ?", "ENSG00000157764").Scan(&label); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("no row: %v", err)
	}
	for query, want := range map[string]string{
		"SELECT 1 FROM {wibble}":               `database homo_sapiens_core_115_38 has no table "wibble"`,
		"SELECT 1 FROM {gene":                  "{ without }",
		"SELECT wibble FROM {gene}\n  WHERE 1": "no such column: wibble (1) in SELECT wibble FROM {gene} WHERE 1",
		"DELETE FROM {gene}":                   "readonly",
	} {
		row := human.QueryRow(t.Context(), query)
		if err := row.Scan(&label); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", query, err, want)
		}
	}
	if _, err := human.Query(t.Context(), "SELECT 1 FROM {wibble}"); !errors.Is(err, genomedb.ErrNoTable) {
		t.Errorf("error %v, want ErrNoTable", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := human.QueryRow(ctx, "SELECT 1 FROM {gene}").Scan(&label); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := human.QueryRow(t.Context(), "SELECT 1 FROM {gene}").Scan(new(sql.RawBytes)); err == nil {
		t.Error("RawBytes from QueryRow")
	}
	if !human.HasTable("GENE") || human.HasTable("wibble") || !human.HasColumn("gene", "Stable_ID") || human.HasColumn("gene", "wibble") || human.HasColumn("wibble", "x") {
		t.Error("HasTable, HasColumn")
	}
	if got := human.Meta("repeat.analysis"); strings.Join(got, " ") != "dust repeatmask" || human.MetaFirst("wibble") != "" || human.MetaFirst("schema_version") != "115" {
		t.Errorf("meta %q", got)
	}
}

// The types that handlers rely on.
func TestTypes(t *testing.T) {
	d := core(t, open(t), "human")
	var values [5]any
	if err := d.QueryRow(t.Context(), "SELECT seq_region_start, s.score, display_label, evalue, external_data FROM {simple_feature} s, {protein_feature} LIMIT 1").
		Scan(&values[0], &values[1], &values[2], &values[3], &values[4]); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%T %T %T %T %T", values[0], values[1], values[2], values[3], values[4]); got != "int64 float64 string float64 <nil>" {
		t.Errorf("types %s", got)
	}
	var date any
	if err := d.QueryRow(t.Context(), "SELECT created_date FROM {gene}").Scan(&date); err != nil || date != "2026-11-24 12:00:00" {
		t.Errorf("a date is %#v, %v", date, err)
	}
}

// TestConcurrent asks from within rows, from many goroutines: neither the pool
// nor the kept statements may block or mix answers.
func TestConcurrent(t *testing.T) {
	d := core(t, open(t), "human")
	var wg sync.WaitGroup
	for g := range 40 {
		wg.Go(func() {
			rows, err := d.Query(t.Context(), "SELECT gene_id, stable_id FROM {gene} ORDER BY gene_id")
			if err != nil {
				t.Error(err)
				return
			}
			defer rows.Close()
			n := 0
			for rows.Next() {
				var id int64
				var stable, again string
				if err := rows.Scan(&id, &stable); err != nil {
					t.Error(err)
					return
				}
				if err := d.QueryRow(t.Context(), "SELECT stable_id FROM {gene} WHERE gene_id = ?", id).Scan(&again); err != nil || again != stable {
					t.Errorf("gene %d is %s and %s, %v", id, stable, again, err)
				}
				// Texts enough to fill the statements that are kept.
				var one int
				if err := d.QueryRow(t.Context(), fmt.Sprintf("SELECT %d FROM {gene} LIMIT 1", g*40+n)).Scan(&one); err != nil || one != g*40+n {
					t.Errorf("%d, %v", one, err)
				}
				n++
			}
			if n < 33 || rows.Err() != nil {
				t.Errorf("%d genes, %v", n, rows.Err())
			}
		})
	}
	wg.Wait()
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other := filepath.Join(dir, "other.db")
	db, err := sql.Open("sqlite", other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE x (y)"); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, "old.db")
	future, err := sql.Open("sqlite", old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := future.Exec(genomedb.CatalogueSQL + `; INSERT INTO "` + genomedb.CatalogueTable + `" VALUES ('a', 'a', 'core', 115, 99)`); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Close(), future.Close()); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":                               "give the path of a file made by origin load",
		":memory:":                       "give the path of a file made by origin load",
		filepath.Join(dir, "nothing.db"): "no such file",
		dir:                              "is a folder",
		write("text.db", strings.Repeat("no database ", 100)): "file is not a database",
		write("empty.db", ""): "no catalogue",
		other:                 "no catalogue",
		old:                   "layout 99",
	} {
		r, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: path})
		if err == nil {
			r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%q): error %v, want %s", path, err, want)
		}
	}
	// A path with everything that a URL would mean otherwise.
	odd := filepath.Join(dir, "a b?c#d%20.sqlite")
	if err := sample.Write(t.Context(), odd); err != nil {
		t.Fatal(err)
	}
	r, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: odd})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkQueryRow(b *testing.B) {
	d := core(b, open(b), "human")
	for b.Loop() {
		var id int64
		if err := d.QueryRow(b.Context(), "SELECT gene_id FROM {gene} WHERE stable_id = ?", "ENSG00000157764").Scan(&id); err != nil {
			b.Fatal(err)
		}
	}
}

package load_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load"
)

// shared finds the test databases beside the repository.
func shared(t testing.TB) string {
	dir := os.Getenv("MIRRORNET_SHARED")
	if dir == "" {
		wd, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for dir = wd; ; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				break
			}
			if dir == filepath.Dir(dir) {
				t.Skip("no go.mod above the working directory, so no folder shared beside it")
			}
		}
		dir = filepath.Join(filepath.Dir(dir), "shared")
	}
	dbs := filepath.Join(dir, "ensembl", "test-genome-DBs")
	if _, err := os.Stat(dbs); err != nil {
		t.Skipf("the reference's test databases are missing: %v", err)
	}
	return dbs
}

// countRows counts a dump file's rows independently of the loader.
func countRows(t *testing.T, path string) int64 {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.ReplaceAll(data, []byte(`\\`), nil)
	data = bytes.ReplaceAll(data, []byte("\\\n"), nil)
	n := bytes.Count(data, []byte("\n"))
	if len(data) > 0 && data[len(data)-1] != '\n' {
		n++
	}
	return int64(n)
}

func TestSharedDatabases(t *testing.T) {
	from := shared(t)
	db := filepath.Join(t.TempDir(), "genomes.db")
	var last load.Progress
	report, err := load.Run(t.Context(), load.Config{From: from, DB: db, Progress: func(p load.Progress) {
		if p.BytesDone < last.BytesDone || p.BytesDone > p.BytesTotal {
			t.Errorf("progress went from %+v to %+v", last, p)
		}
		last = p
	}})
	if err != nil {
		t.Fatal(err)
	}
	if last.BytesDone != last.BytesTotal || last.BytesTotal == 0 {
		t.Errorf("the last progress is %+v, want all bytes done", last)
	}
	var names []string
	var ignored int64
	for _, d := range report.Databases {
		names = append(names, d.Name)
		ignored += d.Ignored
		if d.SchemaVersion != 115 && d.Kind != "stable_ids" && d.Kind != "ontology" {
			t.Errorf("%s: schema version %d, want 115", d.Name, d.SchemaVersion)
		}
	}
	want := "ancestral_sequences_core gallus_gallus_core homo_sapiens_core homo_sapiens_funcgen homo_sapiens_variation " +
		"homology_compara meleagris_gallopavo_core multi_compara multi_ontology multi_stable_ids taeniopygia_guttata_core"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("databases %s\nwant %s", got, want)
	}
	for _, n := range report.Notes {
		t.Log(n)
	}

	r, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: db})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	files, _ := filepath.Glob(filepath.Join(from, "*", "*", "*.txt"))
	if len(files) < 500 {
		t.Fatalf("only %d files", len(files))
	}
	var missing int64
	for _, path := range files {
		table := strings.TrimSuffix(filepath.Base(path), ".txt")
		kind := filepath.Base(filepath.Dir(path))
		owner := filepath.Base(filepath.Dir(filepath.Dir(path)))
		d, ok := r.Owned(owner, kind)
		if !ok {
			if owner != "testdata" {
				t.Errorf("no database for %s", path)
			}
			continue
		}
		if !d.HasTable(table) {
			continue
		}
		var got int64
		what := "*"
		if table == "dna" { // a sequence is several rows
			what = "DISTINCT seq_region_id"
		}
		if err := d.QueryRow(t.Context(), "SELECT count("+what+") FROM {"+table+"}").Scan(&got); err != nil {
			t.Fatal(err)
		}
		lines := countRows(t, path)
		if lines != got {
			t.Logf("%s: %d lines, %d rows", path, lines, got)
			missing += lines - got
		}
		if table == "stable_id_event" && owner == "homo_sapiens" && (lines != 100 || got != 85) {
			t.Errorf("%s: %d lines and %d rows, want 100 and 85", path, lines, got)
		}
	}
	if missing != ignored {
		t.Errorf("%d rows are missing, %d reported as duplicates", missing, ignored)
	}
	checkContent(t, r)
}

func checkContent(t *testing.T, r *genomedb.Registry) {
	if r.Release() != 115 {
		t.Errorf("release %d, want 115", r.Release())
	}
	var names []string
	for _, s := range r.Species() {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "ancestral_sequences gallus_gallus homo_sapiens meleagris_gallopavo taeniopygia_guttata" {
		t.Errorf("species %s", got)
	}
	for alias, want := range map[string]string{"human": "homo_sapiens", "Homo sapiens": "homo_sapiens", "HOMO_SAPIENS": "homo_sapiens", "9606": "homo_sapiens",
		"zebra finch": "taeniopygia_guttata", "common turkey": "meleagris_gallopavo", "homo_sapiens grch38": "homo_sapiens"} {
		if s, ok := r.Resolve(alias); !ok || s.Name != want {
			t.Errorf("Resolve(%q) = %v, want %s", alias, s, want)
		}
	}
	if s, ok := r.Resolve("multi"); ok {
		t.Errorf("multi is the species %s", s.Name)
	}
	human, _ := r.Resolve("human")
	if got := strings.Join(human.Groups, " "); got != "core variation funcgen" {
		t.Errorf("groups of human: %s", got)
	}
	if got := strings.Join(human.Aliases, ","); got != "9606,enshs,h_sapiens,homo,homo sapiens,homo_sapiens grch38,homsap,hsap,hsapiens,human" {
		t.Errorf("aliases of human: %s", got)
	}
	if human.Assembly != "GRCh37" || human.Accession != "GCA_000001405.9" || human.Strain != "test_strain" || human.TaxonID != "9606" {
		t.Errorf("human is %+v", human)
	}
	for kind, owner := range map[string]string{"compara": "multi", "ontology": "multi", "stable_ids": "multi", "ancestral": "ancestral_sequences"} {
		if d, ok := r.Database(kind); !ok || d.Owner != owner {
			t.Errorf("Database(%q) = %+v", kind, d)
		}
	}
	if _, ok := r.Database("core"); ok {
		t.Error("core is a database of species")
	}
	core, _ := human.Database("core")
	var id int64
	var stable string
	if err := core.QueryRow(t.Context(), "SELECT gene_id, stable_id FROM {gene} WHERE stable_id = ?", "ensg00000176515").Scan(&id, &stable); err != nil || stable != "ENSG00000176515" {
		t.Errorf("gene %d %s, %v", id, stable, err)
	}
	var dna string
	if err := core.QueryRow(t.Context(), "SELECT sequence FROM {dna} LIMIT 1").Scan(&dna); err != nil || strings.Trim(dna, "ACGTN") != "" {
		t.Errorf("dna %.20s, %v", dna, err)
	}
}

func TestCancelled(t *testing.T) {
	from := shared(t)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	_, err := load.Run(ctx, load.Config{From: from, DB: filepath.Join(dir, "x.db"), Progress: func(load.Progress) {
		if calls++; calls == 20 {
			cancel()
		}
	}})
	if err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("error %v, want the context's", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 || left[0].Name() != "x.db.partial" {
		t.Errorf("left behind: %v, want x.db.partial", left)
	}
}

// TestDNA: sequences come back whole from their pieces, at every length about
// a piece's, also where the rows are in no order.
func TestDNA(t *testing.T) {
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(1, 2))
	want := map[int64]string{}
	var lines []string
	for i, n := range []int{genomedb.DNAPiece*2 + 5, 0, 1, genomedb.DNAPiece - 1, genomedb.DNAPiece, genomedb.DNAPiece + 1, genomedb.DNAPiece * 2} {
		b := make([]byte, n)
		for j := range b {
			b[j] = "ACGT"[rnd.IntN(4)]
		}
		id := int64(90 - 10*i)
		want[id] = string(b)
		lines = append(lines, fmt.Sprintf("%d\t%s\n", id, b))
	}
	for name, text := range map[string]string{
		"table.sql": "CREATE TABLE dna (seq_region_id int unsigned NOT NULL, sequence longtext NOT NULL, PRIMARY KEY (seq_region_id));\n" +
			"CREATE TABLE meta (meta_id int NOT NULL AUTO_INCREMENT, meta_key varchar(40), meta_value varchar(255), PRIMARY KEY (meta_id));\n",
		"dna.txt": strings.Join(lines, ""), "meta.txt": "1\tschema_version\t115\n"} {
		path := filepath.Join(dir, "homo_sapiens", "core", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "x.sqlite")
	report, err := load.Run(t.Context(), load.Config{From: dir, DB: file})
	if err != nil || report.Databases[0].Rows != int64(len(want)+1) {
		t.Fatalf("%v, %+v", err, report)
	}
	r, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: file})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	d, _ := r.Owned("homo_sapiens", "core")
	rows, err := d.Query(t.Context(), "SELECT place, seq_region_id, sequence FROM {dna} ORDER BY place")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[int64]string{}
	for rows.Next() {
		var place, id int64
		var piece string
		if err := rows.Scan(&place, &id, &piece); err != nil {
			t.Fatal(err)
		}
		if place != genomedb.DNAPlaceOf(id, int64(len(got[id]))) || genomedb.DNAOwner(place) != id {
			t.Errorf("%d lies at %d", id, place)
		}
		got[id] += piece
	}
	if err := rows.Err(); err != nil || !maps.Equal(got, want) {
		t.Errorf("other sequences, %v", err)
	}
}

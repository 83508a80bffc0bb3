package load_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/genomedb/load"
	"mirrornet/pkg/genomedb/load/site"
)

// siteFolder lays out a site as Ensembl's: two releases, some databases, with
// CHECKSUMS for those of release 115.
func siteFolder(t *testing.T) string {
	files := map[string]string{"pub/README": "hello", "pub/current_README": "hello"}
	add := func(release, database, species string) {
		dir := "pub/release-" + release + "/mysql/" + database + "/"
		meta := fmt.Sprintf("1\t\\N\tschema_version\t%s\n2\t1\tspecies.production_name\t%s\n", release, species)
		files[dir+database+".sql.gz"] = tinySchema
		files[dir+"meta.txt.gz"] = meta
		files[dir+"gene.txt.gz"] = tinyGenes
		if release == "115" {
			files[dir+"CHECKSUMS"] = sums(database+".sql.gz", string(compress(t, tinySchema))) + sums("meta.txt.gz", string(compress(t, meta))) + sums("gene.txt.gz", string(compress(t, tinyGenes)))
		}
	}
	add("115", "homo_sapiens_core_115_38", "homo_sapiens")
	add("115", "homo_sapiens_funcgen_115_38", "homo_sapiens")
	add("115", "mus_musculus_core_115_39", "mus_musculus")
	add("115", "pongo_abelii_core_115_3", "pongo_abelii")
	add("114", "homo_sapiens_core_114_38", "homo_sapiens")
	files["pub/release-115/mysql/ensembl_ontology_115/ensembl_ontology_115.sql.gz"] = "CREATE TABLE term (id int PRIMARY KEY);"
	files["pub/release-115/mysql/ensembl_mart_115/x.sql.gz"] = "not loaded, as its name says no kind that is known"
	files["pub/release-115/fasta/homo_sapiens/README"] = "not looked into"
	return filepath.Join(tree(t, files), "pub")
}

func TestSite(t *testing.T) {
	root := siteFolder(t)
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		http.StripPrefix("/pub", http.FileServer(http.Dir(root))).ServeHTTP(w, r)
	}))
	defer server.Close()
	for name, tt := range map[string]struct {
		config load.Config
		below  string
		want   string // databases, or an error after "error: "
	}{
		"two species":       {load.Config{Release: 115, Species: []string{"Human", "mouse"}, Kinds: []string{"core"}}, "/pub/", "homo_sapiens_core_115_38 mus_musculus_core_115_39"},
		"no slash":          {load.Config{Release: 115, Species: []string{"pongo_abelii"}}, "/pub", "pongo_abelii_core_115_3"},
		"all of a release":  {load.Config{}, "/pub/release-115/", "ensembl_ontology_115 homo_sapiens_core_115_38 homo_sapiens_funcgen_115_38 mus_musculus_core_115_39 pongo_abelii_core_115_3"},
		"what has no owner": {load.Config{Species: []string{"multi"}}, "/pub/release-115/mysql/", "ensembl_ontology_115"},
		"one folder":        {load.Config{}, "/pub/release-114/mysql/homo_sapiens_core_114_38/", "homo_sapiens_core_114_38"},
		"without CHECKSUMS": {load.Config{Release: 114}, "/pub/", "homo_sapiens_core_114_38"},
		"which release":     {load.Config{}, "/pub/", "error: /pub/ has 2 releases (release-114 … release-115): say which one"},
		"no such release":   {load.Config{Release: 113}, "/pub/", "error: is of release 113"},
		"no such species":   {load.Config{Release: 115, Species: []string{"human", "yeti"}}, "/pub/", "error: is of the species yeti"},
		"no such kind":      {load.Config{Kinds: []string{"cores"}}, "/pub/", `error: there is no kind of database "cores"`},
		"no such folder":    {load.Config{}, "/pub/release-99/", "error: /pub/release-99/: the server answers 404"},
		"no folder":         {load.Config{}, "/pub/README", "error: this is no listing of a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			c := tt.config
			c.From, c.DB = server.URL+tt.below, filepath.Join(t.TempDir(), "g.db")
			c.Site = &site.Client{Backoff: time.Millisecond, Attempts: 2}
			report, err := load.Run(t.Context(), c)
			if want, ok := strings.CutPrefix(tt.want, "error: "); ok {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range report.Databases {
				got = append(got, d.Name)
			}
			if strings.Join(got, " ") != tt.want || len(report.Notes) > 0 {
				t.Errorf("databases %s, want %s; notes %q", got, tt.want, report.Notes)
			}
			checkFile(t, c.DB)
			// A folder gives the same.
			local := c
			local.From, local.DB = strings.Replace(c.From, server.URL+"/pub", root, 1), filepath.Join(t.TempDir(), "g.db")
			if tt.config.Release == 0 && tt.below == "/pub/" {
				return
			}
			mustLoad(t, local)
			if contents(t, local.DB) != contents(t, c.DB) {
				t.Error("the contents differ from those of the folder's load")
			}
		})
	}
	for _, a := range asked {
		if strings.Contains(a, "fasta") || strings.Contains(a, "mart") {
			t.Errorf("asked for %s", a)
		}
	}
	// With CHECKSUMS, no version is asked for file by file.
	if i := slices.IndexFunc(asked, func(a string) bool { return strings.HasPrefix(a, "HEAD") && strings.Contains(a, "_core_115") }); i >= 0 {
		t.Errorf("asked for %s", asked[i])
	}
}

func TestSiteDamaged(t *testing.T) {
	root := siteFolder(t)
	gene := filepath.Join(root, "release-115/mysql/homo_sapiens_core_115_38/gene.txt.gz")
	server := httptest.NewServer(http.FileServer(http.Dir(root)))
	defer server.Close()
	good, err := os.ReadFile(gene)
	if err != nil {
		t.Fatal(err)
	}
	damaged := slices.Clone(good)
	damaged[20] ^= 1
	if err := os.WriteFile(gene, damaged, 0o644); err != nil {
		t.Fatal(err)
	}
	c := load.Config{From: server.URL + "/release-115/mysql/homo_sapiens_core_115_38/", DB: filepath.Join(t.TempDir(), "g.db")}
	if _, err := load.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "homo_sapiens_core_115_38/gene.txt.gz:1: its sum is") || !strings.Contains(err.Error(), "fetch it again") {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(gene, good, 0o644); err != nil {
		t.Fatal(err)
	}
	if report := mustLoad(t, c); report.Resumed != 1 {
		t.Errorf("%d tables resumed", report.Resumed)
	}
}

// TestSiteKilled kills loaders of a site that is slow and breaks off, and goes
// on until all is there; no finished file is asked for twice.
func TestSiteKilled(t *testing.T) {
	from := dumpOf(t, 8, 20_000)
	whole := filepath.Join(t.TempDir(), "g.db")
	mustLoad(t, load.Config{From: from, DB: whole})
	var requests atomic.Int64
	files := http.FileServer(http.Dir(from))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := requests.Add(1); n%5 == 0 && strings.HasSuffix(r.URL.Path, ".txt") {
			w = &broken{w, 300_000}
		}
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	db := filepath.Join(t.TempDir(), "g.db")
	config, err := json.Marshal(map[string]any{"From": server.URL, "DB": db})
	if err != nil {
		t.Fatal(err)
	}
	kills := 0
	for wait := 150 * time.Millisecond; ; wait += 150 * time.Millisecond {
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
		if kills++; kills > 40 {
			t.Fatal("no loader comes to its end")
		}
	}
	t.Logf("%d loaders were killed, %d requests", kills, requests.Load())
	if contents(t, db) != contents(t, whole) {
		t.Errorf("after %d kills the contents differ", kills)
	}
	checkFile(t, db)
}

// broken breaks an answer off.
type broken struct {
	http.ResponseWriter
	left int
}

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return b.ResponseWriter.Write(p)
}

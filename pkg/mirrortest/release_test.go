package mirrortest

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/genomedb/sample"
)

// writeRelease makes a genome file whose genes say in their description which
// release they are of.
func writeRelease(t *testing.T, file string, release int) {
	t.Helper()
	if err := sample.Write(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		fmt.Sprintf(`UPDATE "mirrornet.databases" SET schema_version = %d`, release),
		fmt.Sprintf(`UPDATE "homo_sapiens_core_115_38.gene" SET description = 'gene of %d'`, release),
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

// secondNode starts another node of a region of the network.
func secondNode(t *testing.T, n *Network, region string, port int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(n.Dir, "edge-"+region+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	at := func(p int) string { return fmt.Sprintf("127.0.0.1:%d", n.Port(p)) }
	for _, r := range [][2]string{{"node: " + region + "-1", "node: " + region + "-2"}, {"./state/" + region, "./state/" + region + "-2"},
		{at(europe + 1000), at(port + 1000)}, {at(europe), at(port)}, {at(9481), at(9485)}, {"listen: " + at(7941), "listen: " + at(7945)},
		{"join: [", "join: [" + at(7941) + ", "}} {
		if !strings.Contains(config, r[0]) {
			t.Fatalf("%q is not in\n%s", r[0], config)
		}
		config = strings.ReplaceAll(config, r[0], r[1])
	}
	file := filepath.Join(n.Dir, "edge-"+region+"-2.yaml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	n.Process(filepath.Join(n.Bin, "edge"), "serve", "--config", file)
	Within(t, 30*time.Second, "both nodes know of each other", func() error {
		for _, p := range []int{europe, port} {
			r, err := n.Ask(http.MethodGet, p, "/-/status.json", "")
			if err != nil || !strings.Contains(r.Text, region+"-1") || !strings.Contains(r.Text, region+"-2") {
				return fmt.Errorf("not on %d: %v", p, err)
			}
		}
		return nil
	})
}

// TestReleaseSwitch: a new release is put in place of the old one while two
// nodes of one region answer without a pause. No request fails, each answer is
// of the release that it names, and two seconds after the origin's first answer
// of the new one nobody sees the old one again.
func TestReleaseSwitch(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts eight processes")
	}
	dir := t.TempDir()
	db := filepath.Join(dir, "genome.sqlite")
	writeRelease(t, db, 115)
	writeRelease(t, db+".new", 116)
	n := Start(t, "-db", db)
	const second = 8085
	secondNode(t, n, "europe", second)

	var asked, last, failed atomic.Int64 // last: of the old release, when it came
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				port := []int{europe, second}[(i+worker)%2]
				method, target, body := http.MethodGet, "/lookup/id/ENSG00000157764", ""
				switch i % 8 {
				case 1:
					target = "/lookup/symbol/homo_sapiens/BRCA2"
				case 2:
					target = "/lookup/id/ENSG00000139618?expand=1"
				case 3:
					method, target, body = http.MethodPost, "/lookup/id", `{"ids": ["ENSG00000157764"]}`
				case 4: // nobody has it
					target = fmt.Sprintf("/lookup/id/ENSG00000157764?x=%d-%d", worker, i)
				case 5: // many, of which some are stored
					target = fmt.Sprintf("/lookup/id/ENSG00000157764?y=%d", i%200)
				}
				r, err := n.Ask(method, port, target, body, "Content-Type", "application/json")
				asked.Add(1)
				if err != nil {
					failed.Add(1)
					t.Errorf("%s: %v", target, err)
					continue
				}
				release := r.Header.Get("Ensembl-Release")
				if r.StatusCode != http.StatusOK || !strings.Contains(r.Text, "gene of "+release) {
					failed.Add(1)
					t.Errorf("%s on %d: %d, release %q, %s, %.300s", target, port, r.StatusCode, release, r.CacheStatus(), r.Text)
				}
				if release == "115" {
					last.Store(time.Now().UnixNano())
				}
			}
		})
	}
	Within(t, 20*time.Second, "there is load", func() error {
		if asked.Load() < 2000 {
			return fmt.Errorf("%d requests", asked.Load())
		}
		return nil
	})
	before := n.Get(origin, "/.well-known/catalogue.json").Header.Get("ETag")
	begin := time.Now()
	if err := os.Rename(db+".new", db); err != nil {
		t.Fatal(err)
	}
	Within(t, 10*time.Second, "from the new file to the origin's first answer from it", func() error {
		if r := n.Get(origin, "/lookup/id/ENSG00000157764"); r.Header.Get("Ensembl-Release") != "116" {
			return fmt.Errorf("release %s", r.Header.Get("Ensembl-Release"))
		}
		return nil
	})
	switched := time.Now()
	done := asked.Load()
	Within(t, 10*time.Second, "then to four seconds of load", func() error {
		if time.Since(switched) < 4*time.Second {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	stop()
	wg.Wait()
	t.Logf("%d requests, %d of them after the switch, %d failed; the last answer of the old release came %d ms after the origin's first of the new one, %d ms after the file",
		asked.Load(), asked.Load()-done, failed.Load(), (last.Load()-switched.UnixNano())/1e6, (last.Load()-begin.UnixNano())/1e6)
	if late := time.Duration(last.Load() - switched.UnixNano()); late > 2*time.Second {
		t.Errorf("an answer of the old release came %v after the switch", late)
	}
	if after := n.Get(origin, "/.well-known/catalogue.json").Header.Get("ETag"); after == before {
		t.Error("the catalogue did not change")
	}
	for _, port := range []int{europe, asia, useast, second} { // what was stored of the old release is not reused
		for range 2 {
			for _, target := range []string{"/lookup/id/ENSG00000157764", "/lookup/symbol/homo_sapiens/BRCA2", "/info/data", "/nothing"} {
				if r := n.Get(port, target); r.Header.Get("Ensembl-Release") != "116" {
					t.Errorf("%s on %d: release %q", target, port, r.Header.Get("Ensembl-Release"))
				}
			}
		}
	}
	if r := n.Get(second, "/lookup/id/ENSG00000157764"); !strings.Contains(r.CacheStatus(), "hit") {
		t.Errorf("the new release is not stored: %s", r.CacheStatus())
	}

	// Nobody asks for what is not stored: probes tell of the next one.
	writeRelease(t, db+".new", 117)
	if err := os.Rename(db+".new", db); err != nil {
		t.Fatal(err)
	}
	Within(t, 10*time.Second, "from the next file to the origin's first answer from it", func() error {
		if r := n.Get(origin, "/info/ping"); r.Header.Get("Ensembl-Release") != "117" {
			return fmt.Errorf("release %s", r.Header.Get("Ensembl-Release"))
		}
		return nil
	})
	Within(t, 2*time.Second, "then to both nodes", func() error {
		for _, port := range []int{europe, second} {
			if r := n.Get(port, "/lookup/id/ENSG00000157764"); r.Header.Get("Ensembl-Release") != "117" || !strings.Contains(r.Text, "gene of 117") {
				return fmt.Errorf("%d: release %s", port, r.Header.Get("Ensembl-Release"))
			}
		}
		return nil
	})

	// A file that is none changes nothing.
	if err := os.WriteFile(db+".bad", []byte("no database"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(db+".bad", db); err != nil {
		t.Fatal(err)
	}
	Within(t, 10*time.Second, "a bad file is told", func() error {
		if !strings.Contains(n.output.String()+logs(n), "the new release is not used") {
			return fmt.Errorf("not in the log")
		}
		return nil
	})
	if r := n.Get(origin, "/lookup/id/ENSG00000139618"); r.StatusCode != http.StatusOK || r.Header.Get("Ensembl-Release") != "117" {
		t.Errorf("beside a bad file: %d, release %s", r.StatusCode, r.Header.Get("Ensembl-Release"))
	}
}

// logs is what the programs wrote to files.
func logs(n *Network) string {
	var all strings.Builder
	files, _ := filepath.Glob(filepath.Join(n.Dir, "log", "*.log"))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		all.Write(text)
	}
	return all.String()
}

package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mirrornet/pkg/genomedb/mariadbtest"
)

// release is a small core database on a server.
const release = `
CREATE DATABASE homo_sapiens_core_%[1]d_38;
CREATE TABLE homo_sapiens_core_%[1]d_38.meta (meta_id INT PRIMARY KEY, species_id INT, meta_key VARCHAR(40), meta_value VARCHAR(255));
INSERT INTO homo_sapiens_core_%[1]d_38.meta VALUES (1, NULL, 'schema_version', '%[1]d'), (2, 1, 'species.production_name', 'homo_sapiens'), (3, 1, 'species.alias', 'human');
CREATE TABLE homo_sapiens_core_%[1]d_38.coord_system (coord_system_id INT PRIMARY KEY, species_id INT, name VARCHAR(40), version VARCHAR(40), ` + "`rank`" + ` INT, attrib SET('default_version','sequence_level'));
CREATE TABLE homo_sapiens_core_%[1]d_38.external_db (external_db_id INT PRIMARY KEY, db_name VARCHAR(100), db_release VARCHAR(255), db_display_name VARCHAR(255), description TEXT, status ENUM('KNOWN'), priority INT, type ENUM('MISC'), secondary_db_name VARCHAR(255), secondary_db_table VARCHAR(255));
INSERT INTO homo_sapiens_core_%[1]d_38.external_db VALUES (1, 'HGNC', '1', 'HGNC of %[1]d', NULL, 'KNOWN', 1, 'MISC', NULL, NULL);
`

// TestServeDSN: an origin before a database server that goes away, comes back,
// and gets a new release.
func TestServeDSN(t *testing.T) {
	s := mariadbtest.Start(t)
	load := func(n int) {
		t.Helper()
		if err := s.Exec(t.Context(), "", fmt.Sprintf(release, n)); err != nil {
			t.Fatal(err)
		}
	}
	load(115)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("any\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "origin")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := exec.Command(bin, "serve", "--listen", "127.0.0.1:0", "--dsn", s.DSN(), "--dsn-password-file", password)
	var log strings.Builder
	c.Stderr = &log
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil || t.Failed() {
			t.Errorf("origin: %v\n%s", err, &log)
		}
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSpace(strings.TrimPrefix(line, "serving "))
	ask := func(target string) (*http.Response, string) {
		t.Helper()
		r, err := http.Get(url + target)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r, string(body)
	}
	const dbs = "/info/external_dbs/human"
	expect := func(target string, status int, in string) *http.Response {
		t.Helper()
		r, body := ask(target)
		if r.StatusCode != status || !strings.Contains(body, in) {
			t.Errorf("%s: %d %s, want %d with %s", target, r.StatusCode, body, status, in)
		}
		return r
	}
	expect(dbs, 200, "HGNC of 115")
	expect("/-/healthz", 200, `"release":"115"`)
	s.Kill()
	if r := expect(dbs, 503, "The database cannot be reached"); r.Header.Get("Retry-After") == "" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("without a server: %v", r.Header)
	}
	expect("/-/healthz", 503, "unreachable")
	expect("/info/ping", 410, "Database is unavailable")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	expect(dbs, 200, "HGNC of 115")
	expect("/info/ping", 200, "1")
	load(116)
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); ; <-tick.C {
		if r, body := ask(dbs); strings.Contains(body, "HGNC of 116") && r.Header.Get("Ensembl-Release") == "116" {
			break
		} else if time.Now().After(end) {
			t.Fatalf("after SIGHUP: release %s, %s", r.Header.Get("Ensembl-Release"), body)
		}
	}
}

package genomedb_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load"
	"mirrornet/pkg/genomedb/mariadbtest"
	"mirrornet/pkg/genomedb/sample"
)

// releaseOf copies a genome file, as of another release.
func releaseOf(t *testing.T, base []byte, file string, release int) {
	t.Helper()
	if err := os.WriteFile(file, base, 0o644); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE "`+genomedb.CatalogueTable+`" SET schema_version = ?`, release); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// followed runs a Follower that switches to whatever comes, except what refuse
// says.
type followed struct {
	*genomedb.Follower
	t      *testing.T
	log    bytes.Buffer
	looked chan error
	reload chan struct{}
	refuse func(*genomedb.Registry) error
	end    func()
}

func follow(t *testing.T, c genomedb.Config) *followed {
	t.Helper()
	f := &followed{t: t, looked: make(chan error, 10), reload: make(chan struct{})}
	c.Logger = slog.New(slog.NewTextHandler(&f.log, nil))
	unused := make(chan struct{})
	close(unused)
	var err error
	f.Follower, err = genomedb.OpenFollower(t.Context(), genomedb.FollowConfig{Config: c, Reload: f.reload, Every: 20 * time.Millisecond, Looked: func(err error) { f.looked <- err },
		Switch: func(_ context.Context, r *genomedb.Registry) (<-chan struct{}, error) {
			if f.refuse != nil {
				return nil, f.refuse(r)
			}
			return unused, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	f.end = func() {
		cancel()
		if err := errors.Join(<-done, f.Close()); err != nil {
			t.Error(err)
		}
	}
	return f
}

func (f *followed) next(want string) {
	f.t.Helper()
	select {
	case err := <-f.looked:
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			f.t.Errorf("looked: %v, want %q", err, want)
		}
	case <-time.After(30 * time.Second):
		f.t.Fatalf("the new file is not seen, want %q", want)
	}
}

func TestFollowFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "genome.sqlite")
	if err := sample.Write(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	base, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	place := func(write func(part string)) {
		t.Helper()
		write(file + ".part")
		if err := os.Rename(file+".part", file); err != nil {
			t.Fatal(err)
		}
	}
	release := func(n int) func(string) { return func(part string) { releaseOf(t, base, part, n) } }
	text := func(part string) {
		if err := os.WriteFile(part, []byte(strings.Repeat("no database", 100)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	place(release(115))
	f := follow(t, genomedb.Config{SQLite: file})
	place(release(116))
	f.next("")
	place(text)
	f.next("not a database")
	f.reload <- struct{}{} // the same again, since it is asked for
	f.next("not a database")
	if err := os.Remove(file); err != nil { // nothing to look at
		t.Fatal(err)
	}
	place(release(117))
	f.next("")
	// A link that points elsewhere.
	for n := 118; n < 120; n++ {
		if err := os.MkdirAll(filepath.Join(dir, fmt.Sprint(n)), 0o755); err != nil {
			t.Fatal(err)
		}
		releaseOf(t, base, filepath.Join(dir, fmt.Sprint(n), "x"), n)
		place(func(part string) {
			if err := os.Symlink(filepath.Join(dir, fmt.Sprint(n), "x"), part); err != nil {
				t.Fatal(err)
			}
		})
		f.next("")
	}
	f.reload <- struct{}{}
	f.next("")
	f.end()
	if got := f.Current().Release(); got != 119 {
		t.Errorf("release %d", got)
	}
	if n := strings.Count(f.log.String(), "the new release is not used"); n != 2 {
		t.Errorf("told %d times:\n%s", n, &f.log)
	}

	refusing := follow(t, genomedb.Config{SQLite: file})
	refusing.refuse = func(*genomedb.Registry) error { return errors.New("a canary is silent") }
	place(release(120))
	refusing.next("a canary is silent")
	refusing.end()
	if got := refusing.Current().Release(); got != 119 {
		t.Errorf("release %d after a refusal", got)
	}
}

// A loader's own work is a new file in place of the old one.
func TestFollowLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "genome.sqlite")
	c := load.Config{From: "../origin/testdata/dump", DB: file}
	if _, err := load.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	f := follow(t, genomedb.Config{SQLite: file})
	c.Replace = true
	if _, err := load.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	f.next("")
	f.end()
}

func TestFollowServer(t *testing.T) {
	s := mariadbtest.Start(t)
	if err := s.Exec(t.Context(), "", coreOf("homo_sapiens_core_115_38", "homo_sapiens", "GRCh38", 115)); err != nil {
		t.Fatal(err)
	}
	f := follow(t, genomedb.Config{DSN: s.DSN()})
	f.reload <- struct{}{} // nothing new
	f.next("")
	if err := s.Exec(t.Context(), "", coreOf("homo_sapiens_core_116_38", "homo_sapiens", "GRCh38", 116)); err != nil {
		t.Fatal(err)
	}
	f.reload <- struct{}{}
	f.next("")
	s.Kill()
	f.reload <- struct{}{}
	f.next("cannot be reached")
	f.end()
	if f.Current().Release() != 116 || !strings.Contains(f.log.String(), "no other release") {
		t.Errorf("release %d:\n%s", f.Current().Release(), &f.log)
	}
}

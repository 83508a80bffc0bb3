package genomedb

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// oneRow is a file with one table of one row.
func oneRow(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE said (what TEXT); INSERT INTO said VALUES (?)`, text); err != nil {
		t.Fatal(err)
	}
}

// TestReplaced: whoever asks the old file is answered from it, however many
// ask at once, while another one stands at its path.
func TestReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "genome.sqlite")
	oneRow(t, path, "old")
	oneRow(t, path+".new", "new")
	f, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	ask := func() {
		rows, err := f.query(t.Context(), "SELECT what FROM said", nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer rows.Close()
		var what string
		if !rows.Next() || rows.Scan(&what) != nil || what != "old" {
			t.Errorf("%q, %v", what, rows.Err())
		}
	}
	ask()
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 300 {
		wg.Go(ask)
	}
	wg.Wait()
	if n := f.db.Stats().OpenConnections; n < 1 {
		t.Errorf("%d connections", n)
	}
	other, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	rows, err := other.query(t.Context(), "SELECT what FROM said", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var what string
	if !rows.Next() || rows.Scan(&what) != nil || !strings.Contains(what, "new") {
		t.Errorf("the new file says %q", what)
	}
}

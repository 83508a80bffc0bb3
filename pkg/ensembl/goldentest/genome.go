package goldentest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load"
)

// genome is the loaded test databases, kept while a test of this process uses
// them: loading takes seconds.
var genome struct {
	sync.Mutex
	users    int
	dir      string
	registry *genomedb.Registry
}

// Genome gives the reference's test databases, loaded, until t ends. It skips
// t where the shared folder is missing.
func Genome(t testing.TB) *genomedb.Registry {
	t.Helper()
	from := filepath.Join(Shared(t), "ensembl", "test-genome-DBs")
	if _, err := os.Stat(from); err != nil {
		t.Skipf("the test databases are missing: %v", err)
	}
	genome.Lock()
	defer genome.Unlock()
	if genome.users == 0 {
		if err := openGenome(from); err != nil {
			os.RemoveAll(genome.dir)
			t.Fatal(err)
		}
	}
	genome.users++
	t.Cleanup(func() {
		genome.Lock()
		defer genome.Unlock()
		if genome.users--; genome.users == 0 {
			if err := genome.registry.Close(); err != nil {
				t.Error(err)
			}
			os.RemoveAll(genome.dir)
		}
	})
	return genome.registry
}

func openGenome(from string) (err error) {
	ctx := context.Background()
	if genome.dir, err = os.MkdirTemp("", "mirrornet-golden-"); err != nil {
		return err
	}
	db := filepath.Join(genome.dir, "genome.sqlite")
	if _, err := load.Run(ctx, load.Config{From: from, DB: db}); err != nil {
		return err
	}
	genome.registry, err = genomedb.Open(ctx, genomedb.Config{SQLite: db})
	return err
}

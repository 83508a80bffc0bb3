package goldentest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load"
	"mirrornet/pkg/genomedb/mariadbtest"
)

// kept is the loaded test databases, kept while a test of this process uses
// them: loading takes seconds.
type kept struct {
	mu       sync.Mutex
	users    int
	open     func(from, dir string) (*genomedb.Registry, func(), error)
	dir      string
	registry *genomedb.Registry
	end      func()
}

var (
	onFile   = kept{open: openFile}
	onServer = kept{open: openServer}
)

// Genome gives the reference's test databases, loaded into a file, until t
// ends. It skips t where the shared folder is missing.
func Genome(t testing.TB) *genomedb.Registry { return onFile.use(t) }

// GenomeOnMariaDB gives the same databases on a MariaDB server. It skips t where the
// shared folder or the server's program is missing.
func GenomeOnMariaDB(t testing.TB) *genomedb.Registry {
	if why := mariadbtest.Missing(); why != "" {
		t.Skip(why)
	}
	return onServer.use(t)
}

func (k *kept) use(t testing.TB) *genomedb.Registry {
	from := filepath.Join(Shared(t), "ensembl", "test-genome-DBs")
	if _, err := os.Stat(from); err != nil {
		t.Skipf("the test databases are missing: %v", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.users == 0 {
		var err error
		if k.dir, err = os.MkdirTemp("", "mirrornet-golden-"); err != nil {
			t.Fatal(err)
		}
		if k.registry, k.end, err = k.open(from, k.dir); err != nil {
			os.RemoveAll(k.dir)
			t.Fatal(err)
		}
	}
	k.users++
	t.Cleanup(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.users--; k.users == 0 {
			if err := k.registry.Close(); err != nil {
				t.Error(err)
			}
			k.end()
			os.RemoveAll(k.dir)
		}
	})
	return k.registry
}

func openFile(from, dir string) (*genomedb.Registry, func(), error) {
	ctx := context.Background()
	db := filepath.Join(dir, "genome.sqlite")
	if _, err := load.Run(ctx, load.Config{From: from, DB: db}); err != nil {
		return nil, nil, err
	}
	r, err := genomedb.Open(ctx, genomedb.Config{SQLite: db})
	return r, func() {}, err
}

func openServer(from, _ string) (*genomedb.Registry, func(), error) {
	ctx := context.Background()
	s, err := mariadbtest.Launch()
	if err != nil {
		return nil, nil, err
	}
	err = s.LoadAll(ctx, from)
	if err == nil {
		var r *genomedb.Registry
		if r, err = genomedb.Open(ctx, genomedb.Config{DSN: s.DSN()}); err == nil {
			return r, s.Stop, nil
		}
	}
	s.Stop()
	return nil, nil, errors.Join(errors.New("the test databases on MariaDB"), err)
}

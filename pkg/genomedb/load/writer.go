package load

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"mirrornet/pkg/genomedb"
)

// Writer makes a file of databases from rows that its caller makes up: tables
// go into a temporary file beside the target, and Commit renames it. It is for
// one goroutine.
type Writer struct {
	target string
	temp   string // "" once it is gone
	*sqlite
}

// Create begins a file that will replace target. The caller closes the Writer.
func Create(ctx context.Context, target string) (*Writer, error) {
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".writing-*")
	if err != nil {
		return nil, err
	}
	w := &Writer{target: target, temp: f.Name()}
	err = errors.Join(f.Chmod(0o644), f.Close())
	if err == nil {
		w.sqlite, err = openSQLite(ctx, w.temp, "journal_mode(MEMORY)", "synchronous(OFF)", "cache_size(-65536)", "temp_store(MEMORY)")
	}
	if err == nil {
		err = w.exec(ctx, genomedb.CatalogueSQL)
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Catalogue lists a database in the file, or changes how it is listed.
func (w *Writer) Catalogue(ctx context.Context, e genomedb.Entry) error {
	query, args := e.InsertSQL()
	return w.exec(ctx, query, args...)
}

// Commit completes the file and puts it in the target's place. Only Close
// follows.
func (w *Writer) Commit(ctx context.Context) error {
	if err := w.analyze(ctx); err != nil {
		return err
	}
	s := w.sqlite
	w.sqlite = nil
	if err := errors.Join(s.close(), replace(w.temp, w.target)); err != nil {
		return err
	}
	w.temp = ""
	return ctx.Err()
}

// analyze makes the planner's statistics, from a bounded part of each index.
func (s *sqlite) analyze(ctx context.Context) error {
	return errors.Join(s.exec(ctx, "PRAGMA analysis_limit = 400"), s.exec(ctx, "ANALYZE"))
}

// replace puts a file in another's place, so that it outlives a power cut.
func replace(from, to string) error {
	f, err := os.OpenFile(from, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// Close removes the temporary file, unless Commit made it the target.
func (w *Writer) Close() error {
	var errs []error
	if w.sqlite != nil {
		errs = append(errs, w.close())
		w.sqlite = nil
	}
	if w.temp != "" {
		errs = append(errs, os.Remove(w.temp))
		w.temp = ""
	}
	return errors.Join(errs...)
}

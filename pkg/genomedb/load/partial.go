package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load/btree"
)

// partial is the folder FILE.partial, which holds what is unfinished:
//
//	lock           locked by the loader that works on it
//	genome.sqlite  the file to be: SQLite's own pages of what was there before,
//	               then trees of whole tables that its schema does not name yet
//	state.json     which tables these are
//	fetch/         files of dumps on their way from a site
//
// What state.json names is on disk before it says so, so a load that was ended
// in any way goes on with the next table.
type partial struct {
	dir    string
	target string
	lock   *os.File
	file   *btree.File // nil before begin and after finish
	state  state
	saved  time.Time
	since  uint32   // pages when the state was last saved
	spent  []string // fetched files whose tables are in, to remove when the state says so
	// adopted says that SQLite has taken over all tables already.
	adopted bool
}

// layout is the version of state.json and of what loaders make of a dump.
const layout = 1

type state struct {
	Layout    int
	Format    int          // of package genomedb
	Base      string       // what was there before
	Pages     uint32       // of genome.sqlite that count
	Finishing bool         // SQLite is at work on genome.sqlite
	Tables    []tableState // in the order of their pages
}

// tableState is a table that is in, with its indexes.
type tableState struct {
	Database    string
	Table       string
	Fingerprint string // of its definition and file
	Start       uint32 // pages before it
	Rows        int64
	Ignored     int64    `json:",omitempty"`
	Notes       []string `json:",omitempty"`
	Objects     []object
	Meta        map[string][]string `json:",omitempty"` // of meta: values that the loader needs
}

// object is a row of SQLite's schema.
type object struct {
	Kind string
	Name string
	Root uint32
	SQL  string
}

// pageSize is that of new files. SQLite's default serves small reads best;
// dna, the one table of long rows, is read in whole rows.
const pageSize = 4096

func openPartial(target string) (*partial, error) {
	p := &partial{target: target, dir: target + ".partial"}
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return nil, err
	}
	var err error
	if p.lock, err = os.OpenFile(p.path("lock"), os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(p.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		p.lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, busy(target)
		}
		return nil, fmt.Errorf("%s: %w", p.dir, err)
	}
	// The loader that had it may have removed the folder at its end.
	mine, err := p.lock.Stat()
	if named, err2 := os.Stat(p.path("lock")); err != nil || err2 != nil || !os.SameFile(mine, named) {
		p.lock.Close()
		return nil, busy(target)
	}
	return p, nil
}

func busy(target string) error {
	return fmt.Errorf("another loader is at work on %s: wait for it, or end it", target)
}

func (p *partial) path(name string) string { return filepath.Join(p.dir, name) }

// identity tells versions of a file apart.
func identity(path string) (string, error) {
	st, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", path)
	}
	return fmt.Sprintf("%d bytes of %s", st.Size(), st.ModTime().UTC().Format(time.RFC3339Nano)), nil
}

// begin takes up what an earlier load left, as far as keep has it, or begins
// anew with a copy of base ("": with nothing). It says why what was left is not
// used, or not all. planned is how many tables there will be.
func (p *partial) begin(ctx context.Context, base string, planned int, keep func(tableState) bool) (why string, err error) {
	was := ""
	if base != "" {
		if was, err = identity(base); err != nil {
			return "", err
		}
	}
	why, err = p.resume(ctx, was, planned, keep)
	if err == nil && (p.file != nil || p.adopted) {
		return why, nil
	}
	if err != nil {
		why = err.Error()
	}
	p.state = state{Layout: layout, Format: genomedb.Format, Base: was}
	os.Remove(p.path("state.json"))
	os.Remove(p.path("genome.sqlite-journal"))
	if err := p.copyBase(ctx, base, was); err != nil {
		return why, err
	}
	if p.file, err = btree.Open(p.path("genome.sqlite"), 0); err != nil {
		return why, err
	}
	p.since = p.file.Pages()
	return why, p.save()
}

func (p *partial) copyBase(ctx context.Context, base, was string) error {
	f, err := os.Create(p.path("genome.sqlite"))
	if err != nil {
		return err
	}
	if was == "" {
		base = ""
	}
	if err := errors.Join(copyFile(f, base), f.Close()); err != nil {
		return err
	}
	db, err := openSQLite(ctx, p.path("genome.sqlite"))
	if err != nil {
		return err
	}
	if was != "" {
		if _, err := genomedb.Catalogue(ctx, db.conn); err != nil {
			return errors.Join(fmt.Errorf("%s exists and cannot be extended: %w", base, err), db.close())
		}
	}
	// One statement that writes brings the header's count of pages up to date.
	return errors.Join(db.exec(ctx, fmt.Sprintf("PRAGMA page_size = %d", pageSize)), db.exec(ctx, genomedb.CatalogueSQL),
		db.exec(ctx, fmt.Sprintf("PRAGMA user_version = %d", layout)), db.close())
}

// resume leaves p.file nil where there is nothing to take up.
func (p *partial) resume(ctx context.Context, base string, planned int, keep func(tableState) bool) (why string, err error) {
	text, err := os.ReadFile(p.path("state.json"))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(text, &p.state); err != nil {
		return "", fmt.Errorf("%s: %w", p.path("state.json"), err)
	}
	switch s := p.state; {
	case s.Layout != layout || s.Format != genomedb.Format:
		return "", errors.New("another version of this program began it")
	case s.Base != base:
		return "", fmt.Errorf("%s is another file than it was then", p.target)
	}
	whole := true
	for i, t := range p.state.Tables {
		if !keep(t) {
			why = fmt.Sprintf("%s.%s is another than then, or is not asked for now", t.Database, t.Table)
			if i == 0 {
				return why, nil
			}
			p.state.Tables, p.state.Pages, whole = p.state.Tables[:i], t.Start, false
			break
		}
	}
	if p.state.Finishing {
		if !whole { // SQLite's pages may be among them
			return why, nil
		}
		done, err := p.recover(ctx)
		if err != nil || done {
			p.adopted = err == nil && len(p.state.Tables) == planned
			return why, err
		}
	}
	p.file, err = btree.Open(p.path("genome.sqlite"), p.state.Pages)
	if err == nil {
		p.since = p.file.Pages()
		if !whole {
			err = p.save()
		}
	}
	return why, err
}

// recover lets SQLite undo what it had begun; done says that it had taken over
// all tables.
func (p *partial) recover(ctx context.Context) (done bool, err error) {
	db, err := openSQLite(ctx, p.path("genome.sqlite"))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	if len(p.state.Tables) == 0 {
		return true, nil
	}
	var n int
	o := p.state.Tables[0].Objects[0]
	err = db.conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = ? AND rootpage = ?", o.Name, o.Root).Scan(&n)
	return n > 0, err
}

// add counts a table as finished.
func (p *partial) add(t tableState) error {
	p.state.Tables = append(p.state.Tables, t)
	if pages := p.file.Pages(); time.Since(p.saved) > saveEvery || int64(pages-p.since)*pageSize > saveBytes {
		return p.save()
	}
	return nil
}

// The state is saved after so long or so many bytes, which are what a load that
// is killed loses beside the table that it was at.
const (
	saveEvery = 2 * time.Second
	saveBytes = 64 << 20
)

// save makes what is finished outlive the process and a power cut.
func (p *partial) save() error {
	if err := p.file.Sync(); err != nil {
		return err
	}
	p.state.Pages = p.file.Pages()
	text, err := json.MarshalIndent(p.state, "", " ")
	if err != nil {
		return err
	}
	fresh := p.path("state.json.new")
	f, err := os.Create(fresh)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh, p.path("state.json")); err != nil {
		return err
	}
	p.saved, p.since = time.Now(), p.file.Pages()
	if err := syncDir(p.dir); err != nil {
		return err
	}
	for _, path := range p.spent {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	p.spent = nil
	return nil
}

// close keeps what is unfinished for another time, or removes what is empty.
func (p *partial) close() error {
	var errs []error
	if p.file != nil {
		errs = append(errs, p.file.Close())
	}
	if fetched, _ := filepath.Glob(p.path("fetch/*/*")); p.state.Pages == 0 || len(p.state.Tables) == 0 && len(fetched) == 0 {
		errs = append(errs, os.RemoveAll(p.dir))
	}
	return errors.Join(append(errs, p.lock.Close())...)
}

func copyFile(to *os.File, base string) error {
	mode := os.FileMode(0o644)
	if base != "" {
		from, err := os.Open(base)
		if err == nil {
			defer from.Close()
			st, err := from.Stat()
			if err != nil {
				return err
			}
			mode = st.Mode().Perm()
			if _, err := io.Copy(to, from); err != nil {
				return err
			}
		} else if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return to.Chmod(mode)
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

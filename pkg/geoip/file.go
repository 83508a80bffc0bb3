package geoip

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A file is a database file that is replaced while it is in use.
type file struct {
	path    string
	kind    kind
	current atomic.Pointer[database] // nil without a database
	failed  atomic.Pointer[string]

	mu   sync.Mutex  // one check at a time; guards seen
	seen os.FileInfo // of the file last tried, good or bad; nil if there was none
}

func (f *file) info() Info {
	db := f.current.Load()
	if db == nil {
		return Info{}
	}
	info := db.info
	if why := f.failed.Load(); why != nil {
		info.Err = *why
	}
	return info
}

// open opens the file for the first time.
func (f *file) open() error {
	db, seen, err := f.load()
	if err != nil {
		return err
	}
	f.seen = seen
	f.current.Store(db)
	return nil
}

// check looks at the file and takes it if it is new and good; it reports whether
// it did.
func (f *file) check(logger *slog.Logger) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, err := os.Stat(f.path)
	if err == nil && unchanged(f.seen, now) {
		return false
	}
	var db *database
	if err == nil {
		db, now, err = f.load()
	}
	f.seen = now
	if errors.Is(err, errMoving) {
		f.seen = nil // still being written: look again
		return false
	}
	if err == nil {
		err = db.replaces(f.current.Load())
	}
	if err != nil {
		why := err.Error()
		if last := f.failed.Swap(&why); last == nil || *last != why {
			logger.Error("new GeoIP database refused, the old stays", "error", why)
		}
		return false
	}
	f.current.Store(db)
	f.failed.Store(nil)
	logger.Info("GeoIP database replaced", "path", db.info.Path, "type", db.info.Type, "built", db.info.Built)
	return true
}

func unchanged(a, b os.FileInfo) bool {
	return a != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

var errMoving = errors.New("the file changes while it is read")

// load reads the file as it was at one moment and opens it. The FileInfo is nil
// if there is no file.
func (f *file) load() (*database, os.FileInfo, error) {
	opened, err := os.Open(f.path)
	if err != nil {
		return nil, nil, err
	}
	defer opened.Close()
	before, err := opened.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, before, fmt.Errorf("%s is not a regular file", f.path)
	}
	data := make([]byte, before.Size())
	_, err = io.ReadFull(opened, data)
	if after, statErr := opened.Stat(); statErr != nil || !unchanged(before, after) {
		return nil, before, fmt.Errorf("%s: %w", f.path, errMoving)
	}
	if err != nil {
		return nil, before, err
	}
	db, err := open(data, f.kind)
	if err != nil {
		return nil, before, fmt.Errorf("%s: %w", f.path, err)
	}
	db.info.Path, db.info.Loaded = f.path, time.Now()
	return db, before, nil
}

package region

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Add writes a region's file into a folder if the whole set is good with it, and
// gives the Map of the new set. Nobody sees a part of the file. Where the name has
// a file already the error is fs.ErrExist, where the set would be bad Problems.
func Add(dir string, name Name, data []byte) (*Map, error) {
	if !name.Valid() {
		return nil, fmt.Errorf("%q cannot name a region; write a-z, 0-9 and - (a letter first, at most 32, not network), as asia", name)
	}
	path := filepath.Join(dir, string(name)+".yaml")
	files := read(dir)
	if slices.ContainsFunc(files, func(f file) bool { return f.path == path }) {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	m, err := parse(dir, append(files, file{path: path, data: data}))
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, ".new-*") // hidden: no watcher reads it
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	// A link never replaces what another wrote meanwhile, as a rename would.
	if err := os.Link(f.Name(), path); err != nil {
		return nil, fmt.Errorf("%s: %w", path, reasonOf(err))
	}
	return m, nil
}

// reasonOf is an error of a link without its two paths.
func reasonOf(err error) error {
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

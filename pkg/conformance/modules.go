package main

import "io/fs"

// withoutModules is a folder without its node_modules and dot files.
type withoutModules struct{ fs.FS }

func (f withoutModules) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(f.FS, name)
	var kept []fs.DirEntry
	for _, e := range all {
		if e.Name() != "node_modules" && e.Name()[0] != '.' {
			kept = append(kept, e)
		}
	}
	return kept, err
}

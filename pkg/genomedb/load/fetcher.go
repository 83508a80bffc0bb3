package load

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"

	"mirrornet/pkg/genomedb/load/site"
)

// wanted is a file to bring from a site.
type wanted struct {
	database string
	file     file
}

// bring fetches a file into FILE.partial and checks its sum. One that is there
// already is what an earlier run fetched: its name has the version in it.
func (l *loader) bring(ctx context.Context, database string, f file) (path string, err error) {
	dir := l.partial.path(filepath.Join("fetch", database))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path = filepath.Join(dir, fmt.Sprintf("%s.%s", f.name, versionName(f.stamp)))
	for attempt := 0; ; attempt++ {
		if _, err := os.Stat(path); err != nil {
			if _, err := l.site.Fetch(ctx, f.from, path, nil); err != nil {
				return "", err
			}
		}
		if f.sum == nil {
			return path, nil
		}
		got, err := sumOf(path)
		if err != nil {
			return "", err
		}
		if got == *f.sum {
			return path, nil
		}
		if err := os.Remove(path); err != nil {
			return "", err
		}
		if attempt > 0 { // the transfer was not at fault
			return "", wrongSum(f, got)
		}
	}
}

func sumOf(path string) (site.Sum, error) {
	f, err := os.Open(path)
	if err != nil {
		return site.Sum{}, err
	}
	defer f.Close()
	var s site.Summer
	if _, err := io.Copy(&s, f); err != nil {
		return site.Sum{}, err
	}
	return s.Sum(), nil
}

// ahead bounds the files that are brought before they are needed.
const ahead = 3

// fetcher brings files in their order, some ahead of the loader.
type fetcher struct {
	ready chan brought
	ended chan struct{}
}

type brought struct {
	path string
	err  error
}

// newFetcher starts one, which ends with ctx.
func newFetcher(ctx context.Context, bring func(context.Context, string, file) (string, error), files []wanted) *fetcher {
	f := &fetcher{ready: make(chan brought, ahead-1), ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		for _, w := range files {
			path, err := bring(ctx, w.database, w.file)
			select {
			case f.ready <- brought{path, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return f
}

// next gives the next file; the caller removes it when it is in.
func (f *fetcher) next(ctx context.Context) (string, error) {
	select {
	case b := <-f.ready:
		return b.path, b.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-f.ended:
		select {
		case b := <-f.ready:
			return b.path, b.err
		default:
			return "", errors.New("no more files were to be fetched")
		}
	}
}

func (f *fetcher) wait() { <-f.ended }

// versionName makes a stamp part of a file's name.
func versionName(stamp string) string {
	h := fnv.New32a()
	h.Write([]byte(stamp))
	return fmt.Sprintf("%08x", h.Sum32())
}

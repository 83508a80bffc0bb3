package load

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/genomedb/load/dump"
	"mirrornet/pkg/genomedb/load/site"
)

// loader carries one run.
type loader struct {
	memory   int
	maxRow   int
	site     *site.Client
	notify   func(Progress)
	logger   *slog.Logger
	partial  *partial
	planned  []plannedSource
	fetcher  *fetcher // nil where all files are here
	progress Progress
	done     int64 // bytes of the files that are in
	text     int64 // uncompressed bytes of rows
	resumed  int
	notes    []string
}

// plannedSource is a source with its schema.
type plannedSource struct {
	source
	tables []plannedTable
}

// plannedTable is a table with its file, if it has one.
type plannedTable struct {
	*dump.Table
	file        file
	has         bool
	fingerprint string
}

func newLoader(c Config) *loader {
	l := &loader{memory: c.Memory, maxRow: c.MaxRow, site: c.Site, notify: c.Progress, logger: c.Logger}
	if l.memory == 0 {
		l.memory = 96 << 20
	}
	if l.site == nil {
		l.site = &site.Client{}
	}
	if l.logger == nil {
		l.logger = slog.New(slog.DiscardHandler)
	}
	if l.notify == nil {
		l.notify = func(Progress) {}
	}
	return l
}

// tell tells progress, which never goes back: a table that is loaded a second
// time stays where it was.
func (l *loader) tell(rows, done int64) {
	l.progress.Rows, l.progress.BytesDone = rows, min(max(done, l.progress.BytesDone), l.progress.BytesTotal)
	l.notify(l.progress)
}

func (l *loader) note(format string, args ...any) {
	n := fmt.Sprintf(format, args...)
	l.notes = append(l.notes, n)
	l.logger.Warn(n)
}

// plan reads the schemas of the sources.
func (l *loader) plan(ctx context.Context, sources []source) error {
	for _, s := range sources {
		l.progress.BytesTotal += s.bytes()
		p := plannedSource{source: s}
		schema, err := l.schema(ctx, s)
		if err != nil {
			return err
		}
		if len(schema.Tables) == 0 {
			return fmt.Errorf("%s defines no table", s.schema.place())
		}
		for _, i := range schema.Ignored {
			l.note("%s: ignored, %s", s.schema.place(), i)
		}
		for i := range schema.Tables {
			t := plannedTable{Table: &schema.Tables[i]}
			key := strings.ToLower(t.Name)
			t.file, t.has = s.tables[key]
			delete(s.tables, key)
			t.fingerprint = fingerprint(s, t)
			p.tables = append(p.tables, t)
		}
		for _, table := range slices.Sorted(maps.Keys(s.tables)) {
			f := s.tables[table]
			l.done += max(f.size, 0)
			l.note("%s: ignored, the schema has no such table", f.place())
		}
		l.planned = append(l.planned, p)
	}
	return nil
}

// schema reads a source's schema.
func (l *loader) schema(ctx context.Context, s source) (dump.Schema, error) {
	f := s.schema
	if f.from != nil {
		var err error
		if f.path, err = l.bring(ctx, s.entry.Name, f); err != nil {
			return dump.Schema{}, err
		}
		defer os.Remove(f.path)
	}
	r, err := openFile(f)
	if err != nil {
		return dump.Schema{}, err
	}
	defer r.Close()
	schema, err := dump.ParseSchema(f.place(), r)
	if err == nil {
		err = r.check()
	}
	return schema, err
}

// fingerprint tells whether a table that an earlier run loaded is the same.
func fingerprint(s source, t plannedTable) string {
	h := sha256.New()
	fmt.Fprintln(h, createTable(s.entry.Name, t.Table))
	fmt.Fprintln(h, createIndexes(s.entry.Name, t.Table))
	for _, c := range t.Columns { // how fields become values
		value := "none"
		if c.Default != nil {
			value = strconv.Quote(*c.Default)
		}
		c.Default = nil // a pointer, which is another in every run
		fmt.Fprintf(h, "%+v %s\n", c, value)
	}
	fmt.Fprintln(h, t.has, t.file.name, t.file.size, t.file.stamp)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// begin takes up what an earlier run left.
func (l *loader) begin(ctx context.Context, base string) error {
	prints, count := map[[2]string]string{}, 0
	for _, s := range l.planned {
		count += len(s.tables)
		for _, t := range s.tables {
			prints[[2]string{s.entry.Name, t.Name}] = t.fingerprint
		}
	}
	why, err := l.partial.begin(ctx, base, count, func(t tableState) bool { return prints[[2]string{t.Database, t.Table}] == t.Fingerprint })
	if err != nil {
		return err
	}
	if l.resumed = len(l.partial.state.Tables); why != "" {
		if l.resumed == 0 {
			l.note("what an earlier run left in %s is not used: %s", l.partial.dir, why)
		} else {
			l.note("of what an earlier run left in %s, %d tables are used: %s", l.partial.dir, l.resumed, why)
		}
	}
	return nil
}

// tables loads all that an earlier run has not.
func (l *loader) tables(ctx context.Context) (err error) {
	finished := map[[2]string]tableState{}
	for _, t := range l.partial.state.Tables {
		finished[[2]string{t.Database, t.Table}] = t
	}
	var ahead []wanted
	for _, s := range l.planned {
		for _, t := range s.tables {
			if f, ok := finished[[2]string{s.entry.Name, t.Name}]; ok {
				l.done += max(t.file.size, 0)
				l.notes = append(l.notes, f.Notes...)
			} else if t.has && t.file.from != nil {
				ahead = append(ahead, wanted{s.entry.Name, t.file})
			}
		}
	}
	l.progress.BytesResumed = l.done
	l.tell(0, l.done)
	if len(ahead) > 0 {
		ctx, cancel := context.WithCancel(ctx)
		l.fetcher = newFetcher(ctx, l.bring, ahead)
		defer func() {
			cancel()
			l.fetcher.wait()
		}()
	}
	for _, s := range l.planned {
		l.progress.Database = s.entry.Name
		for _, t := range s.tables {
			if _, ok := finished[[2]string{s.entry.Name, t.Name}]; ok {
				continue
			}
			l.progress.Table, l.progress.Rows = t.Name, 0
			state, err := l.table(ctx, s.entry.Name, t)
			if err != nil {
				return err
			}
			if err := l.partial.add(state); err != nil {
				return err
			}
		}
	}
	return l.partial.saveIfOpen()
}

func (p *partial) saveIfOpen() error {
	if p.file == nil {
		return nil
	}
	return p.save()
}

// reading is an open file of a dump, uncompressed if its name ends in .gz.
type reading struct {
	io.Reader
	file     file
	f        *os.File
	consumed int64 // bytes of the file
	summer   *site.Summer
}

func openFile(f file) (*reading, error) {
	opened, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	r := &reading{file: f, f: opened}
	raw := io.Reader(&counting{opened, &r.consumed})
	if f.sum != nil && f.from == nil { // what was fetched is checked then
		r.summer = new(site.Summer)
		raw = io.TeeReader(raw, r.summer)
	}
	r.Reader = raw
	if strings.HasSuffix(f.name, ".gz") {
		if r.Reader, err = gzip.NewReader(raw); err != nil {
			return nil, errors.Join(&dump.Error{File: f.place(), Line: 1, Err: err}, opened.Close())
		}
	}
	return r, nil
}

// check compares the file, which was read to its end, with its sum.
func (r *reading) check() error {
	if r.summer == nil {
		return nil
	}
	if _, err := io.Copy(r.summer, r.f); err != nil { // what the decompressor left
		return err
	}
	if got := r.summer.Sum(); got != *r.file.sum {
		return wrongSum(r.file, got)
	}
	return nil
}

func wrongSum(f file, got site.Sum) error {
	return &dump.Error{File: f.place(), Line: 1, Err: fmt.Errorf("its sum is %s where CHECKSUMS says %s: it is damaged or of another version, fetch it again", got, *f.sum)}
}

func (r *reading) Close() error { return r.f.Close() }

type counting struct {
	r io.Reader
	n *int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}

package load

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb/load/dump"
)

func sorted(tables map[string]string) []string {
	return slices.Sorted(maps.Values(tables))
}

// table makes a table and loads its file; path "" leaves it empty.
func (l *loader) table(ctx context.Context, database string, t *dump.Table, path string) (rows, ignored int64, err error) {
	before, notes := l.done, len(l.notes)
	rows, ignored, err = l.attempt(ctx, database, t, path, false)
	if errors.Is(err, errDuplicates) {
		l.done, l.notes = before, l.notes[:notes]
		rows, ignored, err = l.attempt(ctx, database, t, path, true)
	}
	if err != nil {
		return 0, 0, err
	}
	if ignored > 0 {
		l.note("%s: %d rows ignored that repeat a unique key", path, ignored)
	}
	return rows, ignored, nil
}

// attempt loads the table, with its keys made before the rows or after.
func (l *loader) attempt(ctx context.Context, database string, t *dump.Table, path string, keysFirst bool) (rows, ignored int64, err error) {
	tw, err := l.writer.Table(ctx, database, t, keysFirst)
	if err != nil {
		return 0, 0, err
	}
	if path != "" {
		if err := l.rows(ctx, tw, t, path); err != nil {
			return 0, 0, errors.Join(err, tw.Abandon())
		}
	}
	err = tw.Close(ctx)
	return tw.inserted, tw.offered - tw.inserted, err
}

// rowsPerCheck is how often progress is told and the context asked.
const rowsPerCheck = 4096

func (l *loader) rows(ctx context.Context, tw *TableWriter, t *dump.Table, path string) error {
	start, read := l.done, int64(0)
	f, err := open(path, &read)
	if err != nil {
		return err
	}
	defer f.Close()
	rows := dump.NewRows(path, f)
	defaults, err := tableDefaults(t)
	if err != nil {
		return err
	}
	var count, short, surplus, most, firstShort int
	values := make([]any, len(t.Columns))
	for rows.Next() {
		fields := rows.Fields()
		if n := len(fields); n != len(values) {
			switch {
			case n > len(values):
				if err := onlyEmpty(rows, t, fields); err != nil {
					return err
				}
				surplus++
				fields = fields[:len(values)]
			case n < most:
				return rows.Errorf("%d fields where earlier rows have %d", n, most)
			default:
				if err := rows.Missing(t); err != nil {
					return err
				}
				if short++; short == 1 {
					firstShort = rows.Line()
				}
				copy(values[n:], defaults[n:])
			}
		}
		most = max(most, len(fields))
		for i := range fields {
			if values[i], err = t.Columns[i].Value(fields[i]); err != nil {
				return rows.Errorf("column %s: %w", t.Columns[i].Name, err)
			}
		}
		if err := tw.Insert(ctx, values); err != nil {
			return rows.Errorf("%w", err)
		}
		if count++; count%rowsPerCheck == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			l.tell(int64(count), start+read)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if short > 0 && short <= count-short {
		return &dump.Error{File: path, Line: firstShort, Err: errors.New("fewer fields than the table has columns, which most rows have")}
	}
	if short > 0 {
		l.note("%s: %d rows have fewer fields than the %d columns, the rest are defaults", path, short, len(values))
	}
	if surplus > 0 {
		l.note("%s: %d rows have empty fields beyond the %d columns, ignored", path, surplus, len(values))
	}
	l.tell(int64(count), start+size(path))
	l.done = start + size(path)
	return ctx.Err()
}

func onlyEmpty(rows *dump.Rows, t *dump.Table, fields []dump.Field) error {
	for _, f := range fields[len(t.Columns):] {
		if f.Null || strings.TrimSpace(string(f.Data)) != "" {
			return rows.Errorf("%d fields where table %s has %d columns", len(fields), t.Name, len(t.Columns))
		}
	}
	return nil
}

func tableDefaults(t *dump.Table) ([]any, error) {
	defaults := make([]any, len(t.Columns))
	for i := range t.Columns {
		v, err := t.Columns[i].DefaultValue()
		if err != nil {
			v = nil // a default of MySQL's own making, such as '0000-00-00'
		}
		defaults[i] = v
	}
	return defaults, nil
}

// open reads a file, uncompressed if its name ends in .gz; read counts its
// bytes on disk.
func open(path string, read *int64) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if read == nil {
		read = new(int64)
	}
	counted := &countingReader{f, read}
	if !strings.HasSuffix(path, ".gz") {
		return struct {
			io.Reader
			io.Closer
		}{counted, f}, nil
	}
	z, err := gzip.NewReader(counted)
	if err != nil {
		f.Close()
		return nil, &dump.Error{File: path, Line: 1, Err: err}
	}
	return struct {
		io.Reader
		io.Closer
	}{z, f}, nil
}

type countingReader struct {
	r io.Reader
	n *int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}

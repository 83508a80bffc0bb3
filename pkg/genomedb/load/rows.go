package load

import (
	"bytes"
	"context"
	"errors"

	"mirrornet/pkg/genomedb/load/dump"
)

// rowReader reads the rows of a table's file as values, and refuses what does
// not fit the table.
type rowReader struct {
	table    plannedTable
	rows     *dump.Rows
	decoder  *dump.Decoder
	defaults []dump.Value
	values   []dump.Value // of the row, until the next
	err      error

	count, short, surplus, most, firstShort, returns int
}

func newRowReader(t plannedTable, r *reading, maxRow int) *rowReader {
	rows := dump.NewRows(t.file.place(), r)
	rows.Limit(maxRow)
	return &rowReader{table: t, rows: rows, decoder: dump.NewDecoder(t.Table), defaults: t.Defaults(), values: make([]dump.Value, len(t.Columns))}
}

func (r *rowReader) next() bool {
	if r.err != nil || !r.rows.Next() {
		if r.err == nil {
			r.err = r.rows.Err()
		}
		return false
	}
	r.err = r.decode()
	return r.err == nil
}

func (r *rowReader) decode() error {
	fields := r.rows.Fields()
	if r.rows.Unterminated() && bytes.HasSuffix(fields[len(fields)-1].Data, []byte{'\\'}) {
		return r.rows.Errorf("the file ends in a backslash, so the row is cut off: fetch the file again")
	}
	if n := len(fields); n != len(r.values) {
		switch {
		case n > len(r.values):
			if err := r.onlyEmpty(fields); err != nil {
				return err
			}
			r.surplus++
			fields = fields[:len(r.values)]
		case n < r.most:
			return r.rows.Errorf("%d fields where earlier rows have %d", n, r.most)
		default:
			if err := r.rows.Missing(r.table.Table); err != nil {
				return err
			}
			if r.short++; r.short == 1 {
				r.firstShort = r.rows.Line()
			}
			copy(r.values[n:], r.defaults[n:])
		}
	}
	r.most = max(r.most, len(fields))
	for i := range fields {
		if err := r.decoder.Decode(i, fields[i], &r.values[i]); err != nil {
			return r.rows.Errorf("column %s: %w", r.table.Columns[i].Name, err)
		}
	}
	if v := &r.values[len(r.values)-1]; v.Kind == dump.IsText && bytes.HasSuffix(v.Data, []byte{'\r'}) {
		r.returns++
	}
	r.count++
	return nil
}

func (r *rowReader) onlyEmpty(fields []dump.Field) error {
	for _, f := range fields[len(r.values):] {
		if f.Null || len(bytes.TrimSpace(f.Data)) > 0 {
			return r.rows.Errorf("%d fields where table %s has %d columns", len(fields), r.table.Name, len(r.values))
		}
	}
	return nil
}

// whole checks what only all rows show.
func (r *rowReader) whole() error {
	file := r.table.file.place()
	if r.short > 0 && r.short <= r.count-r.short {
		return &dump.Error{File: file, Line: r.firstShort, Err: errors.New("fewer fields than the table has columns, which most rows have")}
	}
	if r.returns == r.count && r.count > 1 {
		return &dump.Error{File: file, Line: 1, Err: errors.New("every row ends in a carriage return: the file was converted to another system's line ends, fetch it again as it is")}
	}
	return nil
}

// rowsPerCheck is how often progress is told and the context asked.
const rowsPerCheck = 4096

// rows gives each row of a table's file to do.
func (l *loader) rows(ctx context.Context, t plannedTable, do func([]dump.Value) error) error {
	start := l.done
	f, err := openFile(t.file)
	if err != nil {
		return err
	}
	defer f.Close()
	r := newRowReader(t, f, l.maxRow)
	text := l.text
	for r.next() {
		if err := do(r.values); err != nil {
			return err
		}
		if r.count%rowsPerCheck == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			l.text = text + r.rows.Bytes()
			l.tell(int64(r.count), start+f.consumed)
		}
	}
	l.text = text + r.rows.Bytes()
	if r.err != nil {
		return r.err
	}
	if err := errors.Join(r.whole(), f.check()); err != nil {
		return err
	}
	if r.short > 0 {
		l.note("%s: %d rows have fewer fields than the %d columns, the rest are defaults", t.file.place(), r.short, len(r.values))
	}
	if r.surplus > 0 {
		l.note("%s: %d rows have empty fields beyond the %d columns, ignored", t.file.place(), r.surplus, len(r.values))
	}
	l.done = start + max(t.file.size, 0)
	l.tell(int64(r.count), l.done)
	return ctx.Err()
}

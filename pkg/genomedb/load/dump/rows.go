package dump

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxRow bounds one row; the longest of Ensembl's are chromosomes of some
// 100 MB.
const maxRow = 512 << 20

// Field is one field of a row, without its escapes.
type Field struct {
	Null bool
	Data []byte
}

// Rows reads the rows of a table's text file: fields end at a tab, rows at a
// newline, a backslash escapes, and \N alone is NULL.
type Rows struct {
	r      *bufio.Reader
	file   string
	line   int // of the row
	lines  int // read
	bytes  int64
	limit  int
	open   bool
	err    error
	buf    []byte
	fields []Field
}

// NewRows reads from r; file names it in errors, which are *Error.
func NewRows(file string, r io.Reader) *Rows {
	return &Rows{r: bufio.NewReaderSize(r, 1<<18), file: file, limit: maxRow}
}

// Limit bounds the bytes of a row; 0: 512 MiB.
func (r *Rows) Limit(n int) {
	if n > 0 {
		r.limit = n
	}
}

// Bytes is how many the rows read so far have.
func (r *Rows) Bytes() int64 { return r.bytes }

// Next reads a row. It is false at the end and after an error.
func (r *Rows) Next() bool {
	if r.err != nil || r.open {
		return false
	}
	r.line = r.lines + 1
	raw, err := r.read()
	if err != nil && err != io.EOF {
		r.err = &Error{r.file, r.lines + 1, err}
		return false
	}
	r.bytes += int64(len(raw))
	if err == io.EOF {
		if len(raw) == 0 {
			return false
		}
		r.open = true
	} else {
		raw = raw[:len(raw)-1]
	}
	// mysqldump writes \0; a file that a crash cut short often ends in zeros.
	if bytes.IndexByte(raw, 0) >= 0 {
		r.err = &Error{r.file, r.line, errors.New("a NUL byte: the file is damaged, fetch it again")}
		return false
	}
	r.fields = split(raw, r.fields[:0])
	return true
}

// read gives the bytes of a row with its newline; with io.EOF, those of a last
// row without one.
func (r *Rows) read() ([]byte, error) {
	part, err := r.r.ReadSlice('\n')
	if err == nil && !escaped(part) && len(part) <= r.limit {
		r.lines++
		return part, nil
	}
	r.buf = append(r.buf[:0], part...)
	for {
		if len(r.buf) > r.limit {
			return nil, fmt.Errorf("a row of more than %d bytes: is this a dump's file?", r.limit)
		}
		switch {
		case err == nil:
			r.lines++
			if !escaped(r.buf) {
				return r.buf, nil
			}
		case err != bufio.ErrBufferFull:
			return r.buf, err
		}
		part, err = r.r.ReadSlice('\n')
		r.buf = append(r.buf, part...)
	}
}

// escaped says whether the newline at the end of line has a backslash before
// it that counts.
func escaped(line []byte) bool {
	n := 0
	for i := len(line) - 2; i >= 0 && line[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// split cuts a row at its tabs and resolves escapes in place.
func split(row []byte, fields []Field) []Field {
	if bytes.IndexByte(row, '\\') < 0 {
		for {
			i := bytes.IndexByte(row, '\t')
			if i < 0 {
				return append(fields, Field{Data: row})
			}
			fields = append(fields, Field{Data: row[:i:i]})
			row = row[i+1:]
		}
	}
	start, write, escapes := 0, 0, 0
	finish := func() {
		f := Field{Data: row[start:write:write]}
		f.Null = escapes == 1 && string(f.Data) == "N"
		if f.Null {
			f.Data = nil
		}
		fields = append(fields, f)
	}
	for i := 0; i < len(row); i++ {
		switch c := row[i]; {
		case c == '\t':
			finish()
			start, write, escapes = i+1, i+1, 0
			continue
		case c == '\\' && i+1 < len(row):
			i++
			row[write] = unescape(row[i])
			escapes++
		default:
			row[write] = c
		}
		write++
	}
	finish()
	return fields
}

// Fields are those of the row; they hold until the next call of Next, and the
// caller may change their bytes.
func (r *Rows) Fields() []Field { return r.fields }

// Line is where the row begins, from 1.
func (r *Rows) Line() int { return r.line }

// Unterminated says that the row is the file's last and has no newline, as
// when a file was cut off.
func (r *Rows) Unterminated() bool { return r.open }

// Err is what ended the rows, nil at the end of the file.
func (r *Rows) Err() error { return r.err }

// Errorf makes an error at the row.
func (r *Rows) Errorf(format string, args ...any) error {
	return &Error{r.file, r.line, fmt.Errorf(format, args...)}
}

var errTruncated = errors.New("the row is cut off: the file ends without a newline")

// Missing checks the end of a row that has fewer fields than its table has
// columns, and is nil where the missing ones may take their defaults.
func (r *Rows) Missing(t *Table) error {
	if r.open {
		return &Error{r.file, r.line, errTruncated}
	}
	for _, c := range t.Columns[len(r.fields):] {
		if c.NotNull && c.Default == nil && c.Affinity() != Text {
			return r.Errorf("%d fields where table %s has %d columns, and %s has no default", len(r.fields), t.Name, len(t.Columns), c.Name)
		}
	}
	return nil
}

package dbserver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// rows is an answer: what was read of it, and the connection with the rest.
type rows struct {
	lender *lender
	ctx    context.Context // the caller's
	query  context.Context // ends the query, and its connection
	cancel context.CancelFunc

	columns []string
	kinds   []kind
	values  []driver.Value // read, a row after the other
	next    int            // of values
	row     []driver.Value // that the driver fills

	real driver.Rows // nil: all is read
	conn *sql.Conn   // that real reads from
}

// ask sends the query and reads ahead. It runs within sql.Conn.Raw.
func (r *rows) ask(real any, query string, args []driver.NamedValue) error {
	answer, err := real.(driver.QueryerContext).QueryContext(r.query, query, args)
	if errors.Is(err, driver.ErrSkip) {
		err = fmt.Errorf("the query has not %d places for arguments", len(args))
	}
	if err != nil {
		return err
	}
	r.real = answer
	r.columns = answer.Columns()
	r.kinds = kindsOf(answer, len(r.columns))
	r.row = make([]driver.Value, len(r.columns))
	err = r.fill(r.lender.ahead)
	if err != nil || r.real == nil {
		return err
	}
	select {
	case r.lender.streams <- struct{}{}:
		return nil
	default: // the last connection is never kept
	}
	return r.fill(math.MaxInt)
}

// fill reads further rows of at least some bytes; r.real is nil after the last.
func (r *rows) fill(bytes int) error {
	for size := 0; size < bytes; {
		if err := r.real.Next(r.row); err != nil {
			cerr := r.real.Close()
			r.real = nil
			if err == io.EOF {
				return cerr
			}
			return err
		}
		for i, v := range r.row {
			v, n, err := r.kinds[i].value(v)
			if err != nil {
				err = errors.Join(err, r.real.Close())
				r.real = nil
				return err
			}
			r.values = append(r.values, v)
			size += n
		}
		size += 16
	}
	return nil
}

func (r *rows) Columns() []string { return r.columns }

func (r *rows) Next(dest []driver.Value) error {
	if r.next == len(r.values) {
		if r.real == nil {
			return io.EOF
		}
		r.values, r.next = r.values[:0], 0
		err := r.conn.Raw(func(any) error { return r.fill(r.lender.ahead) })
		if r.real == nil || err != nil {
			r.release()
		}
		if err != nil {
			return classify(r.ctx, err)
		}
		if len(r.values) == 0 {
			return io.EOF
		}
	}
	copy(dest, r.values[r.next:])
	r.next += len(r.columns)
	return nil
}

// Close ends a query whose rest nobody wants together with its connection,
// rather than to read it all.
func (r *rows) Close() error {
	if r.conn != nil {
		r.cancel()
		if r.real != nil {
			r.conn.Raw(func(any) error {
				r.real.Close()
				return driver.ErrBadConn
			})
		}
		r.release()
	}
	r.values, r.next = nil, 0
	return nil
}

func (r *rows) release() {
	if r.conn == nil {
		return
	}
	r.cancel()
	r.conn.Close()
	r.conn, r.real = nil, nil
	<-r.lender.streams
}

// kind is what a column's values become.
type kind int

const (
	text kind = iota
	binary
	decimal
)

func kindsOf(r driver.Rows, n int) []kind {
	kinds := make([]kind, n)
	types, ok := r.(driver.RowsColumnTypeDatabaseTypeName)
	for i := range kinds {
		if !ok {
			continue
		}
		switch name := types.ColumnTypeDatabaseTypeName(i); {
		case strings.HasSuffix(name, "BLOB") || strings.HasSuffix(name, "BINARY") || name == "BIT" || name == "GEOMETRY":
			kinds[i] = binary
		case name == "DECIMAL": // sums of integers, too
			kinds[i] = decimal
		}
	}
	return kinds
}

// value gives a column's value as SQLite's driver would, and about its size.
// Text and bytes are copied: the driver reads the next row over them.
func (k kind) value(v driver.Value) (driver.Value, int, error) {
	switch v := v.(type) {
	case []byte:
		switch k {
		case binary:
			return append(make([]byte, 0, len(v)), v...), len(v) + 24, nil
		case decimal:
			if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
				return n, 8, nil
			}
			f, err := strconv.ParseFloat(string(v), 64)
			return f, 8, err
		}
		return string(v), len(v) + 16, nil
	case float32: // the server's decimal digits, not the nearest binary's
		f, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
		return f, 8, err
	case uint64:
		if v <= 1<<63-1 {
			return int64(v), 8, nil
		}
		return float64(v), 8, nil
	}
	return v, 8, nil
}

// inLatin1 replaces characters that MySQL's latin1 lacks. ok is false where
// there is none.
func inLatin1(args []driver.NamedValue) (plain []driver.NamedValue, ok bool) {
	plain = append(plain, args...)
	for i, a := range plain {
		s, isText := a.Value.(string)
		if !isText {
			continue
		}
		t := strings.Map(func(c rune) rune {
			if c < 0x80 || c > 0xA0 && c <= 0xFF {
				return c
			}
			return substitute
		}, s)
		ok = ok || t != s
		plain[i].Value = t
	}
	return plain, ok
}

// substitute is the control character SUBSTITUTE, which no data has.
const substitute = 0x1A

package genomedb

import (
	"context"
	"strings"
)

// Each runs a query and calls row for each of its rows.
func (d *Database) Each(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) error {
	rows, err := d.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// listed bounds the values of one query's list.
const listed = 512

// EachOf runs a query once for every 512 values. The text holds %s once, where
// the list of placeholders stands after its other arguments; lists are filled
// up to powers of two, so that few statements are prepared.
func EachOf[T any](ctx context.Context, d *Database, query string, first []any, values []T, row func(scan func(...any) error) error) error {
	for len(values) > 0 {
		n := min(len(values), listed)
		size := 1
		for size < n {
			size *= 2
		}
		args := make([]any, len(first), len(first)+size)
		copy(args, first)
		for i := range size {
			args = append(args, values[min(i, n-1)])
		}
		if err := d.Each(ctx, strings.Replace(query, "%s", "?"+strings.Repeat(",?", size-1), 1), args, row); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// Like writes a pattern of MySQL's LIKE, where a backslash takes a wildcard's
// meaning away, for "LIKE ? ESCAPE '|'", which reads the same on all engines.
func Like(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if c == '\\' && i+1 < len(pattern) {
			i++
			if c = pattern[i]; c == '%' || c == '_' {
				b.WriteByte('|')
			}
		}
		if c == '|' {
			b.WriteByte('|')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// Wild says whether a LIKE pattern has a wildcard, or a backslash that may
// take one's meaning away. Without, LIKE is a comparison that an index serves.
func Wild(pattern string) bool { return strings.ContainsAny(pattern, `%_\`) }

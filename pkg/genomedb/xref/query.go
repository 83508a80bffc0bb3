package xref

import (
	"context"
	"strings"

	"mirrornet/pkg/genomedb"
)

// chunk bounds the ids of one query.
const chunk = 500

// in asks a query once per chunk of ids, after the fixed arguments. The text
// has %s where the list of placeholders stands; lists are filled up to a few
// lengths, so that few statements are prepared.
func in(ctx context.Context, db *genomedb.Database, text string, fixed []any, ids []int64, row func(scan func(...any) error) error) error {
	for len(ids) > 0 {
		n, size := min(len(ids), chunk), 1
		for size < n {
			size *= 4
		}
		size = min(size, chunk)
		args := append(make([]any, 0, len(fixed)+size), fixed...)
		for i := range size {
			args = append(args, ids[min(i, n-1)])
		}
		i := strings.Index(text, "%s")
		err := each(ctx, db, text[:i]+"?"+strings.Repeat(",?", size-1)+text[i+2:], args, row)
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// each calls row for each row of an answer.
func each(ctx context.Context, db *genomedb.Database, text string, args []any, row func(scan func(...any) error) error) error {
	rows, err := db.Query(ctx, text, args...)
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

// matching compares a column with a text: as a pattern where the text has one
// of the signs, else as it is.
func matching(column, text, signs string) (condition string, arg any) {
	if strings.ContainsAny(text, signs) {
		return column + " LIKE ? ESCAPE '|'", like(text)
	}
	return column + " = ?", trim(text)
}

// like writes a pattern with another escape sign than the backslash, which the
// databases read in different ways: "%" is any text, "_" any letter, and a
// backslash takes a sign's meaning.
func like(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		literal := false
		if c == '\\' && i+1 < len(pattern) {
			i++
			c, literal = pattern[i], true
		}
		if c == '|' || literal && (c == '%' || c == '_') {
			b.WriteByte('|')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// trim and fold are how the databases compare texts: trailing blanks and case
// do not count.
func trim(s string) string { return strings.TrimRight(s, " ") }
func fold(s string) string { return strings.ToLower(trim(s)) }

package archive

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/genomedb"
)

// chunk bounds the ids of one query.
const chunk = 500

// in asks a query once per chunk of ids. The text has %s where the list of
// placeholders stands; lists are filled up to a few lengths, so that few
// statements are prepared.
func in(ctx context.Context, db *genomedb.Database, text string, ids []string, row func(scan func(...any) error) error) error {
	for len(ids) > 0 {
		n, size := min(len(ids), chunk), 1
		for size < n {
			size *= 4
		}
		size = min(size, chunk)
		args := make([]any, size)
		for i := range args {
			args[i] = ids[min(i, n-1)]
		}
		if err := each(ctx, db, strings.Replace(text, "%s", "?"+strings.Repeat(",?", size-1), 1), args, row); err != nil {
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

// unique lists the ids of the queries kept, each once.
func unique(all []Query, keep func(Query) bool) []string {
	var ids []string
	for _, q := range all {
		if keep == nil || keep(q) {
			ids = append(ids, fold(q.ID))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func atoi(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

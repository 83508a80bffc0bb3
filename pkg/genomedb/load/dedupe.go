package load

import (
	"context"
	"errors"
	"os"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load/dump"
)

// deduplicate loads a table whose rows repeat unique keys: through a file where
// SQLite itself ignores them row by row, as MySQL's IGNORE does. That is slow,
// and few tables need it.
func (l *loader) deduplicate(ctx context.Context, state *tableState, t plannedTable) (err error) {
	path := l.partial.path("unique.sqlite")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	db, err := openSQLite(ctx, path, "journal_mode(OFF)", "synchronous(OFF)", "cache_size(-32768)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	tw, err := db.table(ctx, state.Database, t.Table, true)
	if err != nil {
		return err
	}
	row := make([]any, len(t.Columns))
	err = l.rows(ctx, t, func(values []dump.Value) error {
		for i, v := range values {
			row[i] = v.Any()
			if v.Kind == dump.IsBlob { // which the batch keeps
				row[i] = append([]byte{}, v.Data...)
			}
		}
		return tw.Insert(ctx, row)
	})
	if err != nil {
		return errors.Join(err, tw.Abandon())
	}
	offered := tw.offered
	if err := tw.Close(ctx); err != nil {
		return err
	}
	b := newBuilder(l, t.Table, state, false)
	defer func() { err = errors.Join(err, b.close()) }()
	rows, err := db.conn.QueryContext(ctx, "SELECT * FROM "+genomedb.Physical(state.Database, t.Name)+" ORDER BY rowid")
	if err != nil {
		return err
	}
	defer rows.Close()
	values, dest := make([]dump.Value, len(row)), make([]any, len(row))
	for i := range row {
		dest[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		for i := range row {
			if values[i], err = dump.ValueOf(row[i]); err != nil {
				return err
			}
		}
		if err := b.add(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := b.finish(ctx); err != nil {
		return err
	}
	state.Ignored = offered - state.Rows
	return nil
}

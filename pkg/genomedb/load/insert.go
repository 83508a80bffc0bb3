package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load/dump"
)

// TableWriter fills one table. Close or Abandon it before the next.
type TableWriter struct {
	w         *sqlite
	table     *dump.Table
	database  string
	keysFirst bool
	columns   int
	many, one *sql.Stmt
	batch     []any
	size      int // bytes of text in batch
	offered   int64
	inserted  int64
}

// batchValues bounds the values of one INSERT, batchBytes their text.
const (
	batchValues = 512
	batchBytes  = 1 << 20
)

// Table makes a table. Its keys are made after its rows, and Close fails where
// these repeat a unique one.
func (w *Writer) Table(ctx context.Context, database string, t *dump.Table) (*TableWriter, error) {
	return w.table(ctx, database, t, false)
}

// table makes a table. With keysFirst, rows that repeat a unique key are
// ignored.
func (s *sqlite) table(ctx context.Context, database string, t *dump.Table, keysFirst bool) (*TableWriter, error) {
	tw := &TableWriter{w: s, table: t, database: database, keysFirst: keysFirst, columns: len(t.Columns)}
	if err := s.exec(ctx, "BEGIN"); err != nil {
		return nil, err
	}
	if err := tw.prepare(ctx); err != nil {
		return nil, errors.Join(err, tw.Abandon())
	}
	return tw, nil
}

func (tw *TableWriter) prepare(ctx context.Context) error {
	if err := tw.w.exec(ctx, createTable(tw.database, tw.table)); err != nil {
		return err
	}
	if tw.keysFirst {
		if err := tw.keys(ctx); err != nil {
			return err
		}
	}
	row := "(?" + strings.Repeat(",?", tw.columns-1) + ")"
	insert := "INSERT OR IGNORE INTO " + genomedb.Physical(tw.database, tw.table.Name) + " VALUES " + row
	var err error
	if tw.one, err = tw.w.conn.PrepareContext(ctx, insert); err != nil {
		return err
	}
	n := max(1, batchValues/tw.columns)
	tw.batch = make([]any, 0, n*tw.columns)
	tw.many, err = tw.w.conn.PrepareContext(ctx, insert+strings.Repeat(","+row, n-1))
	return err
}

func (tw *TableWriter) keys(ctx context.Context) error {
	for _, index := range createIndexes(tw.database, tw.table) {
		if err := tw.w.exec(ctx, index); err != nil {
			return fmt.Errorf("%s.%s: %w", tw.database, tw.table.Name, err)
		}
	}
	return nil
}

// Insert adds a row: a value per column. The slice may be used again.
func (tw *TableWriter) Insert(ctx context.Context, values []any) error {
	if len(values) != tw.columns {
		return fmt.Errorf("%d values for table %s of %d columns", len(values), tw.table.Name, tw.columns)
	}
	for _, v := range values {
		switch v := v.(type) {
		case string:
			tw.size += len(v)
		case []byte:
			tw.size += len(v)
		}
	}
	tw.offered++
	tw.batch = append(tw.batch, values...)
	if len(tw.batch) == cap(tw.batch) {
		err := tw.run(ctx, tw.many, tw.batch)
		tw.batch, tw.size = tw.batch[:0], 0
		return err
	}
	if tw.size > batchBytes {
		return tw.flush(ctx)
	}
	return nil
}

func (tw *TableWriter) flush(ctx context.Context) error {
	for rest := tw.batch; len(rest) > 0; rest = rest[tw.columns:] {
		if err := tw.run(ctx, tw.one, rest[:tw.columns]); err != nil {
			return err
		}
	}
	tw.batch, tw.size = tw.batch[:0], 0
	return nil
}

func (tw *TableWriter) run(ctx context.Context, stmt *sql.Stmt, values []any) error {
	result, err := stmt.ExecContext(ctx, values...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	tw.inserted += n
	return err
}

// Close completes the table.
func (tw *TableWriter) Close(ctx context.Context) error {
	err := tw.flush(ctx)
	if err == nil && !tw.keysFirst {
		err = tw.keys(ctx)
	}
	if err != nil {
		return errors.Join(err, tw.Abandon())
	}
	return errors.Join(tw.release(), tw.w.exec(ctx, "COMMIT"))
}

// Abandon leaves the file as it was before the table.
func (tw *TableWriter) Abandon() error {
	// Not the caller's context: it may have ended, and the connection goes on.
	return errors.Join(tw.release(), tw.w.exec(context.Background(), "ROLLBACK"))
}

func (tw *TableWriter) release() error {
	var errs []error
	for _, s := range []*sql.Stmt{tw.one, tw.many} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

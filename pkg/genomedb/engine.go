package genomedb

import (
	"context"
	"database/sql"
	"log/slog"
)

// engine is what holds the databases.
type engine interface {
	// list gives the databases of the set, by owner and kind, with the schemas
	// that their tables have or will be read with.
	list(ctx context.Context, logger *slog.Logger) ([]*Database, error)
	// open asks a table that the database may have, while the set is opened;
	// ErrNoTable where it has none or not the column.
	open(ctx context.Context, d *Database, table, column, query string) (*sql.Rows, error)
	query(ctx context.Context, text string, args []any) (*sql.Rows, error)
	ping(ctx context.Context) error
	// parallel is how many databases are read at once while the set is opened.
	parallel() int
	close() error
}

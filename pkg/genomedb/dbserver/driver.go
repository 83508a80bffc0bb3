package dbserver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Open opens the server for reading; it does not connect yet. Queries take any
// number of answers at once. The caller closes the DB.
func Open(c Config) (*sql.DB, error) {
	m, err := c.driverConfig()
	if err != nil {
		return nil, err
	}
	dial, err := mysql.NewConnector(m)
	if err != nil {
		return nil, err
	}
	if c.Connections == 0 {
		c.Connections = 16
	}
	c.Connections = max(c.Connections, 2)
	if c.Ahead == 0 {
		c.Ahead = 1 << 20
	}
	real := sql.OpenDB(session{dial})
	real.SetMaxOpenConns(c.Connections)
	real.SetMaxIdleConns(c.Connections)
	real.SetConnMaxIdleTime(2 * time.Minute)
	db := sql.OpenDB(&connector{&lender{db: real, ahead: c.Ahead, retries: c.Connections + 1, streams: make(chan struct{}, c.Connections-1)}})
	db.SetMaxIdleConns(4 * c.Connections)
	return db, nil
}

// session makes real connections that only read.
type session struct{ driver.Connector }

// setSession bounds a statement on the server, too, where it can: a query that
// nobody waits for any more goes on there. The comments speak to MariaDB and
// to MySQL alone, which have different names for it.
const setSession = `SET NAMES utf8mb4, SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'` +
	` /*M!100101 , SESSION max_statement_time = 60 */ /*!50708 , SESSION max_execution_time = 60000 */`

func (s session) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, text := range []string{setSession, `SET SESSION TRANSACTION READ ONLY`} {
		if _, err := c.(driver.ExecerContext).ExecContext(ctx, text, nil); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", text, err), c.Close())
		}
	}
	return c, nil
}

// connector gives database/sql its connections that are none.
type connector struct{ *lender }

func (c *connector) Connect(context.Context) (driver.Conn, error) { return conn{c.lender}, nil }
func (c *connector) Driver() driver.Driver                        { return noDriver{} }

// Close closes the real connections. One that was lost says so to nobody: all
// that it had to give was read.
func (c *connector) Close() error {
	c.lender.db.Close()
	return nil
}

type noDriver struct{}

func (noDriver) Open(string) (driver.Conn, error) {
	return nil, errors.New("dbserver: connections are made by Open")
}

type conn struct{ *lender }

var errReadOnly = errors.New("dbserver: databases are only read, with QueryContext")

func (conn) Prepare(string) (driver.Stmt, error) { return nil, errReadOnly }
func (conn) Begin() (driver.Tx, error)           { return nil, errReadOnly }
func (conn) Close() error                        { return nil }

func (c conn) Ping(ctx context.Context) error { return classify(ctx, c.lender.db.PingContext(ctx)) }

func (c conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	r, err := c.lender.query(ctx, query, args)
	if incomparable(err) {
		if plain, ok := inLatin1(args); ok {
			r, err = c.lender.query(ctx, query, plain)
		}
	}
	if err != nil {
		return nil, classify(ctx, err)
	}
	return r, nil
}

var (
	_ driver.QueryerContext = conn{}
	_ driver.Pinger         = conn{}
)

// lender lends real connections.
type lender struct {
	db      *sql.DB
	ahead   int
	retries int
	streams chan struct{} // a place for each connection that may be kept by rows
}

// query asks on a real connection; again on another where that one turns out
// to have been lost. A server that restarted has ended all idle ones.
func (l *lender) query(ctx context.Context, query string, args []driver.NamedValue) (*rows, error) {
	for fresh := 0; ; {
		c, err := l.db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		r := &rows{lender: l, ctx: ctx}
		r.query, r.cancel = context.WithCancel(ctx)
		err = c.Raw(func(real any) error { return r.ask(real, query, args) })
		if err == nil && r.real != nil { // more to come
			r.conn = c
			return r, nil
		}
		r.cancel()
		c.Close()
		if err == nil {
			return r, nil
		}
		if !lost(err) || ctx.Err() != nil {
			return nil, err
		}
		// ErrBadConn costs nothing and says that the connection was an old one.
		if fresh++; fresh > l.retries || !errors.Is(err, driver.ErrBadConn) && fresh > 2 {
			return nil, err
		}
	}
}

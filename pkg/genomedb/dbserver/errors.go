package dbserver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/go-sql-driver/mysql"
)

var (
	// ErrUnavailable is wrapped by errors that say that the server could not
	// be reached, or ended or refused a connection: asking later may help.
	ErrUnavailable = errors.New("the database server cannot be reached now")
	// ErrNoTable is wrapped where a query names a table or column that is not
	// there.
	ErrNoTable = errors.New("no such table")
)

// Server errors by number, as MySQL and MariaDB both have them.
const (
	tooManyConnections  = 1040
	shutdownInProgress  = 1053
	badField            = 1054
	noSuchTable         = 1146
	tooManyOfUser       = 1203
	limitReached        = 1226
	illegalMix2         = 1267
	illegalMix3         = 1270
	illegalMixN         = 1271
	queryInterrupted    = 1317
	connectionKilled    = 1927
	mariaDBStatementOut = 1969
	mysqlStatementOut   = 3024
)

// classify makes errors say what they mean to a caller.
func classify(ctx context.Context, err error) error {
	var server *mysql.MySQLError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err() // the driver says that the connection is bad, which we made it
	case errors.As(err, &server):
		switch server.Number {
		case badField, noSuchTable:
			return fmt.Errorf("%w: %w", ErrNoTable, err)
		case tooManyConnections, shutdownInProgress, tooManyOfUser, limitReached, connectionKilled:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		case mariaDBStatementOut, mysqlStatementOut:
			return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
		}
		return err
	case lost(err):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// lost says whether the connection failed, rather than the query.
func lost(err error) bool {
	var server *mysql.MySQLError
	if errors.As(err, &server) {
		switch server.Number {
		case shutdownInProgress, queryInterrupted, connectionKilled:
			return true
		}
		return false
	}
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}

// incomparable says whether a text has characters that a column cannot hold.
func incomparable(err error) bool {
	var server *mysql.MySQLError
	return errors.As(err, &server) && (server.Number == illegalMix2 || server.Number == illegalMix3 || server.Number == illegalMixN)
}

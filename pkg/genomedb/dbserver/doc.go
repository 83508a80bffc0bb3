// Package dbserver reads a MySQL or MariaDB server through database/sql, with
// a bounded number of connections and without the deadlock that such a bound
// brings: whoever asks while reading other rows never waits for himself.
//
// What database/sql takes for connections are none: they cost nothing and are
// not bounded. Each query borrows a real connection, reads ahead, and gives
// the connection back before the caller sees the first row, if the answer is
// not large. Of a large one the rest is read as the caller goes on, and keeps
// the connection; one connection is never lent for that, and who would need it
// gets his answer read whole. So every query gets on.
//
// Values arrive as from SQLite: int64, float64, string, []byte for binary
// columns, nil; dates, ENUM and SET as text, always in UTF-8.
//
// # Decisions
//
// 2026-11-25: Arguments are written into the SQL (the driver escapes them)
// rather than prepared. One round trip instead of two or three, no statements
// kept on the server (it counts them over all connections), and FLOAT columns
// come in the decimal digits that dumps have; the binary protocol gives other
// ones. Measured on MariaDB by socket, a lookup by stable id: see
// BenchmarkProtocol.
//
// 2026-11-25: A session is read-only (SET SESSION TRANSACTION READ ONLY), and
// its sql_mode makes "x" a name, || a concatenation, and \ a character as any
// other (in LIKE, too), as on SQLite.
//
// 2026-11-25: Reads are asked again on another connection where one was lost
// before its first row: nothing here changes anything.
//
// 2026-11-25: A text that a column's character set lacks is equal to nothing
// in it, but servers refuse to compare the two (errors 1267, 1270, 1271). Such
// a query is asked again with these characters replaced by one that no data
// has.
package dbserver

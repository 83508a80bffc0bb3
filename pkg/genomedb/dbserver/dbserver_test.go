package dbserver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrornet/pkg/genomedb/dbserver"
	"mirrornet/pkg/genomedb/mariadbtest"
)

const tables = `
CREATE DATABASE d;
CREATE TABLE d.kinds (i INT UNSIGNED, big BIGINT UNSIGNED, f FLOAT, x DOUBLE, n DECIMAL(10,2), s VARCHAR(20), t TEXT, e ENUM('up','down'), st SET('a','b'),
	day DATETIME, b BLOB, nothing INT) CHARSET latin1;
INSERT INTO d.kinds VALUES (4294967295, 9000000000, 0.1234567, 0.1, 12.50, 'café €', 'text', 'down', 'a,b', '0000-00-00 00:00:00', 'x', NULL);
CREATE TABLE d.words (latin VARCHAR(40) CHARSET latin1, utf VARCHAR(40) CHARSET utf8);
INSERT INTO d.words VALUES ('BRAF', 'ген');
CREATE TABLE d.rows (n INT PRIMARY KEY, s CHAR(100)) SELECT seq n, REPEAT('x', 100) s FROM d.words, d.seq_1_to_20000;
`

func server(t testing.TB) *mariadbtest.Server {
	s := mariadbtest.Start(t)
	if err := s.Exec(t.Context(), "", tables); err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t testing.TB, c dbserver.Config) *sql.DB {
	db, err := dbserver.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestValues(t *testing.T) {
	db := open(t, dbserver.Config{DSN: server(t).DSN()})
	v := make([]any, 14)
	dest := make([]any, len(v))
	for i := range v {
		dest[i] = &v[i]
	}
	text := "it's \\ ? \" 😀"
	if err := db.QueryRow("SELECT k.*, SUM(i), ? FROM d.kinds k WHERE '?' <> '\\'", text).Scan(dest...); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%#v", v)
	want := fmt.Sprintf("%#v", []any{int64(4294967295), int64(9000000000), 0.123457, 0.1, 12.5, "café €", "text", "down", "a,b",
		"0000-00-00 00:00:00", []byte("x"), nil, int64(4294967295), text})
	if got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
	if _, err := db.Query("SELECT ?", 1, 2); err == nil {
		t.Error("two arguments for one place")
	}
}

// The session reads what SQLite reads, and does not write.
func TestSession(t *testing.T) {
	db := open(t, dbserver.Config{DSN: server(t).DSN()})
	var s string
	if err := db.QueryRow(`SELECT "latin" || '!' FROM d.words WHERE latin = ?`, "braf").Scan(&s); err != nil || s != "BRAF!" {
		t.Errorf("%q, %v", s, err)
	}
	for _, write := range []string{"DELETE FROM d.words", "CREATE TABLE d.new (x INT)", "UPDATE d.words SET latin = 'x'"} {
		if _, err := db.Query(write); err == nil || !strings.Contains(err.Error(), "READ ONLY") {
			t.Errorf("%s: %v", write, err)
		}
		if _, err := db.Exec(write); err == nil {
			t.Errorf("%s: no error", write)
		}
	}
	for query, want := range map[string]error{"SELECT 1 FROM d.wibble": dbserver.ErrNoTable, "SELECT wibble FROM d.words": dbserver.ErrNoTable} {
		if _, err := db.Query(query); !errors.Is(err, want) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// A text that a column cannot hold is not in it: no error.
func TestIncomparable(t *testing.T) {
	db := open(t, dbserver.Config{DSN: server(t).DSN()})
	for _, x := range []struct {
		where string
		args  []any
		want  int
	}{
		{"latin = ?", []any{"ген"}, 0},
		{"latin LIKE ?", []any{"ген%"}, 0},
		{"latin IN (?, ?)", []any{"ген", "braf"}, 1},
		{"latin IN (?, ?, ?)", []any{"😀", "ген", "braf"}, 1},
		{"utf = ?", []any{"ГЕН"}, 1},
		{"utf = ?", []any{"😀"}, 0},
		{"latin = ?", []any{"braf"}, 1},
	} {
		var n int
		if err := db.QueryRow("SELECT COUNT(*) FROM d.words WHERE "+x.where, x.args...).Scan(&n); err != nil || n != x.want {
			t.Errorf("%s %q: %d, %v", x.where, x.args, n, err)
		}
	}
}

// TestNested asks from within rows, more of them at once than there are
// connections, small answers and large: with a plain bound this never ends.
func TestNested(t *testing.T) {
	db := open(t, dbserver.Config{DSN: server(t).DSN(), Connections: 2, Ahead: 1000})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for g := range 12 {
		wg.Go(func() {
			rows, err := db.QueryContext(ctx, "SELECT n FROM d.rows WHERE n <= ? ORDER BY n", 5+g*100)
			if err != nil {
				t.Error(err)
				return
			}
			defer rows.Close()
			n := 0
			for rows.Next() {
				var i, again, inner int
				if err := rows.Scan(&i); err != nil {
					t.Error(err)
				}
				if i%50 != 0 {
					n++
					continue
				}
				deep, err := db.QueryContext(ctx, "SELECT n, s FROM d.rows WHERE n >= ? ORDER BY n LIMIT 30", i)
				if err != nil {
					t.Error(err)
					return
				}
				for deep.Next() {
					var s string
					if deep.Scan(&again, &s) != nil || again != i+inner || len(s) != 100 {
						t.Errorf("row %d of %d is %d", inner, i, again)
					}
					inner++
				}
				if deep.Err() != nil || inner != 30 {
					t.Errorf("%d rows, %v", inner, deep.Err())
				}
				deep.Close()
				n++
			}
			if rows.Err() != nil || n != 5+g*100 {
				t.Errorf("%d rows, %v", n, rows.Err())
			}
		})
	}
	wg.Wait()
}

// TestLeft: rows that are not read to their end, and queries whose context
// ended, leave the connections as they were.
func TestLeft(t *testing.T) {
	db := open(t, dbserver.Config{DSN: server(t).DSN(), Connections: 2, Ahead: 1000})
	for range 20 {
		rows, err := db.Query("SELECT n, s FROM d.rows ORDER BY n")
		if err != nil || !rows.Next() {
			t.Fatal(err, rows.Err())
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		rows, err := db.QueryContext(ctx, "SELECT n, s FROM d.rows ORDER BY n")
		if err != nil || !rows.Next() {
			t.Fatal(err)
		}
		cancel()
		for rows.Next() {
		}
		if !errors.Is(rows.Err(), context.Canceled) {
			t.Errorf("after the context's end: %v", rows.Err())
		}
		rows.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := db.QueryContext(ctx, "SELECT SLEEP(20)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a query out of time: %v", err)
	}
	var n int
	if err := db.QueryRow("SELECT COUNT(*) FROM d.rows").Scan(&n); err != nil || n != 20000 {
		t.Errorf("%d, %v", n, err)
	}
}

// TestLost: a server that is gone is told as such, and asked again when it is
// back.
func TestLost(t *testing.T) {
	s := server(t)
	db := open(t, dbserver.Config{DSN: s.DSN(), Connections: 3, Ahead: 1000})
	ask := func() error {
		var n int
		return db.QueryRow("SELECT COUNT(*) FROM d.rows").Scan(&n)
	}
	var wg sync.WaitGroup
	for range 3 { // open all connections
		wg.Go(func() {
			for range 20 {
				if err := ask(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	half, err := db.Query("SELECT n, s FROM d.rows ORDER BY n")
	if err != nil || !half.Next() {
		t.Fatal(err)
	}
	s.Kill()
	for half.Next() {
	}
	if !errors.Is(half.Err(), dbserver.ErrUnavailable) {
		t.Errorf("rows cut off: %v", half.Err())
	}
	half.Close()
	for range 5 {
		if err := ask(); !errors.Is(err, dbserver.ErrUnavailable) {
			t.Errorf("without a server: %v", err)
		}
	}
	if err := db.Ping(); !errors.Is(err, dbserver.ErrUnavailable) {
		t.Errorf("ping without a server: %v", err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if err := ask(); err != nil {
		t.Errorf("the server is back: %v", err)
	}
	// It restarts between two questions: the second finds the connections of
	// old gone, and does not tell.
	for range 3 {
		s.Kill()
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		if err := ask(); err != nil {
			t.Errorf("after a restart: %v", err)
		}
	}
}

// BenchmarkProtocol is why arguments are written into the text: the driver with
// and without this package, and with a statement that is kept.
func BenchmarkProtocol(b *testing.B) {
	s := server(b)
	const query = "SELECT n, s FROM d.rows WHERE n = ?"
	plain, err := sql.Open("mysql", s.DSN())
	if err != nil {
		b.Fatal(err)
	}
	defer plain.Close()
	kept, err := plain.Prepare(query)
	if err != nil {
		b.Fatal(err)
	}
	defer kept.Close()
	db := open(b, dbserver.Config{DSN: s.DSN()})
	for name, ask := range map[string]func(int) *sql.Row{
		"here":     func(n int) *sql.Row { return db.QueryRow(query, n) },
		"prepared": func(n int) *sql.Row { return plain.QueryRow(query, n) },
		"kept":     func(n int) *sql.Row { return kept.QueryRow(n) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				var n int
				var s string
				if err := ask(i%20000+1).Scan(&n, &s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package btree_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
	"pgregory.net/rapid"

	"mirrornet/pkg/genomedb/load/btree"
	"mirrornet/pkg/genomedb/load/dump"
)

// create makes a file of SQLite's own with one table, and appends after it.
func create(t testing.TB, pageSize int) (*btree.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	db := openDB(t, path)
	exec(t, db, fmt.Sprintf("PRAGMA page_size = %d", pageSize))
	exec(t, db, "CREATE TABLE old (a)")
	exec(t, db, "INSERT INTO old VALUES (7)")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := btree.Open(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f, path
}

func openDB(t testing.TB, path string) *sql.DB {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

func exec(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// adopt shows SQLite the trees and has it check them.
func adopt(t testing.TB, f *btree.File, path string, schema [][3]any) *sql.DB {
	t.Helper()
	if err := errors.Join(f.Count(), f.Close()); err != nil {
		t.Fatal(err)
	}
	db := openDB(t, path)
	exec(t, db, "PRAGMA writable_schema = ON")
	for _, s := range schema {
		kind := strings.ToLower(strings.Fields(s[2].(string))[1])
		if kind == "unique" {
			kind = "index"
		}
		exec(t, db, "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES (?, ?, 't', ?, ?)", kind, s[0], s[1], s[2])
	}
	exec(t, db, "PRAGMA writable_schema = RESET")
	var ok string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
		t.Fatalf("SQLite finds the file broken: %s, %v", ok, err)
	}
	return db
}

// TestTrees builds a table and three indexes of many shapes, and has SQLite
// check them and read them back.
func TestTrees(t *testing.T) {
	for _, pageSize := range []int{512, 4096, 65536} {
		for _, rows := range []int{0, 1, 2, 7, 100, 3000, 30_000} {
			if pageSize == 65536 && rows == 30_000 {
				continue
			}
			t.Run(fmt.Sprintf("%d/%d", pageSize, rows), func(t *testing.T) { testTree(t, pageSize, rows) })
		}
	}
}

func testTree(t *testing.T, pageSize, rows int) {
	random := rand.New(rand.NewPCG(uint64(pageSize), uint64(rows)))
	f, path := create(t, pageSize)
	table := f.Table()
	dir := t.TempDir()
	numbers := btree.NewEntries(dir, 1<<16, []btree.Part{{Column: 1}, {Column: 2}}, false, true)
	texts := btree.NewEntries(dir, 1<<16, []btree.Part{{Column: 3, Fold: true}, {Column: 1}}, false, false)
	unique := btree.NewEntries(dir, 1<<16, []btree.Part{{Column: 4, Prefix: 12}}, true, false)
	var want [][]any
	var record []byte
	id := int64(-40)
	for range rows {
		id += 1 + random.Int64N(1<<random.IntN(20))
		row := []dump.Value{{}, number(random), {Kind: dump.IsFloat, Float: float64(number(random).Int) / 4}, text(random, pageSize),
			{Kind: dump.IsBlob, Data: []byte(fmt.Sprintf("%012d%s", id, strings.Repeat("x", random.IntN(3)*random.IntN(pageSize))))}}
		if random.IntN(9) == 0 {
			row[1+random.IntN(3)] = dump.Value{}
		}
		record = btree.AppendRecord(record[:0], row)
		err := table.Add(id, record)
		for _, e := range []*btree.Entries{numbers, texts, unique} {
			err = errors.Join(err, e.Add(row, id))
		}
		if err != nil {
			t.Fatal(err)
		}
		values := []any{id}
		for _, v := range row[1:] {
			values = append(values, v.Any())
		}
		want = append(want, values)
	}
	root, err := table.Finish()
	if err != nil {
		t.Fatal(err)
	}
	schema := [][3]any{{"t", root, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, r REAL, s TEXT COLLATE NOCASE, b BLOB)"}}
	for i, e := range []*btree.Entries{numbers, texts, unique} {
		root, err := e.Build(f)
		if err := errors.Join(err, e.Close()); err != nil {
			t.Fatal(err)
		}
		schema = append(schema, [3]any{fmt.Sprint("i", i), root, []string{"CREATE INDEX i0 ON t (n, r)", "CREATE INDEX i1 ON t (s, n)", "CREATE UNIQUE INDEX i2 ON t (substr(b, 1, 12))"}[i]})
	}
	db := adopt(t, f, path, schema)
	defer db.Close()
	if got := selectAll(t, db, "SELECT * FROM t ORDER BY id"); len(got) != len(want) || rows > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("%d rows, want %d, or some differ", len(got), len(want))
	}
	for _, q := range []string{"n, r", "s, n"} {
		indexed := selectAll(t, db, "SELECT id FROM t ORDER BY "+q+", id")
		sorted := selectAll(t, db, "SELECT id FROM t NOT INDEXED ORDER BY "+q+", id")
		if !reflect.DeepEqual(indexed, sorted) {
			t.Errorf("the order by %s differs with the index", q)
		}
	}
	// SQLite can go on writing to them.
	exec(t, db, "DELETE FROM t WHERE id % 3 = 0")
	exec(t, db, "INSERT INTO t (n, r, s, b) SELECT n, r, s, b || id FROM t WHERE id % 3 = 1 AND length(b) > 12 LIMIT 0")
	var ok string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&ok); err != nil || ok != "ok" {
		t.Fatalf("after a change: %s, %v", ok, err)
	}
}

func number(r *rand.Rand) dump.Value {
	n := r.Int64() >> r.IntN(64)
	if r.IntN(2) == 0 {
		n = -n
	}
	if r.IntN(50) == 0 {
		n = []int64{0, 1, -1, math.MinInt64, math.MaxInt64, 127, 128, -128, -129}[r.IntN(9)]
	}
	return dump.Value{Kind: dump.IsInt, Int: n}
}

func text(r *rand.Rand, pageSize int) dump.Value {
	n := r.IntN(20)
	if r.IntN(20) == 0 {
		n = r.IntN(3 * pageSize)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = "ABCabc_^é{"[r.IntN(8)]
	}
	return dump.Value{Kind: dump.IsText, Data: b}
}

func selectAll(t *testing.T, db *sql.DB, query string) (all [][]any) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	for rows.Next() {
		row := make([]any, len(columns))
		dest := make([]any, len(columns))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLockingPage goes past the byte that SQLite locks. What is before it is a
// hole, so the file is not checked as a whole.
func TestLockingPage(t *testing.T) {
	f, path := create(t, 65536)
	if err := errors.Join(f.Close(), os.Truncate(path, 1<<30-3*65536)); err != nil {
		t.Fatal(err)
	}
	f, err := btree.Open(path, 1<<14-3)
	if err != nil {
		t.Fatal(err)
	}
	blob := dump.Value{Kind: dump.IsBlob, Data: make([]byte, 200_000)} // four pages
	table := f.Table()
	for id := int64(1); err == nil && id < 100; id++ {
		err = table.Add(id, btree.AppendRecord(nil, []dump.Value{{}, blob}))
	}
	root, err2 := table.Finish()
	if err := errors.Join(err, err2, f.Count(), f.Close()); err != nil {
		t.Fatal(err)
	}
	db := openDB(t, path)
	defer db.Close()
	exec(t, db, "PRAGMA writable_schema = ON")
	exec(t, db, "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('table', 't', 't', ?, 'CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)')", root)
	exec(t, db, "PRAGMA writable_schema = RESET")
	if got := selectAll(t, db, "SELECT count(*), sum(length(b)) FROM t WHERE b IS NOT NULL"); got[0][0] != int64(99) || got[0][1] != int64(99*200_000) {
		t.Errorf("rows and bytes %v", got)
	}
	for _, row := range selectAll(t, db, "PRAGMA integrity_check(1000000)") {
		if s := fmt.Sprint(row[0]); !strings.Contains(s, "never used") {
			t.Errorf("SQLite finds: %s", s)
		}
	}
}

func TestUnique(t *testing.T) {
	f, _ := create(t, 4096)
	defer f.Close()
	e := btree.NewEntries(t.TempDir(), 1<<20, []btree.Part{{Column: 0, Fold: true}, {Column: 1}}, true, false)
	defer e.Close()
	rows := [][]dump.Value{{{}, {Kind: dump.IsInt, Int: 5}}, {{}, {Kind: dump.IsInt, Int: 5}}, {{Kind: dump.IsText, Data: []byte("a\x00\x00")}, {}},
		{{Kind: dump.IsText, Data: []byte("Kit")}, {Kind: dump.IsInt, Int: 5}}, {{Kind: dump.IsText, Data: []byte("kit")}, {Kind: dump.IsInt, Int: 6}},
		{{Kind: dump.IsText, Data: []byte("kIT")}, {Kind: dump.IsInt, Int: 5}}}
	for i, row := range rows {
		if err := e.Add(row, int64(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := e.Build(f)
	var d *btree.Duplicate
	if key, full := e.Key(rows[3]); !errors.As(err, &d) || d.Rowid != 6 || !bytes.Equal(d.Key, key) || !full {
		t.Errorf("error %v, want row 6", err)
	}
	if err := f.Table().Add(1, nil); err != nil {
		t.Error(err)
	}
	table := f.Table()
	if err := errors.Join(table.Add(5, nil), table.Add(5, nil)); err == nil {
		t.Error("a rowid twice")
	}
}

// TestKeyOrder compares keys as SQLite would compare the values.
func TestKeyOrder(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) dump.Value {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return dump.Value{}
		case 1:
			return dump.Value{Kind: dump.IsInt, Int: rapid.OneOf(rapid.Int64(), rapid.Int64Range(-300, 300)).Draw(t, "int")}
		case 2:
			return dump.Value{Kind: dump.IsText, Data: []byte(rapid.StringMatching(`[aAbB_\x00]{0,3}`).Draw(t, "text"))}
		}
		return dump.Value{Kind: dump.IsBlob, Data: rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "blob")}
	})
	rank := map[dump.Kind]int{dump.IsNull: 0, dump.IsInt: 1, dump.IsText: 2, dump.IsBlob: 3}
	rapid.Check(t, func(t *rapid.T) {
		a, b := value.Draw(t, "a"), value.Draw(t, "b")
		want := rank[a.Kind] - rank[b.Kind]
		if want == 0 {
			switch a.Kind {
			case dump.IsInt:
				want = map[bool]int{true: -1, false: 1}[a.Int < b.Int]
				if a.Int == b.Int {
					want = 0
				}
			case dump.IsText:
				want = bytes.Compare(bytes.ToLower(a.Data), bytes.ToLower(b.Data))
			case dump.IsBlob:
				want = bytes.Compare(a.Data, b.Data)
			}
		}
		got := bytes.Compare(btree.AppendKey(nil, &a, true), btree.AppendKey(nil, &b, true))
		if (got < 0) != (want < 0) || (got > 0) != (want > 0) {
			t.Fatalf("keys compare %d, values %d", got, want)
		}
	})
}

func TestSorter(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []int{0, 1, 10, 50_000} {
		s := btree.NewSorter(dir, 1<<16)
		random := rand.New(rand.NewPCG(1, uint64(n)))
		var want []string
		for range n {
			k := fmt.Sprint(random.IntN(1e9))
			want = append(want, k)
			if err := s.Add([]byte(k), []byte("v"+k)); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(want)
		var got []string
		if err := s.Each(func(k, v []byte) error {
			if string(v) != "v"+string(k) {
				t.Fatalf("%s has %s", k, v)
			}
			got = append(got, string(k))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d entries, %d wanted, or their order differs", len(got), len(want))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

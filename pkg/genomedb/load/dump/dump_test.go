package dump

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// describe writes a schema so that a reader can check it.
func describe(s Schema) string {
	var b strings.Builder
	for _, t := range s.Tables {
		fmt.Fprintf(&b, "table %s, line %d\n", t.Name, t.Line)
		for _, c := range t.Columns {
			fmt.Fprintf(&b, "  %s %s(%d) %s", c.Name, c.Type, c.Size, c.Affinity())
			if c.Values != nil {
				fmt.Fprintf(&b, " %q", c.Values)
			}
			if c.Unsigned {
				b.WriteString(" unsigned")
			}
			if c.NotNull {
				b.WriteString(" not null")
			}
			if c.Auto {
				b.WriteString(" auto")
			}
			if c.Binary {
				b.WriteString(" binary")
			}
			if c.Default != nil {
				fmt.Fprintf(&b, " default %q", *c.Default)
			}
			b.WriteByte('\n')
		}
		for _, k := range t.Keys {
			fmt.Fprintf(&b, "  %s %s %v\n", [...]string{"index", "unique", "primary"}[k.Kind], k.Name, k.Parts)
		}
	}
	for _, i := range s.Ignored {
		fmt.Fprintf(&b, "ignored %s\n", i)
	}
	return b.String()
}

func TestParseSchema(t *testing.T) {
	src, err := os.ReadFile("testdata/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSchema("schema.sql", bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	got := describe(s)
	file := filepath.Join("testdata", "schema.txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is\n%s\nwant\n%s", file, got, want)
	}
}

func TestParseSchemaErrors(t *testing.T) {
	for src, want := range map[string]string{
		"CREAT TABLE x (a int);":                            "s.sql:1: unknown statement CREAT",
		"CREATE TABLE x (\n a int,\n b wibble(3)\n);":       "s.sql:3: column b has the unknown type wibble",
		"CREATE TABLE x (a int) SELECT 1;":                  "s.sql:1: CREATE TABLE … SELECT needs a server to run it",
		"CREATE TABLE x (a int":                             "s.sql:1: column a: unexpected the end of the file",
		"CREATE TABLE x (a int,);":                          "s.sql:1: ) where the name of a column should be",
		"CREATE TABLE x (a int, A int);":                    "s.sql:1: table x has two columns A",
		"CREATE TABLE x (a int, KEY k (b));":                "s.sql:1: key k of table x: no column b",
		"CREATE TABLE x (a int);\nCREATE TABLE X (a int)":   "s.sql:2: table X is defined a second time (first in line 1)",
		"CREATE TABLE x (a enum(1));":                       "s.sql:1: 1 where a quoted value of the enumeration should be",
		"CREATE TABLE `x.y` (a int);":                       "s.sql:1: table name x.y has a dot in it",
		"CREATE TABLE x (a int NOT);":                       "s.sql:1: ) where NULL should be",
		"CREATE TABLE x (a int wibble);":                    "s.sql:1: column a: unknown attribute wibble",
		"CREATE TABLE x (PRIMARY KEY (a), `a` int KEY)":     "s.sql:1: table x has two primary keys",
		"CREATE TABLE x (\n\n`a int);":                      "s.sql:3: quote ` is not closed",
		"\n/* never ends":                                   "s.sql:2: comment without */",
		"\nINSERT INTO x VALUES (1)":                        "s.sql:2: INSERT in a schema: this is no dump made with mysqldump --tab",
		"CREATE TABLE x (KEY k (a));":                       "s.sql:1: table x has no columns",
		"CREATE TABLE x (a int DEFAULT );":                  "s.sql:1: column a: ) where its default should be",
		"CREATE TABLE x (a varchar(x));":                    "s.sql:1: x where a size should be",
		"CREATE TABLE x (a int CHECK ((a > 1);":             "s.sql:1: parenthesis is not closed",
		"CREATE TABLE x (CONSTRAINT c WIBBLE (a), a int);":  "s.sql:1: WIBBLE where PRIMARY KEY, UNIQUE, FOREIGN KEY or CHECK should be",
		"<html>not found</html>":                            "s.sql:1: < where a statement should begin",
		"CREATE TABLE x (a int DEFAULT 'x') LIKE y;":        "s.sql:1: CREATE TABLE … LIKE needs a server to run it",
		"CREATE TABLE x (a int, FOREIGN KEY (a) REFERENCES": "s.sql:1: the end of the file inside a definition",
	} {
		_, err := ParseSchema("s.sql", strings.NewReader(src))
		var at *Error
		if err == nil || err.Error() != want || !errors.As(err, &at) {
			t.Errorf("%s\nerror %v\nwant  %s", src, err, want)
		}
	}
	if _, err := ParseSchema("s.sql", iotest.ErrReader(errors.New("broken disk"))); err == nil || err.Error() != "s.sql:1: broken disk" {
		t.Errorf("error %v", err)
	}
}

func FuzzParseSchema(f *testing.F) {
	src, err := os.ReadFile("testdata/schema.sql")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(src))
	f.Add("CREATE TABLE x (a enum('a','b') DEFAULT 'a', KEY (a(3)));")
	f.Add("/*!40101 CREATE TABLE `x` (`a` int /* b */) */;")
	f.Add("CREATE TABLE x (((((((")
	f.Fuzz(func(t *testing.T, src string) {
		s, err := ParseSchema("f", strings.NewReader(src))
		if err != nil {
			var at *Error
			if !errors.As(err, &at) || at.Line < 1 || at.Line > 1+strings.Count(src, "\n") {
				t.Fatalf("error %v has no line of the source", err)
			}
			return
		}
		for _, table := range s.Tables {
			for _, k := range table.Keys {
				for _, p := range k.Parts {
					if _, ok := table.Column(p.Column); !ok {
						t.Fatalf("key %+v of no column of %+v", k, table)
					}
				}
			}
			for _, c := range table.Columns {
				if c.Affinity() == "" {
					t.Fatalf("column %+v has no affinity", c)
				}
			}
		}
	})
}

// readAll gives all rows as text, NULL as <NULL>.
func readAll(r *Rows) (all [][]string, lines []int) {
	for r.Next() {
		var row []string
		for _, f := range r.Fields() {
			if f.Null {
				row = append(row, "<NULL>")
			} else {
				row = append(row, string(f.Data))
			}
		}
		all, lines = append(all, row), append(lines, r.Line())
	}
	return all, lines
}

func TestRows(t *testing.T) {
	long := strings.Repeat("ACGT", 1<<17)
	for _, tt := range []struct {
		in    string
		want  [][]string
		lines []int
		open  bool
	}{
		{"", nil, nil, false},
		{"\n", [][]string{{""}}, []int{1}, false},
		{"a\tb\n", [][]string{{"a", "b"}}, []int{1}, false},
		{"a\tb", [][]string{{"a", "b"}}, []int{1}, true},
		{"a\t\t\nb\t\t\n", [][]string{{"a", "", ""}, {"b", "", ""}}, []int{1, 2}, false},
		{`\N` + "\t" + `x\N` + "\t" + `\\N` + "\n", [][]string{{"<NULL>", "xN", `\N`}}, []int{1}, false},
		{`a\tb\nc\\d\0e\Zf\'g\"h\qi` + "\n", [][]string{{"a\tb\nc\\d\x00e\x1af'g\"hqi"}}, []int{1}, false},
		{"a\\\nb\tc\nd\te\n", [][]string{{"a\nb", "c"}, {"d", "e"}}, []int{1, 3}, false},
		{"a\\\tb\n", [][]string{{"a\tb"}}, []int{1}, false},
		{"a\\\\\nb\n", [][]string{{`a\`}, {"b"}}, []int{1, 2}, false},
		{"a\\\\\\\nb\n", [][]string{{"a\\\nb"}}, []int{1}, false},
		{"a\r\n", [][]string{{"a\r"}}, []int{1}, false},
		{"a\\", [][]string{{"a\\"}}, []int{1}, true},
		{long + "\t" + long + "\\\n" + long + "\nx\n", [][]string{{long, long + "\n" + long}, {"x"}}, []int{1, 3}, false},
	} {
		for name, r := range map[string]*Rows{"whole": NewRows("f", strings.NewReader(tt.in)), "halves": NewRows("f", iotest.HalfReader(strings.NewReader(tt.in)))} {
			got, lines := readAll(r)
			if !reflect.DeepEqual(got, tt.want) || !reflect.DeepEqual(lines, tt.lines) || r.Unterminated() != tt.open || r.Err() != nil {
				t.Errorf("%s of %.60q: rows %.200q lines %v open %v, %v", name, tt.in, got, lines, r.Unterminated(), r.Err())
			}
		}
	}
	r := NewRows("f.txt", iotest.TimeoutReader(strings.NewReader(long+"\n"+long)))
	if got, _ := readAll(r); r.Err() == nil || !strings.HasPrefix(r.Err().Error(), "f.txt:") {
		t.Errorf("a broken reader gave %d rows, %v", len(got), r.Err())
	}
}

// write is mysqldump's own way of escaping, for the round trip.
func write(rows [][]Field) []byte {
	var b bytes.Buffer
	for _, row := range rows {
		for i, f := range row {
			if i > 0 {
				b.WriteByte('\t')
			}
			if f.Null {
				b.WriteString(`\N`)
			}
			for _, c := range f.Data {
				switch c {
				case 0:
					b.WriteString(`\0`)
				case '\t', '\n', '\\':
					b.WriteByte('\\')
					b.WriteByte(c)
				default:
					b.WriteByte(c)
				}
			}
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func FuzzRows(f *testing.F) {
	for _, s := range []string{"a\tb\n", "\\N\t\\\\N\n\n", "a\\\nb\tc", "\\", "a\\tb\\0\n", "\x00\xff\t\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var rows [][]Field
		r := NewRows("f", bytes.NewReader(data))
		for r.Next() {
			var row []Field
			for _, f := range r.Fields() {
				row = append(row, Field{f.Null, bytes.Clone(f.Data)})
			}
			rows = append(rows, row)
		}
		if r.Err() != nil {
			if bytes.IndexByte(data, 0) < 0 {
				t.Fatal(r.Err())
			}
			return
		}
		again := NewRows("g", bytes.NewReader(write(rows)))
		for i := 0; again.Next(); i++ {
			if i >= len(rows) || len(again.Fields()) != len(rows[i]) {
				t.Fatalf("row %d: %v, written and read %v", i, rows, again.Fields())
			}
			for j, f := range again.Fields() {
				if f.Null != rows[i][j].Null || !bytes.Equal(f.Data, rows[i][j].Data) {
					t.Fatalf("row %d field %d: %v, written and read %v", i, j, rows[i][j], f)
				}
			}
		}
	})
}

func TestValue(t *testing.T) {
	column := func(definition string) Column {
		s, err := ParseSchema("t", strings.NewReader("CREATE TABLE t (c "+definition+")"))
		if err != nil {
			t.Fatalf("%s: %v", definition, err)
		}
		return s.Tables[0].Columns[0]
	}
	for _, tt := range []struct {
		definition, field string
		want              any // an error's text, after "error: "
	}{
		{"int", "42", int64(42)},
		{"int", " -42\r", int64(-42)},
		{"int", "", int64(0)},
		{"int", "NULL", int64(0)},
		{"int", "1.5", int64(2)},
		{"int", "2e3", int64(2000)},
		{"int", "abc", `error: "abc" is no whole number`},
		{"int", "12x", `error: "12x" is no whole number`},
		{"int", "0x1F", `error: "0x1F" is no whole number`},
		{"int unsigned", "4294967295", int64(4294967295)},
		{"int unsigned", "4294967296", "error: 4294967296 is out of the range of int unsigned"},
		{"int unsigned", "-1", "error: -1 is out of the range of int unsigned"},
		{"int", "2147483648", "error: 2147483648 is out of the range of int"},
		{"tinyint", "-128", int64(-128)},
		{"tinyint", "-129", "error: -129 is out of the range of tinyint"},
		{"tinyint(1) unsigned", "255", int64(255)},
		{"bigint", "-9223372036854775808", int64(-9223372036854775808)},
		{"bigint unsigned", "18446744073709551615", "error: 18446744073709551615 does not fit in 64 bits with a sign"},
		{"bit(16)", "\x01\x02", int64(258)},
		{"double", "1e-300", 1e-300},
		{"float", "7", 7.0},
		{"decimal(10,2)", "0.50", 0.5},
		{"double", "", 0.0},
		{"double", "nan", `error: "nan" is no number`},
		{"double", "1,5", `error: "1,5" is no number`},
		{"varchar(3)", "x", "x"},
		{"varchar(3)", "", ""},
		{"text", "caf\xe9 \x80", "café €"},
		{"text", "café", "café"},
		{"blob", "\xff\x00", []byte{0xff, 0}},
		{"datetime", "0000-00-00 00:00:00", "0000-00-00 00:00:00"},
		{"enum('Gene','Transcript')", "gene", "Gene"},
		{"enum('Gene','Transcript')", "2", "Transcript"},
		{"enum('Gene','Transcript')", "0", ""},
		{"enum('Gene','2')", "2", "2"},
		{"enum('Gene','Transcript')", "", ""},
		{"enum('Gene','Transcript')", "Exon", `error: "Exon" is not one of 'Gene','Transcript'`},
		{"enum('Gene','Transcript')", "3", `error: "3" is not one of 'Gene','Transcript'`},
		{"set('a','b','c')", "C,a", "a,c"},
		{"set('a','b','c')", "5", "a,c"},
		{"set('a','b','c')", "", ""},
		{"set('a','b','c')", "a,x", `error: "x" is not one of 'a','b','c'`},
		{"set('a','b','c')", "8", `error: "8" is not one of 'a','b','c'`},
		{"int", `\N`, nil},
		{"varchar(3) NOT NULL", `\N`, ""},
		{"int NOT NULL", `\N`, int64(0)},
		{"float NOT NULL", `\N`, 0.0},
		{"enum('a','b') NOT NULL", `\N`, "a"},
		{"int NOT NULL AUTO_INCREMENT", `\N`, nil},
	} {
		c := column(tt.definition)
		f := Field{Data: []byte(tt.field)}
		if tt.field == `\N` {
			f = Field{Null: true}
		}
		got, err := c.Value(f)
		if err != nil {
			got = "error: " + err.Error()
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q in %s is %#v, want %#v", tt.field, tt.definition, got, tt.want)
		}
	}
}

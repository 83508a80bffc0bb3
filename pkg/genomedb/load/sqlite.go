package load

import (
	"fmt"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load/btree"
	"mirrornet/pkg/genomedb/load/dump"
)

func quote(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// createTable writes the table in SQLite's dialect. A primary key of one
// integer column becomes the rowid; other keys are indexes.
func createTable(database string, t *dump.Table) string {
	rowid := rowidColumn(t)
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (", genomedb.Physical(database, t.Name))
	for i := range t.Columns {
		c := &t.Columns[i]
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %s", quote(c.Name), c.Affinity())
		if c.Name == rowid {
			b.WriteString(" PRIMARY KEY")
		} else if c.Affinity() == dump.Text && !c.Binary {
			b.WriteString(" COLLATE NOCASE")
		}
	}
	b.WriteString(")")
	return b.String()
}

// rowidColumn is the column that becomes the rowid, or "". Rows lie by rowid,
// so of short tables that the API lists as they lie, it is the row's place in
// the dump, as in the reference's tables.
func rowidColumn(t *dump.Table) string {
	k, ok := t.PrimaryKey()
	if !ok || len(k.Parts) != 1 || t.Name == "source" || t.Name == "population" { // info/variation
		return ""
	}
	if c, _ := t.Column(k.Parts[0].Column); c.Affinity() == dump.Integer {
		return c.Name
	}
	return ""
}

// index is a key as SQLite has it.
type index struct {
	key     dump.Key
	name    string
	sql     string
	parts   []btree.Part
	unique  bool
	numbers bool // no text or blob is in it
	entries *btree.Entries
}

func (x *index) newEntries(dir string, memory int) *btree.Entries {
	return btree.NewEntries(dir, memory, x.parts, x.unique, x.numbers)
}

// indexesOf gives the table's keys, unique ones first. Of a key of prefixes,
// one index is of the whole columns.
func indexesOf(database string, t *dump.Table) []index {
	rowid := rowidColumn(t)
	var unique, plain []index
	for _, k := range keysOf(t) {
		if k.Kind == dump.Primary && rowid != "" {
			continue
		}
		whole := index{key: k, name: database + "." + t.Name + "." + k.Name, numbers: true}
		var columns, expressions []string
		short := index{key: k, name: whole.name + ".prefix", unique: true}
		for _, p := range k.Parts {
			c, _ := t.Column(p.Column)
			part := btree.Part{Column: slices.IndexFunc(t.Columns, func(o dump.Column) bool { return o.Name == c.Name }), Fold: c.Affinity() == dump.Text && !c.Binary}
			columns = append(columns, quote(c.Name))
			whole.parts = append(whole.parts, part)
			whole.numbers = whole.numbers && (c.Affinity() == dump.Integer || c.Affinity() == dump.Real)
			expression := quote(c.Name)
			if p.Prefix > 0 && (c.Size == 0 || p.Prefix < c.Size) {
				part.Prefix = p.Prefix
				expression = fmt.Sprintf("substr(%s, 1, %d)", expression, p.Prefix)
				if part.Fold {
					expression += " COLLATE NOCASE"
				}
			}
			short.parts = append(short.parts, part)
			expressions = append(expressions, expression)
		}
		prefixed := slices.ContainsFunc(short.parts, func(p btree.Part) bool { return p.Prefix > 0 })
		if k.Kind != dump.Index && prefixed {
			short.sql = createIndex(short, database, t, expressions)
			unique = append(unique, short)
		}
		whole.unique = k.Kind != dump.Index && !prefixed
		whole.sql = createIndex(whole, database, t, columns)
		if whole.unique {
			unique = append(unique, whole)
		} else {
			plain = append(plain, whole)
		}
	}
	return append(unique, plain...)
}

// createIndexes writes them in SQLite's dialect.
func createIndexes(database string, t *dump.Table) []string {
	var all []string
	for _, x := range indexesOf(database, t) {
		all = append(all, x.sql)
	}
	return all
}

func createIndex(x index, database string, t *dump.Table, parts []string) string {
	what := "INDEX"
	if x.unique {
		what = "UNIQUE INDEX"
	}
	return fmt.Sprintf("CREATE %s %s ON %s (%s)", what, quote(x.name), genomedb.Physical(database, t.Name), strings.Join(parts, ", "))
}

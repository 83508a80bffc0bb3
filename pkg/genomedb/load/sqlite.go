package load

import (
	"fmt"
	"strings"

	"mirrornet/pkg/genomedb"
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

func rowidColumn(t *dump.Table) string {
	k, ok := t.PrimaryKey()
	if !ok || len(k.Parts) != 1 {
		return ""
	}
	if c, _ := t.Column(k.Parts[0].Column); c.Affinity() == dump.Integer {
		return c.Name
	}
	return ""
}

// createIndexes writes the table's keys, unique ones first.
func createIndexes(database string, t *dump.Table) []string {
	rowid := rowidColumn(t)
	var unique, plain []string
	for _, k := range t.Keys {
		if k.Kind == dump.Primary && rowid != "" {
			continue
		}
		columns := make([]string, len(k.Parts))
		expressions := make([]string, len(k.Parts))
		prefixed := false
		for i, p := range k.Parts {
			columns[i] = quote(p.Column)
			expressions[i] = columns[i]
			c, _ := t.Column(p.Column)
			if p.Prefix > 0 && (c.Size == 0 || p.Prefix < c.Size) {
				prefixed = true
				expressions[i] = fmt.Sprintf("substr(%s, 1, %d)", columns[i], p.Prefix)
				if c.Affinity() == dump.Text && !c.Binary {
					expressions[i] += " COLLATE NOCASE"
				}
			}
		}
		if k.Kind != dump.Index && prefixed {
			unique = append(unique, createIndex("UNIQUE INDEX", database, t, k.Name+".prefix", expressions))
		}
		if k.Kind != dump.Index && !prefixed {
			unique = append(unique, createIndex("UNIQUE INDEX", database, t, k.Name, columns))
		} else {
			plain = append(plain, createIndex("INDEX", database, t, k.Name, columns))
		}
	}
	return append(unique, plain...)
}

func createIndex(what, database string, t *dump.Table, key string, parts []string) string {
	return fmt.Sprintf("CREATE %s %s ON %s (%s)", what, quote(database+"."+t.Name+"."+key),
		genomedb.Physical(database, t.Name), strings.Join(parts, ", "))
}

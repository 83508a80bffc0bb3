package dump

import "strings"

// Table is a CREATE TABLE statement.
type Table struct {
	Name    string
	Columns []Column
	Keys    []Key
	Line    int // of the statement
}

// Column of a table.
type Column struct {
	Name     string
	Type     string   // MySQL's name in lower case, without size: int, varchar, enum …
	Size     int      // characters or digits; 0 where the statement has none
	Values   []string // of enum and set
	Unsigned bool
	NotNull  bool
	Auto     bool // AUTO_INCREMENT
	Binary   bool // compared byte by byte: BINARY, or a collation or character set that is
	Default  *string
}

// KeyKind is what a key promises.
type KeyKind int

const (
	Index KeyKind = iota
	Unique
	Primary
)

// Key is a primary key, unique key or plain index.
type Key struct {
	Kind  KeyKind
	Name  string // PRIMARY for the primary key
	Parts []KeyPart
}

// KeyPart is a column of a key; Prefix is how many of its characters count, 0
// for all.
type KeyPart struct {
	Column string
	Prefix int
}

// Column finds a column by name. Case does not count.
func (t *Table) Column(name string) (*Column, bool) {
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].Name, name) {
			return &t.Columns[i], true
		}
	}
	return nil, false
}

// PrimaryKey gives the primary key, if the table has one.
func (t *Table) PrimaryKey() (Key, bool) {
	for _, k := range t.Keys {
		if k.Kind == Primary {
			return k, true
		}
	}
	return Key{}, false
}

// Affinity is what a column's values are in SQLite.
type Affinity string

const (
	Integer Affinity = "INTEGER"
	Real    Affinity = "REAL"
	Text    Affinity = "TEXT"
	Blob    Affinity = "BLOB"
)

// types are MySQL's column types, by the name that [Column.Type] has.
var types = map[string]Affinity{
	"bit": Integer, "bool": Integer, "boolean": Integer, "tinyint": Integer, "smallint": Integer, "mediumint": Integer,
	"int": Integer, "integer": Integer, "bigint": Integer, "year": Integer, "serial": Integer,
	"float": Real, "double": Real, "real": Real, "decimal": Real, "dec": Real, "numeric": Real, "fixed": Real,
	"char": Text, "character": Text, "varchar": Text, "tinytext": Text, "text": Text, "mediumtext": Text, "longtext": Text,
	"enum": Text, "set": Text, "json": Text,
	"date": Text, "time": Text, "datetime": Text, "timestamp": Text,
	"binary": Blob, "varbinary": Blob, "tinyblob": Blob, "blob": Blob, "mediumblob": Blob, "longblob": Blob,
}

// Affinity of the column's type.
func (c *Column) Affinity() Affinity { return types[c.Type] }

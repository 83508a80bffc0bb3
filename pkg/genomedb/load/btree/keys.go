package btree

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"mirrornet/pkg/genomedb/load/dump"
)

// Part is what an index takes of a row.
type Part struct {
	Column int
	Fold   bool // compares text without case
	Prefix int  // counts only so many characters, or bytes of a blob; 0: all
}

// Entries collects the entries of one index while its table is written, and
// then builds it.
type Entries struct {
	parts   []Part
	unique  bool
	numbers bool // no text or blob is in it
	sorter  *Sorter
	key     []byte
	data    []byte
	values  []dump.Value
}

// NewEntries makes one whose sorter spills into dir beyond budget bytes. Of
// columns that numbers names, all values are numbers or NULL. The caller closes
// it.
func NewEntries(dir string, budget int, parts []Part, unique, numbers bool) *Entries {
	return &Entries{parts: parts, unique: unique, numbers: numbers, sorter: NewSorter(dir, budget), values: make([]dump.Value, len(parts)+1)}
}

// Duplicate is the error of [Entries.Build] for rows that a unique index
// refuses.
type Duplicate struct {
	Key   []byte // as [Entries.Key] has it
	Rowid int64  // of a later row
}

func (d *Duplicate) Error() string { return fmt.Sprintf("row %d repeats a unique key", d.Rowid) }

// Key gives the sort key of a row without its rowid; it holds until the next
// call. The second is false where it has a NULL, which is never a duplicate.
func (e *Entries) Key(row []dump.Value) ([]byte, bool) {
	e.key = e.key[:0]
	full := true
	for i, p := range e.parts {
		v := row[p.Column]
		if p.Prefix > 0 {
			v.Data = head(v, p.Prefix)
		}
		full = full && v.Kind != dump.IsNull
		e.values[i] = v
		e.key = AppendKey(e.key, &v, p.Fold)
	}
	return e.key, full
}

// head gives a value's first characters, or bytes of a blob.
func head(v dump.Value, n int) []byte {
	if v.Kind == dump.IsBlob {
		return v.Data[:min(n, len(v.Data))]
	}
	at := 0
	for ; n > 0 && at < len(v.Data); n-- {
		_, size := utf8.DecodeRune(v.Data[at:])
		at += size
	}
	return v.Data[:at]
}

// Add adds a row's entry.
func (e *Entries) Add(row []dump.Value, rowid int64) error {
	e.Key(row)
	e.data = e.data[:0]
	if !e.numbers {
		e.values[len(e.parts)] = dump.Value{Kind: dump.IsInt, Int: rowid}
		e.data = AppendRecord(e.data, e.values)
	}
	return e.sorter.Add(AppendRowid(e.key, rowid), e.data)
}

// Build writes the index and gives its root page. Duplicates of a unique one
// are a *Duplicate.
func (e *Entries) Build(f *File) (uint32, error) {
	x := f.Index()
	var last []byte
	first := true
	err := e.sorter.Each(func(key, data []byte) error {
		columns, id := key[:len(key)-8], Rowid(key[len(key)-8:])
		if e.unique {
			if !first && bytes.Equal(columns, last) && !hasNull(columns) {
				return &Duplicate{bytes.Clone(columns), id}
			}
			last, first = append(last[:0], columns...), false
		}
		if e.numbers {
			n := len(e.parts)
			if err := decodeNumbers(columns, e.values[:n]); err != nil {
				return err
			}
			e.values[n] = dump.Value{Kind: dump.IsInt, Int: id}
			e.data = AppendRecord(e.data[:0], e.values)
			data = e.data
		}
		return x.Add(data)
	})
	if err != nil {
		return 0, err
	}
	return x.Finish()
}

// hasNull walks a key.
func hasNull(key []byte) bool {
	for len(key) > 0 {
		tag := key[0]
		key = key[1:]
		switch {
		case tag == tagNull:
			return true
		case tag == tagFloat:
			key = key[8:]
		case tag < tagFloat:
			n := int(tag) - tagZero
			key = key[max(n, -n):]
		default: // to the zeros that end it
			for key[0] != 0 || key[1] != 0 {
				if key[0] == 0 {
					key = key[1:]
				}
				key = key[1:]
			}
			key = key[2:]
		}
	}
	return false
}

// Close frees the sorter's memory and files.
func (e *Entries) Close() error { return e.sorter.Close() }

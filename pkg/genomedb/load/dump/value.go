package dump

import "fmt"

// Kind is which field of a Value counts.
type Kind uint8

const (
	IsNull Kind = iota
	IsInt
	IsFloat
	IsText
	IsBlob
)

// Value is a column's value in a row. It is a struct and not an interface so
// that a row costs no allocation.
type Value struct {
	Kind  Kind
	Int   int64
	Float float64
	Data  []byte // of text, as UTF-8, or of a blob
}

// Any gives int64, float64, string, []byte (the same bytes) or nil.
func (v Value) Any() any {
	switch v.Kind {
	case IsInt:
		return v.Int
	case IsFloat:
		return v.Float
	case IsText:
		return string(v.Data)
	case IsBlob:
		return v.Data
	}
	return nil
}

// ValueOf is the Value of what Any gives.
func ValueOf(a any) (Value, error) {
	switch a := a.(type) {
	case nil:
		return Value{}, nil
	case int64:
		return Value{Kind: IsInt, Int: a}, nil
	case float64:
		return Value{Kind: IsFloat, Float: a}, nil
	case string:
		return Value{Kind: IsText, Data: []byte(a)}, nil
	case []byte:
		return Value{Kind: IsBlob, Data: a}, nil
	}
	return Value{}, fmt.Errorf("a value of the type %T", a)
}

// Decoder turns the fields of a table's rows into values.
type Decoder struct{ columns []decoder }

// decoder is a column with what its values are asked for, so that no map is.
type decoder struct {
	column   *Column
	affinity Affinity
	plain    bool // text that is not enum or set
	min, max int64
}

// NewDecoder makes one for a table, which it keeps.
func NewDecoder(t *Table) *Decoder {
	d := &Decoder{columns: make([]decoder, len(t.Columns))}
	for i := range t.Columns {
		c := &t.Columns[i]
		d.columns[i] = decoder{column: c, affinity: c.Affinity(), plain: c.Type != "enum" && c.Type != "set"}
		d.columns[i].min, d.columns[i].max = c.bounds()
	}
	return d
}

// Decode gives the value of a field of the column i. Its Data may be the
// field's own bytes.
func (d *Decoder) Decode(i int, f Field, v *Value) error {
	c := &d.columns[i]
	if f.Null {
		null := c.column.null()
		*v = null
		return nil
	}
	switch c.affinity {
	case Integer:
		if n, ok := plainInt(f.Data); ok && n >= c.min && n <= c.max {
			*v = Value{Kind: IsInt, Int: n}
			return nil
		}
		n, err := c.column.integer(f.Data)
		*v = Value{Kind: IsInt, Int: n}
		return err
	case Real:
		n, ok := plainInt(f.Data)
		x := float64(n)
		if !ok {
			var err error
			if x, err = c.column.real(f.Data); err != nil {
				return err
			}
		}
		*v = Value{Kind: IsFloat, Float: x}
		return nil
	case Blob:
		*v = Value{Kind: IsBlob, Data: f.Data}
		return nil
	}
	if c.plain {
		*v = Value{Kind: IsText, Data: decode(f.Data)}
		return nil
	}
	for _, m := range c.column.Values { // most often one of them, as it is written there
		if string(f.Data) == m {
			*v = Value{Kind: IsText, Data: f.Data}
			return nil
		}
	}
	var s string
	var err error
	if c.column.Type == "enum" {
		s, err = c.column.enum(string(f.Data))
	} else {
		s, err = c.column.set(string(f.Data))
	}
	*v = Value{Kind: IsText, Data: []byte(s)}
	return err
}

// plainInt reads digits with at most a sign, 18 of them so that they fit.
func plainInt(s []byte) (n int64, ok bool) {
	negative := len(s) > 1 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

package dump

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Value is what a field is in the column: int64, float64, string, []byte (a
// copy) or nil.
func (c *Column) Value(f Field) (any, error) {
	v, err := c.value(f)
	if v.Kind == IsBlob {
		v.Data = bytes.Clone(v.Data)
	}
	if err != nil {
		return nil, err
	}
	return v.Any(), nil
}

func (c *Column) value(f Field) (v Value, err error) {
	err = NewDecoder(&Table{Columns: []Column{*c}}).Decode(0, f, &v)
	return v, err
}

// DefaultValue is what a row has in a column that it does not give.
func (c *Column) DefaultValue() (any, error) {
	v, err := c.defaultValue()
	if err != nil {
		return nil, err
	}
	return v.Any(), nil
}

func (c *Column) defaultValue() (Value, error) {
	if c.Default == nil {
		return c.null(), nil
	}
	return c.value(Field{Data: []byte(*c.Default)})
}

// Defaults are a row of a table's defaults. One that is no value of its column
// but MySQL's own making, such as a date of zeros, is NULL.
func (t *Table) Defaults() []Value {
	row := make([]Value, len(t.Columns))
	for i := range t.Columns {
		if v, err := t.Columns[i].defaultValue(); err == nil {
			row[i] = v
		}
	}
	return row
}

// null is NULL, or in a NOT NULL column the type's own empty value, as MySQL
// stores it. An AUTO_INCREMENT column numbers itself.
func (c *Column) null() Value {
	if !c.NotNull || c.Auto {
		return Value{}
	}
	switch c.Affinity() {
	case Integer:
		return Value{Kind: IsInt}
	case Real:
		return Value{Kind: IsFloat}
	case Blob:
		return Value{Kind: IsBlob, Data: []byte{}}
	}
	if c.Type == "enum" && len(c.Values) > 0 {
		return Value{Kind: IsText, Data: []byte(c.Values[0])}
	}
	return Value{Kind: IsText}
}

// widths are the bits of integer types; others have 64.
var widths = map[string]uint{"bool": 8, "boolean": 8, "tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "year": 16}

// bounds are the least and greatest value of an integer type.
func (c *Column) bounds() (least, greatest int64) {
	width, ok := widths[c.Type]
	switch {
	case !ok && c.Unsigned:
		return 0, math.MaxInt64
	case !ok:
		return math.MinInt64, math.MaxInt64
	case c.Unsigned:
		return 0, 1<<width - 1
	}
	return -1 << (width - 1), 1<<(width-1) - 1
}

func (c *Column) integer(data []byte) (int64, error) {
	s := strings.TrimSpace(string(data))
	if s == "" || s == "NULL" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		if c.Type == "bit" && len(data) <= 8 {
			for _, b := range data {
				n = n<<8 | int64(b)
			}
			return n, nil
		}
		f, ferr := strconv.ParseFloat(s, 64)
		if ferr != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(s, "xX_") {
			return 0, fmt.Errorf("%q is no whole number", clip(s))
		}
		if f = math.Round(f); math.Abs(f) >= 1<<63 {
			return 0, fmt.Errorf("%s does not fit in 64 bits with a sign", clip(s))
		}
		n = int64(f)
	}
	if least, greatest := c.bounds(); n < least || n > greatest {
		sign := ""
		if c.Unsigned {
			sign = " unsigned"
		}
		return 0, fmt.Errorf("%d is out of the range of %s%s", n, c.Type, sign)
	}
	return n, nil
}

func (c *Column) real(data []byte) (float64, error) {
	s := strings.TrimSpace(string(data))
	if s == "" || s == "NULL" {
		return 0, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(s, "xX_") {
		return 0, fmt.Errorf("%q is no number", clip(s))
	}
	return f, nil
}

// enum gives the member as its definition writes it. "" is MySQL's value for
// what was none; a number is a member's place.
func (c *Column) enum(s string) (string, error) {
	if m, ok := c.member(s); ok || s == "" {
		return m, nil
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n <= len(c.Values) {
		if n == 0 {
			return "", nil
		}
		return c.Values[n-1], nil
	}
	return "", fmt.Errorf("%q is not one of '%s'", clip(s), strings.Join(c.Values, "','"))
}

func (c *Column) member(s string) (string, bool) {
	for _, v := range c.Values {
		if strings.EqualFold(v, strings.TrimRight(s, " ")) {
			return v, true
		}
	}
	return "", false
}

// set gives the members in the definition's order. A number is a bit for each.
func (c *Column) set(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	var bits uint64
	for part := range strings.SplitSeq(s, ",") {
		m, ok := c.member(part)
		if !ok {
			n, err := strconv.ParseUint(s, 10, 64)
			if err != nil || len(c.Values) < 64 && n>>len(c.Values) != 0 {
				return "", fmt.Errorf("%q is not one of '%s'", clip(part), strings.Join(c.Values, "','"))
			}
			bits = n
			break
		}
		for i, v := range c.Values {
			if v == m {
				bits |= 1 << i
				break
			}
		}
	}
	var members []string
	for i, v := range c.Values {
		if bits&(1<<i) != 0 {
			members = append(members, v)
		}
	}
	return strings.Join(members, ","), nil
}

// decode gives text as UTF-8: data itself, if it is.
func decode(data []byte) []byte {
	if utf8.Valid(data) {
		return data
	}
	var b []byte
	for _, c := range data {
		if c >= 0x80 && c < 0xa0 {
			b = utf8.AppendRune(b, windows1252[c-0x80])
		} else {
			b = utf8.AppendRune(b, rune(c))
		}
	}
	return b
}

// windows1252 is where that character set is not Latin 1.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

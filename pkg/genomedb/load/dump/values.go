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
	if f.Null {
		return c.null(), nil
	}
	switch c.Affinity() {
	case Integer:
		return c.integer(f.Data)
	case Real:
		return c.real(f.Data)
	case Blob:
		return bytes.Clone(f.Data), nil
	}
	switch c.Type {
	case "enum":
		return c.enum(string(f.Data))
	case "set":
		return c.set(string(f.Data))
	}
	return decode(f.Data), nil
}

// DefaultValue is what a row has in a column that it does not give.
func (c *Column) DefaultValue() (any, error) {
	if c.Default == nil {
		return c.null(), nil
	}
	return c.Value(Field{Data: []byte(*c.Default)})
}

// null is NULL, or in a NOT NULL column the type's own empty value, as MySQL
// stores it. An AUTO_INCREMENT column numbers itself.
func (c *Column) null() any {
	if !c.NotNull || c.Auto {
		return nil
	}
	switch c.Affinity() {
	case Integer:
		return int64(0)
	case Real:
		return float64(0)
	case Blob:
		return []byte{}
	}
	if c.Type == "enum" && len(c.Values) > 0 {
		return c.Values[0]
	}
	return ""
}

// widths are the bits of integer types; others have 64.
var widths = map[string]uint{"bool": 8, "boolean": 8, "tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "year": 16}

func (c *Column) integer(data []byte) (any, error) {
	s := strings.TrimSpace(string(data))
	if s == "" || s == "NULL" {
		return int64(0), nil
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
			return nil, fmt.Errorf("%q is no whole number", clip(s))
		}
		if f = math.Round(f); math.Abs(f) >= 1<<63 {
			return nil, fmt.Errorf("%s does not fit in 64 bits with a sign", clip(s))
		}
		n = int64(f)
	}
	width, ok := widths[c.Type]
	switch {
	case c.Unsigned && n < 0, ok && c.Unsigned && n>>width != 0:
		return nil, fmt.Errorf("%d is out of the range of %s unsigned", n, c.Type)
	case ok && !c.Unsigned && (n >= 1<<(width-1) || n < -1<<(width-1)):
		return nil, fmt.Errorf("%d is out of the range of %s", n, c.Type)
	}
	return n, nil
}

func (c *Column) real(data []byte) (any, error) {
	s := strings.TrimSpace(string(data))
	if s == "" || s == "NULL" {
		return float64(0), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(s, "xX_") {
		return nil, fmt.Errorf("%q is no number", clip(s))
	}
	return f, nil
}

// enum gives the member as its definition writes it. "" is MySQL's value for
// what was none; a number is a member's place.
func (c *Column) enum(s string) (any, error) {
	if m, ok := c.member(s); ok || s == "" {
		return m, nil
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n <= len(c.Values) {
		if n == 0 {
			return "", nil
		}
		return c.Values[n-1], nil
	}
	return nil, fmt.Errorf("%q is not one of '%s'", clip(s), strings.Join(c.Values, "','"))
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
func (c *Column) set(s string) (any, error) {
	if s == "" {
		return "", nil
	}
	var bits uint64
	for part := range strings.SplitSeq(s, ",") {
		m, ok := c.member(part)
		if !ok {
			n, err := strconv.ParseUint(s, 10, 64)
			if err != nil || len(c.Values) < 64 && n>>len(c.Values) != 0 {
				return nil, fmt.Errorf("%q is not one of '%s'", clip(part), strings.Join(c.Values, "','"))
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

// decode gives text as UTF-8.
func decode(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	var b strings.Builder
	for _, c := range data {
		if c >= 0x80 && c < 0xa0 {
			b.WriteRune(windows1252[c-0x80])
		} else {
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}

// windows1252 is where that character set is not Latin 1.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

package overlap

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// Fields takes the fields of a feature, one call each. It writes JSON at once,
// or keeps them for GFF3.
type Fields struct {
	json  []byte
	keep  bool
	kept  []kept
	first bool
}

// kept is a field kept for GFF3.
type kept struct {
	key  string
	text string
	list []string
	null bool
}

// JSON says whether the fields are written as JSON: some fields belong to JSON
// alone.
func (f *Fields) JSON() bool { return !f.keep }

// name is the key in JSON.
func name(key string) string {
	if key == "Name" {
		return "external_name"
	}
	return key
}

func (f *Fields) key(key string) {
	if f.first {
		f.first = false
	} else {
		f.json = append(f.json, ',')
	}
	f.json = append(f.json, '"')
	f.json = append(f.json, name(key)...)
	f.json = append(f.json, '"', ':')
}

// Text tells a text. The field "Name" is external_name in JSON.
func (f *Fields) Text(key, value string) {
	if f.keep {
		f.kept = append(f.kept, kept{key: key, text: value})
		return
	}
	f.key(key)
	f.json = appendString(f.json, value)
}

// Optional is Text, left out where value is "".
func (f *Fields) Optional(key, value string) {
	if value != "" {
		f.Text(key, value)
	}
}

// Nullable tells a text or null.
func (f *Fields) Nullable(key string, value *string) {
	if value == nil {
		f.Null(key)
		return
	}
	f.Text(key, *value)
}

// Null tells a field that has no value.
func (f *Fields) Null(key string) {
	if f.keep {
		f.kept = append(f.kept, kept{key: key, null: true})
		return
	}
	f.key(key)
	f.json = append(f.json, "null"...)
}

// Int tells a whole number.
func (f *Fields) Int(key string, value int64) {
	if f.keep {
		f.kept = append(f.kept, kept{key: key, text: strconv.FormatInt(value, 10)})
		return
	}
	f.key(key)
	f.json = strconv.AppendInt(f.json, value, 10)
}

// Float tells a number as Perl writes it: 15 significant digits.
func (f *Fields) Float(key string, value float64) {
	if f.keep {
		f.kept = append(f.kept, kept{key: key, text: string(appendFloat(nil, value))})
		return
	}
	f.key(key)
	f.json = appendFloat(f.json, value)
}

// List tells a list of texts.
func (f *Fields) List(key string, values []string) {
	if f.keep {
		if values == nil {
			values = []string{} // a list still
		}
		f.kept = append(f.kept, kept{key: key, list: values})
		return
	}
	f.key(key)
	f.json = append(f.json, '[')
	for i, v := range values {
		if i > 0 {
			f.json = append(f.json, ',')
		}
		f.json = appendString(f.json, v)
	}
	f.json = append(f.json, ']')
}

func appendFloat(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) { // JSON has no such numbers
		return append(b, "null"...)
	}
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.AppendInt(b, int64(v), 10)
	}
	s := strconv.FormatFloat(v, 'g', 15, 64)
	return append(b, s...)
}

const hex = "0123456789abcdef"

// appendString writes a JSON string (RFC 8259 §7). Bytes that are not UTF-8
// become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(b, s[from:i]...)
				b = append(b, "\uFFFD"...)
				from = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

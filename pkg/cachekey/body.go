package cachekey

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// canonicalJSON writes a JSON object with sorted names and without spaces;
// numbers and the order of arrays stay as they are. It is false for what is
// not an object, and for what parsers read differently: names that are equal
// but for case, text that is not Unicode.
func canonicalJSON(body []byte) ([]byte, bool) {
	if !utf8.Valid(body) || !json.Valid(body) || !distinctNames(body) {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, false
	}
	if _, ok := v.(map[string]any); !ok {
		return nil, false
	}
	return appendJSON(nil, v)
}

func appendJSON(b []byte, v any) ([]byte, bool) {
	ok := true
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), true
	case bool:
		if v {
			return append(b, "true"...), true
		}
		return append(b, "false"...), true
	case json.Number:
		return append(b, v...), true
	case string:
		return appendText(b, v)
	case []any:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = appendJSON(b, x); !ok {
				return nil, false
			}
		}
		return append(b, ']'), true
	case map[string]any:
		names := make([]string, 0, len(v))
		for n := range v {
			names = append(names, n)
		}
		slices.Sort(names)
		b = append(b, '{')
		for i, n := range names {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = appendText(b, n); !ok {
				return nil, false
			}
			b = append(b, ':')
			if b, ok = appendJSON(b, v[n]); !ok {
				return nil, false
			}
		}
		return append(b, '}'), true
	}
	return nil, false
}

// appendText refuses the replacement character: the decoder writes it for
// escapes of lone surrogates, which other parsers keep apart.
func appendText(b []byte, s string) ([]byte, bool) {
	if strings.ContainsRune(s, utf8.RuneError) {
		return nil, false
	}
	text, err := json.Marshal(s)
	return append(b, text...), err == nil
}

// distinctNames reports whether no object in valid JSON has two names that are
// equal but for case.
func distinctNames(body []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	type level struct {
		names map[string]bool // nil in an array
		value bool            // the next token of an object is a value
	}
	var open []level
	for {
		t, err := dec.Token()
		if err != nil {
			return true // the end
		}
		top := len(open) - 1
		if d, ok := t.(json.Delim); ok && (d == ']' || d == '}') {
			open = open[:top]
			continue
		}
		if top >= 0 && open[top].names != nil {
			if name, ok := t.(string); ok && !open[top].value {
				folded := strings.ToLower(strings.ToUpper(name))
				if open[top].names[folded] {
					return false
				}
				open[top].names[folded], open[top].value = true, true
				continue
			}
			open[top].value = false
		}
		switch t {
		case json.Delim('{'):
			open = append(open, level{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, level{})
		}
	}
}

// Package batch reads the body of the API's POST requests: the list of
// elements, and options that may stand in the body or in the query.
package batch

import (
	"encoding/json"

	"mirrornet/pkg/ensembl"
)

// Option is an option's text in the body, or else in the query. null and false
// are "".
func Option(c ensembl.Call, name string) string {
	raw, ok := c.Body[name]
	if !ok {
		return c.Query.Get(name)
	}
	return text(raw)
}

// Flag is the API's truth of an option: absent, empty, 0, null and false are
// false.
func Flag(c ensembl.Call, name string) bool {
	v := Option(c, name)
	return v != "" && v != "0"
}

// List reads the elements of the field name: texts, or numbers as text; null
// is "", and a list or an object is a text that names nothing. ok is false
// where the body has no such field. More than limit elements, and what is no
// list, are the API's 400s.
func List(c ensembl.Call, name string, limit int) (items []string, ok bool, err error) {
	raw, ok := c.Body[name]
	if !ok || string(raw) == "null" {
		return nil, ok, nil
	}
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return nil, true, ensembl.BadRequest("POST body must contain '%s' key with array of values", name)
	}
	if len(elements) > limit {
		return nil, true, ensembl.BadRequest("POST message too large. You have submitted %d elements but a limit of %d is in place. Request smaller regions or lists of IDs", len(elements), limit)
	}
	for _, e := range elements {
		items = append(items, text(e))
	}
	return items, true, nil
}

// text is a scalar as text. Of a list or an object it is known that it is
// there, and no more: its spaces and the order of its names say nothing.
func text(raw json.RawMessage) string {
	switch raw[0] {
	case '{':
		return "{}"
	case '[':
		return "[]"
	}
	var s string
	if json.Unmarshal(raw, &s) == nil { // null too
		return s
	}
	switch s := string(raw); s {
	case "true":
		return "1"
	case "false":
		return ""
	default:
		return s
	}
}

package origin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
)

// encode makes the body of a good answer in the request's format.
func encode(req apispec.Request, a ensembl.Answer) ([]byte, error) {
	switch req.Format {
	case apispec.JSON, apispec.XML, apispec.YAML:
		return encodeValue(req.Format, a.Value)
	case apispec.JSONP:
		b, err := encodeJSON(a.Value)
		if err != nil || req.Callback == "" {
			return b, err
		}
		return fmt.Appendf(nil, "%s(%s);", req.Callback, b), nil
	case apispec.HTML:
		if a.Value == nil && a.Text != nil {
			return textPage(req, a.Text), nil
		}
		b, err := encodeJSON(a.Value)
		if err != nil {
			return nil, err
		}
		return jsonPage(req, b)
	}
	if a.Text == nil && req.Format == apispec.Plain && a.Value != nil {
		return encodeValue(apispec.YAML, a.Value)
	}
	if a.Text == nil {
		return nil, fmt.Errorf("endpoint %s: no text for %s", req.Endpoint.ID, req.Format)
	}
	return a.Text, nil
}

// encodeValue makes JSON, XML, YAML or an HTML-free fallback of a value.
func encodeValue(format string, v any) ([]byte, error) {
	b, err := encodeJSON(v)
	if err != nil || format == apispec.JSON {
		return b, err
	}
	n, err := parseTree(b)
	if err != nil {
		return nil, err
	}
	switch format {
	case apispec.XML:
		return encodeXML(n), nil
	case apispec.YAML:
		return encodeYAML(n), nil
	}
	return b, nil
}

// encodeJSON leaves <, > and & as they are, like the reference: the type is
// JSON and is not sniffed.
func encodeJSON(v any) ([]byte, error) {
	if a, ok := v.(ensembl.JSONAppender); ok {
		return a.AppendJSON(nil), nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func contentType(format string) string {
	if format == apispec.JSON {
		return format
	}
	return format + "; charset=UTF-8"
}

// tree is a JSON value. Exactly one of the fields holds: a scalar's text, a
// list, or an object with its names sorted.
type tree struct {
	kind   kind
	text   string
	list   []tree
	fields []field
}

type field struct {
	name  string
	value tree
}

type kind uint8

const (
	null kind = iota
	number
	text
	list
	object
)

// parseTree reads the JSON that encodeJSON wrote.
func parseTree(b []byte) (tree, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return tree{}, errors.New("not JSON")
	}
	return toTree(v), nil
}

func toTree(v any) tree {
	switch v := v.(type) {
	case json.Number:
		return tree{kind: number, text: v.String()}
	case string:
		return tree{kind: text, text: v}
	case bool: // the API has none; its language writes 1 and ""
		if v {
			return tree{kind: number, text: "1"}
		}
		return tree{kind: number, text: "0"}
	case []any:
		t := tree{kind: list}
		for _, e := range v {
			t.list = append(t.list, toTree(e))
		}
		return t
	case map[string]any:
		t := tree{kind: object}
		for name, e := range v {
			t.fields = append(t.fields, field{name, toTree(e)})
		}
		sort.Slice(t.fields, func(i, j int) bool { return t.fields[i].name < t.fields[j].name })
		return t
	}
	return tree{kind: null}
}

package origin

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"

	"mirrornet/pkg/ensembl"
)

// schemas makes JSON Schemas (draft 2020-12, OpenAPI 3.1's) of what
// encoding/json writes for types. Structs with a name stand in the document
// once, under it.
type schemas struct{ named obj }

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonNumber    = reflect.TypeFor[json.Number]()
)

// answer is the schema of a module's [ensembl.Endpoint.Answer].
func (s *schemas) answer(v any) obj {
	either, ok := v.(ensembl.Either)
	if !ok {
		return s.of(reflect.TypeOf(v))
	}
	all := make([]obj, len(either))
	for i, v := range either {
		all[i] = s.answer(v)
	}
	return obj{"anyOf": all}
}

// of is the schema of a type. Anything goes where a type writes itself. A pointer
// may be null, but for those in a list; a list is null only where there is a
// pointer to it.
func (s *schemas) of(t reflect.Type) obj {
	if t.Kind() == reflect.Pointer {
		return nullable(s.of(t.Elem()))
	}
	if t == jsonNumber {
		return obj{"type": "number"}
	}
	kind, writes := t.Kind(), t.Implements(marshaler) || t.Implements(textMarshaler)
	switch {
	case kind == reflect.Float32 || kind == reflect.Float64: // which write themselves as numbers, if differently
		return obj{"type": "number"}
	case writes:
		return obj{}
	case kind == reflect.Bool:
		return obj{"type": "boolean"}
	case kind >= reflect.Int && kind <= reflect.Uint64:
		return obj{"type": "integer"}
	case kind == reflect.String:
		return obj{"type": "string"}
	case kind == reflect.Slice || kind == reflect.Array:
		elem := t.Elem()
		if elem.Kind() == reflect.Pointer {
			elem = elem.Elem()
		}
		return obj{"type": "array", "items": s.of(elem)}
	case kind == reflect.Map:
		return obj{"type": "object", "additionalProperties": s.of(t.Elem())}
	case kind == reflect.Struct:
		return s.ofStruct(t)
	}
	return obj{}
}

func (s *schemas) ofStruct(t reflect.Type) obj {
	name := t.String() // "lookup.entry"
	if t.Name() == "" || strings.Contains(name, "[") {
		return s.object(t)
	}
	if s.named[name] == nil {
		s.named[name] = obj{} // it may hold itself
		s.named[name] = s.object(t)
	}
	return obj{"$ref": "#/components/schemas/" + name}
}

func (s *schemas) object(t reflect.Type) obj {
	properties, required := obj{}, []string{}
	s.fields(t, true, properties, &required)
	o := obj{"type": "object", "properties": properties}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// fields adds the fields of a struct, and those of what it embeds. There may be
// none of a struct that is embedded by a pointer.
func (s *schemas) fields(t reflect.Type, always bool, properties obj, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		if f.Anonymous && !tagged {
			embedded, pointer := f.Type, f.Type.Kind() == reflect.Pointer
			if pointer {
				embedded = embedded.Elem()
			}
			if embedded.Kind() == reflect.Struct {
				s.fields(embedded, always && !pointer, properties, required)
				continue
			}
		}
		if !f.IsExported() || tag == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		omitted, quoted := false, false
		for option := range strings.SplitSeq(options, ",") {
			omitted = omitted || option == "omitempty" || option == "omitzero"
			quoted = quoted || option == "string"
		}
		switch ft := f.Type; {
		case quoted:
			properties[name] = obj{"type": "string"}
		case omitted && ft.Kind() == reflect.Pointer:
			properties[name] = s.of(ft.Elem())
		default:
			properties[name] = s.of(ft)
		}
		if always && !omitted {
			*required = append(*required, name)
		}
	}
}

func nullable(s obj) obj {
	if len(s) == 0 {
		return s
	}
	if kind, ok := s["type"].(string); ok {
		s["type"] = []string{kind, "null"}
		return s
	}
	return obj{"anyOf": []obj{s, {"type": "null"}}}
}

package region

import (
	"encoding/json"

	"mirrornet/pkg/geo"
)

const (
	label      = `[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?`
	hostText   = `(` + label + `(\.` + label + `)*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?$`
	schemeText = `^[Hh][Tt][Tt][Pp][Ss]?://`
	v4Text     = `^([0-9]{1,3}\.){3}[0-9]{1,3}/([0-9]|[12][0-9]|3[0-2])$`
	v6Text     = `^[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*/([0-9]{1,2}|1[01][0-9]|12[0-8])$`
)

// RegionSchema is the JSON Schema (draft 2020-12) of a region file, for editors
// and the CI of a configuration repository. What it refuses is not read here
// either, but for numbers in quotes; what needs more than one field or file, and
// bits behind a mask, only [Load] sees.
func RegionSchema() []byte {
	s := object(regionFields())
	s["title"] = "A region of a mirror network: regions/NAME.yaml"
	s["if"] = map[string]any{"required": []string{"state"}, "properties": map[string]any{"state": map[string]any{"const": Canary}}}
	s["then"] = map[string]any{"required": []string{"share"}}
	return document(s)
}

// NetworkSchema is that of network.yaml.
func NetworkSchema() []byte {
	s := object(networkFields())
	s["title"] = "A mirror network as a whole: regions/network.yaml"
	return document(s)
}

func document(s map[string]any) []byte {
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // maps, lists and strings
	}
	return append(text, '\n')
}

func object(fields []field) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range fields {
		s := f.schema()
		if s["description"] = f.help; f.none != "" {
			s["description"] = f.help + " Not given: " + f.none + "."
		}
		if f.required {
			required = append(required, f.key)
		} else {
			s = orEmpty(s)
		}
		properties[f.key] = s
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// orEmpty lets a key stand without a value, which is as if it did not stand.
func orEmpty(s map[string]any) map[string]any {
	if kind, ok := s["type"].(string); ok {
		s["type"] = []string{kind, "null"}
	}
	if list, ok := s["enum"].([]any); ok {
		s["enum"] = append(list, nil)
	}
	return s
}

func (f field) schema() map[string]any {
	text := func(pattern string) map[string]any { return map[string]any{"type": "string", "pattern": pattern} }
	number := func(kind string, limits ...float64) map[string]any {
		s := map[string]any{"type": kind, "minimum": limits[0]}
		if len(limits) > 1 {
			s["maximum"] = limits[1]
		}
		return s
	}
	list := func(item map[string]any) map[string]any { return map[string]any{"type": "array", "items": item} }
	switch f.form {
	case mapping:
		return object(f.of)
	case line:
		return map[string]any{"type": "string", "maxLength": 200, "pattern": `^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$`}
	case name: // the canonical text of a region without a parent has an empty one
		s := text(`^[a-z][a-z0-9-]{0,31}$`)
		if !f.required {
			s["pattern"] = `^([a-z][a-z0-9-]{0,31})?$`
		}
		return s
	case choice:
		return map[string]any{"enum": anyOf(f.choices)}
	case baseURL:
		return text(schemeText + hostText)
	case baseURLs:
		s := list(text(schemeText + hostText))
		s["minItems"] = 1
		return s
	case urlPatterns:
		return list(text(schemeText + `(\*\.` + label + `\.)?` + hostText))
	case latitude:
		return number("number", -90, 90)
	case longitude:
		return number("number", -180, 180)
	case country:
		return map[string]any{"enum": append(anyOf(codes(geo.KnownCountry)), "")}
	case continents:
		return list(map[string]any{"enum": anyOf(codes(geo.KnownContinent))})
	case countries:
		return list(map[string]any{"enum": anyOf(codes(geo.KnownCountry))})
	case networks:
		return list(map[string]any{"type": "string", "anyOf": []any{map[string]any{"pattern": v4Text}, map[string]any{"pattern": v6Text}}})
	case asns:
		return list(number("integer", 1, 1<<32-1))
	case rate:
		return number("number", 0)
	case percent:
		return number("integer", 0, 100)
	}
	panic("region: a field without a form")
}

func anyOf(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

// codes are all two-letter codes that known knows.
func codes(known func(string) bool) (all []string) {
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if code := string(a) + string(b); known(code) {
				all = append(all, code)
			}
		}
	}
	return all
}

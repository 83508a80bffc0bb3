package overlap

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// named are GFF3's own attributes, which come first and in this order.
var named = []string{"id", "Name", "Alias", "Parent", "Target", "Gap", "Derives_from", "Note", "Dbxref", "Ontology_term", "Is_circular"}

// columns are fields that have a column, or no place in GFF3.
var columns = []string{"seq_region_start", "seq_region_name", "start", "end", "strand", "phase", "score", "source", "type"}

// appendGFF3 writes features as GFF3, as the reference does.
func appendGFF3(b []byte, q *query, all []found) []byte {
	b = append(b, "##gff-version 3\n##sequence-region   "...)
	b = append(b, q.Slice.On.Name...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, q.Slice.Start, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, q.Slice.End, 10)
	b = append(b, '\n')
	f := Fields{keep: true}
	for _, group := range all {
		for _, feature := range group.list {
			f.kept = f.kept[:0]
			feature.Fields(&f)
			b = appendLine(b, feature, f.kept, cmp.Or(q.GFF3Source, "."))
		}
	}
	return b
}

func appendLine(b []byte, f Feature, fields []kept, source string) []byte {
	p, term := f.Place(), f.Term()
	column := func(key, missing string) {
		value := missing
		if i := slices.IndexFunc(fields, func(k kept) bool { return k.key == key }); i >= 0 {
			value = fields[i].text
		}
		b = append(b, value...)
		b = append(b, '\t')
	}
	column("seq_region_name", "?")
	if term.NoSource {
		source = ""
	}
	column("source", cmp.Or(term.Source, source))
	b = append(b, term.Name...)
	b = append(b, '\t')
	start, end := p.Start, p.End
	if start > end {
		if p.Circle > 0 {
			end += p.Circle
		} else {
			end = start
		}
	}
	b = strconv.AppendInt(b, start, 10)
	b = append(b, '\t')
	b = strconv.AppendInt(b, end, 10)
	b = append(b, '\t')
	column("score", ".")
	b = append(b, strand(fields)...)
	b = append(b, '\t')
	column("phase", ".")
	return append(appendAttributes(b, term, fields), '\n')
}

func strand(fields []kept) string {
	for _, k := range fields {
		if k.key == "strand" {
			switch k.text {
			case "1":
				return "+"
			case "-1":
				return "-"
			case "0":
				return "."
			}
			return ""
		}
	}
	return "?"
}

// appendAttributes writes column 9: GFF3's own attributes, then the others by
// name.
func appendAttributes(b []byte, term Term, fields []kept) []byte {
	start := len(b)
	separate := func() {
		if len(b) > start {
			b = append(b, ';')
		}
	}
	for _, key := range named {
		i := slices.IndexFunc(fields, func(k kept) bool { return k.key == key })
		if i < 0 || fields[i].list == nil && (fields[i].text == "" || fields[i].text == "0") {
			continue
		}
		k := fields[i]
		switch key {
		case "id":
			key = "ID"
			prefix := term.Prefix
			if prefix == "" {
				prefix = term.Name + ":"
			}
			if term.IDIsName {
				key, prefix = "Name", ""
			}
			k.text = prefix + k.text
		case "Parent":
			k.text = term.Parent + k.text
		}
		separate()
		b = appendAttribute(b, key, k)
	}
	rest := make([]kept, 0, len(fields))
	for _, k := range fields {
		if !slices.Contains(named, k.key) && !slices.Contains(columns, k.key) && !k.null && (k.list == nil || len(k.list) > 0) {
			rest = append(rest, k)
		}
	}
	slices.SortStableFunc(rest, func(x, y kept) int { return strings.Compare(x.key, y.key) })
	for _, k := range rest {
		separate()
		b = appendAttribute(b, k.key, k)
	}
	return b
}

func appendAttribute(b []byte, key string, k kept) []byte {
	b = append(b, key...)
	b = append(b, '=')
	if k.list == nil {
		return appendEscaped(b, k.text)
	}
	for i, v := range k.list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendEscaped(b, v)
	}
	return b
}

// appendEscaped escapes what has a meaning in column 9.
func appendEscaped(b []byte, s string) []byte {
	const upper = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\t', '\n', '\r', ';', '=', '%', '&', ',':
			b = append(b, '%', upper[c>>4], upper[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}

package origin

import (
	"slices"
	"strings"
)

// encodeXML writes a value in the element form of Perl's XML::Simple, which
// the API's XML clients parse: scalars of an object are attributes, lists are
// repeated elements, and an object of objects is a list with the names in a
// "name" attribute. A document starts with <opt><data>.
func encodeXML(t tree) []byte {
	var b strings.Builder
	b.WriteString("<opt>\n")
	x := xmlWriter{&b}
	if t.kind == object || t.kind == list {
		x.value("data", t, "  ")
		b.WriteString("</opt>\n")
		return []byte(b.String())
	}
	return []byte(`<opt data="` + escapeXML(t.text) + "\" />\n")
}

type xmlWriter struct{ b *strings.Builder }

func (x xmlWriter) value(name string, t tree, indent string) {
	switch t.kind {
	case object:
		x.object(name, t, indent)
	case list:
		for _, e := range t.list {
			switch e.kind {
			case object:
				x.value(name, e, indent)
			case list:
				x.b.WriteString(indent + "<" + name + ">\n")
				x.value("anon", e, indent+"  ")
				x.b.WriteString(indent + "</" + name + ">\n")
			default:
				x.b.WriteString(indent + "<" + name + ">" + escapeXML(e.text) + "</" + name + ">\n")
			}
		}
	}
}

func (x xmlWriter) object(name string, t tree, indent string) {
	if unfolded, ok := unfold(t); ok {
		x.value(name, unfolded, indent)
		return
	}
	name = xmlName(name)
	x.b.WriteString(indent + "<" + name)
	var nested []field
	for _, f := range keysFirst(t.fields) {
		if f.value.kind == object || f.value.kind == list {
			nested = append(nested, f)
			continue
		}
		x.b.WriteString(" " + xmlName(f.name) + `="` + escapeXML(f.value.text) + `"`)
	}
	var inner strings.Builder
	for _, f := range nested {
		xmlWriter{&inner}.value(xmlName(f.name), f.value, indent+"  ")
	}
	switch {
	case len(t.fields) == 0:
		x.b.WriteString("></" + name + ">\n")
	case len(nested) == 0: // an empty list is nested all the same
		x.b.WriteString(" />\n")
	default:
		x.b.WriteString(">\n" + inner.String() + indent + "</" + name + ">\n")
	}
}

// unfold turns an object whose values are all objects into a list, each with
// its name as an attribute.
func unfold(t tree) (tree, bool) {
	if len(t.fields) == 0 {
		return t, false
	}
	out := tree{kind: list}
	for _, f := range t.fields {
		if f.value.kind != object {
			return t, false
		}
		e := tree{kind: object, fields: []field{{"name", tree{kind: text, text: f.name}}}}
		for _, g := range f.value.fields {
			if g.name == "name" {
				e.fields[0].value = g.value
				continue
			}
			e.fields = append(e.fields, g)
		}
		out.list = append(out.list, e)
	}
	return out, true
}

// keysFirst puts the first of name, key and id before the other fields.
func keysFirst(fields []field) []field {
	for _, key := range []string{"name", "key", "id"} {
		if i := slices.IndexFunc(fields, func(f field) bool { return f.name == key }); i >= 0 {
			out := append([]field{fields[i]}, fields[:i]...)
			return append(out, fields[i+1:]...)
		}
	}
	return fields
}

// xmlName makes a name that XML allows.
func xmlName(s string) string {
	s = strings.Map(func(c rune) rune {
		if c == '_' || c == '-' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return '_'
	}, s)
	if s == "" || s[0] == '-' || s[0] == '.' || s[0] >= '0' && s[0] <= '9' {
		return "_" + s
	}
	return s
}

// escapeXML escapes markup and leaves out what XML 1.0 cannot hold.
func escapeXML(s string) string {
	return xmlEscaper.Replace(strings.Map(func(c rune) rune {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF {
			return -1
		}
		return c
	}, s))
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

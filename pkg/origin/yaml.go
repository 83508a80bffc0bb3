package origin

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// encodeYAML writes a value as YAML, in the layout that the reference's
// text/plain answers of /info have.
func encodeYAML(t tree) []byte {
	var b strings.Builder
	b.WriteString("--- ")
	writeYAML(&b, t, "", true)
	return []byte(b.String())
}

// writeYAML writes a value after "key: " or "- "; indent is that of its own
// lines when it has some.
func writeYAML(b *strings.Builder, t tree, indent string, root bool) {
	switch {
	case t.kind == list && len(t.list) == 0:
		b.WriteString("[]\n\n")
	case t.kind == object && len(t.fields) == 0:
		b.WriteString("{}\n\n")
	case t.kind == list:
		b.WriteString("\n")
		for _, e := range t.list {
			b.WriteString(indent + "- ")
			writeYAML(b, e, indent+"  ", false)
		}
	case t.kind == object:
		b.WriteString("\n")
		for _, f := range t.fields {
			b.WriteString(indent + yamlAnswer(f.name) + ": ")
			writeYAML(b, f.value, indent+"  ", false)
		}
	case t.kind == null:
		b.WriteString("~\n")
	case t.kind == number:
		b.WriteString(t.text + "\n")
	default:
		b.WriteString(yamlAnswer(t.text) + "\n")
	}
}

// errorYAML writes an error in the layout of the reference's errors, which
// another library writes than its answers: a plain text is broken at the first
// space after column 80.
func errorYAML(message string) []byte {
	s := yamlString(message)
	var b strings.Builder
	b.WriteString("---\nerror: ")
	column := len("error: ")
	for i, c := range s {
		if c == ' ' && column > 80 && s == message && i+1 < len(s) && s[i+1] != ' ' {
			b.WriteString("\n  ")
			column = 2
			continue
		}
		b.WriteRune(c)
		column++
	}
	b.WriteString("\n")
	return []byte(b.String())
}

// yamlOther are plain strings that a YAML reader takes for something else.
var yamlOther = regexp.MustCompile(`^(?i:null|true|false|yes|no|on|off|y|n|[0-9][0-9_]*\.[0-9.eE+-]*)$`)

// yamlSpecial are strings with what YAML gives a meaning to.
var yamlSpecial = regexp.MustCompile("^[-#\\[\\]{}*&!%@|>^:\"'` ]|: | #|[: ]$|\n")

// yamlAnswer quotes as the library of the reference's answers does.
func yamlAnswer(s string) string {
	switch dashed := strings.HasPrefix(s, "-") && !strings.HasPrefix(s, "- "); {
	case s == "" || s == "~" || yamlOther.MatchString(s):
		return "'" + s + "'"
	case strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }):
		return strconv.Quote(s)
	case yamlSpecial.MatchString(s) && (!dashed || yamlSpecial.MatchString(s[1:])):
		return strconv.Quote(s)
	}
	return s
}

func yamlString(s string) string {
	if strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return strconv.Quote(s)
	}
	plain := s != "" && (s[0] == '_' || s[0] == '/' || s[0] == '(' || s[0] >= '0' && s[0] <= '9' || s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z') &&
		!strings.HasSuffix(s, " ") && !strings.HasSuffix(s, ":") && !strings.Contains(s, ": ") && !strings.Contains(s, " #")
	if plain && !yamlOther.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

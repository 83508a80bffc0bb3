package rfc9111

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// VaryFields are the field names of Vary: canonical, sorted, each once. any
// says that Vary has a "*": then no other request matches (§4.1).
func VaryFields(h http.Header) (fields []string, any bool) {
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			switch name = strings.Trim(name, " \t"); name {
			case "":
			case "*":
				any = true
			default:
				fields = append(fields, http.CanonicalHeaderKey(name))
			}
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields), any
}

// VaryKey is the secondary key of a request: equal for requests that match in
// the named fields (§4.1), whatever the order and case of fields. Lines are
// joined and whitespace around commas does not count; letters do, but for
// fields that are defined without case. An absent field is not an empty one.
// The key is "" only for no fields.
func VaryKey(fields []string, req http.Header) string {
	if len(fields) == 0 {
		return ""
	}
	names := make([]string, len(fields))
	for i, name := range fields {
		names[i] = http.CanonicalHeaderKey(strings.Trim(name, " \t"))
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range slices.Compact(names) {
		b.WriteString(name)
		if lines, ok := req[name]; ok {
			value := varyValue(name, lines)
			// The length keeps values from running into names.
			b.WriteByte('=')
			b.WriteString(strconv.Itoa(len(value)))
			b.WriteByte(':')
			b.WriteString(value)
		}
		b.WriteByte(';')
	}
	return b.String()
}

func varyValue(name string, lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		for {
			n := memberLength(line)
			if member := strings.Trim(line[:n], " \t"); member != "" {
				if b.Len() > 0 {
					b.WriteString(", ")
				}
				b.WriteString(member)
			}
			if n == len(line) {
				break
			}
			line = line[n+1:]
		}
	}
	if name == "Accept-Encoding" || name == "Accept-Language" || name == "Accept-Charset" {
		return weighted(b.String())
	}
	return b.String()
}

// weighted is the normal form of a field whose members have weights (RFC 9110
// §12.4.2): their order and case say nothing, q=1 is as good as none, and
// there may be whitespace around the semicolon.
func weighted(list string) string {
	members := strings.Split(strings.ToLower(list), ", ")
	for i, m := range members {
		what, weight, found := strings.Cut(m, ";")
		if what = strings.TrimRight(what, " \t"); !found {
			continue
		}
		weight = strings.Trim(weight, " \t")
		if q, isQ := strings.CutPrefix(weight, "q="); isQ && strings.Contains(q, ".") {
			weight = strings.TrimSuffix(strings.TrimRight(weight, "0"), ".")
		}
		if members[i] = what; weight != "q=1" {
			members[i] += ";" + weight
		}
	}
	slices.Sort(members)
	return strings.Join(slices.Compact(members), ", ")
}

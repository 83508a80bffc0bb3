package apispec

import (
	"maps"
	"slices"
	"strings"
)

// steering are the query parameters that are said to the network, not to the
// API, unless the endpoint declares one of that name.
var steering = [...]string{"mirror-prefer", "mirror-avoid", "redirect"}

// canonicalPath folds the values of case-blind parameters.
func canonicalPath(e *Endpoint, path map[string]string) map[string]string {
	for name, v := range path {
		if p, ok := e.Param(name); ok && p.CaseBlind {
			path[name] = lower(v)
		}
	}
	return path
}

// canonicalQuery is the query of [Index.Resolve]. What the catalogue does not
// speak of stays as sent, and so does the order of equal names.
func canonicalQuery(e *Endpoint, sent Values) Values {
	query := make(Values, 0, len(sent))
	for _, v := range sent {
		p, declared := e.Param(v.Name)
		declared = declared && p.In == InQuery
		switch {
		case declared:
			v.Name = p.Name
			if p.CaseBlind {
				v.Value = lower(v.Value)
			}
		case v.Name == "content-type", v.Name == "callback", slices.Contains(steering[:], lower(v.Name)):
			continue
		}
		query = append(query, v)
	}
	// Of a parameter that came twice no value is like none.
	count := func(name string) (n int) {
		for _, v := range query {
			if v.Name == name {
				n++
			}
		}
		return n
	}
	kept := query[:0:0]
	for _, v := range query {
		if p, ok := e.Param(v.Name); ok && p.In == InQuery && p.isDefault(v.Value) && count(v.Name) == 1 {
			continue
		}
		kept = append(kept, v)
	}
	slices.SortStableFunc(kept, func(a, b Value) int { return strings.Compare(a.Name, b.Name) })
	return kept
}

// isDefault reports a value that says no more than its absence.
func (p *Param) isDefault(value string) bool {
	if p.Type == Boolean {
		// Absent, empty and "0" are false.
		return (value == "" || value == "0") && (p.Default == "" || p.Default == "0")
	}
	def := p.Default
	if p.CaseBlind {
		def = lower(def)
	}
	return def != "" && value == def
}

// lower folds ASCII letters alone: what other letters' cases are is the
// origin's secret.
func lower(s string) string {
	i := strings.IndexFunc(s, func(r rune) bool { return 'A' <= r && r <= 'Z' })
	if i < 0 {
		return s
	}
	b := []byte(s)
	for ; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// Value is the parameter's value in the request, in path or query: folded
// where it is case-blind, the default where none was sent.
func (r Request) Value(name string) string {
	if v := r.Path[name]; v != "" {
		return v
	}
	if v := r.Query.Get(name); v != "" {
		return v
	}
	p, ok := r.Endpoint.Param(name)
	switch {
	case !ok:
		return ""
	case p.CaseBlind:
		return lower(p.Default)
	}
	return p.Default
}

// Target writes path and query in one normal form (RFC 3986 §6.2.2), the same
// for all equal requests: what need not be escaped is not, the rest is in
// upper case. The type is not part of it.
func (r Request) Target() string {
	b := []byte(r.TargetPath())
	for i, v := range r.Query {
		b = append(b, "?&"[min(i, 1)])
		b = escape(b, v.Name)
		b = append(b, '=')
		b = escape(b, v.Value)
	}
	return string(b)
}

// TargetPath is Target without the query.
func (r Request) TargetPath() string {
	b := make([]byte, 0, 128)
	for seg := range strings.SplitSeq(strings.TrimPrefix(r.pattern(), "/"), "/") {
		b = append(b, '/')
		if name, ok := paramSegment(seg); ok {
			b = escapeTwice(b, r.Path[name])
			continue
		}
		b = escape(b, seg)
	}
	return string(guardSuffix(b))
}

// pattern is the endpoint's first path that has these parameters: its own
// Path, or, where an alias has fewer, the alias.
func (r Request) pattern() string {
	var want []string
	for _, p := range append([]string{r.Endpoint.Path}, r.Endpoint.Aliases...) {
		names := pathNames(p)
		if len(names) != len(r.Path) {
			continue
		}
		slices.Sort(names)
		if want == nil {
			want = slices.Sorted(maps.Keys(r.Path))
		}
		if slices.Equal(names, want) {
			return p
		}
	}
	return r.Endpoint.Path
}

// guardSuffix escapes the dot of a path that ends like a format's suffix
// though none was meant (an id of that form, sent with a Content-Type): the
// origin would cut it off.
func guardSuffix(path []byte) []byte {
	cut, _ := CutExtension(string(path), "", nil)
	if len(cut) == len(path) {
		return path
	}
	suffix := string(path[len(cut)+1:])
	return append(append(path[:len(cut)], "%2E"...), suffix...)
}

// escapeTwice is escape for a value in the path, which [DecodePath] decodes
// twice: there only an escaped percent sign, slash or zero byte can be told from
// a plain one.
func escapeTwice(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; c {
		case '%':
			b = append(b, "%2525"...)
		case '/':
			b = append(b, "%252F"...)
		case 0:
			b = append(b, "%2500"...)
		default:
			b = escape(b, s[i:i+1])
		}
	}
	return b
}

const upperHex = "0123456789ABCDEF"

// escape appends s with all bytes escaped but the unreserved ones and a few
// that neither path segments nor queries give a meaning to.
func escape(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == ':', c == ',', c == '@':
			b = append(b, c)
		default:
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

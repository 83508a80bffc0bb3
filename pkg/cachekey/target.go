package cachekey

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"mirrornet/pkg/apispec"
)

// target writes path and query in one normal form (RFC 3986 §6.2.2): what need
// not be escaped is not, the rest is in upper case.
func target(e *apispec.Endpoint, path map[string]string, query apispec.Values) string {
	b := make([]byte, 0, 128)
	for seg := range strings.SplitSeq(strings.TrimPrefix(pattern(e, path), "/"), "/") {
		b = append(b, '/')
		if name, ok := parameter(seg); ok {
			seg = path[name]
		}
		b = escape(b, seg)
	}
	b = guardSuffix(b)
	for i, v := range query {
		b = append(b, "?&"[min(i, 1)])
		b = escape(b, v.Name)
		b = append(b, '=')
		b = escape(b, v.Value)
	}
	return string(b)
}

// pattern is the endpoint's first path that has these parameters: its own
// Path, or, where an alias has fewer, the alias.
func pattern(e *apispec.Endpoint, path map[string]string) string {
	for _, p := range append([]string{e.Path}, e.Aliases...) {
		var names []string
		for seg := range strings.SplitSeq(p, "/") {
			if n, ok := parameter(seg); ok {
				names = append(names, n)
			}
		}
		slices.Sort(names)
		if slices.Equal(names, slices.Sorted(maps.Keys(path))) {
			return p
		}
	}
	return e.Path
}

func parameter(seg string) (name string, ok bool) {
	if len(seg) > 2 && seg[0] == '{' && seg[len(seg)-1] == '}' {
		return seg[1 : len(seg)-1], true
	}
	return "", false
}

// guardSuffix escapes the dot of a path that ends like a format's suffix
// though none was meant (an id of that form, sent with a Content-Type): the
// origin would cut it off.
func guardSuffix(path []byte) []byte {
	cut, _ := apispec.CutExtension(string(path), "", http.Header{})
	if len(cut) == len(path) {
		return path
	}
	suffix := string(path[len(cut)+1:])
	return append(append(path[:len(cut)], "%2E"...), suffix...)
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

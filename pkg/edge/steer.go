package edge

import (
	"net/http"
	"strings"

	"mirrornet/pkg/region"
)

// steering is what the client asks of routing.
type steering struct {
	prefer, avoid []region.Name
	redirect      string // no, force, or ""
}

// cutSteering reads the steering parameters and fields, and gives the query
// without them, otherwise untouched.
func cutSteering(raw string, h http.Header) (s steering, rest string) {
	prefer, avoid := h["Mirror-Prefer"], h["Mirror-Avoid"]
	if len(prefer) == 0 && len(avoid) == 0 && !steers(raw) {
		return s, strings.TrimRight(raw, "&;")
	}
	var b strings.Builder
	for raw != "" {
		end := strings.IndexAny(raw, "&;")
		pair, sep := raw, ""
		if end >= 0 {
			pair, sep, raw = raw[:end], raw[end:end+1], raw[end+1:]
		} else {
			raw = ""
		}
		name, value, _ := strings.Cut(pair, "=")
		switch strings.ToLower(name) {
		case "redirect":
			s.redirect = value
		case "mirror-prefer":
			s.prefer = appendNames(s.prefer, value)
		case "mirror-avoid":
			s.avoid = appendNames(s.avoid, value)
		default:
			b.WriteString(pair)
			b.WriteString(sep)
		}
	}
	for _, v := range prefer {
		s.prefer = appendNames(s.prefer, v)
	}
	for _, v := range avoid {
		s.avoid = appendNames(s.avoid, v)
	}
	return s, strings.TrimRight(b.String(), "&;")
}

// steers reports whether a query may have a steering parameter.
func steers(raw string) bool {
	for raw != "" {
		pair := raw
		if end := strings.IndexAny(raw, "&;"); end >= 0 {
			pair, raw = raw[:end], raw[end+1:]
		} else {
			raw = ""
		}
		switch name, _, _ := strings.Cut(pair, "="); len(name) {
		case len("redirect"), len("mirror-avoid"), len("mirror-prefer"):
			if strings.EqualFold(name, "redirect") || strings.EqualFold(name, "mirror-avoid") || strings.EqualFold(name, "mirror-prefer") {
				return true
			}
		}
	}
	return false
}

// maxWishes is how many names of a client's list count: each is looked at for
// each region.
const maxWishes = 256

// appendNames appends the region names of a list.
func appendNames(names []region.Name, list string) []region.Name {
	for n := range strings.SplitSeq(list, ",") {
		if len(names) == maxWishes {
			break
		}
		if n = strings.ToLower(strings.TrimSpace(n)); n != "" {
			names = append(names, region.Name(n))
		}
	}
	return names
}

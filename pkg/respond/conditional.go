package respond

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"mirrornet/pkg/rfc9111"
)

// precondition evaluates the request's preconditions in the order of RFC 9110
// §13.2.2: 0 to go on, 304 or 412. If-Range belongs to ranges.
func (a *answer) precondition() int {
	in := a.r.Header
	modified, known := rfc9111.ParseDate(a.h.Get("Last-Modified"))

	if lines := in["If-Match"]; present(lines) {
		list := parseTags(lines)
		// Strong comparison: weak tags never match (§8.8.3.2).
		match := func(t tag) bool { return !t.weak && !a.tag.weak && a.tag.covers(t) }
		if !list.any && !slices.ContainsFunc(list.tags, match) {
			return http.StatusPreconditionFailed
		}
	} else if t, ok := parseSingleDate(in["If-Unmodified-Since"]); ok && known && modified.After(t) {
		return http.StatusPreconditionFailed
	}

	if lines := in["If-None-Match"]; present(lines) {
		list := parseTags(lines)
		if list.any || slices.ContainsFunc(list.tags, a.tag.covers) {
			return http.StatusNotModified
		}
		return 0
	}
	if !known { // a cache falls back on Date (RFC 9111 §4.3.2)
		modified, known = rfc9111.ParseDate(a.h.Get("Date"))
	}
	if t, ok := parseSingleDate(in["If-Modified-Since"]); ok && known && !modified.After(t) {
		return http.StatusNotModified
	}
	return 0
}

// notModified writes a 304 with the fields of §15.4.5. Its tag is of the form
// that the client named, since that is the one it keeps.
func (a *answer) notModified() (int, int64, error) {
	list := parseTags(a.r.Header["If-None-Match"])
	form := a.tag
	if i := slices.IndexFunc(list.tags, a.tag.covers); i >= 0 {
		form.opaque = list.tags[i].opaque
		if chosen := a.tag.of(a.coding); slices.ContainsFunc(list.tags, func(t tag) bool { return t.opaque == chosen.opaque }) {
			form = chosen
		}
	}
	if form.opaque != "" {
		a.setTag(form)
	}
	for _, name := range []string{"Accept-Ranges", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length",
		"Content-Range", "Content-Type"} {
		a.h.Del(name)
	}
	a.dropDigests()
	if a.tag.opaque != "" {
		a.h.Del("Last-Modified")
	}
	a.w.WriteHeader(http.StatusNotModified)
	return http.StatusNotModified, 0, nil
}

// present reports whether the field says anything.
func present(lines []string) bool {
	return slices.ContainsFunc(lines, func(s string) bool { return strings.TrimSpace(s) != "" })
}

// parseSingleDate reads a field that must be one HTTP-date; otherwise it is
// ignored (§13.1.3, §13.1.4).
func parseSingleDate(lines []string) (time.Time, bool) {
	if len(lines) != 1 {
		return time.Time{}, false
	}
	return rfc9111.ParseDate(lines[0])
}

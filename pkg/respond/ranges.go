package respond

import (
	"crypto/rand"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"mirrornet/pkg/rfc9111"
)

// Bounds on what one Range may ask for.
const (
	maxRanges   = 16
	maxOverlaps = 2
)

// span is a part of the body.
type span struct{ start, length int }

func (s span) contentRange(size int) string {
	return fmt.Sprintf("bytes %d-%d/%d", s.start, s.start+s.length-1, size)
}

type rangeResult int

const (
	rangeIgnored rangeResult = iota
	rangePartial
	rangeUnsatisfiable
)

// ranges evaluates Range and If-Range.
func (a *answer) ranges() ([]span, rangeResult) {
	lines := a.r.Header["Range"]
	if len(lines) != 1 || a.body.Len() == 0 || !a.ifRange() {
		// An empty body has no part to send; those who send Range always,
		// as a limit, want it as it is.
		return nil, rangeIgnored
	}
	return parseRange(lines[0], a.body.Len())
}

// ifRange reports whether the client's part is of the identity form that would
// be sent now (§13.1.5).
func (a *answer) ifRange() bool {
	lines := a.r.Header["If-Range"]
	switch {
	case len(lines) == 0:
		return true
	case len(lines) > 1:
		return false
	}
	if t, rest, ok := scanTag(lines[0]); ok {
		return strings.TrimSpace(rest) == "" && a.tag.opaque != "" && !t.weak && t == a.tag
	}
	t, ok := rfc9111.ParseDate(lines[0])
	modified, known := rfc9111.ParseDate(a.h.Get("Last-Modified"))
	generated, dated := rfc9111.ParseDate(a.h.Get("Date"))
	// Within the second of its modification a date is a weak validator (§8.8.2.2).
	return ok && known && dated && t.Equal(modified) && generated.Sub(modified) >= time.Second
}

// parseRange reads §14.2 for a body of size > 0 bytes.
func parseRange(s string, size int) ([]span, rangeResult) {
	unit, set, ok := strings.Cut(s, "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return nil, rangeIgnored
	}
	var spans []span
	specs, total := 0, 0
	for spec := range strings.SplitSeq(set, ",") {
		if spec = strings.Trim(spec, " \t"); spec == "" {
			continue
		}
		if specs++; specs > maxRanges {
			return nil, rangeIgnored
		}
		part, ok := parseSpec(spec, size)
		if !ok {
			return nil, rangeIgnored
		}
		if part.length > 0 {
			spans = append(spans, part)
			total += part.length // at most maxRanges × size
		}
	}
	switch {
	case specs == 0:
		return nil, rangeIgnored
	case len(spans) == 0:
		return nil, rangeUnsatisfiable
	case len(spans) > 1 && (total > size || overlaps(spans) > maxOverlaps):
		return nil, rangeIgnored
	}
	return spans, rangePartial
}

// parseSpec reads one range-spec: length 0 where it lies outside of the body,
// false where it is not a range.
func parseSpec(spec string, size int) (span, bool) {
	first, last, ok := strings.Cut(spec, "-")
	if !ok {
		return span{}, false
	}
	if first == "" {
		n, ok := parsePos(last)
		n = min(n, size)
		return span{size - n, n}, ok
	}
	start, ok := parsePos(first)
	if !ok {
		return span{}, false
	}
	end := size - 1
	if last != "" {
		n, ok := parsePos(last)
		if !ok || n < start {
			return span{}, false
		}
		end = min(n, end)
	}
	return span{start, max(0, end-start+1)}, true
}

// parsePos reads a position; what is beyond any body is cut off.
func parsePos(s string) (int, bool) {
	if s == "" {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = min(n*10+int(s[i]-'0'), math.MaxInt/32)
	}
	return n, true
}

func overlaps(spans []span) (n int) {
	for i, a := range spans {
		for _, b := range spans[:i] {
			if a.start < b.start+b.length && b.start < a.start+a.length {
				n++
			}
		}
	}
	return n
}

// partial writes a 206 (§15.3.7), in several parts if there are several spans.
func (a *answer) partial(spans []span) (int, int64, error) {
	body, release, err := a.identity()
	if err != nil {
		return 0, 0, err
	}
	defer release()
	a.h.Del("Content-Md5")
	a.h.Del("Content-Digest")
	size := len(body)
	if len(spans) == 1 {
		s := spans[0]
		a.h.Set("Content-Range", s.contentRange(size))
		return a.send(http.StatusPartialContent, body[s.start:s.start+s.length])
	}
	boundary := rand.Text()
	typ := ""
	if t := a.h.Get("Content-Type"); t != "" {
		typ = "Content-Type: " + t + "\r\n"
	}
	a.h.Set("Content-Type", "multipart/byteranges; boundary="+boundary)
	var parts [][]byte
	for i, s := range spans {
		head := "\r\n--" + boundary + "\r\n" + typ + "Content-Range: " + s.contentRange(size) + "\r\n\r\n"
		if i == 0 {
			head = head[2:]
		}
		parts = append(parts, []byte(head), body[s.start:s.start+s.length])
	}
	parts = append(parts, []byte("\r\n--"+boundary+"--\r\n"))
	return a.send(http.StatusPartialContent, parts...)
}

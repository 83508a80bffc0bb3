package rfc9111

import (
	"bytes"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxParts bounds what is kept apart in one incomplete response.
const maxParts = 64

// ByteRange is a request for one part of a representation (RFC 9110 §14.1.2).
type ByteRange struct {
	First int64 // -1: the last Last bytes
	Last  int64 // inclusive; -1: to the end
}

// ParseRange reads a request's Range where it asks for one part in bytes.
func ParseRange(h http.Header) (r ByteRange, ok bool) {
	lines := h["Range"]
	if len(lines) != 1 {
		return r, false
	}
	unit, set, _ := strings.Cut(lines[0], "=")
	first, last, dash := strings.Cut(strings.Trim(set, " \t"), "-")
	if !strings.EqualFold(strings.Trim(unit, " \t"), "bytes") || !dash {
		return r, false
	}
	r = ByteRange{-1, -1}
	if first != "" {
		if r.First, ok = position(first); !ok {
			return r, false
		}
	}
	if last != "" {
		if r.Last, ok = position(last); !ok {
			return r, false
		}
	}
	return r, (r.First >= 0 || r.Last > 0) && (r.Last < 0 || r.First <= r.Last)
}

// within is the range's first and last byte in a representation of that
// length; -1 is an unknown length, which some ranges need to mean anything.
func (r ByteRange) within(length int64) (first, last int64, ok bool) {
	switch {
	case length < 0:
		return r.First, r.Last, r.First >= 0 && r.Last >= 0
	case r.First < 0:
		return max(0, length-r.Last), length - 1, length > 0
	case r.Last < 0 || r.Last >= length:
		return r.First, length - 1, r.First < length
	}
	return r.First, r.Last, true
}

// position reads digits.
func position(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// ContentRange is the field of that name, of a 206 (RFC 9110 §14.4).
type ContentRange struct {
	First, Last int64 // inclusive
	Length      int64 // of the whole; -1: unknown
}

// ParseContentRange reads one field line in bytes. False where it is not one
// of a satisfied range, or is invalid.
func ParseContentRange(s string) (c ContentRange, ok bool) {
	unit, rest, _ := strings.Cut(strings.Trim(s, " \t"), " ")
	span, length, slash := strings.Cut(rest, "/")
	first, last, dash := strings.Cut(span, "-")
	if !strings.EqualFold(unit, "bytes") || !slash || !dash {
		return c, false
	}
	var a, b bool
	c.First, a = position(first)
	c.Last, b = position(last)
	if c.Length, ok = position(length); length == "*" {
		c.Length, ok = -1, true
	}
	return c, a && b && ok && c.First <= c.Last && (c.Length < 0 || c.Last < c.Length)
}

func (c ContentRange) String() string {
	length := "*"
	if c.Length >= 0 {
		length = strconv.FormatInt(c.Length, 10)
	}
	return "bytes " + strconv.FormatInt(c.First, 10) + "-" + strconv.FormatInt(c.Last, 10) + "/" + length
}

// part is one stretch of a representation: the bytes from at.First on. A part
// whose bytes end before at.Last is short: what its source sent as the whole
// of that range.
type part struct {
	at   ContentRange
	body []byte
}

func (p part) end() int64 { return p.at.First + int64(len(p.body)) } // exclusive

// An incomplete response (§3.3) has the status 206, a Content-Range line for
// each of its parts in order, and their bytes one after the other as its body.
// One part is exactly what a 206 says.

// parts takes an incomplete response apart.
func parts(h http.Header, body []byte) ([]part, bool) {
	lines := h["Content-Range"]
	var out []part
	for i, line := range lines {
		at, ok := ParseContentRange(line)
		if !ok || len(out) > 0 && (at.Length != out[0].at.Length || at.First <= out[i-1].at.Last) {
			return nil, false
		}
		n := min(at.Last-at.First+1, int64(len(body)))
		if n == 0 || n <= at.Last-at.First && len(lines) > 1 { // short, and not alone
			return nil, false
		}
		out = append(out, part{at, body[:n]})
		body = body[n:]
	}
	return out, len(out) > 0 && len(body) == 0
}

// OnePart reports whether the response is a 206 of one part in bytes: then it
// is an incomplete response.
func OnePart(resp Response) bool {
	lines := resp.Header["Content-Range"]
	if len(lines) != 1 || resp.Status != http.StatusPartialContent {
		return false
	}
	_, ok := ParseContentRange(lines[0])
	return ok
}

// Slice finds a part that a request asks for in an incomplete response: its
// bytes and its Content-Range (§3.3: "a range wholly within").
func (r ByteRange) Slice(resp Response, body []byte) ([]byte, string, bool) {
	stored, ok := parts(resp.Header, body)
	if !ok {
		return nil, "", false
	}
	first, last, ok := r.within(stored[0].at.Length)
	if !ok || first < 0 || first > last { // of a range that no request has
		return nil, "", false
	}
	for _, p := range stored {
		if first < p.at.First || last > p.at.Last || first >= p.end() {
			continue
		}
		last = min(last, p.end()-1) // a short part has no more
		return p.body[first-p.at.First : last-p.at.First+1], ContentRange{first, last, p.at.Length}.String(), true
	}
	return nil, "", false
}

// Missing is the Range that would complete an incomplete response of that
// length, where that is one range: all behind its only part, the beginning.
func Missing(resp Response, length int) (string, bool) {
	lines := resp.Header["Content-Range"]
	if len(lines) != 1 {
		return "", false
	}
	at, ok := ParseContentRange(lines[0])
	return "bytes=" + strconv.Itoa(length) + "-", ok && at.First == 0 && length > 0
}

// StrongValidator is the field and value by which parts of this response may
// be told to be of one representation (§3.4): a strong entity tag, or a date
// that is strong (RFC 9110 §8.8.2.2). Both are "" where there is none.
func StrongValidator(resp Response) (name, value string) {
	if tag := resp.Header.Get("Etag"); tag != "" {
		if len(tag) > 1 && tag[0] == '"' && quotedLength(tag) == len(tag) {
			return "Etag", tag
		}
		return "", ""
	}
	modified, ok := ParseDate(resp.Header.Get("Last-Modified"))
	sent, dated := ParseDate(resp.Header.Get("Date"))
	if ok && dated && sent.Unix()-modified.Unix() >= 60 {
		return "Last-Modified", resp.Header.Get("Last-Modified")
	}
	return "", ""
}

// Combine joins the incomplete response fresh, as it came, with a stored one
// (§3.4), in at most limit bytes: a 200 where that makes the whole. False
// where they do not share a strong validator or cannot be joined. Nothing is
// changed, nor shared.
func Combine(stored, fresh Response, storedBody, freshBody []byte, p Policy, limit int) (Response, []byte, bool) {
	name, value := StrongValidator(stored)
	if n, v := StrongValidator(fresh); name == "" || n != name || v != value ||
		!slices.Equal(stored.Header["Content-Encoding"], fresh.Header["Content-Encoding"]) {
		return Response{}, nil, false
	}
	a, ok := parts(stored.Header, storedBody)
	b, ok2 := parts(fresh.Header, freshBody)
	if !ok || !ok2 || a[0].short() || b[0].short() {
		return Response{}, nil, false
	}
	joined, ok := join(a, b)
	if !ok || len(joined) > maxParts {
		return Response{}, nil, false
	}
	out := Update(stored, fresh, p)
	for _, name := range [...]string{"Content-Range", "Content-Length", "Content-Digest", "Content-Md5"} {
		delete(out.Header, name) // of other bytes
	}
	var body bytes.Buffer
	for _, p := range joined {
		if body.Len()+len(p.body) > limit {
			return Response{}, nil, false
		}
		out.Header.Add("Content-Range", p.at.String())
		body.Write(p.body)
	}
	if at := joined[0].at; len(joined) == 1 && at.First == 0 && at.Last == at.Length-1 {
		out.Status = http.StatusOK
		delete(out.Header, "Content-Range")
	}
	return out, body.Bytes(), true
}

func (p part) short() bool { return p.end() <= p.at.Last }

// join merges two sets of parts of one representation; where they overlap,
// their bytes must be the same.
func join(a, b []part) ([]part, bool) {
	all := slices.Concat(a, b)
	length := int64(-1)
	for _, p := range all { // one source may know the length, another not
		if length >= 0 && p.at.Length >= 0 && p.at.Length != length {
			return nil, false
		}
		length = max(length, p.at.Length)
	}
	slices.SortStableFunc(all, func(x, y part) int { return int(max(-1, min(1, x.at.First-y.at.First))) })
	var out []part
	for _, p := range all {
		p.at.Length = length
		if length >= 0 && p.at.Last >= length {
			return nil, false
		}
		if len(out) == 0 || p.at.First > out[len(out)-1].end() {
			out = append(out, p)
			continue
		}
		last := &out[len(out)-1]
		over := min(last.end()-p.at.First, int64(len(p.body)))
		if !bytes.Equal(last.body[p.at.First-last.at.First:][:over], p.body[:over]) {
			return nil, false
		}
		if int64(len(p.body)) > over {
			last.body = slices.Concat(last.body, p.body[over:])
			last.at.Last = p.at.Last
		}
	}
	return out, true
}

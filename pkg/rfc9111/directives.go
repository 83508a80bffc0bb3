package rfc9111

import (
	"iter"
	"net/http"
	"strings"
	"time"
)

// maxDelta is what larger numbers of seconds count as (§1.2.2).
const maxDelta = (1 << 31) * time.Second

// delta is a directive with a number of seconds.
type delta struct {
	set bool
	d   time.Duration
}

// least keeps the smaller of two values.
func (x *delta) least(d time.Duration) {
	if !x.set || d < x.d {
		x.d = d
	}
	x.set = true
}

// most keeps the larger of two values.
func (x *delta) most(d time.Duration) {
	if !x.set || d > x.d {
		x.d = d
	}
	x.set = true
}

// deltaSeconds parses §1.2.2: digits only, capped.
func deltaSeconds(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	const limit = int64(maxDelta / time.Second)
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = min(n*10+int64(s[i]-'0'), limit)
	}
	return time.Duration(n) * time.Second, true
}

// argument is the shape of what stands behind a directive's name.
type argument int

const (
	none argument = iota
	token
	quoted
	malformed
)

// directive is one member of Cache-Control (§5.2).
type directive struct {
	name  string // lower case
	value string // unquoted
	arg   argument
}

// seconds is the directive's number; false where it is not a valid one. The
// quoted form is accepted, as §5.2 asks of recipients.
func (d directive) seconds() (time.Duration, bool) {
	if d.arg != token && d.arg != quoted {
		return 0, false
	}
	return deltaSeconds(d.value)
}

// directives lists the members of all lines. It never fails: what cannot be
// read is skipped up to the next comma outside of a quoted string, and a name
// followed by something unreadable is malformed.
func directives(lines []string) iter.Seq[directive] {
	return func(yield func(directive) bool) {
		for _, s := range lines {
			for s != "" {
				var d directive
				d, s = nextDirective(s)
				if d.name != "" && !yield(d) {
					return
				}
			}
		}
	}
}

// nextDirective reads one member and the comma behind it.
func nextDirective(s string) (d directive, rest string) {
	s = strings.TrimLeft(s, " \t,")
	n := tokenLength(s)
	d.name = strings.ToLower(s[:n])
	s = s[n:]
	if strings.HasPrefix(s, "=") {
		s = s[1:]
		if strings.HasPrefix(s, `"`) {
			n = quotedLength(s)
			d.arg, d.value = quoted, unquote(s[:n])
		} else {
			n = tokenLength(s)
			d.arg, d.value = token, s[:n]
		}
		if n == 0 {
			d.arg = malformed
		}
		s = s[n:]
	}
	s = strings.TrimLeft(s, " \t")
	if s != "" && s[0] != ',' {
		d.arg = malformed
		s = s[memberLength(s):]
	}
	return d, strings.TrimPrefix(s, ",")
}

// memberLength is the distance to the next comma outside of a quoted string.
func memberLength(s string) int {
	for i := 0; i < len(s); {
		switch {
		case s[i] == ',':
			return i
		case s[i] == '"':
			i += max(quotedLength(s[i:]), 1)
		default:
			i++
		}
	}
	return len(s)
}

// quotedLength is the length of the quoted-string at the start of s, with its
// quotes; 0 where it does not end.
func quotedLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// unquote takes the quotes and backslashes off a quoted-string.
func unquote(s string) string {
	if len(s) < 2 {
		return ""
	}
	s = s[1 : len(s)-1]
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func tokenLength(s string) int {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return i
		}
	}
	return len(s)
}

// isTokenByte tells tchar of RFC 9110 §5.6.2.
func isTokenByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// fieldNames reads the argument of no-cache and private: canonical names, or
// false where it is not a list of names, and the directive is meant for the
// whole response.
func fieldNames(s string) ([]string, bool) {
	var names []string
	for name := range strings.SplitSeq(s, ",") {
		name = strings.Trim(name, " \t")
		if name == "" {
			continue
		}
		if tokenLength(name) != len(name) {
			return nil, false
		}
		names = append(names, http.CanonicalHeaderKey(name))
	}
	return names, len(names) > 0
}

// responseDirectives is what a response says about its caching (§5.2.2).
type responseDirectives struct {
	noStore, noCache, private, public               bool
	mustRevalidate, proxyRevalidate, mustUnderstand bool
	maxAge, sMaxAge                                 delta
	staleWhileRevalidate, staleIfError              delta
	// hidden are the names of no-cache="…" and private="…", canonical.
	hidden []string
	// targeted says that CDN-Cache-Control stated this, and that
	// Cache-Control and Expires are to be ignored (RFC 9213 §2.2).
	targeted bool
}

// parseResponse reads CDN-Cache-Control, or else Cache-Control.
func parseResponse(h http.Header) responseDirectives {
	if lines := h["Cdn-Cache-Control"]; len(lines) > 0 {
		if r, ok := parseTargeted(lines); ok {
			return r
		}
	}
	var r responseDirectives
	for d := range directives(h["Cache-Control"]) {
		r.add(d)
	}
	return r
}

func (r *responseDirectives) add(d directive) {
	seconds := func() time.Duration { n, _ := d.seconds(); return n } // invalid: 0
	names := func(whole *bool) {
		fields, ok := fieldNames(d.value)
		if !ok || d.arg == malformed {
			*whole = true
			return
		}
		r.hidden = append(r.hidden, fields...)
	}
	switch d.name {
	case "no-store":
		r.noStore = true
	case "no-cache":
		names(&r.noCache)
	case "private":
		names(&r.private)
	case "public":
		r.public = r.public || d.arg == none
	case "must-revalidate":
		r.mustRevalidate = true
	case "proxy-revalidate":
		r.proxyRevalidate = true
	case "must-understand":
		r.mustUnderstand = true
	case "max-age":
		r.maxAge.least(seconds())
	case "s-maxage":
		r.sMaxAge.least(seconds())
	case "stale-while-revalidate":
		r.staleWhileRevalidate.least(seconds())
	case "stale-if-error":
		r.staleIfError.least(seconds())
	}
}

// requestDirectives is what a request says about stored responses (§5.2.1).
type requestDirectives struct {
	noCache, noStore, onlyIfCached           bool
	maxAge, minFresh, maxStale, staleIfError delta
}

// parseRequest reads Cache-Control, and Pragma where that is absent (§5.4).
func parseRequest(h http.Header) requestDirectives {
	var r requestDirectives
	lines, ok := h["Cache-Control"]
	if !ok {
		for d := range directives(h["Pragma"]) {
			r.noCache = r.noCache || d.name == "no-cache"
		}
		return r
	}
	for d := range directives(lines) {
		n, valid := d.seconds()
		switch d.name {
		case "no-cache":
			r.noCache = true
		case "no-store":
			r.noStore = true
		case "only-if-cached":
			r.onlyIfCached = true
		case "max-age":
			r.maxAge.least(n)
		case "min-fresh":
			if !valid {
				n = maxDelta
			}
			r.minFresh.most(n)
		case "max-stale":
			if d.arg == none {
				n = maxDelta
			}
			r.maxStale.least(n)
		case "stale-if-error":
			r.staleIfError.least(n)
		}
	}
	return r
}

// NoTransform reports whether Cache-Control forbids changing the content on
// the way (§5.2.1.6, §5.2.2.6). h may be a request's or a response's.
func NoTransform(h http.Header) bool {
	for d := range directives(h["Cache-Control"]) {
		if d.name == "no-transform" {
			return true
		}
	}
	return false
}

// NoStore reports whether the request forbids to store its response, whatever
// that says (§5.2.1.5).
func (r Request) NoStore() bool { return parseRequest(r.Header).noStore }

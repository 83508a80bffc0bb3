package rfc9111

import (
	"net/http"
	"strings"
	"time"
)

// maxHeuristic bounds a lifetime that nobody stated.
const maxHeuristic = 24 * time.Hour

// FreshnessLifetime is how long after its generation the response is fresh
// (§4.2.1): s-maxage, max-age or Expires, where CDN-Cache-Control replaces
// all three (RFC 9213), or else a tenth of its age by Last-Modified, at most
// a day (§4.2.2), with explicit false. Statements that make no sense count as 0.
func FreshnessLifetime(resp Response) (d time.Duration, explicit bool) {
	return freshnessLifetime(resp, parseResponse(resp.Header))
}

func freshnessLifetime(resp Response, d responseDirectives) (time.Duration, bool) {
	switch expires := resp.Header["Expires"]; {
	case d.sMaxAge.set:
		return d.sMaxAge.d, true
	case d.maxAge.set:
		return d.maxAge.d, true
	case len(expires) > 0 && !d.targeted:
		var shortest delta
		for _, s := range expires {
			var life time.Duration // invalid: expired (§5.3)
			if t, ok := ParseDate(s); ok {
				life = max(0, t.Sub(date(resp)))
			}
			shortest.least(min(life, maxDelta))
		}
		return shortest.d, true
	}
	if !d.public && !heuristicallyCacheable(resp.Status) {
		return 0, false
	}
	modified, ok := ParseDate(resp.Header.Get("Last-Modified"))
	if !ok {
		return 0, false
	}
	return min(max(0, date(resp).Sub(modified)/10), maxHeuristic), false
}

// CurrentAge is the time since the response was generated or validated at its
// origin, as far as one can know (§4.2.3). It is never negative.
func CurrentAge(resp Response, now time.Time) time.Duration {
	var apparent, delay time.Duration
	if t, ok := ParseDate(resp.Header.Get("Date")); ok {
		apparent = max(0, resp.ResponseTime.Sub(t))
	}
	if !resp.RequestTime.IsZero() {
		delay = min(max(0, resp.ResponseTime.Sub(resp.RequestTime)), maxDelta)
	}
	corrected := ageValue(resp.Header) + delay
	resident := max(0, now.Sub(resp.ResponseTime))
	// Each is capped: sums of saturated differences would overflow.
	return min(max(apparent, corrected), maxDelta) + min(resident, maxDelta)
}

// ageValue reads Age (§5.1): the first member counts, and what is no number
// is ignored.
func ageValue(h http.Header) time.Duration {
	lines := h["Age"]
	if len(lines) == 0 {
		return 0
	}
	first, _, _ := strings.Cut(lines[0], ",")
	age, _ := deltaSeconds(strings.Trim(first, " \t"))
	return age
}

// date is when the response was generated: Date, or without one that makes
// sense the time it was received (RFC 9110 §6.6.1).
func date(resp Response) time.Time {
	if t, ok := ParseDate(resp.Header.Get("Date")); ok {
		return t
	}
	return resp.ResponseTime
}

// ParseDate reads an HTTP-date (RFC 9110 §5.6.7) in its three forms. It takes
// any case, and nothing else that [http.ParseTime] forgives: other zones,
// one-digit hours, runs of spaces.
func ParseDate(s string) (time.Time, bool) {
	s = strings.Trim(s, " \t")
	const imf, asctime = "Mon, 02 Jan 2006 15:04:05 GMT", "Mon Jan  2 15:04:05 2006"
	switch {
	case len(s) == len(imf):
		if !sameShape(s, imf) {
			return time.Time{}, false
		}
		t, err := time.Parse(http.TimeFormat, s[:len(s)-3]+"GMT")
		return t, err == nil
	case len(s) == len(asctime):
		if !sameShape(s, asctime) && !sameShape(s, "Mon Jan 02 15:04:05 2006") {
			return time.Time{}, false
		}
		t, err := time.Parse(time.ANSIC, s)
		return t, err == nil
	}
	_, rest, ok := strings.Cut(s, ", ")
	if !ok || !sameShape(rest, "02-Jan-06 15:04:05 GMT") {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC850, s[:len(s)-3]+"GMT")
	return t, err == nil
}

// sameShape compares digits with digits, letters with letters, the zone GMT
// and everything else exactly.
func sameShape(s, like string) bool {
	if len(s) != len(like) {
		return false
	}
	for i := range len(s) {
		a, b := class(s[i]), class(like[i])
		if a != b {
			return false
		}
	}
	return !strings.HasSuffix(like, "GMT") || strings.EqualFold(s[len(s)-3:], "GMT")
}

func class(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return '0'
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		return 'a'
	}
	return c
}

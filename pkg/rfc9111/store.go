package rfc9111

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Storable reports whether a shared cache may store the response to req (§3),
// and why not. It looks at the response as received, before [StoredHeader].
// After [Update] it is to be asked again.
func Storable(req Request, resp Response, p Policy) (ok bool, why string) {
	d := parseResponse(resp.Header)
	lifetime, explicit := freshnessLifetime(resp, d)

	switch req.Method {
	case http.MethodGet:
	case http.MethodPost:
		if !p.StoreUnsafe {
			return false, "method POST"
		}
		if !explicit { // RFC 9110 §9.3.3
			return false, "POST without explicit freshness"
		}
	default:
		return false, "method " + req.Method
	}
	switch s := resp.Status; {
	case s < 200 || s > 599:
		return false, "status " + strconv.Itoa(s) + " is not final"
	case s == http.StatusPartialContent && !p.StoreParts, s == http.StatusNotModified, s == http.StatusTooManyRequests:
		return false, "status " + strconv.Itoa(s)
	}
	if parseRequest(req.Header).noStore {
		return false, "request no-store"
	}
	switch {
	case d.mustUnderstand && !understood(resp.Status): // §5.2.2.3
		return false, "must-understand: status " + strconv.Itoa(resp.Status)
	case d.noStore && !d.mustUnderstand:
		return false, "no-store"
	case d.private:
		return false, "private"
	}
	if _, present := req.Header["Authorization"]; present && // §3.5
		!d.public && !d.mustRevalidate && !d.sMaxAge.set {
		return false, "Authorization without public, must-revalidate or s-maxage"
	}
	if _, any := VaryFields(resp.Header); any {
		return false, "Vary: *"
	}
	if !p.AllowSetCookie {
		for _, name := range []string{"Set-Cookie", "Set-Cookie2"} {
			if len(resp.Header[name]) > 0 && !slices.Contains(d.hidden, name) {
				return false, name
			}
		}
	}
	if !explicit && !d.public && !heuristicallyCacheable(resp.Status) {
		return false, "status " + strconv.Itoa(resp.Status) + " without explicit freshness"
	}
	if validatable(resp.Header) || !d.noCache && (lifetime > 0 || d.staleWindow(p, lifetime) > 0) {
		return true, ""
	}
	return false, "never usable: no freshness, validator or leave to be stale"
}

// AnswersGet reports whether the response to a POST may answer later GETs of
// its target (RFC 9110 §9.3.3): it says by Content-Location that it is the
// target's representation, and for how long. What else decides about storing
// is [Storable]'s, asked as of a GET.
func AnswersGet(target *url.URL, resp Response) bool {
	at, err := target.Parse(resp.Header.Get("Content-Location"))
	_, present := resp.Header["Content-Location"]
	_, explicit := FreshnessLifetime(resp)
	return present && err == nil && explicit && sameOrigin(at, target) && at.RequestURI() == target.RequestURI()
}

// heuristicallyCacheable tells the statuses of RFC 9110 §15.1.
func heuristicallyCacheable(status int) bool {
	switch status {
	case 200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501:
		return true
	}
	return false
}

// understood tells the statuses whose caching rules this package follows:
// those that RFC 9110 §15 defines, without the ones that are never stored.
func understood(status int) bool {
	switch status {
	case 206, 304, 306, 418:
		return false
	}
	return http.StatusText(status) != "" && status >= 200 && status <= 505 && status != 429
}

// StoredHeader is the header to store: a copy without the fields of one
// connection, those named by no-cache="…" and private="…" (§5.2.2.4, §5.2.2.7),
// what was said to one client (rate limits, and Set-Cookie unless allowed), and
// CORS, which is the edge's own.
func StoredHeader(resp Response, p Policy) http.Header {
	drop := append(connectionOptions(resp.Header), parseResponse(resp.Header).hidden...)
	out := make(http.Header, len(resp.Header))
	for name, values := range resp.Header {
		canonical := http.CanonicalHeaderKey(name)
		if neverStored(canonical, p.AllowSetCookie) || slices.Contains(drop, canonical) {
			continue
		}
		out[canonical] = append(out[canonical], values...)
	}
	return out
}

func neverStored(name string, setCookie bool) bool {
	switch {
	case name == "Set-Cookie", name == "Set-Cookie2":
		return !setCookie
	case name == "Ratelimit":
		return true
	}
	for _, prefix := range []string{"X-Ratelimit-", "X-Rate-Limit-", "Ratelimit-", "Access-Control-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return HopByHop(name)
}

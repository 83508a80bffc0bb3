package rfc9111

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// safe tells the methods of RFC 9110 §9.2.1, and those that are registered as
// safe besides.
func safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, "PROPFIND", "QUERY", "REPORT", "SEARCH":
		return true
	}
	return false
}

// Invalidates reports whether a response with this status to this method makes
// stored responses of its target invalid (§4.4). Unknown methods do.
func Invalidates(method string, status int) bool {
	return !safe(method) && status >= 200 && status < 400
}

// InvalidatedTargets are the URIs to invalidate: target itself, then those of
// Location and Content-Location that have its origin (§4.4), each once, without
// fragment and user. They are absolute where target is, else path and query.
func InvalidatedTargets(target *url.URL, h http.Header) []string {
	out := []string{plain(target)}
	for _, name := range []string{"Location", "Content-Location"} {
		value := h.Get(name)
		if value == "" {
			continue
		}
		ref, err := url.Parse(value)
		if err != nil {
			continue
		}
		u := target.ResolveReference(ref)
		if !sameOrigin(u, target) {
			continue
		}
		if s := plain(u); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func plain(u *url.URL) string {
	v := *u
	v.Fragment, v.RawFragment, v.User = "", "", nil
	return v.String()
}

func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	switch strings.ToLower(u.Scheme) {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

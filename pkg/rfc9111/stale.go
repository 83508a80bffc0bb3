package rfc9111

import "time"

// mayBeStale reports whether the response leaves room for use after its
// freshness (§4.2.4).
func (d responseDirectives) mayBeStale() bool {
	return !d.noCache && !d.mustRevalidate && !d.proxyRevalidate
}

// revalidateWindow is the window of RFC 5861 §3.
func (d responseDirectives) revalidateWindow(p Policy, lifetime time.Duration) time.Duration {
	switch {
	case !d.mayBeStale():
		return 0
	case d.staleWhileRevalidate.set:
		return d.staleWhileRevalidate.d
	case d.sMaxAge.set || lifetime <= 0:
		return 0
	}
	return p.StaleWhileRevalidate
}

// errorWindow is the window of RFC 5861 §4.
func (d responseDirectives) errorWindow(p Policy) time.Duration {
	switch {
	case !d.mayBeStale():
		return 0
	case d.staleIfError.set:
		return d.staleIfError.d
	case d.sMaxAge.set:
		return 0
	}
	return p.StaleIfError
}

// staleWindow is the time past its freshness in which the response may be of
// any use without validation.
func (d responseDirectives) staleWindow(p Policy, lifetime time.Duration) time.Duration {
	return max(d.revalidateWindow(p, lifetime), d.errorWindow(p))
}

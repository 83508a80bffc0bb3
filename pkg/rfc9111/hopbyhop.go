package rfc9111

import (
	"net/http"
	"strings"
)

// HopByHop reports whether the field is for one connection only, and neither
// stored nor forwarded (RFC 9110 §7.6.1, RFC 9111 §3.1). name must be canonical.
func HopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info",
		"Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// RemoveHopByHop takes the fields of one connection out of h, and those that
// its Connection field names. It is the one function here that changes what it
// is given.
func RemoveHopByHop(h http.Header) {
	for _, name := range connectionOptions(h) {
		delete(h, name)
	}
	for name := range h {
		if HopByHop(http.CanonicalHeaderKey(name)) {
			delete(h, name)
		}
	}
}

// connectionOptions are the canonical names that Connection lists, without
// those that it must not.
func connectionOptions(h http.Header) []string {
	var names []string
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.Trim(name, " \t"))
			if name != "" && !endToEnd(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// endToEnd tells the fields that decide about storing and reuse: they are
// never a connection option, whatever a message says.
func endToEnd(name string) bool {
	switch name {
	case "Age", "Authorization", "Cache-Control", "Cdn-Cache-Control", "Content-Encoding", "Content-Type", "Date",
		"Etag", "Expires", "Host", "Last-Modified", "Pragma", "Set-Cookie", "Vary":
		return true
	}
	return false
}

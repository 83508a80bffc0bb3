package rfc9111

import "strconv"

// CacheStatus is one cache's member of the Cache-Status field (RFC 9211).
type CacheStatus struct {
	// Cache names the cache. Required.
	Cache string
	// Hit: answered without asking further. It excludes Fwd and what belongs to it.
	Hit bool
	// Fwd is why the request went on: bypass, method, uri-miss, vary-miss,
	// miss, request, stale or partial.
	Fwd string
	// FwdStatus is the status that came back, where it is not the one answered
	// with; 0: not said.
	FwdStatus int
	// TTL is the freshness left in seconds, if HasTTL; negative when stale.
	TTL    int64
	HasTTL bool
	// Stored and Collapsed speak of the forwarded request.
	Stored, Collapsed bool
	// Key and Detail are free text; "" is not said.
	Key, Detail string
}

// String is the member in the form of RFC 8941, with a space before each
// parameter as the RFC's own examples have it. It is valid whatever the fields
// hold: text that a string cannot carry is percent-encoded, an unknown Fwd is
// written as miss.
func (c CacheStatus) String() string {
	b := make([]byte, 0, 64)
	b = appendIdentifier(b, c.Cache)
	switch {
	case c.Hit:
		b = append(b, "; hit"...)
	case c.Fwd != "":
		b = append(b, "; fwd="...)
		b = append(b, fwdToken(c.Fwd)...)
		if c.FwdStatus > 0 && c.FwdStatus < 1000 {
			b = strconv.AppendInt(append(b, "; fwd-status="...), int64(c.FwdStatus), 10)
		}
	}
	if c.HasTTL {
		const most = 999_999_999_999_999 // RFC 8941 §3.3.1
		b = strconv.AppendInt(append(b, "; ttl="...), max(-most, min(c.TTL, most)), 10)
	}
	if c.Fwd != "" && !c.Hit {
		if c.Stored {
			b = append(b, "; stored"...)
		}
		if c.Collapsed {
			b = append(b, "; collapsed"...)
		}
	}
	if c.Key != "" {
		b = appendString(append(b, "; key="...), c.Key)
	}
	if c.Detail != "" {
		b = appendIdentifier(append(b, "; detail="...), c.Detail)
	}
	return string(b)
}

func fwdToken(s string) string {
	switch s {
	case "bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial":
		return s
	}
	return "miss"
}

// appendIdentifier writes a token where s is one, else a string.
func appendIdentifier(b []byte, s string) []byte {
	if s == "" || !(s[0] == '*' || class(s[0]) == 'a') {
		return appendString(b, s)
	}
	for i := range len(s) {
		if !isTokenByte(s[i]) && s[i] != ':' && s[i] != '/' {
			return appendString(b, s)
		}
	}
	return append(b, s...)
}

// appendString writes sf-string; bytes outside of printable ASCII become %XX.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~':
			b = append(b, '%', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

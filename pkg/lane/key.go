package lane

import (
	"bytes"
	"net/http"
	"strings"
)

// field is what the lane knows of a request field by its name.
type field int8

// The deciding fields, in the order in which they stand in a key.
const (
	accept field = iota
	acceptEncoding
	acceptLanguage
	contentType // the Ensembl API negotiates by it, for GET too
	origin
	secFetchMode
	xRequestedWith
	ifNoneMatch
	deciding // their number

	unknown    field = -1 // leaves the lane
	harmless   field = -2
	host       field = -3
	connection field = -4 // only keep-alive is harmless
	cookies    field = -5 // leaves the lane but for what is alike for all targets, see Alias.Alike
)

// fieldOf is the whole list of fields, for keys and parser alike. A harmless
// one is read by nobody on the way of a request (client address, steering,
// decision, key, reuse, respond), whatever the catalogue says. When in doubt a
// field is unknown: that costs time, never correctness.
func fieldOf[T string | []byte](name T) field {
	var lower [32]byte
	if len(name) > len(lower) {
		return unknown
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-':
		default:
			return unknown
		}
		lower[i] = c
	}
	switch string(lower[:len(name)]) {
	case "host":
		return host
	case "connection":
		return connection
	case "accept":
		return accept
	case "accept-encoding":
		return acceptEncoding
	case "accept-language":
		return acceptLanguage
	case "content-type":
		return contentType
	case "origin":
		return origin
	case "sec-fetch-mode":
		return secFetchMode
	case "x-requested-with":
		return xRequestedWith
	case "if-none-match":
		return ifNoneMatch
	case "cookie":
		return cookies
	case "user-agent", "referer", "dnt", "priority", "upgrade-insecure-requests",
		"sec-fetch-dest", "sec-fetch-site", "sec-fetch-user", "sec-gpc":
		return harmless
	default:
		if bytes.HasPrefix(lower[:], []byte("sec-ch-")) {
			return harmless
		}
		return unknown
	}
}

// Decides reports whether the key decides the field's value: all requests with
// one key have the same, or all have none, since one that has an unknown field
// has no key. A response that varies on any other field (a harmless one, or "*")
// must not become an alias.
func Decides(name string) bool {
	f := fieldOf(name)
	return f != harmless && f != connection && name != "*"
}

// AppendKey appends the alias key of r: method, host, target and the exact
// values of the deciding fields. It equals what the lane makes of the bytes
// that r was read from. False says that the lane never answers such a request;
// b is then returned as it was. r must be as net/http passed it to the handler.
func AppendKey(b []byte, r *http.Request) ([]byte, bool) { return appendKey(b, r, r.RequestURI) }

// AppendAnyKey is AppendKey for all targets, see Alias.Alike. No target has
// this key, since one begins with a slash. The request may have cookies.
func AppendAnyKey(b []byte, r *http.Request) ([]byte, bool) { return appendKey(b, r, "") }

func appendKey(b []byte, r *http.Request, target string) ([]byte, bool) {
	if r.ProtoMajor != 1 || r.ProtoMinor != 1 || r.TLS != nil || r.ContentLength != 0 || len(r.TransferEncoding) > 0 ||
		r.Method != http.MethodGet && r.Method != http.MethodHead || r.Host == "" || !strings.HasPrefix(r.RequestURI, "/") {
		return b, false
	}
	q := head[string]{isHead: r.Method == http.MethodHead, host: r.Host, target: target}
	for name, values := range r.Header {
		switch f := fieldOf(name); {
		case f == harmless:
		case len(values) != 1 || f == unknown || f == host, f == connection && !keepAlive(values[0]), f == cookies && target != "":
			return b, false
		case f >= 0:
			q.set(f, values[0])
		}
	}
	return q.appendKey(b), true
}

// head is what decides, of one request.
type head[T string | []byte] struct {
	isHead       bool // HEAD, not GET
	host, target T
	has          uint16 // bits of the deciding fields that it has
	values       [deciding]T
	cookie       T // not nil: it has one Cookie field
}

func (h *head[T]) set(f field, value T) {
	h.has |= 1 << f
	h.values[f] = value
}

// appendKey ends each part with a newline, which none can hold.
func (h *head[T]) appendKey(b []byte) []byte {
	method := byte('G')
	if h.isHead {
		method = 'H'
	}
	b = append(b, method)
	b = append(append(b, h.host...), '\n')
	b = append(append(b, h.target...), '\n')
	for f := range deciding {
		if h.has&(1<<f) != 0 {
			b = append(b, 'a'+byte(f))
			b = append(append(b, h.values[f]...), '\n')
		}
	}
	return b
}

func keepAlive[T string | []byte](value T) bool {
	const want = "keep-alive"
	if len(value) != len(want) {
		return false
	}
	for i := range len(want) {
		if value[i] != want[i] && (want[i] == '-' || value[i]|0x20 != want[i]) {
			return false
		}
	}
	return true
}

package lane

import (
	"bytes"
	"encoding/binary"
)

// verdict is what the lane makes of the bytes at hand.
type verdict uint8

const (
	whole verdict = iota // a request head that may have an alias
	more                 // the beginning of one, perhaps
	leave                // for net/http
)

// parse reads the request head at the front of b, and gives its length; h then
// points into b. It accepts less than net/http does, and nothing that net/http
// reads differently.
//
// A line is judged when its LF is there. Net/http too waits for that, so what
// leaves the lane leaves it no later than net/http could have refused it.
func parse(h *head[[]byte], b []byte) (n int, v verdict) {
	h.has, h.host, h.cookie = 0, nil, nil
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		if begins(b, "GET /") || begins(b, "HEAD /") {
			return 0, more
		}
		return 0, leave
	}
	if !h.requestLine(b[:end]) {
		return 0, leave
	}
	connections := 0
	for {
		n += end + 1
		if end = bytes.IndexByte(b[n:], '\n'); end < 0 {
			return 0, more
		}
		line := b[n : n+end]
		if end == 0 || line[end-1] != '\r' {
			return 0, leave
		}
		if line = line[:end-1]; len(line) == 0 {
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 {
			return 0, leave
		}
		value := line[colon+1:]
		if !printable(value) {
			return 0, leave
		}
		value = trim(value)
		switch f := fieldOf(line[:colon]); {
		case f == harmless:
		case f == host && h.host == nil && len(value) > 0:
			h.host = value
		case f == connection && connections == 0 && keepAlive(value):
			connections++
		case f == cookies && h.cookie == nil && len(value) > 0:
			h.cookie = value
		case f >= 0 && h.has&(1<<f) == 0:
			h.set(f, value)
		default: // unknown, repeated, or not plain
			return 0, leave
		}
	}
	if h.host == nil {
		return 0, leave
	}
	return n + end + 1, whole
}

// requestLine reads "GET /target HTTP/1.1" and CR.
func (h *head[T]) requestLine(line []byte) bool {
	line, ok := bytes.CutSuffix(line, []byte(" HTTP/1.1\r"))
	if !ok {
		return false
	}
	if h.isHead = len(line) > 0 && line[0] == 'H'; h.isHead {
		line, ok = bytes.CutPrefix(line, []byte("HEAD "))
	} else {
		line, ok = bytes.CutPrefix(line, []byte("GET "))
	}
	if !ok || len(line) == 0 || line[0] != '/' {
		return false
	}
	for _, c := range line {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	h.target = T(line)
	return true
}

// begins reports whether b may grow to begin with prefix, or does.
func begins(b []byte, prefix string) bool {
	n := min(len(b), len(prefix))
	return string(b[:n]) == prefix[:n]
}

// trim takes off what RFC 9110 §5.5 calls optional whitespace.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// printable reports whether b holds no control character but tabs: what
// net/http takes as a field's value. It looks at eight bytes at a time.
func printable(b []byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for len(b) >= 8 {
		v := binary.LittleEndian.Uint64(b)
		d := v ^ 0x7f*ones
		if ((v-' '*ones)&^v|(d-ones)&^d)&high != 0 { // a byte below SP, or a DEL
			break
		}
		b = b[8:]
	}
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

package edge

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unsafe"

	"mirrornet/pkg/lane"
)

// elsewhereFor is how long the lane repeats a redirect, whose Date is from when
// it was made.
const elsewhereFor = time.Second

// leaveElsewhere makes an alias of a redirect for all targets that are decided
// like its own. h is what was answered, text with which body, and base is where
// to, without the target.
func (e *Edge) leaveElsewhere(r *http.Request, x *exchange, h http.Header, text, base string) {
	table := e.aliases.table
	if table == nil || r.TLS != nil || strings.Contains(r.Header.Get("Cookie"), stayCookie) || r.Method != http.MethodGet || x.hops > 0 || x.query != r.URL.RawQuery {
		return
	}
	key, ok := lane.AppendAnyKey(make([]byte, 0, 256), r)
	if !ok || !table.Again(key, x.decision.Way()) {
		return
	}
	for _, s := range x.world.Status {
		if len(s.Without) > 0 { // then targets are not all decided alike
			return
		}
	}
	now := e.Now()
	if e.aliases.now != nil {
		now = e.aliases.now()
	}
	head := append(make([]byte, 0, 512), "HTTP/1.1 307 Temporary Redirect\r\n"...)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			if name == "Location" {
				continue
			}
			if !plainField(name, value) {
				return
			}
			head = append(append(append(append(head, name...), ": "...), value...), "\r\n"...)
		}
	}
	if !plainField("Location", base) {
		return
	}
	o := x.outcome
	o.Tier, o.Status = "lane", http.StatusTemporaryRedirect
	t, size := &told{series: e.Metrics.Series(o)}, int64(unsafe.Sizeof(told{}))
	if e.AccessLog != nil {
		t.outcome = &o
		size += int64(unsafe.Sizeof(o)) + int64(len(o.Target)+len(o.Host)+len(o.Reason))
	}
	before, _, _ := strings.Cut(text, base)
	table.Put(&lane.Alias{
		Key: key, Class: x.decision.Way(), Generation: x.generation,
		Head: [3][]byte{
			append(append(head, "Location: "...), base...),
			[]byte("\r\nContent-Length: "),
			[]byte("\r\nDate: " + now.UTC().Format(http.TimeFormat) + "\r\n\r\n"),
		},
		Body: []byte(before + base), Alike: sentAlike, Status: http.StatusTemporaryRedirect,
		At: now, Until: now.Add(elsewhereFor), Data: t, DataBytes: size,
	})
}

// sentAlike reports whether a target is decided like others, and stands in a
// Location as it is: its path is this node's own affair for nobody, has nothing
// that would be escaped, and neither its query nor a cookie steers.
func sentAlike(target, cookie []byte) bool {
	if bytes.Contains(cookie, []byte(stayCookie)) {
		return false
	}
	path, query, asked := bytes.Cut(target, []byte("?"))
	if len(path) == 0 || path[0] != '/' || bytes.HasPrefix(path, []byte("//")) || bytes.HasPrefix(path, []byte("/-/")) || bytes.HasPrefix(path, []byte("/.well-known/")) {
		return false
	}
	if asked && (len(query) == 0 || query[len(query)-1] == '&' || query[len(query)-1] == ';') { // which is cut off
		return false
	}
	for _, c := range path {
		if !unreserved(c) && c != '/' {
			return false
		}
	}
	name := true // the beginning of one
	for i, c := range query {
		if !unreserved(c) && !bytes.Contains([]byte("=&;%/"), query[i:i+1]) {
			return false
		}
		if name && (beginsFold(query[i:], "redirect") || beginsFold(query[i:], "mirror-")) {
			return false
		}
		name = c == '&' || c == ';'
	}
	return true
}

// unreserved characters are no more than they look like (RFC 3986 §2.3; of the
// reserved ones, those that the API's targets have and nothing escapes).
func unreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	switch c {
	case '-', '.', '_', '~', ':', '+', ',', '@':
		return true
	}
	return false
}

func beginsFold(b []byte, lower string) bool {
	return len(b) >= len(lower) && bytes.EqualFold(b[:len(lower)], []byte(lower))
}

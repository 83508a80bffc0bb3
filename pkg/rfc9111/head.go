package rfc9111

import (
	"net/http"
	"strconv"
)

// HeadUpdates reports whether head, the 200 to a HEAD, speaks of the stored
// response of length bytes (§4.3.5): what it says of validators and length is
// what is stored. Then [Update] takes its fields in. Where it is false, the
// stored response is to be validated before its next use.
func HeadUpdates(stored, head Response, length int) bool {
	for _, name := range []string{"Etag", "Last-Modified"} {
		if v := head.Header.Get(name); v != "" && v != stored.Header.Get(name) {
			return false
		}
	}
	n := head.Header.Get("Content-Length")
	return head.Status == http.StatusOK && (n == "" || n == strconv.Itoa(length))
}

package respond

import (
	"net/http"
	"strconv"

	"mirrornet/pkg/rfc9111"
)

// Begin answers r with the head of s, whose body is still to come: of length
// bytes, or -1. Header fields go as with [Write]. done says that the answer is
// complete: preconditions failed or found nothing new, or a body is not for
// this answer. Otherwise the caller writes all of it, in identity coding, or
// aborts. A Range is ignored, as RFC 9110 §14.2 allows, and so are
// s.Body and a callback.
func Begin(w http.ResponseWriter, r *http.Request, s Source, length int64, extra http.Header, o Options) (done bool) {
	a := answer{w: w, r: r, h: w.Header(), status: s.Status}
	a.setHeader(s.Header, extra, o)
	a.tag, _, _ = scanTag(a.h.Get("Etag"))
	if a.h.Get("Content-Encoding") == "" && compressible(a.h.Get("Content-Type")) && !rfc9111.NoTransform(a.h) {
		a.vary("Accept-Encoding") // there will be a choice once it is stored
	}
	if a.status == http.StatusOK && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		switch a.precondition() {
		case http.StatusNotModified:
			a.notModified()
			return true
		case http.StatusPreconditionFailed:
			a.fail(http.StatusPreconditionFailed, preconditionFailed)
			return true
		}
	}
	if length >= 0 && bodyAllowed(a.status) {
		a.h.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	w.WriteHeader(a.status)
	return r.Method == http.MethodHead || !bodyAllowed(a.status)
}

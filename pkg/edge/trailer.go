package edge

import (
	"net/http"
	"strings"

	"mirrornet/pkg/rfc9111"
)

// wantsTrailers reports whether the client takes trailer fields (RFC 9110
// §10.1.4). Others get none, and no source is asked for them; what is stored
// is without (RFC 9111 §3.1).
func wantsTrailers(r *http.Request) bool {
	for _, line := range r.Header["Te"] {
		for member := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(member, " \t"), "trailers") {
				return true
			}
		}
	}
	return false
}

// withTrailers asks a source for trailer fields on the client's behalf.
func withTrailers(r *http.Request, h http.Header) http.Header {
	if !wantsTrailers(r) {
		return h
	}
	h = h.Clone()
	h.Set("Te", "trailers")
	return h
}

// passTrailers writes the trailer fields of an answer whose body was written.
func passTrailers(w http.ResponseWriter, r *http.Request, trailer http.Header) {
	if !wantsTrailers(r) {
		return
	}
	for name, v := range trailer {
		if !rfc9111.HopByHop(name) && name != "Content-Length" {
			w.Header()[http.TrailerPrefix+name] = v
		}
	}
}

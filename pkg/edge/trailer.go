package edge

import (
	"io"
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

// requestTrailer gives the body that is sent on, and the fields that follow it
// once it was read to its end.
func requestTrailer(r *http.Request, body io.Reader) (io.Reader, http.Header) {
	if len(r.Trailer) == 0 {
		return body, nil
	}
	t := &trailing{Reader: body, from: r.Trailer, to: http.Header{}}
	for name := range r.Trailer {
		if !rfc9111.HopByHop(name) && !steersOrigins(name) {
			t.to[name] = nil // announced
		}
	}
	return t, t.to
}

type trailing struct {
	io.Reader
	from, to http.Header
}

func (t *trailing) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if err == io.EOF {
		for name := range t.to {
			t.to[name] = t.from[name]
		}
	}
	return n, err
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

package keys

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ask is one request, as a client writes it.
type ask struct {
	method, path, query string // both raw
	fields              []field
	body                string
	chunked             bool   // the length is not said
	proto               string // "" is HTTP/1.1
	host                string
}

type field struct{ name, value string }

func (a ask) target() string {
	if a.query == "" {
		return a.path
	}
	return a.path + "?" + a.query
}

// String is the request, to be read and to be known by.
func (a ask) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q", a.method, a.target())
	if a.proto != "" {
		b.WriteString(" " + a.proto)
	}
	if a.host != "" {
		b.WriteString(" Host: " + a.host)
	}
	for _, f := range a.fields {
		fmt.Fprintf(&b, " | %s: %s", f.name, f.value)
	}
	if a.body != "" {
		fmt.Fprintf(&b, " <%q", a.body)
	}
	if a.chunked {
		b.WriteString(" in chunks")
	}
	return b.String()
}

// request is what net/http makes of the request's bytes. ok is false for what
// it refuses by itself.
func (a ask) request() (r *http.Request, ok bool) {
	u, err := url.ParseRequestURI(a.target())
	if err != nil || strings.ContainsAny(a.target(), " \t\r\n\x7f") {
		return nil, false
	}
	r = &http.Request{Method: a.method, URL: u, RequestURI: a.target(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(a.fields)), Host: "europe.test", RemoteAddr: "192.0.2.1:5", Body: http.NoBody}
	if a.proto == "HTTP/1.0" {
		r.Proto, r.ProtoMinor = a.proto, 0
	}
	if a.host != "" {
		r.Host = a.host
	}
	for _, f := range a.fields {
		r.Header.Add(f.name, f.value)
	}
	if a.body != "" || a.method == http.MethodPost {
		r.Body, r.ContentLength = body{strings.NewReader(a.body)}, int64(len(a.body))
		if a.chunked {
			r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
		}
	}
	return r, true
}

type body struct{ *strings.Reader }

func (body) Close() error { return nil }

func (a ask) field(name string) string {
	for _, f := range a.fields {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// with is the request with a field set.
func (a ask) with(name, value string) ask {
	a = a.without(name)
	a.fields = append(a.fields, field{name, value})
	return a
}

func (a ask) without(name string) ask {
	var kept []field
	for _, f := range a.fields {
		if !strings.EqualFold(f.name, name) {
			kept = append(kept, f)
		}
	}
	a.fields = kept
	return a
}

// and is the request with one more raw pair in its query.
func (a ask) and(pair string) ask {
	if a.query != "" {
		pair = a.query + ";" + pair
	}
	a.query = pair
	return a
}

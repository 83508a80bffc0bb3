package rfc9111

import (
	"net/http"
	"strings"
)

// ConditionalHeader holds the preconditions that ask whether the stored
// response still holds (§4.3.1): If-None-Match from ETag, If-Modified-Since
// from Last-Modified. It is empty, never nil, for a response without
// validators, and its values are the stored ones byte for byte.
func ConditionalHeader(resp Response) http.Header {
	h := make(http.Header, 2)
	if tag := resp.Header.Get("Etag"); tag != "" {
		h.Set("If-None-Match", tag)
	}
	if s := resp.Header.Get("Last-Modified"); s != "" {
		if _, ok := ParseDate(s); ok {
			h.Set("If-Modified-Since", s)
		}
	}
	return h
}

// validatable reports whether ConditionalHeader has something to ask.
func validatable(h http.Header) bool {
	if h.Get("Etag") != "" {
		return true
	}
	_, ok := ParseDate(h.Get("Last-Modified"))
	return ok
}

// Updates reports whether a 304 speaks of the stored response (§4.3.4): its
// strong validator must be the stored one, its weak validator equal to the
// stored one; without any it can only mean what it was asked about. Where it
// is false the request is to be sent again, without preconditions.
func Updates(stored, fresh Response) bool {
	if tag := fresh.Header.Get("Etag"); tag != "" {
		have := stored.Header.Get("Etag")
		if strings.HasPrefix(tag, "W/") {
			have = "W/" + strings.TrimPrefix(have, "W/")
		}
		return tag == have
	}
	if s := fresh.Header.Get("Last-Modified"); s != "" {
		return s == stored.Header.Get("Last-Modified")
	}
	return true
}

// Update is the stored response after fresh, a 304 to its validation or a 200
// to a HEAD (§3.2): the stored status, the times of fresh, and the stored
// fields with those of fresh in their place, except what is never stored and
// what describes the stored bytes. Neither argument is changed, nor shared.
func Update(stored, fresh Response, p Policy) Response {
	out := Response{Status: stored.Status, RequestTime: fresh.RequestTime, ResponseTime: fresh.ResponseTime}
	out.Header = stored.Header.Clone()
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	// Of another time; a 304 without them is as old as its receipt.
	delete(out.Header, "Age")
	delete(out.Header, "Date")
	for name, values := range StoredHeader(fresh, p) {
		switch name {
		case "Content-Length", "Content-Encoding", "Content-Range", "Content-Md5", "Content-Digest", "Repr-Digest", "Digest":
			continue
		}
		out.Header[name] = values
	}
	// StoredHeader went by the fields of fresh alone: those that the updated
	// directives hide may have been stored before.
	for _, name := range parseResponse(out.Header).hidden {
		delete(out.Header, name)
	}
	if _, ok := ParseDate(out.Header.Get("Date")); !ok && !fresh.ResponseTime.IsZero() {
		out.Header.Set("Date", fresh.ResponseTime.UTC().Format(http.TimeFormat))
	}
	return out
}

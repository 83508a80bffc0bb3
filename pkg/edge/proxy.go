package edge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/route"
)

// proxy sends the request to a node of the region that the decision names, the
// nearest first. What comes to nothing there is answered here, as long as the
// request is still whole: what this node has is better than nothing.
func (e *Edge) proxy(w http.ResponseWriter, r *http.Request, x *exchange) {
	var sources []fetch.Source
	for _, n := range x.world.nodes[x.decision.Region] {
		if s, ok := x.world.nodeSource(n, fetch.Region); ok {
			sources = append(sources, s)
		}
	}
	header := e.forwardedHeader(r, x)
	// Others see nodes there, this one does not; or, without its credentials it
	// would be another request.
	if len(sources) == 0 || !trusted(header, sources) {
		e.serveHere(w, r, x)
		return
	}
	target := r.URL.EscapedPath()
	if x.query != "" {
		target += "?" + x.query
	}
	interim := &interim{w: w}
	defer interim.end()
	req := fetch.Request{Method: r.Method, Target: target, Header: withTrailers(r, withoutSecrets(header, sources)), ContentLength: r.ContentLength,
		Client: x.client, Proto: e.scheme(r), Repeatable: r.Method == http.MethodGet || r.Method == http.MethodHead || e.onlyReads(r)}
	if r.ProtoAtLeast(1, 1) {
		req.Interim = interim.send
	}
	var whole []byte // of a body that can be sent again
	switch n := r.ContentLength; {
	case n > 0 && n <= maxPost:
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(e.Timeout))
		var err error
		if whole, err = io.ReadAll(r.Body); err != nil {
			e.fail(w, r, fmt.Errorf("%w: %w", fetch.ErrRequestBody, err))
			return
		}
		req.Body = bytes.NewReader(whole)
	case n != 0:
		req.Repeatable = false
		req.Body, req.Trailer = requestTrailer(r, r.Body)
	}
	a, err := e.fetcher.Do(r.Context(), sources, req)
	interim.end()
	var none *fetch.Error
	switch {
	case r.Context().Err() != nil:
	case err == nil && req.Repeatable && unavailable(a.Response.StatusCode):
		a.Response.Body.Close()
		fallthrough
	case err != nil && (req.Repeatable || errors.As(err, &none) && none.Unsent):
		if whole != nil {
			r.Body = io.NopCloser(bytes.NewReader(whole))
		}
		e.serveHere(w, r, x)
		return
	}
	if err != nil {
		e.fail(w, r, err)
		return
	}
	if !e.onlyReads(r) {
		e.invalidate(r.Context(), r, a.Response) // nothing, for a safe method
	}
	e.relay(w, r, x, a, "bypass", nil)
}

// unavailable are the statuses by which an edge says that it has no answer.
func unavailable(status int) bool {
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusLoopDetected:
		return true
	}
	return false
}

// serveHere answers what was to be proxied.
func (e *Edge) serveHere(w http.ResponseWriter, r *http.Request, x *exchange) {
	x.decision.Region = e.Region
	x.outcome.Action, x.outcome.Region = string(route.Serve), string(e.Region)
	if x.outcome.Reason != "" {
		x.outcome.Reason += ", which gives no answer"
	}
	e.api(w, r)
}

// withoutSecrets drops credentials when a source is reached in clear text over
// a network.
func withoutSecrets(h http.Header, sources []fetch.Source) http.Header {
	for _, s := range sources {
		if s.URL.Scheme != "https" && !loopback(s.URL) {
			h = h.Clone()
			h.Del("Authorization")
			h.Del("Cookie")
			return h
		}
	}
	return h
}

// trusted reports whether the sources may see all that the request says of
// its user: without it, their answer would be another.
func trusted(h http.Header, sources []fetch.Source) bool {
	return h.Get("Authorization") == "" || withoutSecrets(h, sources).Get("Authorization") != ""
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

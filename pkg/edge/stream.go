package edge

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/respond"
	"mirrornet/pkg/store"
)

// wantsWhole reports whether the answer can only be made of the whole body: a
// part of it, or a script around it.
func wantsWhole(x *exchange, p *plan) bool {
	return p.callback != "" || x.outcome.Method == http.MethodGet && p.asked.Get("Range") != ""
}

// wait is f with its whole body. Of a body that is too long for that, the
// request is passed on: its origin can make a part of it.
func (e *Edge) wait(ctx context.Context, x *exchange, f *fetched) (*fetched, error) {
	body, err := x.body.whole(ctx)
	switch {
	case err == errLong:
		return nil, errPass
	case ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, &fetch.Error{Unusable: true}
	}
	resp := *f.response
	resp.Body = store.NewBody(body)
	whole := *f
	whole.response, whole.arriving = &resp, nil
	return &whole, nil
}

// unkeyed is the plan for passing a request on as it was asked.
func (e *Edge) unkeyed(r *http.Request, x *exchange, p *plan) *plan {
	if p.endpoint == nil {
		return p
	}
	q := *p
	q.method, q.target, q.header = r.Method, r.URL.EscapedPath(), e.forwardedHeader(r, x)
	if x.query != "" {
		q.target += "?" + x.query
	}
	if p.body != nil {
		q.stream = bytes.NewReader(p.body)
	}
	return &q
}

// stream writes an answer whose body is still arriving.
func (e *Edge) stream(w http.ResponseWriter, r *http.Request, x *exchange, f *fetched, extra http.Header) {
	src := respond.Source{Status: f.response.Status, Header: f.response.Header}
	if respond.Begin(w, r, src, f.arriving.length, extra, respond.Options{Now: e.Now()}) {
		return
	}
	ctx, c := r.Context(), http.NewResponseController(w)
	for {
		chunk, err := x.body.next(ctx, false)
		if chunk == nil && err == nil {
			if err = c.Flush(); err == nil || errors.Is(err, http.ErrNotSupported) { // all there is, before the wait for more
				chunk, err = x.body.next(ctx, true)
			}
		}
		if err == nil {
			_, err = w.Write(chunk)
		}
		if err == io.EOF {
			return
		}
		if err != nil { // whoever is to blame: a cut body must not look whole
			panic(http.ErrAbortHandler)
		}
	}
}

package edge

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/rfc9111"
	"mirrornet/pkg/store"
)

const (
	// small is the longest body that is read whole before its first byte goes
	// on: when its source dies in the middle, the next one is asked, and the
	// client sees nothing of it.
	small = 1 << 20
	// patience is how long a body of unknown length is held back for that.
	patience = 500 * time.Millisecond
	// maxResumes bounds how often one body is gone on with elsewhere.
	maxResumes = 8
)

// inflow is the source's side of an answer that is still being read. It
// belongs to the flight's goroutine.
type inflow struct {
	*fetch.Answer
	sources []fetch.Source // who may go on with it
	req     fetch.Request
	resumes int
}

func (in *inflow) close() { in.Response.Body.Close() }

// usable reports whether an answer says something of the resource. A 429 says
// something of us.
func usable(f *fetched) bool { return f.status < 500 && f.status != http.StatusTooManyRequests }

// discard ends an answer that nobody will get.
func (f *fetched) discard() {
	if f != nil && f.in != nil {
		f.in.close()
	}
}

// ask fetches from the first of the sources that gives a whole answer, or the
// beginning of a long one: that one has f.in, and is to be pumped or discarded.
func (e *Edge) ask(ctx context.Context, sources []fetch.Source, p *plan, s stored, wait time.Duration) (*fetched, error) {
	header := p.header
	if s.response != nil && s.response.Status != 0 {
		header = header.Clone()
		for name, v := range rfc9111.ConditionalHeader(ruled(s.response)) {
			header[name] = v
		}
	}
	all, end := sources, time.Now().Add(wait)
	for {
		req := fetch.Request{Method: p.method, Target: p.target, Header: header, Repeatable: true, Interim: p.interim, Total: max(1, time.Until(end)),
			Client: p.client, Proto: p.header.Get("X-Forwarded-Proto")}
		if p.body != nil {
			req.Body, req.ContentLength = bytes.NewReader(p.body), int64(len(p.body))
		}
		a, err := e.fetcher.Do(ctx, sources, req)
		if err != nil {
			return nil, err
		}
		if kind := a.Source.Kind; (kind == fetch.Sibling || kind == fetch.Parent) && p.foreign(a.Response.Header) {
			a.Response.Body.Close()
			if sources = after(sources, a.Source); len(sources) == 0 {
				return nil, &fetch.Error{Attempts: a.Attempts, Unusable: true}
			}
			continue
		}
		if a.Response.StatusCode == http.StatusNotModified {
			if s.response == nil { // nothing was asked that it could answer
				a.Response.Body.Close()
				return nil, &fetch.Error{Attempts: a.Attempts, Unusable: true}
			}
			if !rfc9111.Updates(ruled(s.response), rfc9111.Response{Status: http.StatusNotModified, Header: a.Response.Header}) {
				a.Response.Body.Close() // it speaks of another copy: ask for the whole
				s, header = stored{reuse: s.reuse}, p.header
				continue
			}
		}
		f := e.received(p, s, a)
		if f.arriving == nil {
			a.Response.Body.Close()
			return f, nil
		}
		a.Within(max(1, time.Until(end)))
		whole, err := f.collect(a.Response.Body)
		switch {
		case err != nil: // it died in the middle: the next source has the whole
			a.Response.Body.Close()
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if time.Until(end) <= 0 {
				return nil, fetch.ErrTime
			}
			e.report(fetch.Attempt{Source: a.Source, Err: err})
			if sources = after(sources, a.Source); len(sources) == 0 {
				return nil, &fetch.Error{Attempts: a.Attempts, Unusable: true}
			}
			continue
		case whole:
			a.Response.Body.Close()
			f.response.Body, f.arriving = store.NewBody(f.arriving.bytes()), nil
		default:
			f.in = &inflow{Answer: a, sources: all, req: req}
		}
		return f, nil
	}
}

// collect reads a small body to its end, and of a longer one the beginning.
func (f *fetched) collect(source io.Reader) (whole bool, err error) {
	b, began := f.arriving, time.Now()
	for {
		n, err := source.Read(b.space())
		b.grow(n)
		switch {
		case err == io.EOF:
			return true, nil
		case err != nil:
			return false, err
		case n > 0 && (b.length > small || b.end > small || b.length < 0 && time.Since(began) > patience):
			return false, nil
		}
	}
}

func after(sources []fetch.Source, s fetch.Source) []fetch.Source {
	for i := range sources {
		if sources[i].Name == s.Name {
			return sources[i+1:]
		}
	}
	return nil
}

// pump reads on while clients read what is there, and stores what is whole. A
// body that will be stored is read to its end whoever stays: it was asked
// for once. A longer one is read as long as somebody takes it.
func (e *Edge) pump(ctx context.Context, p *plan, f *fetched) {
	b, in := f.arriving, f.in
	why := errCut
	defer func() {
		in.close()
		if v := recover(); v != nil { // those who read must learn of it
			e.Logger.Error("panic while fetching", "target", p.target, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			why = errCut
		}
		b.finish(why)
	}()
	for noted := b.single; ; {
		in.Within(e.Timeout)
		n, err := in.Response.Body.Read(b.space())
		b.grow(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			if ctx.Err() != nil || !e.resume(ctx, f, err) {
				return
			}
			continue
		}
		if !b.tooLong() {
			continue
		}
		if !noted {
			noted = true
			now := e.Now()
			e.unshared.put(p.class(), unshared{true}, now.Add(unsharedFor), now)
		}
		in.Within(0) // clients may take their time
		if !b.room(ctx) {
			return
		}
	}
	why = io.EOF
	if b.tooLong() {
		return
	}
	b.finish(io.EOF) // before the store, which may be slow
	e.keep(ctx, p, f, store.NewBody(b.bytes()))
}

// resume goes on with a body that broke off, where a source has the same
// representation: only a strong entity tag can tell.
func (e *Edge) resume(ctx context.Context, f *fetched, why error) bool {
	b, in := f.arriving, f.in
	in.close()
	e.report(fetch.Attempt{Source: in.Source, Err: why})
	etag := f.response.Header.Get("ETag")
	if strong := etag != "" && !strings.HasPrefix(etag, "W/"); !strong || in.resumes == maxResumes {
		e.Metrics.Broken("cut")
		return false
	}
	in.resumes++
	if in.req.Body != nil {
		in.req.Body.(io.Seeker).Seek(0, io.SeekStart)
	}
	in.req.Total = e.Timeout
	// The others first, in their order, then the one that failed just now.
	next := append(slices.Clone(after(in.sources, in.Source)), in.sources...)
	a, err := e.fetcher.Resume(ctx, next, in.req, b.end, etag, b.length)
	if err != nil {
		e.Metrics.Broken("cut")
		return false
	}
	e.Metrics.Broken("resumed")
	in.Answer = a
	return true
}

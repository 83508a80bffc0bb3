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

	"mirrornet/pkg/apispec"
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

// flight is one fetch for all who want the answer: it looks once more, asks,
// and stores. A long answer is handed out when its beginning is there.
func (e *Edge) flight(w *world, p *plan, s stored, hops int) func(context.Context, func(*fetched)) (*fetched, error) {
	return func(ctx context.Context, publish func(*fetched)) (*fetched, error) {
		if (s.response == nil || s.variants) && e.ended.of(p.key) != s.ended { // a flight ended, and stored, since the look-up
			if again := e.lookUp(ctx, p); again.response != nil && !again.variants && again.reuse.Verdict == rfc9111.Fresh {
				hit := p.standIn(again, nil, "")
				hit.hit, hit.fwd = true, ""
				return hit, nil
			}
		}
		kept := s
		if s.variants {
			kept.response = nil
		}
		e.Metrics.Flight()
		f, err := e.refresh(ctx, w, p, kept, hops)
		if err != nil {
			return nil, err
		}
		if !f.storable && !f.age && !f.common {
			now := e.Now()
			e.unshared.put(p.class(), unshared{f.arriving != nil && f.arriving.length > maxBody}, now.Add(unsharedFor), now)
		}
		if f.in == nil {
			f.stored = f.storable && e.current(p)
			e.keep(ctx, p, f, f.response.Body)
			return f, nil
		}
		f.stored = f.storable && f.arriving.length >= 0 && e.current(p)
		publish(f)
		e.pump(ctx, p, f)
		return f, nil
	}
}

// refresh asks the sources. When no origin gives a usable answer, the stored
// copy stands in, and without one the nodes of other regions are asked.
func (e *Edge) refresh(ctx context.Context, w *world, p *plan, s stored, hops int) (*fetched, error) {
	began := time.Now()
	origins, down := w.originSources(apispec.ClassOf(p.target))
	wait := e.Timeout
	if down {
		wait = downBudget
		if hops > 0 {
			wait = downForwarded
		}
		wait = min(wait, e.Timeout)
	}
	f, err := e.ask(ctx, origins, p, s, wait)
	if err == nil && usable(f) {
		return e.confirm(ctx, w, p, s, f, origins), nil
	}
	if ctx.Err() != nil {
		f.discard()
		return nil, context.Cause(ctx)
	}
	if down && err != nil {
		err = &fetch.Error{} // nobody answered in the time that a lost origin gets
	}
	if s.response != nil && s.reuse.StaleIfError {
		f.discard()
		return p.standIn(s, f, "stale-if-error"), nil
	}
	left := e.Timeout - time.Since(began)
	if down { // what is left of two seconds
		left = min(left, downBudget)
	}
	if regions := w.regionSources(); hops == 0 && len(regions) > 0 && left > 0 && trusted(p.header, regions) {
		elsewhere := *p
		if elsewhere.header = withoutSecrets(p.header, regions); len(elsewhere.header["Cookie"]) != len(p.header["Cookie"]) {
			elsewhere.asked = p.asked.Clone() // its answer is not for that cookie
			delete(elsewhere.asked, "Cookie")
		}
		g, gerr := e.ask(ctx, regions, &elsewhere, stored{reuse: s.reuse}, left)
		if gerr == nil && usable(g) {
			f.discard()
			return g, nil
		}
		g.discard()
	}
	return f, err
}

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
			Proto: p.header.Get("X-Forwarded-Proto")} // of no client: the answer is for others too
		if p.body != nil {
			req.Body, req.ContentLength = bytes.NewReader(p.body), int64(len(p.body))
		}
		a, err := e.fetcher.Do(ctx, sources, req)
		if err != nil {
			return nil, err
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

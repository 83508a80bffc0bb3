package edge

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/rfc9111"
	"mirrornet/pkg/store"
)

// keeper gathers the answer to a request that was passed on in plain RFC 9111
// mode, to store it once it is there: a part of a representation, a whole that
// came instead of one, or the answer to a POST that stands for the resource.
type keeper struct {
	edge *Edge
	plan *plan // as of a GET
	got  rfc9111.Response
	body bytes.Buffer
	over bool // too long to store, or too much is gathered already
}

// maxGathered bounds what all keepers hold: what is beyond is not stored.
const maxGathered = 128 << 20

// keeper says what is to be kept of an answer; nil: nothing. A HEAD has
// nothing to gather: what it says of a stored response is taken in at once.
func (e *Edge) keeper(ctx context.Context, r *http.Request, x *exchange, p *plan, a *fetch.Answer) *keeper {
	got := rfc9111.Response{Status: a.Response.StatusCode, Header: a.Response.Header.Clone(), RequestTime: a.RequestTime, ResponseTime: e.Now()}
	whole := got.Status == http.StatusOK
	switch {
	case !p.byRFC || a.Response.ContentLength > maxBody:
		return nil
	case r.Method == http.MethodPost && whole && rfc9111.AnswersGet(targetOf(r), got):
		p = e.planOfGet(r, x, p)
	case p.key == "" || !whole && !rfc9111.OnePart(got):
		return nil
	case r.Method == http.MethodHead:
		e.updateByHead(ctx, p, got)
		return nil
	}
	if ok, _ := rfc9111.Storable(p.request(), got, p.policy); !ok {
		return nil
	}
	return &keeper{edge: e, plan: p, got: got}
}

// planOfGet is how a GET of a POST's target is looked up.
func (e *Edge) planOfGet(r *http.Request, x *exchange, p *plan) *plan {
	q := r.Clone(r.Context())
	q.URL.RawQuery = x.query
	get := &plan{method: http.MethodGet, header: p.header, asked: p.asked, policy: p.policy, byVary: true, byRFC: true, key: e.plainKey(q)}
	get.changes, get.changed = e.changes.last(get.key) // the POST's own change is behind it
	return get
}

// beside writes to the client, and gathers.
func (k *keeper) beside(w io.Writer) io.Writer { return gathering{w, k} }

type gathering struct {
	io.Writer
	k *keeper
}

func (g gathering) Write(b []byte) (int, error) {
	g.k.gather(b)
	return g.Writer.Write(b)
}

func (k *keeper) gather(b []byte) {
	if k.over {
		return
	}
	k.body.Write(b)
	if k.edge.gathered.Add(int64(len(b))) > maxGathered || k.body.Len() > maxBody {
		k.close()
	}
}

// close gives back what is gathered.
func (k *keeper) close() {
	k.edge.gathered.Add(-int64(k.body.Len()))
	k.body, k.over = bytes.Buffer{}, true
}

// put stores what was gathered, joined with the parts that are stored.
func (k *keeper) put(ctx context.Context) {
	if k.over {
		return
	}
	defer k.close()
	e := k.edge
	got, body := k.got, k.body.Bytes()
	if got.Status == http.StatusPartialContent {
		s := e.lookUp(ctx, k.plan)
		if s.response != nil && !s.variants {
			return // a whole came meanwhile
		}
		got.Header["Range"] = k.plan.asked["Range"] // what it answers again, whatever it holds
		if s.parts != nil {
			if joined, all, ok := combine(s.parts, got, body, k.plan.policy); ok {
				got, body = joined, all
				delete(got.Header, "Range")
			}
		}
	}
	e.store(ctx, k.plan, got, store.NewBody(body))
}

// combine joins what came with the stored parts.
func combine(parts *store.Response, got rfc9111.Response, body []byte, p rfc9111.Policy) (rfc9111.Response, []byte, bool) {
	have, err := parts.Body.Identity()
	if err != nil {
		return got, nil, false
	}
	return rfc9111.Combine(ruled(parts), got, have, body, p, maxBody)
}

// store puts a response under the key of its request, or of its variant, if
// nothing was invalidated meanwhile.
func (e *Edge) store(ctx context.Context, p *plan, got rfc9111.Response, body store.Body) *fetched {
	f := &fetched{response: &store.Response{Key: p.key, Status: got.Status, Header: own(rfc9111.StoredHeader(got, p.policy)), Body: body,
		RequestTime: got.RequestTime, ResponseTime: got.ResponseTime}}
	f.vary, _ = rfc9111.VaryFields(got.Header)
	f.variant = rfc9111.VaryKey(f.vary, p.asked)
	f.reuse = rfc9111.Evaluate(p.request(), got, p.policy, e.Now())
	if f.stored = p.changes == e.changes.of(p.key); f.stored {
		resp := *f.response // put may name it otherwise
		e.put(ctx, p, f, &resp)
	}
	return f
}

// updateByHead takes in what the answer to a HEAD says of the stored response
// to a GET (RFC 9111 §4.3.5).
func (e *Edge) updateByHead(ctx context.Context, p *plan, head rfc9111.Response) {
	get := *p
	get.method = http.MethodGet
	s := e.lookUp(ctx, &get)
	if s.response == nil || s.variants || s.response.Status != http.StatusOK {
		return
	}
	if !rfc9111.HeadUpdates(ruled(s.response), head, s.response.Body.Len()) {
		e.Store.Delete(ctx, s.response.Key)
		return
	}
	updated := rfc9111.Update(ruled(s.response), head, p.policy)
	if ok, _ := rfc9111.Storable(get.request(), updated, p.policy); ok {
		e.store(context.WithoutCancel(ctx), &get, updated, s.response.Body)
	}
}

// completed makes a whole of the stored part and the answer to a request for
// the rest; nil: they do not belong together.
func (e *Edge) completed(ctx context.Context, p *plan, a *fetch.Answer) *fetched {
	if a == nil || a.Response.StatusCode != http.StatusPartialContent {
		return nil
	}
	defer a.Response.Body.Close()
	got := rfc9111.Response{Status: http.StatusPartialContent, Header: a.Response.Header, RequestTime: a.RequestTime, ResponseTime: e.Now()}
	body, err := io.ReadAll(io.LimitReader(a.Response.Body, maxBody+1))
	if err != nil || !rfc9111.OnePart(got) {
		return nil
	}
	whole, all, ok := combine(p.parts, got, body, p.policy)
	if !ok || whole.Status != http.StatusOK {
		return nil
	}
	delete(whole.Header, "Range")
	var f *fetched
	if ok, why := rfc9111.Storable(p.request(), whole, p.policy); ok {
		f = e.store(context.WithoutCancel(ctx), p, whole, store.NewBody(all))
	} else { // for its asker alone
		rfc9111.RemoveHopByHop(whole.Header)
		dropLimits(whole.Header)
		f = &fetched{response: &store.Response{Key: p.key, Status: whole.Status, Header: own(whole.Header), Body: store.NewBody(all),
			RequestTime: whole.RequestTime, ResponseTime: whole.ResponseTime}, detail: why}
	}
	f.status, f.fwd, f.source = http.StatusPartialContent, "partial", a.Source.Name
	return f
}

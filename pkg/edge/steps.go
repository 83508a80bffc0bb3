package edge

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/collapse"
	"mirrornet/pkg/fetch"
	"mirrornet/pkg/rfc9111"
)

// stage is who is asked at once by all who want an answer. Each has flights of
// its own, and waits only for those after it on other nodes: what another
// edge forwards here is never asked of siblings or of other regions, so no two nodes
// wait for each other.
type stage uint8

const (
	sibling   stage = iota // the owner of the key in this region
	near                   // the parent region, then the origins
	elsewhere              // other regions
)

// step is one stage of a fetch.
type step struct {
	stage
	plan   *plan
	caches bool // the parent may be asked
	wait   time.Duration
}

// errNext says that the next stage is to be asked.
var errNext = errors.New("edge: no answer from these sources")

// steps are the stages of a fetch, in order.
//
// A class of endpoints that no origin of this node serves is asked of the
// regions that have it before; so is everything while no origin answers here
// and others have one.
func (e *Edge) steps(w *world, p *plan, hops int, shared bool) (list []step) {
	caches, lost := shared && p.fromCaches(), w.lost(p)
	if caches && hops == 0 && !lost {
		if owner, ok := w.owner(p.place()); ok && p.whole(owner) {
			list = append(list, step{sibling, p, false, e.Timeout / 2})
		}
	}
	parents := caches && hops < fetch.MaxHops
	if parents {
		from := w.parents(p.place())
		parents = len(from) > 0 && p.whole(from...)
	}
	list = append(list, step{near, p, parents, e.Timeout})
	if regions := w.regionSources(apispec.ClassOf(p.target), p.place()); hops == 0 && len(regions) > 0 && trusted(p.header, regions) {
		there := *p
		if there.header = withoutSecrets(p.header, regions); len(there.header["Cookie"]) != len(p.header["Cookie"]) {
			there.asked = p.asked.Clone() // its answer is not for that cookie
			delete(there.asked, "Cookie")
		}
		list = append(list, step{elsewhere, &there, false, e.Timeout})
		if n := len(list); w.elsewhereFirst(apispec.ClassOf(p.target)) {
			list[n-1], list[n-2] = list[n-2], list[n-1]
		}
	}
	return list
}

// fetch asks the sources, once for all who want the same at the same time.
func (e *Edge) fetch(ctx context.Context, x *exchange, p *plan, s stored) (f *fetched, collapsed bool, err error) {
	alone, unshared := e.unshared.get(p.class(), e.Now())
	unshared = unshared || p.request().NoStore()
	if alone.long && wantsWhole(x, p) {
		return nil, false, errPass
	}
	e.working(x)
	began := time.Now()
	var nearest struct { // what this region's own sources said
		f         *fetched
		collapsed bool
		err       error
	}
	var spare *fetched // stale, from a sibling
	over := e.overloaded(x)
	for _, st := range e.steps(x.world, p, x.hops, !unshared) {
		if over && st.stage != sibling {
			continue // this region's store is all that there is
		}
		if spare != nil && st.stage == elsewhere {
			break // as good as what is stored here
		}
		if st.wait = st.left(began, x.world); st.wait <= 0 {
			continue
		}
		if st.stage == elsewhere && s.response != nil && s.reuse.StaleIfError {
			st.wait = min(st.wait, downBudget) // what is stored will do
		}
		f, collapsed, err := e.take(ctx, x, st, s, unshared)
		if err == nil && f.spare {
			spare = f
			continue
		}
		if err == nil && (f.age || usable(f) || f.arriving != nil || e.clients(f.status)) || errors.Is(err, errPass) || ctx.Err() != nil {
			return f, collapsed, err
		}
		if st.stage == near {
			nearest.f, nearest.collapsed, nearest.err = f, collapsed, err
		}
	}
	if spare != nil {
		return spare, false, nil
	}
	if over {
		return nil, false, shed()
	}
	return nearest.f, nearest.collapsed, nearest.err
}

// left is how long a step may take that began after others. The origins always
// get half of the time; and with all of them known to be lost, here and
// elsewhere, other regions get what is left of two seconds.
func (st step) left(began time.Time, w *world) time.Duration {
	left := st.wait - time.Since(began)
	switch st.stage {
	case near:
		left = max(left, st.wait/2)
	case elsewhere:
		if w.down && !w.originElsewhere(apispec.ClassOf(st.plan.target)) {
			left = min(left, downBudget)
		}
	}
	return left
}

// take has one step's answer, from a flight that others may share.
func (e *Edge) take(ctx context.Context, x *exchange, st step, s stored, unshared bool) (f *fetched, collapsed bool, err error) {
	p := st.plan
	key := e.flightKey(st, s)
	for range maxRounds {
		if unshared {
			break
		}
		f, collapsed, err = e.flights.Share(ctx, key, e.flight(x.world, st, s, x.hops))
		if err != nil {
			return nil, false, err
		}
		if p.byVary && collapsed && rfc9111.VaryKey(f.vary, p.asked) != f.variant {
			key += "\n" + rfc9111.VaryKey(f.vary, p.asked) // those who want this variant wait for one of their own
			continue
		}
		if collapsed && !f.storable && !f.age && !f.common {
			break // all who waited go at once
		}
		if collapsed {
			e.Metrics.Collapsed()
		}
		if f.arriving == nil {
			return f, collapsed, nil
		}
		if r, ok := f.arriving.open(!collapsed); ok {
			x.body = r
			return f, collapsed, nil
		}
		if err := f.arriving.broken(); err != nil {
			return nil, false, &fetch.Error{Unusable: true}
		}
		break
	}
	if f != nil && f.arriving != nil && f.arriving.tooLong() && wantsWhole(x, p) {
		return nil, false, errPass
	}
	e.Metrics.Unshared()
	var own collapse.Group[string, *fetched]
	if f, _, err = own.Share(ctx, "", e.flight(x.world, st, s, x.hops)); err != nil {
		return nil, false, err
	}
	if f.arriving != nil {
		r, ok := f.arriving.open(true)
		if !ok { // it is cut already
			return nil, false, &fetch.Error{Unusable: true}
		}
		x.body = r
	}
	return f, false, nil
}

// flightKey names the fetches that may stand for one another.
func (e *Edge) flightKey(st step, s stored) string {
	key := st.plan.class() + "\n" + strconv.FormatUint(e.changes.of(st.plan.key), 10) // what was begun before a change is not for later requests
	switch {
	case st.stage == sibling:
		key += "\nsibling"
	case st.stage == elsewhere:
		key += "\nelsewhere"
	case st.caches: // who wants an origin's word must not get a cache's
		key += "\nparent"
	}
	if s.variants {
		key += "\n" + rfc9111.VaryKey(s.response.Vary, st.plan.asked)
	}
	return key
}

// refreshBehind validates a stored response beside the request, one at a time.
func (e *Edge) refreshBehind(x *exchange, p *plan, s stored) {
	w, hops := x.world, x.hops
	if _, running := e.behind.LoadOrStore(p.key, true); running {
		return
	}
	if !e.inBackground(func(ctx context.Context) {
		defer e.behind.Delete(p.key)
		for _, st := range e.steps(w, p, hops, true) {
			if st.stage == elsewhere && !w.elsewhereFirst(apispec.ClassOf(p.target)) {
				return // what is stored is as good
			}
			if f, err := e.share(ctx, st, w, s, hops); err == nil && !f.spare {
				return
			}
		}
	}) {
		e.behind.Delete(p.key)
	}
}

// share is take for what nobody waits for.
func (e *Edge) share(ctx context.Context, st step, w *world, s stored, hops int) (*fetched, error) {
	f, _, err := e.flights.Share(ctx, e.flightKey(st, s), e.flight(w, st, s, hops))
	return f, err
}

// flight is one fetch for all who want the answer: it looks once more, asks,
// and stores. A long answer is handed out when its beginning is there.
func (e *Edge) flight(w *world, st step, s stored, hops int) func(context.Context, func(*fetched)) (*fetched, error) {
	p := st.plan
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
		f, err := e.refresh(ctx, w, st, kept, hops)
		if err != nil {
			return nil, err
		}
		if !f.storable && !f.age && !f.common && !e.clients(f.status) {
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

// refresh asks the sources of one stage. When neither parent nor origin gives
// a usable answer, the stored copy stands in.
func (e *Edge) refresh(ctx context.Context, w *world, st step, s stored, hops int) (*fetched, error) {
	p := st.plan
	origins, down := w.originSources(apispec.ClassOf(p.target))
	switch st.stage {
	case sibling:
		if owner, ok := w.owner(p.place()); ok {
			if f := e.askCaches(ctx, w, st, s, []fetch.Source{owner}, st.wait); f != nil {
				return f, nil // though it be spare
			}
		}
		return nil, errNext
	case elsewhere:
		f, err := e.ask(ctx, w.regionSources(apispec.ClassOf(p.target), p.place()), p, stored{reuse: s.reuse}, st.wait)
		if err == nil && usable(f) {
			return f, nil
		}
		f.discard()
		return nil, errNext
	}
	var spare *fetched // stale, from the parent
	if st.caches {
		if spare = e.askCaches(ctx, w, st, s, w.parents(p.place()), st.wait/2); spare != nil && !spare.spare {
			return spare, nil
		}
	}
	wait := st.wait
	switch {
	case hops > 0 && (down || w.lost(p)):
		wait = min(downForwarded, e.Timeout)
	case down:
		wait = min(downBudget, e.Timeout)
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
	if spare != nil {
		f.discard()
		spare.spare = false
		return spare, nil
	}
	return f, err
}

// askCaches asks nodes of this network for what they may have; nil: they do not
// have it. It is spare if it is of use only where no origin answers. A long body
// that breaks off is gone on with at the origins.
func (e *Edge) askCaches(ctx context.Context, w *world, st step, s stored, nodes []fetch.Source, wait time.Duration) *fetched {
	f, err := e.ask(ctx, nodes, st.plan, s, wait)
	if err != nil {
		return nil
	}
	takes, spare := st.plan.takes(s, f)
	if f.spare = spare && !w.down; !takes && (!spare || f.spare && f.in != nil) {
		f.discard()
		return nil
	}
	if origins, _ := w.originSources(apispec.ClassOf(st.plan.target)); f.in != nil {
		f.in.sources = slices.Concat(f.in.sources, origins)
	}
	return e.confirm(ctx, w, st.plan, s, f, nil)
}

// working tells the edge that asks that this one is at it: a fetch may take
// longer than a dead node is waited for.
func (e *Edge) working(x *exchange) {
	if !x.waits {
		return
	}
	x.waits = false
	h := x.meter.Header()
	kept := h.Clone() // each response has its own fields
	clear(h)
	x.meter.WriteHeader(http.StatusProcessing)
	for name, v := range kept {
		h[name] = v
	}
}

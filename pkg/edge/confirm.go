package edge

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"mirrornet/pkg/fetch"
	"mirrornet/pkg/health"
)

const (
	// confirmAfter is how long after the first a second negative answer of the
	// same origin counts.
	confirmAfter = time.Second
	// confirmWait bounds the wait for a second origin's opinion.
	confirmWait = 2 * time.Second
	// doubtFor is how long a negative answer that nobody repeated is remembered.
	doubtFor = time.Minute
	// maxNotes bounds what is remembered of keys, each kind for itself.
	maxNotes = 1 << 14
)

// doubt is a negative answer in place of a stored 200, not confirmed yet.
type doubt struct {
	status int
	since  time.Time
}

func (d doubt) detail() string { return strconv.Itoa(d.status) + " not confirmed" }

// confirm decides whether what the sources answered replaces the stored 200 of
// a catalogue endpoint. An origin that lost its data for a moment says 404 or 400 to
// everything; that must not empty the cache. Such an answer counts when a
// second origin, or a second fetch a second later, agrees; until then the
// stored response is served. What takes the answer away by intent (401, 403,
// 410, 451) counts at once.
func (e *Edge) confirm(ctx context.Context, w *world, p *plan, s stored, f *fetched, origins []fetch.Source) *fetched {
	if p.endpoint == nil || s.response == nil || s.response.Status != http.StatusOK {
		return f
	}
	now := e.Now()
	switch f.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusGone, http.StatusUnavailableForLegalReasons:
		f.replaces = true
		e.doubts.forget(p.key)
		return f
	case http.StatusNotFound, http.StatusBadRequest:
	default:
		e.doubts.forget(p.key)
		return f
	}
	if !s.reuse.StaleIfError { // the origin said that it must not be used stale
		f.replaces = true
		return f
	}
	if d, ok := e.doubts.get(p.key, now); ok && d.status == f.status && now.Sub(d.since) >= confirmAfter {
		return e.replaced(p, f)
	}
	if others := w.serving(slices.DeleteFunc(slices.Clone(origins), func(o fetch.Source) bool { return o.Name == f.source })); len(others) > 0 {
		g, err := e.ask(ctx, others, p, s, min(confirmWait, e.Timeout))
		switch {
		case err == nil && g.status == f.status:
			g.discard()
			return e.replaced(p, f)
		case err == nil && usable(g) && g.status != http.StatusNotFound && g.status != http.StatusBadRequest:
			f.discard()
			e.Metrics.Negative("overruled")
			return g
		}
		g.discard()
	}
	if d, ok := e.doubts.get(p.key, now); !ok || d.status != f.status {
		e.doubts.put(p.key, doubt{f.status, now}, now.Add(doubtFor), now)
		e.askAgain(w, p)
	}
	f.discard()
	e.Metrics.Negative("held")
	return p.standIn(s, f, doubt{status: f.status}.detail())
}

func (e *Edge) replaced(p *plan, f *fetched) *fetched {
	e.doubts.forget(p.key)
	e.Metrics.Negative("replaced")
	f.replaces = true
	return f
}

// askAgain asks for the answer in doubt a second time, when that counts. Where
// nothing runs in the background the next request does it.
func (e *Edge) askAgain(w *world, p *plan) {
	e.inBackground(func(ctx context.Context) {
		timer := time.NewTimer(confirmAfter)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		if s := e.lookUp(ctx, p); s.response != nil && !s.variants {
			e.share(ctx, step{near, p, false, e.Timeout}, e.world.Load(), s, 0)
		}
	})
}

// inDoubt reports whether the stored response stands although its origin
// just denied it: asking again so soon would not count.
func (e *Edge) inDoubt(p *plan, now time.Time) (doubt, bool) {
	d, ok := e.doubts.get(p.key, now)
	return d, ok && now.Sub(d.since) < confirmAfter
}

// serving are those of the sources that are not origins known to be lost.
func (w *world) serving(sources []fetch.Source) []fetch.Source {
	return slices.DeleteFunc(sources, func(s fetch.Source) bool {
		return slices.ContainsFunc(w.origins, func(o originState) bool { return o.source.Name == s.Name && o.state == health.Unreachable })
	})
}

package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"mirrornet/pkg/genomedb"
)

// Switch answers from another genome from now on, and publishes the catalogue
// of its release in the same step: a request sees the one or the other, with
// all that is said of it. The former genome may be closed when the channel is.
//
// A genome that answers a canary worse than the current one does is refused,
// and everything stays as it is.
func (h *Handler) Switch(ctx context.Context, genome *genomedb.Registry) (unused <-chan struct{}, err error) {
	h.switching.Lock()
	defer h.switching.Unlock()
	s, err := h.stateOf(ctx, strconv.Itoa(genome.Release()), genome)
	if err != nil {
		return nil, err
	}
	old := h.use()
	defer old.leave()
	if old.genome == nil {
		return nil, errors.New("origin: an upstream answers here, not a genome")
	}
	for _, c := range append(old.catalogue.Canaries(), s.catalogue.Canaries()...) {
		now := h.canary(ctx, s, c.Target)
		if before := h.canary(ctx, old, c.Target); now >= 500 || now != http.StatusOK && before == http.StatusOK {
			return nil, fmt.Errorf("origin: release %s answers %s with %d; the current one with %d", s.catalogue.Release, c.Target, now, before)
		}
	}
	return h.publish(s).unused, nil
}

// canary is the status that a GET gets from a state.
func (h *Handler) canary(ctx context.Context, s *state, target string) int {
	return h.ask(ctx, s, http.MethodGet, target, http.NoBody, nil).status
}

// ask has a state answer a question of our own.
func (h *Handler) ask(ctx context.Context, s *state, method, target string, body io.Reader, fields http.Header) (a asked) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return asked{status: http.StatusBadRequest}
	}
	r.RequestURI = target
	if fields != nil {
		r.Header = fields
	}
	a.header = http.Header{}
	rec := &recorder{ResponseWriter: &a}
	req, methods, ok := s.index.Resolve(r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header)
	func() {
		defer func() {
			if v := recover(); v != nil {
				h.cfg.Logger.Error("panic while the origin asked itself", "target", target, "panic", fmt.Sprint(v))
				rec.status = http.StatusInternalServerError
			}
		}()
		h.answer(rec, r, s, req, methods, ok)
	}()
	if a.status = rec.status; a.status == 0 { // it was not answered in time
		a.status = http.StatusServiceUnavailable
	}
	a.whole = rec.bytes == int64(len(a.body))
	return a
}

// asked is what the origin told itself, with the beginning of the body.
type asked struct {
	status int
	header http.Header
	body   []byte
	whole  bool
}

const maxAsked = 64 << 10

func (a *asked) Header() http.Header { return a.header }
func (a *asked) WriteHeader(int)     {}
func (a *asked) Write(b []byte) (int, error) {
	a.body = append(a.body, b[:min(len(b), maxAsked-len(a.body))]...)
	return len(b), nil
}

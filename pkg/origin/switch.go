package origin

import (
	"context"
	"errors"
	"fmt"
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
	s, err := h.stateOf(strconv.Itoa(genome.Release()), genome)
	if err != nil {
		return nil, err
	}
	old := h.use()
	defer old.leave()
	if old.genome == nil {
		return nil, errors.New("origin: an upstream answers here, not a genome")
	}
	for _, c := range s.catalogue.Canaries() {
		now := h.canary(ctx, s, c.Target)
		if before := h.canary(ctx, old, c.Target); now >= 500 || now != http.StatusOK && before == http.StatusOK {
			return nil, fmt.Errorf("origin: release %s answers %s with %d; the current one with %d", s.catalogue.Release, c.Target, now, before)
		}
	}
	return h.publish(s).unused, nil
}

// canary is the status that a GET gets from a state.
func (h *Handler) canary(ctx context.Context, s *state, target string) int {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return http.StatusBadRequest
	}
	r.RequestURI = target
	rec := &recorder{ResponseWriter: nobody{http.Header{}}}
	req, methods, ok := s.index.Resolve(r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header)
	func() {
		defer func() {
			if v := recover(); v != nil {
				h.cfg.Logger.Error("panic while answering a canary", "target", target, "panic", fmt.Sprint(v))
				rec.status = http.StatusInternalServerError
			}
		}()
		h.answer(rec, r, s, req, methods, ok)
	}()
	if rec.status == 0 { // it was not answered in time
		return http.StatusServiceUnavailable
	}
	return rec.status
}

// nobody is whom a canary's answer goes to.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header       { return n.header }
func (nobody) Write(b []byte) (int, error) { return len(b), nil }
func (nobody) WriteHeader(int)             {}

package origin

import (
	"context"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync/atomic"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/observe"
)

// counts are the API requests since the start: all of them, and per endpoint.
type counts struct {
	start time.Time
	total atomic.Int64
	by    map[string]*atomic.Int64 // fixed after init
}

func (c *counts) init(specs []apispec.Endpoint) {
	c.start = time.Now()
	c.by = make(map[string]*atomic.Int64, len(specs))
	for i := range specs {
		c.by[specs[i].ID] = new(atomic.Int64)
	}
}

func (c *counts) add(id string) {
	c.total.Add(1)
	if n := c.by[id]; n != nil {
		n.Add(1)
	}
}

// Status is the body of /-/status.json.
type Status struct {
	Requests   int64            `json:"requests"` // of the API alone, 304 and errors among them
	ByEndpoint map[string]int64 `json:"requests_by_endpoint"`
	Release    string           `json:"release"`
	Catalogue  string           `json:"catalogue"` // hash
	UptimeS    int64            `json:"uptime_s"`
	State      string           `json:"state"` // serving or draining
}

// Status is the handler's state now. Endpoints never asked are left out.
func (h *Handler) Status() Status {
	s := h.state.Load()
	st := Status{Requests: h.counts.total.Load(), ByEndpoint: map[string]int64{}, Release: s.catalogue.Release,
		Catalogue: s.hash, UptimeS: int64(time.Since(h.counts.start).Seconds()), State: "serving"}
	if h.stopping.Load() {
		st.State = "draining"
	}
	for id, n := range h.counts.by {
		if v := n.Load(); v > 0 {
			st.ByEndpoint[id] = v
		}
	}
	return st
}

func (h *Handler) serveStatus(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, r, http.StatusOK, h.Status())
}

// serveReady says whether requests should be sent here.
func (h *Handler) serveReady(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	s := h.use()
	defer s.leave()
	body := map[string]string{"state": "serving", "release": s.catalogue.Release, "catalogue": s.hash}
	status := http.StatusOK
	if h.stopping.Load() {
		body["state"], status = "draining", http.StatusServiceUnavailable
	} else if err := h.ready(r.Context(), s); err != nil {
		h.cfg.Logger.Warn("not ready", "err", err)
		body["state"], status = "unreachable", http.StatusServiceUnavailable
	}
	writeJSON(w, r, status, body)
}

func (h *Handler) ready(ctx context.Context, s *state) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	switch {
	case h.cfg.Ready != nil:
		return h.cfg.Ready(ctx)
	case s.genome != nil:
		return s.genome.Ping(ctx)
	}
	return nil
}

// observe counts and logs one answered request.
func (h *Handler) observe(rec *recorder, r *http.Request, id string, start time.Time) {
	if h.cfg.Metrics == nil && h.cfg.Access == nil {
		return
	}
	o := observe.Outcome{Start: start, Duration: time.Since(start), Method: r.Method, Host: r.Host, Target: r.RequestURI,
		Endpoint: id, Action: "serve", Status: rec.status, Bytes: rec.bytes}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		o.Client = ap.Addr().Unmap()
	}
	if h.cfg.Metrics != nil {
		h.cfg.Metrics.Request(o)
	}
	if h.cfg.Access != nil {
		observe.LogAccess(h.cfg.Access, o)
	}
}

// recoverPanics turns a panic into a logged 500; the process lives.
func (h *Handler) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { // net/http's own way to cut an answer off
				panic(v)
			}
			h.cfg.Logger.Error("panic while answering", "method", r.Method, "target", r.RequestURI, "panic", v, "stack", string(debug.Stack()))
			if rec.status != 0 { // too late for a status: cut the answer off
				panic(http.ErrAbortHandler)
			}
			w.Header().Set("Cache-Control", "no-store")
			writeJSON(w, r, http.StatusInternalServerError, errorBody{internalMessage})
		}()
		next.ServeHTTP(rec, r)
	})
}

const internalMessage = "The server could not answer this request. The fault is logged; it is not in the request."

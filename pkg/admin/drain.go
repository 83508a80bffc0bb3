package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"mirrornet/pkg/drain"
)

// DrainRequest is the body of POST /drains.
type DrainRequest struct {
	Kind drain.Kind `json:"kind"`
	Name string     `json:"name"`
	For  string     `json:"for"` // as Go writes durations: 2h, 90m
	Why  string     `json:"why,omitempty"`
}

// drains answers GET and POST /drains and DELETE /drains/KIND/NAME.
func drains(r chi.Router, d *drain.Drains) {
	r.Get("/drains", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, append([]drain.Drain{}, d.List()...))
	})
	r.Post("/drains", func(w http.ResponseWriter, q *http.Request) {
		var ask DrainRequest
		body := json.NewDecoder(http.MaxBytesReader(w, q.Body, 4<<10))
		body.DisallowUnknownFields()
		if err := body.Decode(&ask); err != nil {
			refuse(w, http.StatusBadRequest, fmt.Errorf(`the body is not {"kind": "region", "name": "asia", "for": "2h", "why": "…"}: %w`, err))
			return
		}
		howLong, err := time.ParseDuration(ask.For)
		if err != nil {
			refuse(w, http.StatusBadRequest, fmt.Errorf("for %q is no duration; write one like 2h or 90m", ask.For))
			return
		}
		made, err := d.Drain(ask.Kind, ask.Name, howLong, ask.Why)
		if err != nil {
			refuse(w, http.StatusUnprocessableEntity, err)
			return
		}
		writeJSON(w, http.StatusOK, made)
	})
	r.Delete("/drains/{kind}/{name}", func(w http.ResponseWriter, q *http.Request) {
		name := chi.URLParam(q, "name")
		if q.URL.RawPath != "" { // chi matches by that, and gives what stands there
			name, _ = url.PathUnescape(name) // what is no escape was refused with the request
		}
		switch err := d.Resume(drain.Kind(chi.URLParam(q, "kind")), name); {
		case errors.Is(err, drain.ErrNone):
			refuse(w, http.StatusNotFound, err)
		default:
			answer(w, err)
		}
	})
}

func refuse(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]string{"error": err.Error()})
}

package keys

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/all"
)

// The catalogue is true: a handler that gets a request as it was written, with
// defaults, empty values, and the case of case-blind values, answers as to its
// canonical form. The origin's handlers never get the former, so that its
// answers could not tell.
func TestStatements(t *testing.T) {
	w := newWorld(t)
	v := newValues(t, w)
	handlers := map[string]ensembl.Endpoint{}
	for _, m := range all.Modules() {
		for _, e := range m.Endpoints {
			handlers[e.Spec.ID] = e
		}
	}
	endpoints := w.index.Catalogue().Endpoints
	tried := 0
	for i := range 6000 / raceFactor {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		e := &endpoints[i%len(endpoints)]
		s := v.draw(r, e)
		s.format = e.Formats[0]
		if j := queryParam(r, e); j >= 0 && often(r, 0.6) { // what may be taken for the default, once or twice
			p := &e.Params[j]
			for range 1 + r.IntN(2) {
				s.query = append(s.query, apispec.Value{Name: p.Name, Value: pick(r, []string{"", "0", "00", "false", p.Default, strings.ToUpper(p.Default), v.value(r, p)})})
			}
		}
		h := hand{sep: ";", typed: "parameter", spelled: true, aliases: true, order: 1 + r.Uint64(), empty: often(r, 0.5), upper: often(r, 0.5), pattern: r.IntN(2)}
		a := write(s, h)
		req, _, ok := w.index.Resolve(a.method, a.path, a.query, http.Header{})
		if !ok || req.Endpoint != e {
			continue
		}
		written := req
		_, written.Path, _ = w.index.Match(a.method, a.path)
		written.Query = nil
		for _, q := range apispec.ParseQuery(a.query) {
			if p, ok := e.Param(q.Name); ok {
				q.Name = p.Name
			}
			if q.Name != "content-type" && q.Name != "callback" {
				written.Query = append(written.Query, q)
			}
		}
		if slices.Equal(written.Query, req.Query) && !h.upper {
			continue
		}
		tried++
		want, wantErr := w.handle(t, handlers[e.ID], req, a.body)
		got, gotErr := w.handle(t, handlers[e.ID], written, a.body)
		// An error may name what it was given.
		if got != want || !strings.EqualFold(gotErr, wantErr) {
			t.Errorf("%s %s\n%.200s %s\nand in its canonical form %s\n%.200s %s", a.method, a.target(), got, gotErr, req.Target(), want, wantErr)
		}
	}
	if tried < 1000/raceFactor {
		t.Errorf("%d cases say little", tried)
	}
}

func (w *world) handle(t *testing.T, e ensembl.Endpoint, r apispec.Request, body string) (answer, refusal string) {
	c := ensembl.Call{Request: r, Genome: w.genome, Limits: ensembl.Limits{}.WithDefaults()}
	if body != "" {
		if err := json.Unmarshal([]byte(body), &c.Body); err != nil {
			t.Fatal(err)
		}
	}
	a, err := e.Handle(t.Context(), c)
	var refused *ensembl.Error
	if errors.As(err, &refused) {
		return http.StatusText(refused.Status), refused.Message
	}
	if err != nil {
		t.Fatalf("%s: %v", r.Target(), err)
	}
	text, err := json.Marshal(a.Value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + string(a.Text), ""
}

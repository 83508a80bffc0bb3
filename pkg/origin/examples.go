package origin

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/genomedb"
)

const (
	// trying bounds how long a start or a switch of releases waits for the
	// examples. What was not tried is shown as it is stated.
	trying = 10 * time.Second
	// triedAtOnce keeps a far database server from being asked one by one.
	triedAtOnce = 4
)

// tryExamples asks a genome every example, and leaves out those that it has no answer
// to: what a catalogue shows works on the data that it is shown with. Where
// that leaves fewer than were stated, others that work stand in; an endpoint with none
// keeps its first, and says so. An answer that failed says nothing of the data.
// What no genome can answer is in the whole catalogue alone.
//
// Equal data gets equal examples. They are no part of the edges' keys all the
// same (see [apispec.Endpoint.Hash]), so that a database that fails at the start
// costs a catalogue's tag and no stored answer.
//
// Canaries are of one species' data, too: where they find nothing, the first
// example stands in, lest every edge take the class of endpoints for lost.
func (h *Handler) tryExamples(ctx context.Context, stated *apispec.Catalogue, genome *genomedb.Registry) (shown, whole *apispec.Catalogue, err error) {
	c := *stated
	c.Endpoints = slices.Clone(stated.Endpoints)
	index, err := apispec.NewIndex(stated)
	if err != nil {
		return nil, nil, err
	}
	s := &state{catalogue: stated, index: index, genome: genome, canaries: map[string]bool{}}
	elsewhere, unserved := map[string][]apispec.Example{}, map[string]bool{}
	for _, m := range h.cfg.Modules {
		for _, e := range m.Endpoints {
			elsewhere[e.Spec.ID], unserved[e.Spec.ID] = e.Elsewhere, e.Unserved
			for _, x := range slices.Concat(e.Spec.Examples, e.Elsewhere) { // they do not wait for clients
				s.canaries[x.Target] = true
			}
			for _, target := range e.Spec.Canaries {
				s.canaries[target] = true
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, trying)
	defer cancel()
	var wg sync.WaitGroup
	turn := make(chan struct{}, triedAtOnce)
	for i := range c.Endpoints {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			e := &c.Endpoints[i]
			works := func(x apispec.Example, unknown bool) bool {
				a := h.askExample(ctx, s, e.Method, x)
				if a.status >= 500 {
					return unknown
				}
				return a.status == http.StatusOK && a.shows(x.ContentType)
			}
			var kept []apispec.Example
			for _, x := range e.Examples {
				if works(x, true) {
					kept = append(kept, x)
				}
			}
			for _, x := range elsewhere[e.ID] {
				if len(kept) < len(e.Examples) && works(x, false) {
					kept = append(kept, x)
				}
			}
			if len(kept) == 0 && len(e.Examples) > 0 {
				kept, e.NoData = e.Examples[:1:1], true
			}
			e.Examples = kept
			e.Canaries = h.tryCanaries(ctx, s, e)
		})
	}
	wg.Wait()
	served := c
	served.Endpoints = slices.DeleteFunc(slices.Clone(c.Endpoints), func(e apispec.Endpoint) bool { return unserved[e.ID] })
	return &served, &c, nil
}

func (h *Handler) tryCanaries(ctx context.Context, s *state, e *apispec.Endpoint) (kept []string) {
	for _, target := range e.Canaries {
		if status := h.canary(ctx, s, target); status == http.StatusOK || status >= 500 {
			kept = append(kept, target)
		}
	}
	if len(e.Canaries) > 0 && len(kept) == 0 && len(e.Examples) > 0 && !e.NoData {
		kept = []string{withType(e.Examples[0])}
	}
	return kept
}

// withType writes an example so that its type needs no header field.
func withType(x apispec.Example) string {
	separator := "?"
	if strings.Contains(x.Target, separator) {
		separator = ";"
	}
	return x.Target + separator + "content-type=" + strings.ReplaceAll(x.ContentType, "+", "%2B")
}

func (h *Handler) askExample(ctx context.Context, s *state, method string, x apispec.Example) asked {
	fields := http.Header{"Accept": {x.ContentType}}
	if method == http.MethodPost {
		fields.Set("Content-Type", apispec.JSON)
	}
	return h.ask(ctx, s, method, x.Target, strings.NewReader(x.Body), fields)
}

// shows reports whether an answer is of the type asked for and has something
// in it.
func (a *asked) shows(contentType string) bool {
	got, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	switch {
	case err != nil || got != contentType:
		return false
	case !a.whole:
		return true
	}
	switch contentType {
	case apispec.JSON:
		var v any
		return json.Unmarshal(a.body, &v) == nil && says(v)
	case apispec.XML:
		return saysXML(a.body)
	}
	for line := range bytes.Lines(a.body) { // of sequences or features
		if !bytes.HasPrefix(line, []byte("#")) && !bytes.HasPrefix(line, []byte(">")) && len(bytes.Trim(line, "Nn \r\n")) > 0 {
			return true
		}
	}
	return false
}

// says reports whether there is a value in v: lists and objects of nothing are
// none.
func says(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		return slices.ContainsFunc(v, says)
	case map[string]any:
		for _, member := range v {
			if says(member) {
				return true
			}
		}
		return false
	}
	return true
}

func saysXML(b []byte) bool {
	for dec := xml.NewDecoder(bytes.NewReader(b)); ; {
		switch t, err := dec.Token(); t := t.(type) {
		case nil:
			return !errors.Is(err, io.EOF)
		case xml.StartElement:
			if len(t.Attr) > 0 {
				return true
			}
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return true
			}
		}
	}
}

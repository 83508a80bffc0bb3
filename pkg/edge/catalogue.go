package edge

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/cachekey"
	"mirrornet/pkg/fetch"
	"mirrornet/pkg/status"
)

const (
	catalogueEvery   = 5 * time.Second        // how often the origins are asked
	catalogueHurry   = 500 * time.Millisecond // while none is known
	catalogueCalm    = 100 * time.Millisecond // between two that answers or probes hurried
	catalogueTimeout = 2 * time.Second
	catalogueName    = "catalogue.json" // in the state folder, and of the copy beside the store
)

// catalogue keeps the last good endpoint catalogue: from the origins, else from
// what this node kept, else from other nodes.
type catalogue struct {
	e       *Edge
	current atomic.Pointer[statement]
	hurried chan struct{} // holds one: an origin may have another
}

// statement is one catalogue in use.
type statement struct {
	index *apispec.Index
	keys  *cachekey.Keys
	text  []byte // its JSON form, as published
	hash  string
	etag  string // of the source it came from
	from  string
	since time.Time

	canaries []apispec.Canary
}

func newCatalogue(e *Edge) *catalogue {
	return &catalogue{e: e, hurried: make(chan struct{}, 1)}
}

// keys makes keys by the current catalogue; nil when none was ever seen.
func (c *catalogue) keys() *cachekey.Keys {
	if s := c.current.Load(); s != nil {
		return s.keys
	}
	return nil
}

// canaries are the targets that tell a sound origin, one per class; none
// without a catalogue.
func (c *catalogue) canaries() []apispec.Canary {
	if s := c.current.Load(); s != nil {
		return s.canaries
	}
	return nil
}

// install makes text the current catalogue.
func (c *catalogue) install(text []byte, etag, from string) error {
	spec, err := apispec.Decode(bytes.NewReader(text))
	if err != nil {
		return err
	}
	ix, err := apispec.NewIndex(spec)
	if err != nil {
		return err
	}
	s := &statement{index: ix, keys: cachekey.New(ix), text: text, hash: spec.Hash(), etag: etag, from: from, since: c.e.Now(), canaries: spec.Canaries()}
	if old := c.current.Load(); old != nil && old.hash == s.hash {
		s.since = old.since
	} else {
		defer c.e.aliases.generation.Add(1) // once it is in place
		c.e.Logger.Info("catalogue in use", "hash", s.hash, "release", spec.Release, "endpoints", len(spec.Endpoints), "from", from)
	}
	c.current.Store(s)
	return nil
}

// restore reads what an earlier run kept.
func (c *catalogue) restore() {
	if c.e.Catalogue == None {
		return
	}
	if c.e.State != "" {
		path := filepath.Join(c.e.State, catalogueName)
		text, err := os.ReadFile(path)
		if err == nil {
			err = c.install(text, "", "state folder")
		}
		if err == nil {
			return
		}
		if !os.IsNotExist(err) {
			c.e.Logger.Warn("kept catalogue not usable; it will be written again", "file", path, "error", err)
		}
	}
	if c.e.Copies == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), catalogueTimeout)
	defer cancel()
	if text, ok := c.e.Copies.GetBlob(ctx, catalogueName); ok {
		if err := c.install(text, "", "memcached"); err != nil {
			c.e.Logger.Warn("copy of the catalogue in memcached not usable", "error", err)
		}
	}
}

// keep writes the current catalogue where a restarted node finds it.
func (c *catalogue) keep(ctx context.Context) {
	s := c.current.Load()
	if c.e.Copies != nil {
		c.e.Copies.PutBlob(ctx, catalogueName, s.text)
	}
	if c.e.State == "" {
		return
	}
	path := filepath.Join(c.e.State, catalogueName)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, s.text) {
		return
	}
	err := os.MkdirAll(c.e.State, 0o755)
	if err == nil {
		err = os.WriteFile(path+".new", s.text, 0o644)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		c.e.Logger.Warn("catalogue not kept", "file", path, "error", err)
	}
}

// run asks for the catalogue until ctx ends.
func (c *catalogue) run(ctx context.Context) {
	if c.e.Catalogue == None {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for last := (time.Time{}); ; last = time.Now() {
		select {
		case <-timer.C:
		case <-c.hurried:
			if calm := catalogueCalm - time.Since(last); calm > 0 { // origins of two releases would never let it rest
				timer.Reset(calm)
				select {
				case <-timer.C:
				case <-ctx.Done():
					return
				}
			}
		case <-ctx.Done():
			return
		}
		w := c.e.world.Load()
		origins, _ := w.originSources("")
		if !c.poll(ctx, origins) && c.current.Load() == nil {
			var nodes []fetch.Source
			for _, list := range w.nodes {
				for _, n := range list {
					if s, ok := w.nodeSource(n, fetch.Region); ok {
						nodes = append(nodes, s)
					}
				}
			}
			c.poll(ctx, nodes)
		}
		if c.current.Load() == nil {
			timer.Reset(catalogueHurry)
		} else {
			timer.Reset(catalogueEvery)
		}
	}
}

// hurry has the origins asked at once.
func (c *catalogue) hurry() {
	select {
	case c.hurried <- struct{}{}:
	default: // they will be
	}
}

// notice sees in the answers to probes that the first origin that answers has
// another catalogue than this node's.
func (c *catalogue) notice(w *world) {
	s := c.current.Load()
	if s == nil || c.e.Catalogue == None {
		return
	}
	for _, o := range c.e.Origins {
		if t := w.health.Status[originID(o)]; t.Answers() && t.Catalogue != "" {
			if t.Catalogue != cmp.Or(strings.Trim(s.etag, `"`), s.hash) {
				c.hurry()
			}
			return
		}
	}
}

// poll asks the sources for their catalogue; the first that has one wins.
func (c *catalogue) poll(ctx context.Context, sources []fetch.Source) bool {
	for _, s := range sources {
		err := c.ask(ctx, s)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.e.Logger.Debug("no catalogue", "source", s.Name, "error", err)
	}
	return false
}

func (c *catalogue) ask(ctx context.Context, s fetch.Source) error {
	ctx, cancel := context.WithTimeout(ctx, catalogueTimeout)
	defer cancel()
	h := http.Header{"Accept": {apispec.JSON}}
	old := c.current.Load()
	if old != nil && old.etag != "" && old.from == s.Name {
		h.Set("If-None-Match", old.etag)
	}
	a, err := c.e.fetcher.Do(ctx, []fetch.Source{s}, fetch.Request{Method: http.MethodGet, Target: apispec.WellKnown, Header: h, Repeatable: true})
	if err != nil {
		return err
	}
	defer a.Response.Body.Close()
	switch a.Response.StatusCode {
	case http.StatusNotModified:
		return nil
	case http.StatusOK:
	default:
		return fmt.Errorf("%s%s answered %d", s.Name, apispec.WellKnown, a.Response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(a.Response.Body, apispec.MaxBytes+1))
	if err != nil {
		return err
	}
	if err := c.install(text, a.Response.Header.Get("ETag"), s.Name); err != nil {
		return err
	}
	c.keep(ctx)
	return nil
}

// serve publishes the catalogue that this node runs by, for its siblings.
func (c *catalogue) serve(w http.ResponseWriter, r *http.Request) {
	s := c.current.Load()
	if s == nil {
		c.e.fail(w, r, &failure{status: http.StatusNotFound, message: "this node has no endpoint catalogue"})
		return
	}
	h := w.Header()
	h.Set("Content-Type", apispec.JSON)
	h.Set("ETag", strconv.Quote(s.hash))
	h.Set("Cache-Control", "no-cache")
	c.e.mirrorFields(h, r, exchangeOf(r))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.text))
}

func (s *statement) summary() *status.Catalogue {
	if s == nil {
		return nil
	}
	c := s.index.Catalogue()
	return &status.Catalogue{Title: c.Title, Hash: s.hash, Release: c.Release, Endpoints: len(c.Endpoints), Since: s.since}
}

func writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil { // the types below hold nothing that JSON cannot say
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", apispec.JSON)
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Timing-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(append(body, '\n'))
	}
}

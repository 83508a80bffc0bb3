package origin

import (
	"encoding/json"
	"net/http"
	"sync/atomic"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
)

// state is everything made from one catalogue, and the data of the release that
// it speaks of. What a request sees of both it has from one state.
type state struct {
	genome    *genomedb.Registry // nil where an upstream answers
	users     atomic.Int64       // requests that have it, and one while it is current
	unused    chan struct{}      // closed when neither is left
	catalogue *apispec.Catalogue
	index     *apispec.Index
	canaries  map[string]bool // their targets
	hash      string
	json      []byte // of the catalogue
	openapi   []byte
}

// newState makes the state that publishes c, and knows of whole.
func newState(c, whole *apispec.Catalogue, modules []ensembl.Module, genome *genomedb.Registry) (*state, error) {
	index, err := apispec.NewIndex(whole)
	if err != nil {
		return nil, err
	}
	s := &state{catalogue: c, index: index, hash: c.Hash(), genome: genome, unused: make(chan struct{}), canaries: map[string]bool{}}
	s.users.Store(1)
	for _, c := range c.Canaries() {
		s.canaries[c.Target] = true
	}
	if s.json, err = json.Marshal(c); err != nil {
		return nil, err
	}
	s.openapi, err = OpenAPI(c, modules)
	return s, err
}

// use gives the current state, to be left when the request is answered.
func (h *Handler) use() *state {
	for {
		s := h.state.Load()
		for n := s.users.Load(); n > 0; n = s.users.Load() { // else another one came, and this one may be closed
			if s.users.CompareAndSwap(n, n+1) {
				return s
			}
		}
	}
}

func (s *state) leave() {
	if s.users.Add(-1) == 0 {
		close(s.unused)
	}
}

// publish makes s the current state.
func (h *Handler) publish(s *state) (old *state) {
	if old = h.state.Swap(s); old != nil {
		old.leave()
	}
	return old
}

// serveCatalogue publishes the catalogue. Its tag is the hash that edges see
// elsewhere, too; no-cache lets them ask often and cheaply.
func (h *Handler) serveCatalogue(w http.ResponseWriter, r *http.Request) {
	s := h.state.Load()
	h.serveDocument(w, r, s, apispec.JSON, `"`+s.hash+`"`, s.json)
}

func (h *Handler) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	s := h.state.Load()
	h.serveDocument(w, r, s, apispec.JSON, etag(apispec.JSON, s.openapi), s.openapi)
}

func (h *Handler) serveDocument(w http.ResponseWriter, r *http.Request, s *state, mediaType, tag string, body []byte) {
	h.cors(w, s)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", tag)
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", contentType(mediaType))
	write(w, r, http.StatusOK, body)
}

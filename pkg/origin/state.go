package origin

import (
	"encoding/json"
	"net/http"

	"mirrornet/pkg/apispec"
)

// state is everything made from one catalogue. It is immutable.
type state struct {
	catalogue *apispec.Catalogue
	index     *apispec.Index
	hash      string
	json      []byte // of the catalogue
	openapi   []byte
}

func newState(c *apispec.Catalogue) (*state, error) {
	index, err := apispec.NewIndex(c)
	if err != nil {
		return nil, err
	}
	s := &state{catalogue: c, index: index, hash: c.Hash()}
	if s.json, err = json.Marshal(c); err != nil {
		return nil, err
	}
	s.openapi, err = OpenAPI(c)
	return s, err
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

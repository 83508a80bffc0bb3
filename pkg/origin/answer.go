package origin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/respond"
	"mirrornet/pkg/store"
)

// answer is one API request, straight through.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, s *state, req apispec.Request, methods []string, ok bool) {
	if !ok {
		h.unmatched(w, r, s, methods)
		return
	}
	m, err := h.work(r, s, req)
	switch {
	case err == nil && m.Stream != nil:
		h.stream(w, r, s, req, m)
		return
	case err == nil:
		defer h.turns.letGo(m.held)
		h.send(w, r, s, req, m)
		return
	}
	var e *ensembl.Error
	switch {
	case errors.As(err, &e):
	case r.Context().Err() == context.Canceled:
		return // the client left
	case errors.Is(err, context.DeadlineExceeded):
		w.Header().Set("Retry-After", "5")
		e = &ensembl.Error{Status: http.StatusServiceUnavailable, Message: "The request took too long. Ask for less at once."}
	case errors.Is(err, genomedb.ErrUnavailable):
		h.cfg.Logger.Warn("request failed", "endpoint", req.Endpoint.ID, "target", r.RequestURI, "err", err)
		w.Header().Set("Retry-After", "5")
		e = &ensembl.Error{Status: http.StatusServiceUnavailable, Message: "The database cannot be reached at the moment. Try again in a few seconds."}
	default:
		h.cfg.Logger.Error("request failed", "endpoint", req.Endpoint.ID, "target", r.RequestURI, "err", err)
		e = &ensembl.Error{Status: http.StatusInternalServerError, Message: internalMessage}
	}
	w.Header().Set("Cache-Control", req.Endpoint.Freshness.CacheControl(e.Status))
	if tags := cacheTags(s, req, nil); tags != "" {
		w.Header().Set("Cache-Tag", tags)
	}
	format := req.ErrorFormat
	if e.Status == http.StatusUnsupportedMediaType || e == errCallback {
		format = apispec.JSON
	}
	if e.Status == http.StatusOK && req.Format == apispec.JSONP && req.Callback != "" {
		h.failBatch(w, r, s, req, e)
		return
	}
	h.fail(w, r, s, format, e)
}

// failBatch tells a script what was wrong with a batch. The reference does so
// with 200, and an edge that has stored that wraps it like any good answer.
func (h *Handler) failBatch(w http.ResponseWriter, r *http.Request, s *state, req apispec.Request, e *ensembl.Error) {
	body, _ := encode(req, ensembl.Answer{Value: errorBody{e.Message}}) // a string can always be written
	h.cors(w, s)
	w.Header().Set("Vary", "Accept, Content-Type")
	w.Header().Set("Content-Type", contentType(req.Format))
	write(w, r, e.Status, body)
}

// made is an answer that is ready to be sent.
type made struct {
	ensembl.Answer
	body []byte // where it is no stream
	tag  string
	held int64 // see turns.hold
}

// work makes an answer and its body when it is the request's turn. A long
// body is not made here, since it goes at the client's pace, but for its tag: a
// strong one is what lets an edge go on with a body that broke off. Nor is a
// request's body read, for the same reason.
func (h *Handler) work(r *http.Request, s *state, req apispec.Request) (m made, err error) {
	call, err := h.read(r, s, req)
	if err != nil {
		return m, err
	}
	ctx, id, canary := r.Context(), req.Endpoint.ID, s.canaries[r.RequestURI]
	if err := h.turns.begin(ctx, id, canary); err != nil {
		return m, err
	}
	defer h.turns.end(id, canary)
	if m.Answer, err = h.handlers[id](ctx, call); err != nil {
		return m, err
	}
	if req.Unsupported && req.Endpoint.Refuse415 { // as in the reference, a GET that is wrong in itself is told so first
		return m, errUnsupported
	}
	if m.Stream != nil {
		d := sha256.New()
		d.Write([]byte(req.Format))
		d.Write([]byte{0})
		err = m.Stream.Write(ctx, d)
		m.tag = entityTag(d)
		return m, err
	}
	if m.body, err = encode(req, m.Answer); err != nil {
		return m, err
	}
	m.Value = nil // it is not needed while the body is sent
	if m.held, err = h.turns.hold(ctx, len(m.body)); err == nil {
		m.tag = etag(req.Format, m.body)
	}
	return m, err
}

// read checks the request and reads its body.
func (h *Handler) read(r *http.Request, s *state, req apispec.Request) (call ensembl.Call, err error) {
	call = ensembl.Call{Request: req, Genome: s.genome, Limits: h.cfg.Limits, GFF3Source: h.cfg.GFF3Source}
	if req.Callback != "" && !apispec.ValidCallback(req.Callback) {
		return call, errCallback
	}
	if err := checkParams(req); err != nil {
		return call, err
	}
	if req.Endpoint.Method != http.MethodPost {
		return call, nil
	}
	if req.Unsupported && req.Endpoint.Refuse415 {
		return call, errUnsupported
	}
	call.Body, err = readBody(r)
	return call, err
}

var errUnsupported = &ensembl.Error{Status: http.StatusUnsupportedMediaType, Message: "Cannot find a Content-Type supported by your client."}

// errCallback is told as JSON in every case, as the edges tell it: whatever
// else was asked for, the answer was to be a script.
var errCallback = ensembl.BadRequest(apispec.BadCallback)

// unmatched answers what no endpoint has: another method, or nothing at all.
func (h *Handler) unmatched(w http.ResponseWriter, r *http.Request, s *state, methods []string) {
	switch {
	case r.Method == http.MethodOptions:
		h.options(w, r, s)
	case !apispec.ValidQuery(apispec.ParseQuery(r.URL.RawQuery)):
		h.fail(w, r, s, apispec.JSON, ensembl.BadRequest("Bad Request: the query is not UTF-8"))
	case len(methods) > 0:
		h.methodNotAllowed(w, r, methods)
	case badPath(r):
		h.fail(w, r, s, apispec.JSON, ensembl.BadRequest("Bad Request: the path is not UTF-8"))
	case !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost}, r.Method):
		h.methodNotAllowed(w, r, []string{http.MethodGet, http.MethodPost})
	default:
		w.Header().Set("Cache-Control", "public, max-age=60")
		h.fail(w, r, s, errorFormat(r), ensembl.NotFound("page not found. Please check your uri and refer to our documentation %s/", strings.TrimSuffix(h.cfg.Site, "/")))
	}
}

func badPath(r *http.Request) bool {
	_, ok := apispec.DecodePath(r.URL.EscapedPath())
	return !ok
}

// documentation is the default of Config.Site. The request's Host is not
// believed.
const documentation = "https://rest.ensembl.org/"

// options answers OPTIONS and CORS preflights (Fetch standard) for any path.
func (h *Handler) options(w http.ResponseWriter, r *http.Request, s *state) {
	path, _ := apispec.CutExtension(r.URL.EscapedPath(), r.URL.RawQuery, r.Header)
	var methods []string
	for _, m := range []string{http.MethodGet, http.MethodPost} {
		if e, _, _ := s.index.Match(m, path); e != nil {
			methods = append(methods, m)
		}
	}
	h.cors(w, s)
	w.Header().Set("Allow", allow(methods))
	if r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != "" {
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			w.Header().Set("Access-Control-Allow-Headers", asked)
			w.Header().Set("Vary", "Access-Control-Request-Headers")
		}
		w.Header().Set("Access-Control-Max-Age", "86400")
	}
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}

func allow(methods []string) string {
	list := slices.Clone(methods)
	if i := slices.Index(list, http.MethodGet); i >= 0 {
		list = slices.Insert(list, i+1, http.MethodHead)
	}
	return strings.Join(append(list, http.MethodOptions), ", ")
}

func (h *Handler) methodNotAllowed(w http.ResponseWriter, r *http.Request, methods []string) {
	w.Header().Set("Allow", allow(methods))
	h.fail(w, r, h.state.Load(), apispec.JSON, &ensembl.Error{Status: http.StatusMethodNotAllowed,
		Message: "Method " + r.Method + " is not implemented here; use " + strings.Join(methods, " or ")})
}

// send writes a good answer, or 304.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, s *state, req apispec.Request, m made) {
	h.head(w, s, req, m.Answer, m.tag)
	// It only fails where the client left.
	_, _, _ = respond.Write(w, r, respond.Source{Status: http.StatusOK, Body: store.NewBody(m.body)}, nil, respond.Options{})
}

// head writes the fields of a good answer.
func (h *Handler) head(w http.ResponseWriter, s *state, req apispec.Request, a ensembl.Answer, tag string) {
	head := w.Header()
	h.cors(w, s)
	head.Set("Cache-Control", req.Endpoint.Freshness.CacheControl(http.StatusOK))
	head.Set("ETag", tag)
	head.Set("Vary", "Accept, Content-Type")
	if tags := cacheTags(s, req, a.Tags); tags != "" {
		head.Set("Cache-Tag", tags)
	}
	head.Set("Content-Type", contentType(req.Format))
	if req.Format == apispec.HTML {
		head.Set("Content-Security-Policy", pagePolicy)
	}
}

// stream writes a long answer, which is made again for it.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, s *state, req apispec.Request, m made) {
	h.head(w, s, req, m.Answer, m.tag)
	if respond.Begin(w, r, respond.Source{Status: http.StatusOK}, m.Stream.Length, nil, respond.Options{}) {
		return
	}
	// From here on the client's pace counts, and not the time for the work.
	if err := m.Stream.Write(context.WithoutCancel(r.Context()), patient{w, http.NewResponseController(w)}); err != nil {
		h.cfg.Logger.Debug("an answer was cut", "endpoint", req.Endpoint.ID, "err", err)
		panic(http.ErrAbortHandler) // a cut body must not look whole
	}
}

// patient gives each piece of a long answer its own time.
type patient struct {
	io.Writer
	c *http.ResponseController
}

func (p patient) Write(b []byte) (int, error) {
	_ = p.c.SetWriteDeadline(time.Now().Add(writeTimeout)) // where it can be set
	return p.Writer.Write(b)
}

// fail writes an error in the form that the client asked for.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, s *state, format string, e *ensembl.Error) {
	head := w.Header()
	h.cors(w, s)
	head.Set("Vary", "Accept, Content-Type")
	if head.Get("Cache-Control") == "" {
		head.Set("Cache-Control", "no-store")
	}
	var body []byte
	switch format {
	case apispec.HTML:
		body = errorPage(e.Status, e.Message)
		head.Set("Content-Security-Policy", pagePolicy)
	case apispec.XML:
		body = encodeXML(errorTree(e.Message))
	case apispec.YAML:
		body = errorYAML(e.Message)
	default:
		format = apispec.JSON
		body, _ = encodeJSON(errorBody{e.Message}) // a string can always be written
	}
	head.Set("Content-Type", contentType(format))
	write(w, r, e.Status, body)
}

type errorBody struct {
	Error string `json:"error"`
}

func errorTree(message string) tree {
	return tree{kind: object, fields: []field{{"error", tree{kind: text, text: message}}}}
}

// errorFormat is the form of an error where no endpoint was found.
func errorFormat(r *http.Request) string {
	_, suffix := apispec.CutExtension(r.URL.EscapedPath(), r.URL.RawQuery, r.Header)
	return apispec.ErrorFormat(apispec.Asked(r.Method, apispec.ParseQuery(r.URL.RawQuery).Get("content-type"), suffix, r.Header))
}

// exposed are the fields that scripts of other sites may read.
const exposed = "ETag, Ensembl-Release, Retry-After, X-RateLimit-Limit, X-RateLimit-Period, X-RateLimit-Remaining, X-RateLimit-Reset"

// cors writes the fields that every API answer carries.
func (h *Handler) cors(w http.ResponseWriter, s *state) {
	head := w.Header()
	head.Set("Access-Control-Allow-Origin", "*")
	head.Set("Access-Control-Expose-Headers", exposed)
	head.Set("X-Content-Type-Options", "nosniff")
	if s.catalogue.Release != "" {
		head.Set("Ensembl-Release", s.catalogue.Release)
	}
}

// etag is a strong validator (RFC 9110 §8.8.3) of one representation.
func etag(format string, body []byte) string {
	d := sha256.New()
	d.Write([]byte(format))
	d.Write([]byte{0})
	d.Write(body)
	return entityTag(d)
}

func entityTag(d hash.Hash) string {
	return `"` + hex.EncodeToString(d.Sum(nil)[:16]) + `"`
}

// matches is the weak comparison of If-None-Match (RFC 9110 §13.1.2) with our
// own tag, which holds no comma.
func matches(lines []string, tag string) bool {
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			member = strings.TrimSpace(member)
			if member == "*" || strings.TrimPrefix(member, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// cacheTags fills in the endpoint's tags, and adds the answer's own and the release. A tag
// with a value that was not sent is left out.
func cacheTags(s *state, req apispec.Request, more []string) string {
	tags := slices.Clone(more)
	if s.catalogue.Release != "" {
		tags = append(tags, "release:"+s.catalogue.Release)
	}
	for _, t := range req.Endpoint.Tags {
		if t, ok := filled(req, t); ok && !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	for i, t := range tags {
		tags[i] = strings.Map(func(c rune) rune {
			if c <= ' ' || c > '~' || c == ',' {
				return '_'
			}
			return c
		}, t)
	}
	return strings.Join(tags, ", ")
}

// filled writes the request's values for the placeholders of a tag. ok is false
// where one was not sent.
func filled(req apispec.Request, tag string) (string, bool) {
	before, rest, found := strings.Cut(tag, "{")
	if !found {
		return tag, true
	}
	name, after, _ := strings.Cut(rest, "}")
	v := req.Value(name)
	if v == "" {
		return "", false
	}
	after, ok := filled(req, after)
	return before + url.PathEscape(v) + after, ok
}

// write sends a whole body; HEAD gets its length alone.
func write(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// writeJSON sends one of the origin's own documents.
func writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil { // only strings, numbers and maps of them
		panic(err)
	}
	w.Header().Set("Content-Type", apispec.JSON)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	write(w, r, status, b.Bytes())
}

package origin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"mirrornet/pkg/admin"
	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/observe"
)

// Config configures a [Handler].
type Config struct {
	// Modules state and answer the API. With Upstream they only state it.
	Modules []ensembl.Module
	// Genome is what modules answer from, until [Handler.Switch]. Required
	// without Upstream; the caller closes it after the handler's last request.
	Genome *genomedb.Registry
	// Upstream, when set, answers every path that is not the origin's own.
	Upstream http.Handler
	// Ready is asked by /-/healthz and /readyz beside the origin's own state;
	// nil: the genome's database is pinged, if there is one.
	Ready func(context.Context) error

	Title   string // "Ensembl REST API"
	Version string // of the API; ensembl.Version
	// Release of the data; empty: that of Genome. See [Handler.SetRelease].
	Release string
	Limits  ensembl.Limits
	// Site is the address that the pages' example programs ask, and that
	// errors send users to; empty: "https://rest.ensembl.org".
	Site string
	// Rate bounds what each client may ask for.
	Rate LimitConfig
	// GFF3Source is the source of features in GFF3 whose source is not known;
	// empty: ".".
	GFF3Source string

	// Workers bounds the requests whose answers are made at once; others wait
	// for their turn. One endpoint has half of them at most, and the canaries have
	// some of their own. 0: four for each CPU, which is enough where the database is
	// a file.
	Workers int
	// MaxConcurrent bounds the API requests worked on at once, with half of them
	// for one endpoint at most; more get 503.
	// 0: 512.
	MaxConcurrent int
	// MaxBodies bounds the bytes of long answers that wait for their clients to
	// take them; others wait for their turn. 0: 1 GiB.
	MaxBodies int64
	// Timeout bounds the work on one API request. 0: 30 s.
	Timeout time.Duration

	Logger  *slog.Logger     // nil: none
	Access  *slog.Logger     // access log; nil: none
	Metrics *observe.Metrics // nil: none
}

// Handler serves the API. It is safe for concurrent use.
type Handler struct {
	cfg       Config
	handlers  map[string]handle
	state     atomic.Pointer[state]
	switching sync.Mutex // held by whoever makes another state
	router    http.Handler
	turns     *turns
	counts    counts
	limiter   *limiter
	stopping  atomic.Bool
}

// New makes a Handler. It fails when the modules' statements are at fault.
func New(cfg Config) (*Handler, error) {
	if cfg.Genome == nil && cfg.Upstream == nil {
		return nil, errors.New("origin: neither a genome nor an upstream to answer from; set Genome or Upstream")
	}
	if cfg.Workers == 0 {
		cfg.Workers = 4 * runtime.GOMAXPROCS(0)
	}
	if cfg.MaxConcurrent == 0 {
		cfg.MaxConcurrent = 512
	}
	if cfg.MaxBodies == 0 {
		cfg.MaxBodies = 1 << 30
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Site == "" {
		cfg.Site = documentation
	}
	cfg.Limits = cfg.Limits.WithDefaults()
	if cfg.Release == "" && cfg.Genome != nil {
		cfg.Release = strconv.Itoa(cfg.Genome.Release())
	}
	c, err := Catalogue(cfg)
	if err != nil {
		return nil, err
	}
	h := &Handler{cfg: cfg, limiter: newLimiter(cfg.Rate, cfg.Logger), turns: newTurns(cfg, c.Endpoints), handlers: map[string]handle{}}
	for _, m := range cfg.Modules {
		for _, e := range m.Endpoints {
			if e.Handle == nil && cfg.Upstream == nil {
				return nil, fmt.Errorf("origin: module %s: endpoint %q has no handler", m.Name, e.Spec.ID)
			}
			h.handlers[e.Spec.ID] = e.Handle
		}
	}
	h.counts.init(c.Endpoints)
	s, err := h.stateOf(context.Background(), cfg.Release, cfg.Genome)
	if err != nil {
		return nil, err
	}
	h.publish(s)
	h.router = h.routes()
	return h, nil
}

type handle = func(context.Context, ensembl.Call) (ensembl.Answer, error)

// Catalogue is what an origin with this configuration publishes; of the
// configuration it needs the modules alone. It is validated.
func Catalogue(cfg Config) (*apispec.Catalogue, error) {
	c := &apispec.Catalogue{Title: cfg.Title, Version: cfg.Version, Release: cfg.Release}
	if c.Title == "" {
		c.Title = "Ensembl REST API"
	}
	if c.Version == "" {
		c.Version = ensembl.Version
	}
	for _, m := range cfg.Modules {
		for _, e := range m.Endpoints {
			c.Endpoints = append(c.Endpoints, withLimits(e.Spec, cfg.Limits.WithDefaults()))
		}
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("origin: %w", err)
	}
	return c, nil
}

// withLimits states the configured number of POST elements where the module
// left it to the server.
func withLimits(e apispec.Endpoint, l ensembl.Limits) apispec.Endpoint {
	if e.Body != nil && e.Body.MaxItems == 0 && e.Body.ListOf != "" {
		b := *e.Body
		b.MaxItems = l.Post
		e.Body = &b
	}
	return e
}

// SetRelease publishes the catalogue, and everything made from it, for another
// release of an upstream's data, which may change while the origin runs.
func (h *Handler) SetRelease(release string) error {
	h.switching.Lock()
	defer h.switching.Unlock()
	old := h.state.Load()
	if old.catalogue.Release == release {
		return nil
	}
	s, err := h.stateOf(context.Background(), release, old.genome)
	if err == nil {
		h.publish(s)
	}
	return err
}

func (h *Handler) stateOf(ctx context.Context, release string, genome *genomedb.Registry) (*state, error) {
	cfg := h.cfg
	cfg.Release = release
	c, err := Catalogue(cfg)
	if err != nil {
		return nil, err
	}
	whole := c
	if genome != nil {
		if c, whole, err = h.tryExamples(ctx, c, genome); err != nil {
			return nil, err
		}
	}
	s, err := newState(c, whole, cfg.Modules, genome)
	if err != nil {
		return nil, fmt.Errorf("origin: %w", err)
	}
	return s, nil
}

// Catalogue is what is published now.
func (h *Handler) Catalogue() *apispec.Catalogue { return h.state.Load().catalogue }

// OpenAPI is the OpenAPI document that is published now.
func (h *Handler) OpenAPI() []byte { return h.state.Load().openapi }

// Stop makes the handler report that it is not ready; it goes on answering.
func (h *Handler) Stop() { h.stopping.Store(true) }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.router.ServeHTTP(w, r) }

func (h *Handler) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(h.recoverPanics)
	// The reference shows pages whatever the method.
	r.HandleFunc("/", h.serveHome)
	r.HandleFunc("/documentation", h.serveHome)
	r.HandleFunc("/documentation/info/{name}", h.serveEndpointPage)
	for path, f := range map[string]http.HandlerFunc{
		"/favicon.ico":    serveIcon,
		"/openapi.json":   h.serveOpenAPI,
		apispec.WellKnown: h.serveCatalogue,
		"/-/status.json":  h.serveStatus,
		"/-/healthz":      h.serveReady,
	} {
		r.Get(path, f)
		r.Head(path, f)
	}
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		h.methodNotAllowed(w, r, []string{"GET"})
	})
	r.NotFound(h.serveAPI)
	return r
}

// Admin is the handler of the operators' listener: /livez, /readyz, /metrics,
// /status.json and /debug/pprof. Besides loopback it is asked under these hosts
// alone, and by no page of another site.
func (h *Handler) Admin(hosts ...string) http.Handler {
	r := chi.NewRouter()
	r.Use(admin.Config{Hosts: hosts}.Guard)
	r.Get("/livez", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, r, http.StatusOK, map[string]string{"state": "alive"})
	})
	r.Get("/readyz", h.serveReady)
	r.Get("/status.json", h.serveStatus)
	r.HandleFunc("/debug/pprof/profile", pprof.Profile)
	r.HandleFunc("/debug/pprof/*", pprof.Index)
	if h.cfg.Metrics != nil {
		r.Method(http.MethodGet, "/metrics", h.cfg.Metrics.Handler())
	}
	return r
}

// serveAPI counts, bounds and times one API request, and answers it from the
// modules or the upstream.
func (h *Handler) serveAPI(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	s := h.use()
	defer s.leave()
	req, methods, ok := s.index.Resolve(r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header)
	rec := &recorder{ResponseWriter: w}
	id := ""
	if ok {
		id = req.Endpoint.ID
	}
	if r.UserAgent() == probeAgent {
		rec.Header().Set("Mirror-Catalogue", s.hash)
	} else {
		h.counts.add(id)
	}
	whole := false
	defer func() {
		if rec.status == 0 && whole {
			rec.status = statusClientLeft
		} else if rec.status == 0 { // a panic is on its way up
			rec.status = http.StatusInternalServerError
		}
		h.observe(rec, r, id, start)
	}()

	if !h.limiter.admit(rec, r) {
		return
	}
	canary := s.canaries[r.RequestURI]
	if !h.turns.enter(id, canary) {
		rec.Header().Set("Retry-After", "1")
		h.fail(rec, r, s, apispec.JSON, &ensembl.Error{Status: http.StatusServiceUnavailable,
			Message: "The server is at its limit of concurrent requests. Try again in a second."})
		return
	}
	defer h.turns.leave(id, canary)
	if h.cfg.Upstream != nil {
		h.cfg.Upstream.ServeHTTP(rec, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.cfg.Timeout)
	defer cancel()
	h.answer(rec, r.WithContext(ctx), s, req, methods, ok)
	whole = true
}

// statusClientLeft stands in log and metrics for an answer that nobody waited
// for; nothing is sent.
const statusClientLeft = 499

// probeAgent is the User-Agent of package health's probes.
const probeAgent = "mirrornet-health"

// recorder notes what was sent, for log and metrics.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 || r.status < 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

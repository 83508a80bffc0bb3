package origin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// ServeConfig configures a [Server].
type ServeConfig struct {
	Listen string // host:port; port 0 takes a free one
	Admin  string // of the operators' listener; empty: none
	// Handler answers on Listen, its Admin on Admin. Required.
	Handler *Handler
	Logger  *slog.Logger // nil: none
	// Notice is how long the server goes on taking connections after it began
	// to report that it is not ready, so that edges turn away first. 0: none.
	Notice time.Duration
	// Drain bounds the wait for requests in flight at the end. 0: 10 s.
	Drain time.Duration
}

// Server is an HTTP server that listens already. Its limits: a request's head
// within 10 s and 64 KiB, all of it within 30 s, the answer within 60 s, idle
// connections kept for 120 s.
type Server struct {
	cfg          ServeConfig
	public       net.Listener
	admin        net.Listener // may be nil
	publicServer *http.Server
	adminServer  *http.Server
}

// Listen opens the listeners, so that a caller may ask Addr before Run. Run
// closes them.
func Listen(cfg ServeConfig) (*Server, error) {
	if cfg.Handler == nil {
		return nil, errors.New("origin: ServeConfig.Handler is nil")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Drain == 0 {
		cfg.Drain = 10 * time.Second
	}
	s := &Server{cfg: cfg}
	var err error
	if s.public, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("origin: listening on %q: %w", cfg.Listen, err)
	}
	s.publicServer = s.server(cfg.Handler)
	if cfg.Admin != "" {
		if s.admin, err = net.Listen("tcp", cfg.Admin); err != nil {
			s.public.Close()
			return nil, fmt.Errorf("origin: listening on %q for operators: %w", cfg.Admin, err)
		}
		host, _, _ := net.SplitHostPort(cfg.Admin)
		s.adminServer = s.server(cfg.Handler.Admin(host))
	}
	return s, nil
}

const writeTimeout = 60 * time.Second

func (s *Server) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
}

// Addr is the public listener's address.
func (s *Server) Addr() netip.AddrPort { return addrOf(s.public) }

// AdminAddr is the operators' listener's address; the zero value if there is none.
func (s *Server) AdminAddr() netip.AddrPort {
	if s.admin == nil {
		return netip.AddrPort{}
	}
	return addrOf(s.admin)
}

func addrOf(l net.Listener) netip.AddrPort {
	ap := l.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// Run serves until ctx ends, and stops in order: not ready, notice, no new
// connections, requests in flight end or are cut off after Drain. It returns
// nil after a stop that ctx asked for. It is called once.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 2)
	running := 1
	go func() { failed <- s.publicServer.Serve(s.public) }()
	if s.adminServer != nil {
		running++
		go func() { failed <- s.adminServer.Serve(s.admin) }()
	}
	s.cfg.Logger.Info("serving", "addr", s.Addr().String(), "release", s.cfg.Handler.Catalogue().Release)

	var first error
	select {
	case first = <-failed:
		running--
	case <-ctx.Done():
		s.cfg.Handler.Stop()
		s.cfg.Logger.Info("stopping", "notice", s.cfg.Notice, "drain", s.cfg.Drain)
		if s.cfg.Notice > 0 {
			time.Sleep(s.cfg.Notice)
		}
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Drain)
	defer cancel()
	errs := []error{first, s.stop(drain, s.publicServer)}
	if s.adminServer != nil { // last, so that operators see the drain
		errs = append(errs, s.stop(drain, s.adminServer))
	}
	for range running {
		if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *Server) stop(ctx context.Context, srv *http.Server) error {
	if err := srv.Shutdown(ctx); err != nil {
		s.cfg.Logger.Warn("requests in flight were cut off", "after", s.cfg.Drain)
		return srv.Close()
	}
	return nil
}

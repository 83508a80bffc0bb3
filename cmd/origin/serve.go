package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/all"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/origin"
)

// serveConfig is what origin serve was told.
type serveConfig struct {
	listen, admin  string
	site           string
	db, upstream   string
	server         serverFlags
	limits         ensembl.Limits
	rate           limitFlags
	gff3Source     string
	notice, drain  time.Duration
	access, debug  bool
	stdout, stderr io.Writer
}

func serveCommand() *cobra.Command {
	var cfg serveConfig
	c := &cobra.Command{Use: "serve", Short: "Serve the API until a signal ends it", Args: noArgs,
		Long: `Serve the API from the genome file that origin load made (--db), from Ensembl's
databases on a MySQL or MariaDB server (--dsn), in front of a server of the API
(--upstream), or, with none of these, from a small made-up genome.

A new release is taken into use while the former one is served: where another
file stands in the place of --db, and, on SIGHUP, where the database server has
a newer one. The first SIGINT or SIGTERM ends it in order, a second one at once.`,
		Example: `  origin serve
  origin serve --db ensembl.sqlite --listen 0.0.0.0:8000
  origin serve --dsn 'anonymous@tcp(ensembldb.ensembl.org:3306)/' --release 115
  origin serve --upstream https://rest.ensembl.org`}
	f := c.Flags()
	f.StringVar(&cfg.listen, "listen", "127.0.0.1:8000", "address to serve on; port 0 takes a free one")
	f.StringVar(&cfg.admin, "admin", "", "address for operators: /livez, /readyz, /metrics (default none)")
	f.StringVar(&cfg.db, "db", "", "genome file (default a small made-up genome)")
	cfg.server.add(f)
	f.StringVar(&cfg.upstream, "upstream", "", "URL of a server of the same API to stand in front of")
	f.Int64Var(&cfg.limits.Sequence, "max-sequence", 10_000_000, "bases of one sequence slice")
	f.Int64Var(&cfg.limits.Overlap, "max-overlap", 5_000_000, "bases of one overlap slice")
	f.IntVar(&cfg.limits.Post, "max-post", 1000, "elements of a POST")
	f.IntVar(&cfg.limits.PostSequence, "max-post-sequence", 50, "elements of a POST for sequences")
	cfg.rate.add(f)
	f.StringVar(&cfg.site, "site", "https://rest.ensembl.org", "address that clients ask, for the example programs of the documentation pages")
	f.StringVar(&cfg.gff3Source, "gff3-source", ".", "source of features in GFF3 whose source is not known")
	f.DurationVar(&cfg.notice, "notice", 0, "time between reporting not ready and taking no more connections")
	f.DurationVar(&cfg.drain, "drain", 10*time.Second, "time for requests in flight at the end")
	f.BoolVar(&cfg.access, "access-log", false, "log each request")
	f.BoolVar(&cfg.debug, "debug", false, "log more")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg.stdout, cfg.stderr = c.OutOrStdout(), c.ErrOrStderr()
		for _, flag := range []string{"release", "dsn-connections", "dsn-password-file"} {
			if cfg.server.dsn == "" && c.Flags().Changed(flag) {
				return usageError{fmt.Errorf("--%s is about the server of --dsn; give that too, or leave --%s away (a genome file has the release that was loaded)", flag, flag)}
			}
		}
		return serve(c.Context(), cfg)
	}
	return c
}

func (cfg serveConfig) check() error {
	given := 0
	for _, place := range []string{cfg.db, cfg.server.dsn, cfg.upstream} {
		if place != "" {
			given++
		}
	}
	if given > 1 {
		return usageError{errors.New("--db, --dsn and --upstream exclude each other; give the one to answer from")}
	}
	for _, max := range []struct {
		flag  string
		value int64
	}{{"--max-sequence", cfg.limits.Sequence}, {"--max-overlap", cfg.limits.Overlap}, {"--max-post", int64(cfg.limits.Post)}, {"--max-post-sequence", int64(cfg.limits.PostSequence)}} {
		if max.value < 1 {
			return configErrorf("%s %d: write 1 or more, or leave it away for the default", max.flag, max.value)
		}
	}
	if u, err := url.Parse(cfg.site); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return configErrorf("--site %q is no base URL; write one like https://rest.example.org", cfg.site)
	}
	for flag, addr := range map[string]string{"--listen": cfg.listen, "--admin": cfg.admin} {
		if addr == "" && flag == "--admin" {
			continue
		}
		if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
			return configErrorf("%s %q is not host:port; write for instance 127.0.0.1:8000", flag, addr)
		}
	}
	return nil
}

func serve(ctx context.Context, cfg serveConfig) (err error) {
	if err := cfg.check(); err != nil {
		return err
	}
	tuneMemory()
	level := slog.LevelInfo
	if cfg.debug {
		level = slog.LevelDebug
	}
	logger := observe.NewLogger(cfg.stderr, isTerminal(cfg.stderr), level)
	hc := origin.Config{Modules: all.Modules(), Limits: cfg.limits, Site: cfg.site, GFF3Source: cfg.gff3Source, Logger: logger, Metrics: observe.NewMetrics("origin", "")}
	g, ctx := errgroup.WithContext(ctx)
	if cfg.access {
		buffer := observe.NewBuffer(cfg.stderr)
		hc.Access = observe.NewLogger(buffer, false, slog.LevelInfo)
		logging, stop := context.WithCancel(context.WithoutCancel(ctx)) // to the last line
		done := make(chan error, 1)
		go func() { done <- buffer.Run(logging) }()
		defer func() {
			stop()
			err = errors.Join(err, <-done)
		}()
	}
	if hc.Rate, err = cfg.rate.config(logger); err != nil {
		return err
	}
	var follow func(context.Context, *origin.Handler) error
	if cfg.upstream != "" {
		if hc.Upstream, follow, err = standBefore(cfg.upstream, logger); err != nil {
			return err
		}
	} else {
		genome, err := cfg.openGenome(ctx, logger)
		if err != nil {
			return err
		}
		defer genome.Close()
		hc.Genome = genome.Current()
		if cfg.server.dsn != "" { // they wait more than they work
			hc.Workers = max(2*cfg.server.connections, 4*runtime.GOMAXPROCS(0))
		}
		follow = func(ctx context.Context, h *origin.Handler) error {
			genome.Switch = h.Switch
			return genome.Run(ctx)
		}
	}
	h, err := origin.New(hc)
	if err != nil {
		return err
	}
	s, err := origin.Listen(origin.ServeConfig{Listen: cfg.listen, Admin: cfg.admin, Handler: h, Logger: logger, Notice: cfg.notice, Drain: cfg.drain})
	if err != nil {
		return fmt.Errorf("%w; choose another address or end who has it", err)
	}
	fmt.Fprintf(cfg.stdout, "serving http://%s\n", reachable(s.Addr()))
	g.Go(func() error { return s.Run(ctx) })
	if follow != nil {
		g.Go(func() error { return follow(ctx, h) })
	}
	return g.Wait()
}

// reachable is an address that this machine can ask: a listener on all
// addresses is asked on loopback.
func reachable(a netip.AddrPort) netip.AddrPort {
	if !a.Addr().IsUnspecified() {
		return a
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

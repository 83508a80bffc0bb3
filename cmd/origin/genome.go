package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/dbserver"
	"mirrornet/pkg/genomedb/sample"
)

// serverFlags are what origin serve was told of a database server.
type serverFlags struct {
	dsn, passwordFile    string
	release, connections int
}

// passwordEnv holds the password where there is no file of it.
const passwordEnv = "ORIGIN_DSN_PASSWORD"

func (s *serverFlags) add(f *pflag.FlagSet) {
	f.StringVar(&s.dsn, "dsn", "", "MySQL or MariaDB server with Ensembl's databases: user@tcp(host:3306)/, user@unix(/socket)/ or mysql://user@host:3306/")
	f.StringVar(&s.passwordFile, "dsn-password-file", "", "file with the password for --dsn (default the variable "+passwordEnv+", or none)")
	f.IntVar(&s.release, "release", 0, "release to serve of those on the server of --dsn (default the highest)")
	f.IntVar(&s.connections, "dsn-connections", 16, "connections to that server at most")
}

// password finds the one for --dsn, which is no part of it: everybody on the
// machine sees a command line.
func (s *serverFlags) password() (string, error) {
	if dbserver.HasPassword(s.dsn) {
		return "", usageError{errors.New("--dsn holds a password, which everybody on this machine can see; write it to a file and give --dsn-password-file, or set " + passwordEnv)}
	}
	if s.passwordFile == "" {
		return os.Getenv(passwordEnv), nil
	}
	text, err := os.ReadFile(s.passwordFile)
	if err != nil {
		return "", configErrorf("--dsn-password-file: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// genome is the databases to answer from, as they come and go.
type genome struct {
	*genomedb.Follower
	remove string // a folder of ours
	hangup chan os.Signal
}

// openGenome opens the file or the server, or makes the sample in a temporary
// folder.
func (cfg serveConfig) openGenome(ctx context.Context, logger *slog.Logger) (_ *genome, err error) {
	reload := make(chan struct{}, 1)
	g := &genome{hangup: make(chan os.Signal, 1)}
	c := genomedb.FollowConfig{Config: genomedb.Config{SQLite: cfg.db, DSN: cfg.server.dsn, Release: cfg.server.release, Connections: cfg.server.connections, Logger: logger}, Reload: reload}
	defer func() {
		if err != nil && g.remove != "" {
			os.RemoveAll(g.remove)
		}
	}()
	switch {
	case c.DSN != "":
		if c.Password, err = cfg.server.password(); err != nil {
			return nil, err
		}
		if g.Follower, err = genomedb.OpenFollower(ctx, c); err != nil {
			return nil, configErrorf("%w; see --dsn, --dsn-password-file and --release", err)
		}
	case c.SQLite != "":
		if g.Follower, err = genomedb.OpenFollower(ctx, c); err != nil {
			return nil, configErrorf("%w; make a genome file with: origin load --from DIR|URL --db %s", err, c.SQLite)
		}
	default:
		logger.Info("neither --db nor --dsn given: serving a small made-up genome")
		if g.remove, err = os.MkdirTemp("", "mirrornet-origin-"); err != nil {
			return nil, err
		}
		c.SQLite = filepath.Join(g.remove, "sample.sqlite")
		if err = sample.Write(ctx, c.SQLite); err != nil {
			return nil, err
		}
		if g.Follower, err = genomedb.OpenFollower(ctx, c); err != nil {
			return nil, fmt.Errorf("the made-up genome: %w", err)
		}
	}
	signal.Notify(g.hangup, syscall.SIGHUP)
	go func() {
		for range g.hangup {
			select {
			case reload <- struct{}{}:
			default: // one is on its way
			}
		}
	}()
	return g, nil
}

func (g *genome) Close() error {
	signal.Stop(g.hangup)
	close(g.hangup)
	err := g.Follower.Close()
	if g.remove != "" {
		err = errors.Join(err, os.RemoveAll(g.remove))
	}
	return err
}

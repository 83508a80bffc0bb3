package main

import (
	"errors"
	"log/slog"
	"net/netip"

	"github.com/spf13/pflag"

	"mirrornet/pkg/keyfile"
	"mirrornet/pkg/origin"
	"mirrornet/pkg/ratelimit"
	"mirrornet/pkg/store"
	"mirrornet/pkg/vouch"
)

// limitFlags are what origin serve was told of rate limits.
type limitFlags struct {
	perHour, perSecond int
	exempt             []string
	memcached          []string
	edges              []string
	edgeKeyFile        string
}

func (l *limitFlags) add(f *pflag.FlagSet) {
	f.IntVar(&l.perHour, "limit-per-hour", 0, "requests of one client within an hour of the clock, such as 55000; 0: no limit")
	f.IntVar(&l.perSecond, "limit-per-second", 0, "requests of one client within a second of the clock, such as 15; 0: no limit")
	f.StringSliceVar(&l.exempt, "limit-exempt", nil, "networks that are not limited, such as 10.0.0.0/8")
	f.StringSliceVar(&l.memcached, "memcached", nil, "memcached servers where several origins count together, host:port or socket path (default each origin by itself)")
	f.StringSliceVar(&l.edges, "edges", nil, "networks of the edges, which say by Mirror-Client for whom they ask; needs --edge-key-file")
	f.StringVar(&l.edgeKeyFile, "edge-key-file", "", "file of keys, one per line in base64, that the edges have as origin_key_file")
}

// config makes what the flags say.
func (l *limitFlags) config(logger *slog.Logger) (c origin.LimitConfig, err error) {
	if l.perHour < 0 || l.perSecond < 0 {
		return c, configErrorf("--limit-per-hour or --limit-per-second is below 0; write 0 for no limit")
	}
	if c.Exempt, err = networks("--limit-exempt", l.exempt); err != nil {
		return c, err
	}
	if c.Edges, err = networks("--edges", l.edges); err != nil {
		return c, err
	}
	if (len(c.Edges) > 0) != (l.edgeKeyFile != "") {
		return c, usageError{errors.New("--edges and --edge-key-file go together: the one says who may speak for clients, the other how they prove it")}
	}
	var secret []byte
	if l.edgeKeyFile != "" {
		secrets, err := keyfile.Read(l.edgeKeyFile)
		if err != nil {
			return c, configErrorf("--edge-key-file: %w", err)
		}
		if c.EdgeKeys, err = vouch.New(secrets); err != nil {
			return c, configErrorf("--edge-key-file: %w", err)
		}
		secret = secrets[0]
	}
	windows := ratelimit.Ensembl(l.perHour, l.perSecond)
	if len(windows) == 0 {
		if len(l.memcached) > 0 {
			return c, usageError{errors.New("--memcached counts for --limit-per-hour and --limit-per-second; give one of them")}
		}
		return c, nil
	}
	rc := ratelimit.Config{Windows: windows, Secret: secret}
	if len(l.memcached) > 0 {
		counters, err := store.NewCounters(store.MemcachedConfig{Servers: l.memcached, Prefix: "rl:", Logger: logger})
		if err != nil {
			return c, configErrorf("--memcached: %w", err)
		}
		rc.Shared = counters
	}
	if c.Limiter, err = ratelimit.New(rc); err != nil {
		return c, err
	}
	return c, nil
}

func networks(flag string, texts []string) (all []netip.Prefix, err error) {
	for _, t := range texts {
		p, err := netip.ParsePrefix(t)
		if a, aerr := netip.ParseAddr(t); aerr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, configErrorf("%s: %q is no network; write one like 192.0.2.0/24", flag, t)
		}
		if p.Addr().Is4In6() {
			return nil, configErrorf("%s: %q is an IPv4 network in IPv6; write it as IPv4", flag, t)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"mirrornet/pkg/admin"
	"mirrornet/pkg/announce"
	"mirrornet/pkg/dashboard"
	"mirrornet/pkg/dns"
	"mirrornet/pkg/drain"
	"mirrornet/pkg/edge"
	"mirrornet/pkg/fetch"
	"mirrornet/pkg/geoip"
	"mirrornet/pkg/gossip"
	"mirrornet/pkg/health"
	"mirrornet/pkg/lane"
	"mirrornet/pkg/live"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/region"
	"mirrornet/pkg/rtt"
	"mirrornet/pkg/store"
	"mirrornet/pkg/vouch"
)

// drainTime bounds the wait for answers under way when the node stops.
const drainTime = 30 * time.Second

// headBytes bounds what the lane keeps where there is no memory tier: heads of
// answers, whose bodies are memcached's.
const headBytes = 16 << 20

// node is a running edge: what serve wires together.
type node struct {
	config     config
	logger     *slog.Logger
	regions    *region.Watcher
	maps       *announce.Follower // the regions of the files, and those that are announced
	drains     *drain.Drains
	geo        *geoip.Locator
	memory     *store.Memory    // nil: none
	shared     *store.Memcached // nil: none
	aliases    *lane.Table
	gossip     *gossip.Gossip // nil: alone
	health     *health.Health
	edge       *edge.Edge
	live       *live.Hub
	pages      *dashboard.Pages
	sharedSize usage // of memcached; for figures alone
	metrics    *observe.Metrics
	keys       atomic.Pointer[[][]byte] // of gossip
	hopKeys    atomic.Pointer[fetch.HopKeys]
	vouch      atomic.Pointer[vouch.Keys]
	cert       *certificate // nil: no HTTPS
}

// newNode makes all parts of a node; what is wrong with its configuration is
// an invalid.
func newNode(c config, logger *slog.Logger, accessLog *slog.Logger) (*node, error) {
	n := &node{config: c, logger: logger, metrics: observe.NewMetrics(c.node, string(c.region))}
	refresh := func() {
		if n.edge != nil {
			n.edge.Refresh()
			n.live.Notice()
		}
	}
	var err error
	n.regions, err = region.NewWatcher(region.Config{Dir: c.regions, Logger: logger, OnChange: n.filesChanged})
	if err != nil {
		return nil, invalid{err.Error()}
	}
	if _, ok := n.regions.Map().Region(c.region); !ok {
		return nil, noRegion(c)
	}
	n.follow(refresh)
	if n.geo, err = geoip.Open(geoip.Config{Database: c.geo, ASN: c.asns, Logger: logger, OnChange: func() {
		if n.edge != nil {
			n.edge.Relocated()
		}
	}}); err != nil {
		return nil, invalid{"geo: " + err.Error()}
	}
	keys, err := readKeys(c.keyFile)
	if err != nil {
		return nil, invalid{"gossip.key_file: " + err.Error()}
	}
	if err := n.setHopKeys(keys); err != nil {
		return nil, invalid{"gossip.key_file: " + err.Error()}
	}
	if err := n.setClientKeys(); err != nil {
		return nil, invalid{"origin_key_file: " + err.Error()}
	}
	stored, err := n.openStore()
	if err != nil {
		return nil, invalid{"cache.memcached: " + err.Error()}
	}
	if n.pages, err = dashboard.New(); err != nil {
		return nil, err
	}
	if c.https != "" {
		if n.cert, err = openCertificate(c.certFile, c.certKey, logger); err != nil {
			return nil, invalid{"listen.https.cert_file: " + err.Error()}
		}
	}
	n.health = health.New(health.Config{Targets: n.targets, Roots: c.roots, Logger: logger, OnChange: refresh})
	if c.gossip.IsValid() {
		n.gossip, err = gossip.New(gossip.Config{Node: c.node, Region: c.region, Advertise: c.advertise,
			Revision: func() string { return n.maps.Map().Revision() }, Digest: n.maps.Digest, Answer: n.answer, Listen: c.gossip, Join: c.join, Keys: keys,
			Label: c.label, AdvertiseAddr: c.gossipAt, Allowed: c.allow, Logger: logger, OnChange: func() { n.maps.Notice(); refresh() }, OnStatement: n.heard})
		if err != nil {
			return nil, fmt.Errorf("gossip.listen: %w", err)
		}
	}
	n.announce()
	if err := n.openDrains(refresh); err != nil {
		return nil, invalid{"state: " + err.Error()}
	}
	transport := fetch.NewTransport(c.roots)
	n.openLive(transport)
	cfg := edge.Config{Node: c.node, Region: c.region, Version: version, Origins: c.origins, TrustedProxies: c.trusted, Addresses: c.addresses,
		Catalogue: c.catalogue, State: c.state, Maps: n.maps, Members: n, Drains: n.drained, Announced: n.announced, Health: n.health, Locator: n.geo, Store: stored, Aliases: n.aliases, AliasHeads: n.memory == nil,
		PrivateClients: privateNetwork(c.advertise), Home: n.pages.Explorer, Network: n.pages.Network, Assets: n.pages.Assets(),
		Events: n.live.Events(), Complete: n.live.Complete, Metrics: n.metrics, Transport: transport, Logger: logger}
	if n.shared != nil {
		cfg.Copies = n.shared
	}
	if n.gossip != nil { // alone there is no edge to believe
		cfg.HopKeys, cfg.Keys, cfg.Statements = n.hopKeys.Load, n.fingerprints, statements{n.gossip}
	}
	if c.originKeyFile != "" {
		cfg.ClientKeys = n.vouch.Load
	}
	if c.accessLog {
		cfg.AccessLog = accessLog
	}
	if n.edge, err = edge.New(cfg); err != nil {
		return nil, err
	}
	n.publish()
	return n, nil
}

func (n *node) openStore() (store.Store, error) {
	var tiers []store.Store
	if n.config.memory > 0 {
		// A quarter for the answers that the lane repeats as they are.
		n.aliases = lane.NewTable(n.config.memory / 4)
		n.memory = store.NewMemory(store.MemoryConfig{Bytes: n.config.memory - n.config.memory/4})
		tiers = append(tiers, n.memory)
	} else {
		n.aliases = lane.NewTable(headBytes)
	}
	if len(n.config.memcached) > 0 {
		var err error
		if n.shared, err = store.NewMemcached(store.MemcachedConfig{Servers: n.config.memcached, Logger: n.logger}); err != nil {
			return nil, err
		}
		tiers = append(tiers, n.shared)
	}
	if len(tiers) == 1 {
		return tiers[0], nil
	}
	return store.NewTiered(tiers[0], tiers[1]), nil
}

func (n *node) targets() []health.Target {
	if n.edge == nil {
		return nil
	}
	return n.edge.Targets()
}

// Members lists the nodes for the edge: by gossip, else this one alone.
func (n *node) Members() []edge.Member {
	if n.gossip == nil {
		return []edge.Member{{Node: n.config.node, Region: n.config.region, Advertise: n.config.advertise,
			Revision: n.maps.Map().Revision(), State: string(gossip.Alive), Self: true}}
	}
	nodes := n.gossip.Nodes()
	members := make([]edge.Member, len(nodes))
	for i, g := range nodes {
		members[i] = edge.Member{Node: g.Name, Region: g.Region, Advertise: g.Advertise, Revision: g.Revision, State: string(g.State),
			Since: g.Since, RTT: g.RTT, Self: g.Self}
	}
	return members
}

// serve runs a node until a signal ends it: unready, leave gossip, wait until
// nobody new comes, answer what is under way, exit. A second signal exits at once.
func serve(ctx context.Context, c config, logger *slog.Logger) error {
	limitMemory(memoryLimit(c.memory, os.Getenv))
	access := observe.NewBuffer(os.Stdout)
	n, err := newNode(c, logger, observe.NewLogger(access, false, slog.LevelInfo))
	if err != nil {
		return err
	}
	public, err := net.Listen("tcp", c.listen)
	if err != nil {
		return fmt.Errorf("listen.http: %w", err)
	}
	defer public.Close()
	server := n.server()
	came := []*arrivals{{Listener: public}}
	hits, err := lane.Wrap(came[0], server, n.edge.Lane())
	if err != nil {
		return fmt.Errorf("listen.http: %w", err)
	}
	var private *http.Server
	var encrypted net.Listener
	httpsAt := ""
	if n.cert != nil {
		if encrypted, err = net.Listen("tcp", c.https); err != nil {
			return fmt.Errorf("listen.https.listen: %w", err)
		}
		defer encrypted.Close()
		came = append(came, &arrivals{Listener: encrypted})
		encrypted = came[1]
		private, httpsAt = n.server(), encrypted.Addr().String()
		private.TLSConfig = n.cert.tls()
	}
	var names *dns.Server
	dnsAt := ""
	if c.dns.listen != "" {
		if names, err = n.openDNS(); err != nil {
			return err
		}
		defer names.Close()
		dnsAt = names.Addr().String()
	}
	var operators *http.Server
	var inside net.Listener
	if c.admin != "" {
		if inside, err = net.Listen("tcp", c.admin); err != nil {
			return fmt.Errorf("admin.listen: %w", err)
		}
		defer inside.Close()
		host, _, _ := net.SplitHostPort(c.admin)
		operators = &http.Server{ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
			Handler: admin.New(admin.Config{Hosts: []string{host}, Token: c.token, Metrics: n.metrics.Handler(), Status: n.detail,
				Ready: n.ready, Reload: n.reload, Explain: n.edge.ServeExplanation, Drains: n.drains, Map: n.shareMap,
				Network: n.operatorsPage, Assets: n.pages.Assets(), Events: n.live.OperatorEvents()})}
	}

	ctx, ended := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer ended()
	var g errgroup.Group
	parts, stopParts := context.WithCancel(context.Background())
	defer stopParts()
	gossiping, leave := context.WithCancel(context.Background())
	defer leave()
	failed := make(chan error, 8)
	run := func(ctx context.Context, name string, f func(context.Context) error) {
		g.Go(func() error {
			if err := f(ctx); err != nil {
				failed <- fmt.Errorf("%s: %w", name, err)
				return err
			}
			return nil
		})
	}
	run(parts, "regions", n.regions.Run)
	run(parts, "announcements", n.maps.Run)
	run(parts, "drains", n.drains.Run)
	run(parts, "geoip", n.geo.Run)
	run(parts, "access log", access.Run)
	if n.shared != nil {
		run(parts, "memcached", n.shared.Run)
	}
	if n.memory != nil {
		run(parts, "memory tier", n.memory.Run)
	}
	run(parts, "health", n.health.Run)
	run(parts, "edge", n.edge.Run)
	run(parts, "reload", n.reloadOnHangup)
	watching, endWatching := context.WithCancel(context.Background())
	defer endWatching()
	run(watching, "events", n.live.Run)
	var left sync.WaitGroup
	if n.gossip != nil {
		left.Add(1)
		run(gossiping, "gossip", func(ctx context.Context) error { defer left.Done(); return n.gossip.Run(ctx) })
	}
	run(parts, "listen.http", func(context.Context) error { return closed(server.Serve(hits)) })
	if private != nil {
		run(parts, "certificate", n.cert.Run)
		run(parts, "listen.https", func(context.Context) error {
			return closed(private.ServeTLS(rtt.Listen(encrypted, n.edge.Closing), "", ""))
		})
	}
	if names != nil { // to the end: others' clients ask here, too
		run(parts, "listen.dns", names.Run)
	}
	if operators != nil {
		run(parts, "admin.listen", func(context.Context) error { return closed(operators.Serve(inside)) })
	}
	logger.Info("serving", "node", c.node, "region", string(c.region), "http", public.Addr().String(), "https", httpsAt, "dns", dnsAt, "admin", c.admin,
		"gossip", c.gossip.String(), "revision", n.maps.Map().Revision(), "version", version)

	select {
	case <-ctx.Done():
		err = nil
	case err = <-failed:
	}
	ended() // from here on a signal has its usual effect: the process ends at once
	logger.Info("stopping", "node", c.node)
	n.edge.Drain()
	endWatching() // whoever watches goes elsewhere, and is not waited for
	leave()
	left.Wait()
	if n.gossip != nil { // else there is nobody to whom clients could go
		quiet(context.Background(), came...)
	}
	until, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	stopped := make(chan error, 1)
	go func() {
		if private == nil {
			stopped <- nil
			return
		}
		serr := private.Shutdown(until)
		private.Close()
		stopped <- serr
	}()
	if serr := errors.Join(server.Shutdown(until), hits.Drain(until), <-stopped); serr != nil {
		logger.Warn("answers under way were cut", "error", serr)
		server.Close()
	}
	if operators != nil {
		operators.Close()
	}
	stopParts()
	if gerr := g.Wait(); err == nil {
		err = gerr
	}
	return err
}

// server is a public listener's.
func (n *node) server() *http.Server {
	return &http.Server{Handler: n.edge, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		// A body that its source does not take holds its own window, not that of all that another edge sends here.
		HTTP2:    &http.HTTP2Config{MaxReceiveBufferPerStream: 128 << 10, MaxReceiveBufferPerConnection: 4<<20 - 1},
		ErrorLog: slog.NewLogLogger(n.logger.Handler(), slog.LevelDebug)}
}

func closed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

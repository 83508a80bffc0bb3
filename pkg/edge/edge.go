package edge

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"mirrornet/pkg/collapse"
	"mirrornet/pkg/fetch"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/health"
	"mirrornet/pkg/lane"
	"mirrornet/pkg/observe"
	"mirrornet/pkg/region"
	"mirrornet/pkg/rtt"
	"mirrornet/pkg/status"
	"mirrornet/pkg/store"
	"mirrornet/pkg/vouch"
)

// Locator says where an address is; the zero Place is unknown.
type Locator interface {
	Locate(netip.Addr) geo.Place
}

// Members lists the nodes of the network, this one included.
type Members interface {
	Members() []Member
}

// Member is one node as gossip knows it.
type Member struct {
	Node      string
	Region    region.Name
	Advertise string // base URL of its listener
	Revision  string // of the region map that it runs
	State     string // alive, suspect, dead, left
	Since     time.Time
	RTT       time.Duration // 0: unknown
	Self      bool
}

func (m Member) present() bool { return m.State == "alive" || m.State == "suspect" }

// Health is what is known of other nodes and of the origins, by target id.
type Health interface {
	View() *health.View
	ReportFailure(id string, err error)
	ReportSuccess(id string)
}

// Maps gives the current region map.
type Maps interface {
	Map() *region.Map
}

// Copies keeps named byte strings beside the stored responses (memcached), so
// that a node restarted without its origins finds the last catalogue.
type Copies interface {
	GetBlob(ctx context.Context, name string) ([]byte, bool)
	PutBlob(ctx context.Context, name string, data []byte)
}

// Mode says how cache keys are made.
type Mode string

const (
	Auto Mode = "auto" // by the origin's endpoint catalogue
	None Mode = "none" // plain RFC 9111, for any HTTP API
)

// Config configures an [Edge].
type Config struct {
	Node    string
	Region  region.Name
	Version string
	Origins []*url.URL // in order of preference
	// TrustedProxies may speak for others by X-Forwarded-For. Empty: nobody.
	TrustedProxies []netip.Prefix
	// Addresses are the public ones of this node. Keys gives fingerprints of its
	// gossip keys, the one in use first; nil: none. Both are told to the others.
	Addresses []netip.Addr
	Keys      func() []string
	// HopKeys sign what is asked of other edges and tell what they ask; called
	// for each such request. Keys that are none believe what comes from loopback; nil
	// believes nobody.
	HopKeys func() *fetch.HopKeys
	// ClientKeys sign for whom the origins are asked, so that they can count by
	// client; called for each such request. Nil, or none: a limit of theirs is on this
	// node.
	ClientKeys func() *vouch.Keys
	Catalogue  Mode   // "" is Auto
	State      string // folder for the last catalogue; "": kept nowhere

	Maps    Maps
	Members Members
	Health  Health
	Locator Locator
	// Statements are those of all nodes. Nil: this node knows of itself alone.
	Statements Statements
	// Drains are those that hold now, in words for everybody ("until 14:05 UTC"),
	// by "region asia" or "node asia-1". Nil: none.
	Drains func() map[string]string
	// Announced are the regions of which no file here says anything, but their own
	// nodes do. Nil: none.
	Announced func() map[region.Name]bool
	Store     store.Store
	Copies    Copies // nil: none
	// PrivateClients: round trips of private and loopback addresses count, as in
	// a network that is all private.
	PrivateClients bool
	// Aliases are what the lane answers with ([Edge.Lane]). Nil: no lane.
	Aliases *lane.Table
	// AliasHeads: they hold no bodies, which are read from the store each time;
	// for a node without a memory tier.
	AliasHeads bool
	// Home and Network write the pages for people, Assets what they load, below
	// /-/assets/. Nil: 404.
	Home    func(http.ResponseWriter, *http.Request, status.Visit)
	Network func(http.ResponseWriter, *http.Request, status.Visit)
	Assets  http.Handler
	// Events is the stream of what changes, at /-/events. Nil: 404.
	Events http.Handler
	// Complete adds to a report what this package does not know: figures, events.
	// Nil: nothing.
	Complete func(status.Report) status.Report

	Metrics   *observe.Metrics
	AccessLog *slog.Logger // nil: no access log
	Logger    *slog.Logger
	Transport http.RoundTripper // of fetches; nil: fetch's default
	// Timeout bounds one request's wait for sources; 0: 30 s.
	Timeout time.Duration
	Now     func() time.Time // nil: time.Now
}

// Edge answers clients. It is safe for concurrent use.
type Edge struct {
	Config
	handler   http.Handler
	fetcher   *fetch.Client
	flights   collapse.Group[string, *fetched]
	catalogue *catalogue
	world     atomic.Pointer[world]
	origins   originsUp
	aliases   aliases
	load      loadMeter
	trips     trips
	addressed func(http.Handler) http.Handler // finds whose request a proxy forwards
	exchanges sync.Pool                       // *exchange, empty
	redirects atomic.Pointer[observe.Series]  // of the last redirect; nil: none yet
	draining  atomic.Bool
	started   time.Time
	process   string // of this run

	electorate electorate
	observing  sync.Mutex    // guards lost, and is held while a snapshot is made
	lost       health.Losses // classes that no origin of this node serves

	changes  *changes
	gathered atomic.Int64 // bytes that keepers hold
	ended    *changes     // fetches that stored something
	fixed    fixed
	unshared notes[unshared]
	distrust notes[bool] // what was logged of hops that are not believed
	doubts   notes[doubt]
	behind   sync.Map // keys of stored responses that are being refreshed beside their requests

	said []byte // of this node's own statement; Run's

	mu         sync.Mutex // guards the fields below
	background context.Context
	refreshing sync.WaitGroup
}

// New makes an Edge. Run must be running for background refreshes and for the
// catalogue; ServeHTTP works without.
func New(c Config) (*Edge, error) {
	if c.Node == "" || c.Region == "" {
		return nil, errors.New("edge: node and region are required")
	}
	if len(c.Origins) == 0 {
		return nil, errors.New("edge: origins is empty; name at least one")
	}
	if c.Catalogue == "" {
		c.Catalogue = Auto
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	clock := c.Now
	if c.Now == nil {
		c.Now = time.Now
	}
	e := &Edge{Config: c, started: c.Now(), process: newProcess(), changes: newChanges(), ended: newChanges()}
	e.fixed = newFixed(c)
	e.trips.own, e.trips.seed, e.trips.merged = rtt.NewTable(rtt.Config{}), maphash.MakeSeed(), e.started
	e.addressed = e.clientAddress()
	e.aliases.table, e.aliases.now, e.aliases.writes.seed = c.Aliases, clock, maphash.MakeSeed()
	e.Store = noting{c.Store, &e.aliases.writes}
	e.fetcher = fetch.New(fetch.Config{Node: c.Node, Transport: c.Transport, HeaderTimeout: c.Timeout / time.Duration(len(c.Origins)+1),
		HopKeys: c.HopKeys, ClientKeys: c.ClientKeys, Now: c.Now, Report: e.report})
	e.catalogue = newCatalogue(e)
	e.catalogue.restore()
	e.handler = e.routes()
	e.Refresh()
	return e, nil
}

// ServeHTTP answers one request on the public listener.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.handler.ServeHTTP(w, r) }

// Run keeps the catalogue and the view of the world current until ctx ends,
// then waits for background refreshes.
func (e *Edge) Run(ctx context.Context) error {
	e.mu.Lock()
	e.background = ctx
	e.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { e.catalogue.run(ctx) })
	tick, busy := time.NewTicker(500*time.Millisecond), time.NewTicker(loadEvery)
	defer tick.Stop()
	defer busy.Stop()
	e.sayNode()
	for ctx.Err() == nil {
		select {
		case <-busy.C:
			trips := e.observeTrips(e.Now())
			if e.observeLoad(e.Now()) || trips {
				e.Refresh()
			}
		case <-tick.C:
			e.Refresh()
			e.sayNode()
		case <-ctx.Done():
		}
	}
	e.mu.Lock()
	e.background = nil
	e.mu.Unlock()
	wg.Wait()
	e.refreshing.Wait()
	return nil
}

// inBackground runs f beside the request that asked for it, while Run runs.
// It reports whether it will.
func (e *Edge) inBackground(f func(context.Context)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	ctx := e.background
	if ctx == nil || ctx.Err() != nil {
		return false
	}
	e.refreshing.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, e.Timeout)
		defer cancel()
		f(ctx)
	})
	return true
}

// Drain makes the node say that it is going away; other nodes then route
// around it. It still answers.
func (e *Edge) Drain() { e.draining.Store(true) }

func (e *Edge) routes() http.Handler {
	api := e.decide(http.HandlerFunc(e.api))
	r := chi.NewRouter()
	r.HandleFunc("/-/healthz", e.healthz)
	r.HandleFunc("/-/status.json", e.status)
	r.HandleFunc("/-/route", e.explain)
	if e.Config.Events != nil {
		r.Handle("/-/events", e.Config.Events)
	}
	if e.Config.Assets != nil {
		r.Handle("/-/assets/*", e.Config.Assets)
	}
	r.HandleFunc("/.well-known/mirrors.json", e.directory)
	r.HandleFunc("/.well-known/catalogue.json", e.catalogue.serve)
	r.Handle("/", e.decide(http.HandlerFunc(e.home)))
	r.Handle("/network", e.decide(http.HandlerFunc(e.network)))
	r.Handle("/*", api)
	r.MethodNotAllowed(api.ServeHTTP) // methods chi does not know are the origin's affair
	all := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if ownPath(q.URL.Path) {
			r.ServeHTTP(w, q)
			return
		}
		api.ServeHTTP(w, q) // most of all requests: nothing to look for
	})
	return e.begin(all)
}

// answersItself reports whether the answer to that path is this node's,
// whoever asks by whatever name.
func answersItself(path string) bool {
	return strings.HasPrefix(path, "/-/") || strings.HasPrefix(path, "/.well-known/")
}

// ownPath reports whether the router may have something for that path other
// than the API.
func ownPath(path string) bool {
	return path == "/" || path == "/network" || answersItself(path)
}

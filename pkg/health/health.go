package health

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"mirrornet/pkg/region"
)

// maxProbes bounds how many probes run at once. A target that swallows packets
// holds a place for each probe's timeout.
const maxProbes = 512

// An unreachable target that goes away, as a node does that gossip calls dead,
// and comes back soon is what it was: else a link that comes and goes slowly
// would escape damping.
const (
	goneTime = 10 * time.Minute
	maxGone  = 1024
)

// Kind is what a target is to this node.
type Kind string

const (
	Edge   Kind = "edge"
	Origin Kind = "origin"
)

// Target is something to probe. Two targets are the same while their IDs are;
// when URL, Host or ConnectOnly of one change, its evidence starts anew.
type Target struct {
	ID     string // as real requests report it; empty: ignored
	Kind   Kind
	Region region.Name // of edges
	URL    string      // what to GET, absolute, http or https
	Host   string      // Host field to send; empty: the URL's authority
	// ConnectOnly makes the probe a TCP connect to the URL's authority, for
	// targets of which nothing is known that could be asked.
	ConnectOnly bool
	// Every is the time between probes; 0: Config.Interval.
	Every time.Duration
	// AlwaysTry is for whoever reads the View: ask this target whatever its
	// state, since there is no other. It changes nothing here.
	AlwaysTry bool
}

// TargetStatus is what is known of one target.
type TargetStatus struct {
	Target Target
	State  State
	Since  time.Time // when State began
	LastOK time.Time // last success of a probe or a real request; zero: never
	Failed time.Time // last failure of a probe; zero: none failed
	Err    string    // the last failure, until a success excuses it
	// RTT is how long successful probes took lately (smoothed); 0: none did.
	RTT time.Duration
	// Release and Tag are the Ensembl-Release and ETag fields of the last good
	// probe's answer; empty where it had none.
	Release, Tag string
	// Catalogue is the hash of an origin's catalogue, which its answers to
	// probes tell; empty where it has none.
	Catalogue string
	// Without are the classes of endpoints that an edge says it cannot serve, in
	// order. One that it says it has again stays here while it is damped.
	Without []string
	// NoOrigin: the edge says that none of its origins answers it.
	NoOrigin bool

	// Back: it is unreachable, but answered Successes probes in a row, so it is
	// worth asking while it is damped.
	Back bool

	settled bool // a further success would change nothing
}

// Answers reports whether the target is worth asking: it serves, or is back.
func (s TargetStatus) Answers() bool { return s.State == Serving || s.Back }

// View is what was known at one moment. Nobody changes a View that was handed out.
type View struct {
	Status map[string]TargetStatus // by Target.ID
	// Generation rises with each change that may change a decision: a target
	// came, went or was redefined, or its State, Back, Release, Tag, Catalogue, Without or
	// NoOrigin changed. LastOK and RTT alone do not raise it.
	Generation uint64
}

// Config configures [New].
type Config struct {
	// Targets says what to probe. It is asked every Interval, from one
	// goroutine, and must not block. Nil: nothing.
	Targets func() []Target
	// Client sends probes; its CheckRedirect and Timeout are not used. It should
	// not speak HTTP/2 (see Decisions). Nil: a client of its own.
	Client    *http.Client
	Roots     *x509.CertPool // whose certificates that client of its own believes; nil: the system's
	Interval  time.Duration  // between probes of one target; 0: 500 ms
	Fast      time.Duration  // the same while one is late or has failed, until there is a verdict; 0: 200 ms
	Timeout   time.Duration  // of one probe, at most: see Decisions; 0: 2 s
	Failures  int            // in a row, make unreachable; 0: 3
	Successes int            // in a row, make serving again; 0: Failures + 1. More than Failures damps flapping.
	Logger    *slog.Logger   // nil: no log
	// OnChange is called after the View's Generation rose, from one goroutine;
	// changes close together make one call. Nil: nobody is told.
	OnChange func()
}

// Health probes targets. Its methods are safe for concurrent use.
type Health struct {
	conf   Config
	client *http.Client
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	slots  chan struct{}
	dirty  chan struct{} // capacity 1: OnChange is due
	view   atomic.Pointer[View]

	mu      sync.Mutex // guards what follows, and storing to view
	targets map[string]*target
	gone    map[string]*target // unreachable ones that are no targets any more
	gen     uint64
}

// target is one target with its watcher.
type target struct {
	Target
	stop context.CancelFunc
	wake chan struct{} // capacity 1: a real request failed

	// Guarded by Health.mu.
	machine                 machine
	rtt                     time.Duration
	sound                   time.Time // when the last good probe began
	answered                time.Time // when the last good answer came
	release, tag, catalogue string
	process                 string // as the edge calls its own
	lost                    Losses
	noOrigin                bool
	left                    time.Time // when it went to Health.gone
}

// New makes a Health that probes nothing before Run.
func New(c Config) *Health {
	if c.Targets == nil {
		c.Targets = func() []Target { return nil }
	}
	def(&c.Interval, 500*time.Millisecond)
	def(&c.Fast, 200*time.Millisecond)
	def(&c.Timeout, 2*time.Second)
	if c.Failures <= 0 {
		c.Failures = 3
	}
	if c.Successes <= 0 {
		c.Successes = c.Failures + 1
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.OnChange == nil {
		c.OnChange = func() {}
	}
	h := &Health{
		conf:    c,
		client:  probeClient(c.Client, c.Roots),
		dial:    (&net.Dialer{}).DialContext,
		slots:   make(chan struct{}, maxProbes),
		dirty:   make(chan struct{}, 1),
		targets: map[string]*target{},
		gone:    map[string]*target{},
	}
	h.view.Store(&View{Status: map[string]TargetStatus{}})
	return h
}

func def(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// Run probes until ctx ends, waits for all that it started, and returns nil. It
// may be called once.
func (h *Health) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-h.dirty:
				h.conf.OnChange()
			}
		}
	})
	tick := time.NewTicker(h.conf.Interval)
	defer tick.Stop()
	for {
		h.reconcile(ctx, &wg, h.conf.Targets(), time.Now())
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		break
	}
	wg.Wait()
	if h.conf.Client == nil {
		h.client.CloseIdleConnections()
	}
	return nil
}

// reconcile starts and stops watchers so that they match want.
func (h *Health) reconcile(ctx context.Context, wg *sync.WaitGroup, want []Target, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := make(map[string]bool, len(want))
	changed := false
	for _, w := range want {
		if w.ID == "" || seen[w.ID] {
			continue
		}
		seen[w.ID] = true
		have := h.targets[w.ID]
		if have != nil {
			if have.Target == w {
				continue
			}
			changed = true
			if have.sameProbe(w) {
				have.Target = w
				continue
			}
			have.stop()
		}
		changed = true
		watched, stop := context.WithCancel(ctx)
		t := &target{
			Target:  w,
			stop:    stop,
			wake:    make(chan struct{}, 1),
			machine: newMachine(h.conf.Failures, h.conf.Successes, w.ConnectOnly, damped, now),
		}
		if old := h.gone[w.ID]; old != nil && old.sameProbe(w) {
			t.machine, t.process = old.machine.resumed(), old.process
		}
		delete(h.gone, w.ID)
		h.targets[w.ID] = t
		wg.Go(func() { h.watch(watched, t, w) })
	}
	for id, t := range h.targets {
		if !seen[id] {
			t.stop()
			delete(h.targets, id)
			changed = true
			if t.machine.state == Unreachable && len(h.gone) < maxGone {
				t.left = now
				h.gone[id] = t
			}
		}
	}
	for id, t := range h.gone {
		if now.Sub(t.left) > goneTime {
			delete(h.gone, id)
		}
	}
	if changed {
		h.publish(true)
	}
}

// sameProbe reports whether w is asked as t is, so that its evidence holds.
func (t *target) sameProbe(w Target) bool {
	return t.URL == w.URL && t.Host == w.Host && t.ConnectOnly == w.ConnectOnly && t.Every == w.Every
}

// step moves t's machine and logs a change of state. It reports whether that or
// Back changed. h.mu is held.
func (h *Health) step(t *target, s sample, now time.Time) (changed bool) {
	from, back := t.machine.state, t.machine.back
	if !t.machine.step(s, now) {
		return back != t.machine.back
	}
	level := slog.LevelInfo
	if t.machine.state == Unreachable {
		level = slog.LevelWarn
	}
	h.conf.Logger.Log(context.Background(), level, "health: "+string(t.machine.state),
		"target", t.ID, "kind", string(t.Kind), "region", string(t.Region), "was", string(from), "err", t.machine.err)
	return true
}

// publish makes a new View. h.mu is held.
func (h *Health) publish(changed bool) {
	if changed {
		h.gen++
	}
	v := &View{Status: make(map[string]TargetStatus, len(h.targets)), Generation: h.gen}
	for id, t := range h.targets {
		v.Status[id] = t.status()
	}
	h.view.Store(v)
	if changed {
		select {
		case h.dirty <- struct{}{}:
		default:
		}
	}
}

func (t *target) status() TargetStatus {
	m := &t.machine
	return TargetStatus{
		Target: t.Target, State: m.state, Since: m.since, LastOK: m.lastOK, Failed: m.failed, Err: m.err,
		RTT: t.rtt, Release: t.release, Tag: t.tag, Catalogue: t.catalogue, Without: t.lost.Now(), NoOrigin: t.noOrigin, Back: m.back, settled: m.settled(),
	}
}

// View gives what is known now; never nil. It costs one atomic load.
func (h *Health) View() *View { return h.view.Load() }

// ReportFailure says that a real request to the target failed for a reason that
// lies with the target: no connection, no answer, an unusable one. It brings the
// next probe forward and counts towards unreachable (see Decisions for how far).
// An id that is no target is ignored. It does not block.
func (h *Health) ReportFailure(id string, err error) {
	text := "request failed"
	if err != nil {
		text = err.Error()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.targets[id]
	if t == nil {
		return
	}
	changed := h.step(t, sample{outcome: failed, real: true, err: text}, time.Now())
	h.publishOne(t, changed)
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// ReportSuccess says that the target answered a real request. It excuses failed
// requests, but no failed probes. It does not block, and costs one atomic load
// while all is well.
func (h *Health) ReportSuccess(id string) {
	now := time.Now()
	s, ok := h.View().Status[id]
	if !ok || s.settled && now.Sub(s.LastOK) < h.conf.Interval {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.targets[id]; t != nil {
		h.publishOne(t, h.step(t, sample{outcome: succeeded, real: true}, now))
	}
}

// publishOne publishes after a real request, unless the View already says it
// all: requests come in their thousands, and each View is a copy.
func (h *Health) publishOne(t *target, changed bool) {
	old, now := h.View().Status[t.ID], t.status()
	if changed || old.settled != now.settled || (old.Err == "") != (now.Err == "") || now.LastOK.Sub(old.LastOK) >= h.conf.Interval/4 {
		h.publish(changed)
	}
}

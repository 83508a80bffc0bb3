package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mirrornet/pkg/status"
)

const (
	lookEvery = time.Second
	lookLeast = 250 * time.Millisecond // between two looks, however much happens
	keep      = 100                    // events
	// figuresEvery is between two frames in which nothing but figures is new: in a
	// large network there are new ones at each look, and pages read them no oftener.
	figuresEvery = 4 * time.Second
	// settle is how long a node that has just started finds out what there is:
	// that is no event.
	settle = 3 * time.Second

	askEvery    = 10 * time.Second
	askWatched  = 2 * time.Second       // while somebody watches
	askRest     = 20 * time.Millisecond // between two questions to different nodes, over time
	askTimeout  = time.Second
	askAtOnce   = 8
	forgetAfter = 30 * time.Second
)

// Config configures a [Hub]. Its functions are called by several goroutines.
type Config struct {
	// Report is what this node knows now, without figures and events. It may be
	// changed by the caller, but for Nearest.
	Report func() status.Report
	// Figures are this node's own, without Origins, Release and Refused; called
	// once every FiguresEvery (0: 5 s).
	Figures      func(context.Context) status.Figures
	FiguresEvery time.Duration
	// Refused says what is wrong with this node's region files.
	Refused func() []string
	// Ask asks another node for its figures.
	Ask func(ctx context.Context, node string) (*status.Figures, error)
	// Operators is what operators see beside the report; Detail what they see
	// of an event.
	Operators func() any
	Detail    func(status.Event) string
	// Watchers bounds those of the public and, apart from them, those of the
	// operators. 0: 256. Client says whose a request is: one has a quarter of the
	// places. Nil: nobody is known.
	Watchers int
	Client   func(*http.Request) netip.Addr
	Logger   *slog.Logger // nil: no log
}

// A Hub follows the network, and tells what it sees. Its methods are safe for
// concurrent use.
type Hub struct {
	cfg               Config
	notice            chan struct{}
	newest            atomic.Pointer[frame] // nil before Run
	public, operators stream

	mu     sync.Mutex // guards the fields below
	own    *status.Figures
	others map[string]*answered
	events []status.Event // the newest first; a slice that was given away is not changed
	plain  []status.Event // the same without Detail
	seq    uint64
}

// answered is what is known of another node.
type answered struct {
	asked   time.Time
	figures *status.Figures // nil: it has not answered, or not for long
	at      time.Time       // when it did
}

// A frame is one report, for all who watch.
type frame struct {
	public, operators func() []byte
	next              chan struct{} // closed when there is a newer one
	last              bool          // there will be none
}

// New makes a Hub.
func New(c Config) *Hub {
	if c.FiguresEvery <= 0 {
		c.FiguresEvery = 5 * time.Second
	}
	if c.Watchers <= 0 {
		c.Watchers = 256
	}
	if c.Client == nil {
		c.Client = func(*http.Request) netip.Addr { return netip.Addr{} }
	}
	if c.Refused == nil {
		c.Refused = func() []string { return nil }
	}
	if c.Operators == nil {
		c.Operators = func() any { return nil }
	}
	if c.Detail == nil {
		c.Detail = func(status.Event) string { return "" }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Hub{cfg: c, notice: make(chan struct{}, 1), others: map[string]*answered{}}
	h.public = stream{hub: h, clients: map[netip.Prefix]int{}, public: true, most: int64(c.Watchers), of: func(f *frame) []byte { return f.public() }}
	h.operators = stream{hub: h, clients: map[netip.Prefix]int{}, most: int64(c.Watchers), of: func(f *frame) []byte { return f.operators() }}
	return h
}

// Events serves the stream of events for everybody.
func (h *Hub) Events() http.Handler { return &h.public }

// OperatorEvents serves the same with what is for operators.
func (h *Hub) OperatorEvents() http.Handler { return &h.operators }

// Notice makes the Hub look at the network now. It does not block.
func (h *Hub) Notice() {
	select {
	case h.notice <- struct{}{}:
	default:
	}
}

// Complete adds figures and events to a report of this node, for everybody.
func (h *Hub) Complete(r status.Report) status.Report { return h.complete(r, false) }

// Operators is Complete for operators.
func (h *Hub) Operators(r status.Report) status.Report { return h.complete(r, true) }

func (h *Hub) complete(r status.Report, detail bool) status.Report {
	refused := len(h.cfg.Refused())
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range r.Nodes {
		n := &r.Nodes[i]
		switch a := h.others[n.Name]; {
		case n.Self && h.own != nil:
			f := *h.own
			f.Refused = refused
			if f.Origins = r.Origins; f.Origins == nil {
				f.Origins = []status.Origin{}
			}
			if r.Catalogue != nil {
				f.Release = r.Catalogue.Release
			}
			n.Figures = &f
		case a != nil && !n.Self:
			n.Figures = a.figures
		}
	}
	if r.Events = h.plain; detail {
		r.Events = h.events
	}
	return r
}

// Run looks until ctx ends, and then ends all streams with a last report.
func (h *Hub) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	if h.cfg.Figures != nil {
		h.count(ctx)
		beside.Go(func() { every(ctx, h.cfg.FiguresEvery, func() { h.count(ctx) }) })
	}
	if h.cfg.Ask != nil {
		beside.Go(func() { every(ctx, askWatched, func() { h.ask(ctx) }) })
	}
	var before *seen
	begin := time.Now()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		looked := time.Now()
		before = h.look(before, looked.Sub(begin) >= settle, false)
		select {
		case <-tick.C:
		case <-h.notice:
			select { // more may happen with it
			case <-time.After(lookLeast - time.Since(looked)):
			case <-ctx.Done():
			}
		case <-ctx.Done():
		}
	}
	h.look(before, true, true)
	return nil
}

func every(ctx context.Context, d time.Duration, f func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f()
		case <-ctx.Done():
			return
		}
	}
}

// count takes this node's own figures.
func (h *Hub) count(ctx context.Context) {
	f := h.cfg.Figures(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.own = &f
}

// seen is what the last look saw.
type seen struct {
	report status.Report // with the figures that were known last
	news   status.Report // what a frame was made of, without what always differs
	id     uint64        // of that frame
	at     time.Time     // when it was made
}

// look compares the network with before, keeps what happened if it is to, and
// makes a frame if there is something new. last: it is the last one.
func (h *Hub) look(before *seen, tell, last bool) *seen {
	report := h.Operators(h.cfg.Report())
	now := &seen{report: report, at: time.Now()}
	now.report.Nodes = slices.Clone(report.Nodes)
	if before != nil {
		carry(&before.report, &now.report)
		now.id = before.id
		if tell {
			h.happened(Changes(&before.report, &now.report))
			report = h.Operators(report)
		}
	}
	now.news = news(report)
	if before != nil && !last && (reflect.DeepEqual(before.news, now.news) || now.at.Sub(before.at) < figuresEvery && reflect.DeepEqual(bare(before.news), bare(now.news))) {
		now.news, now.at = before.news, before.at
		return now
	}
	now.id++
	h.publish(report, now.id, last)
	return now
}

// happened keeps events, the newest first.
func (h *Hub) happened(list []status.Event) {
	if len(list) == 0 {
		return
	}
	for i := range list {
		list[i].Detail = h.cfg.Detail(list[i])
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	events := make([]status.Event, 0, len(h.events)+len(list))
	for _, e := range list {
		h.seq++
		e.Seq = h.seq
		events = append(events, e)
	}
	slices.Reverse(events)
	events = append(events, h.events...)
	h.events = events[:min(len(events), keep)]
	h.plain = slices.Clone(h.events)
	for i := range h.plain {
		h.plain[i].Detail = ""
	}
}

// news is a report without what differs at each look.
func news(r status.Report) status.Report {
	r.Time = time.Time{}
	r.Nodes, r.Regions, r.Origins = slices.Clone(r.Nodes), slices.Clone(r.Regions), timeless(r.Origins)
	for i := range r.Nodes {
		n := &r.Nodes[i]
		if n.RTT = 0; n.Figures != nil {
			f := *n.Figures
			f.Origins = timeless(f.Origins)
			n.Figures = &f
		}
	}
	for i := range r.Regions {
		r.Regions[i].RTT = 0
	}
	return r
}

// bare is a report without figures.
func bare(r status.Report) status.Report {
	r.Nodes = slices.Clone(r.Nodes)
	for i := range r.Nodes {
		r.Nodes[i].Figures = nil
	}
	return r
}

func timeless(list []status.Origin) []status.Origin {
	list = slices.Clone(list)
	for i := range list {
		list[i].LastOK = nil
	}
	return list
}

// publish makes the newest frame. Its texts are made when somebody asks.
func (h *Hub) publish(report status.Report, id uint64, last bool) {
	f := &frame{next: make(chan struct{}), last: last}
	text := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil { // a figure that is no number
			h.cfg.Logger.Error("a report could not be written", "error", err)
			return []byte(":\n\n")
		}
		return eventText(id, data)
	}
	f.public = sync.OnceValue(func() []byte {
		r := report
		r.Events = slices.Clone(r.Events)
		for i := range r.Events {
			r.Events[i].Detail = ""
		}
		return text(r)
	})
	f.operators = sync.OnceValue(func() []byte {
		return text(struct {
			status.Report
			Operators any `json:"operators,omitempty"`
		}{report, h.cfg.Operators()})
	})
	old := h.newest.Swap(f)
	if old != nil {
		close(old.next)
	}
}

// ask asks nodes for their figures: each when it is due.
func (h *Hub) ask(ctx context.Context) {
	wait := askEvery
	if h.public.watchers.Load()+h.operators.watchers.Load() > 0 {
		wait = askWatched
	}
	now, due, known := time.Now(), []string(nil), map[string]bool{}
	nodes := h.cfg.Report().Nodes
	// Who watches all nodes of a large network does not make each ask all others as
	// often as in a small one.
	wait = max(wait, time.Duration(len(nodes))*askRest)
	h.mu.Lock()
	for i := range nodes {
		n := &nodes[i]
		if n.Self || !present(n) {
			continue
		}
		known[n.Name] = true
		a := h.others[n.Name]
		if a == nil {
			a = &answered{}
			h.others[n.Name] = a
		}
		if a.figures != nil && now.Sub(a.at) >= forgetAfter {
			a.figures = nil
		}
		if a.asked.IsZero() || now.Sub(a.asked) > wait-askWatched/2 {
			a.asked = now
			due = append(due, n.Name)
		}
	}
	for name := range h.others {
		if !known[name] {
			delete(h.others, name)
		}
	}
	h.mu.Unlock()
	var asks sync.WaitGroup
	defer asks.Wait()
	slots := make(chan struct{}, askAtOnce)
	for _, name := range due {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		asks.Go(func() {
			defer func() { <-slots }()
			h.askOne(ctx, name)
		})
	}
}

func (h *Hub) askOne(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	f, err := h.cfg.Ask(ctx, name)
	if err != nil {
		h.cfg.Logger.Debug("figures of a node were not had", "node", name, "error", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if a := h.others[name]; a != nil {
		a.figures, a.at = f, time.Now()
	}
}

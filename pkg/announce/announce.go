// Package announce follows what the nodes of the network announce of their own
// regions, and lays it over the region files of this node. Gossip tells each
// node's digest; whoever sees a new one asks that node itself for the text.
// What is believed of it is [region.Overlay]'s affair.
//
// It is no part of package region, which is files and pure functions: this is a
// loop that asks other nodes.
//
// # Decisions
//
// 2026-11-25: only a digest that nobody's text is known for is asked for: nodes
// that run one set of files never ask each other anything, and a network of
// hundreds of nodes asks once per region. A text is taken only if it has the
// digest it was asked for, so what one node answers can be believed of another
// that has the same.
//
// 2026-11-25: of a region whose nodes are all gone the last texts stay for five
// minutes, which outlasts a rolling restart of a small region; while one of its
// nodes is there, those that are gone have no vote.
package announce

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mirrornet/pkg/region"
)

const (
	linger = 5 * time.Minute
	// The first time: who has just joined may not know yet who asks, and is silent.
	// Question and answer each make a connection, so they take three round trips,
	// which around the world are more than a second.
	askSoon    = 1500 * time.Millisecond
	askTimeout = 2 * time.Second
	askAtOnce  = 8
	askFirst   = 50 * time.Millisecond // after the first failure; then twice that
	askLast    = 10 * time.Second
	every      = time.Second // between looks without a notice
)

// Unread is the use of an announcement whose text could not be had so far.
const Unread region.Use = "unread"

// A Node is one node as gossip knows it.
type Node struct {
	Name    string
	Region  region.Name
	Digest  string // of the region's text that it announces; "" none
	Present bool   // a member: alive or suspect
	Self    bool
}

// Config configures [New].
type Config struct {
	Region region.Name                    // this node's own
	Files  interface{ Map() *region.Map } // the region files here; required
	// Nodes lists the nodes of the network; nil: this one is alone.
	Nodes func() []Node
	// Ask asks a node itself for the text that it announces. Required with Nodes.
	Ask    func(ctx context.Context, node string) ([]byte, error)
	Logger *slog.Logger // nil: no log
	// OnChange is called after each swap to a Map of another Revision, one call
	// at a time. It must not call Refresh. Nil: nobody is told.
	OnChange func()
}

// A Follower holds the Map of the files with the announcements over it. Its
// methods are safe for concurrent use.
type Follower struct {
	cfg    Config
	now    atomic.Pointer[result]
	notice chan struct{} // capacity 1: something may have changed

	mu     sync.Mutex // guards what follows
	nodes  map[string]*record
	texts  map[key]string
	asking map[key]bool
	logged map[string]string // by node, what was said of it last
	files  *region.Map       // what now was made of, with list
	list   []region.Announcement
	own    map[key]string // the texts of ownOf
	ownOf  *region.Map
}

type result struct {
	m        *region.Map
	outcomes []region.Outcome
}

// A key names a text.
type key struct {
	region region.Name
	digest string
}

// A record is one node that announces something.
type record struct {
	key
	held    key // the one before, whose text holds until that of key is there
	present bool
	seen    time.Time     // present last
	next    time.Time     // not to be asked before
	wait    time.Duration // after the last failure; 0: there was none
	err     error         // of the last time it was asked
}

// New makes a Follower whose Map is that of the files until Run or Refresh.
func New(c Config) *Follower {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.OnChange == nil {
		c.OnChange = func() {}
	}
	if c.Nodes == nil {
		c.Nodes = func() []Node { return nil }
	}
	f := &Follower{cfg: c, notice: make(chan struct{}, 1), nodes: map[string]*record{}, texts: map[key]string{}, asking: map[key]bool{},
		logged: map[string]string{}, files: c.Files.Map()}
	f.now.Store(&result{m: f.files})
	return f
}

// Map is the Map in force, never nil.
func (f *Follower) Map() *region.Map { return f.now.Load().m }

// Outcomes are the announcements as they were judged, by node. The slice is
// read only.
func (f *Follower) Outcomes() []region.Outcome { return f.now.Load().outcomes }

// Text is what this node announces: its region as the files here have it; ""
// if they do not.
func (f *Follower) Text() string {
	if r, ok := f.cfg.Files.Map().Region(f.cfg.Region); ok {
		return r.Text()
	}
	return ""
}

// Digest is that of Text; "" if there is none.
func (f *Follower) Digest() string {
	if r, ok := f.cfg.Files.Map().Region(f.cfg.Region); ok {
		return r.Digest()
	}
	return ""
}

// Notice makes Run look at the nodes now. It does not block.
func (f *Follower) Notice() {
	select {
	case f.notice <- struct{}{}:
	default:
	}
}

// Refresh takes up changed files, and what is known of the nodes.
func (f *Follower) Refresh() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look(time.Now())
	f.apply()
}

// Run follows the nodes until ctx ends, and then returns nil.
func (f *Follower) Run(ctx context.Context) error {
	var asks sync.WaitGroup
	defer asks.Wait()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		f.mu.Lock()
		now := time.Now()
		f.look(now)
		f.apply()
		due, later := f.due(now)
		f.mu.Unlock()
		for name, r := range due {
			asks.Go(func() { f.ask(ctx, name, r) })
		}
		again := time.NewTimer(later)
		select {
		case <-f.notice:
		case <-tick.C:
		case <-again.C:
		case <-ctx.Done():
		}
		again.Stop()
	}
	return nil
}

// look notes which nodes are there and what they announce.
func (f *Follower) look(now time.Time) {
	for _, r := range f.nodes {
		r.present = false
	}
	for _, n := range f.cfg.Nodes() {
		if n.Self || !n.Present || n.Digest == "" || !n.Region.Valid() {
			continue
		}
		r := f.nodes[n.Name]
		if k := (key{n.Region, n.Digest}); r == nil || r.key != k {
			before := r
			r = &record{key: k}
			f.nodes[n.Name] = r
			if before != nil && before.region == k.region {
				if _, known := f.text(before.key); known {
					r.held = before.key
				} else {
					r.held = before.held
				}
			}
		}
		r.present, r.seen = true, now
	}
	used := map[key]bool{}
	for name, r := range f.nodes {
		if !r.present && now.Sub(r.seen) >= linger {
			delete(f.nodes, name)
			continue
		}
		if _, known := f.text(r.key); known {
			r.held = key{}
		}
		used[r.key], used[r.held] = true, true
	}
	for k := range f.texts {
		if !used[k] {
			delete(f.texts, k)
		}
	}
}

// due picks the nodes to ask now, and says when to look again if nothing
// happens before.
func (f *Follower) due(now time.Time) (nodes map[string]*record, later time.Duration) {
	nodes, later = map[string]*record{}, every
	for name, r := range f.nodes {
		if _, known := f.text(r.key); known || !r.present || f.asking[r.key] {
			continue
		}
		switch wait := r.next.Sub(now); {
		case wait > 0:
			later = min(later, wait)
		case len(f.asking) < askAtOnce: // the end of one is a notice
			f.asking[r.key] = true
			nodes[name] = r
		}
	}
	return nodes, later
}

// text finds a text among those that were told, or that the files here have.
func (f *Follower) text(k key) (string, bool) {
	if text, ok := f.texts[k]; ok {
		return text, true
	}
	if files := f.cfg.Files.Map(); f.own == nil || files != f.ownOf {
		f.own, f.ownOf = map[key]string{}, files
		for _, r := range files.Regions() {
			f.own[key{r.Name, r.Digest()}] = r.Text()
		}
	}
	text, ok := f.own[k]
	return text, ok
}

var errDigest = errors.New("what it answered is not what it announces")

// ask asks one node for the text of r.
func (f *Follower) ask(ctx context.Context, node string, r *record) {
	limit := askTimeout
	if r.wait == 0 {
		limit = askSoon
	}
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	text, err := f.cfg.Ask(within, node)
	if err == nil && (region.Announcement{Region: r.region, Text: string(text)}).Digest() != r.digest {
		err = errDigest
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.asking, r.key)
	if r.err = err; err == nil {
		f.texts[r.key] = string(text)
	} else {
		r.wait = min(max(2*r.wait, askFirst), askLast)
		r.next = time.Now().Add(r.wait)
		f.cfg.Logger.Debug("a node's announcement was not had", "node", node, "region", string(r.region), "error", err)
	}
	f.Notice()
}

// apply lays what is known over the files, and swaps once.
func (f *Follower) apply() {
	files := f.cfg.Files.Map()
	list, unread := f.announcements()
	old := f.now.Load()
	if files == f.files && slices.Equal(list, f.list) && len(unread) == 0 && !slices.ContainsFunc(old.outcomes, isUnread) {
		return
	}
	f.files, f.list = files, list
	m, outcomes := region.Overlay(files, list)
	if m.Revision() == old.m.Revision() {
		m = old.m
	}
	outcomes = append(outcomes, unread...)
	slices.SortFunc(outcomes, func(a, b region.Outcome) int { return strings.Compare(a.Node, b.Node) })
	f.now.Store(&result{m, outcomes})
	f.log(outcomes)
	if m == old.m {
		return
	}
	f.cfg.Logger.Info("regions as files and announcements have them", "revision", m.Revision(), "was", old.m.Revision(), "regions", len(m.Regions()), "files", files.Revision())
	f.cfg.OnChange()
}

func isUnread(o region.Outcome) bool { return o.Use == Unread }

// announcements are those with a vote, this node's own among them, and those
// whose text is missing.
func (f *Follower) announcements() (list []region.Announcement, unread []region.Outcome) {
	manned := map[region.Name]bool{} // has a node that is there
	for _, r := range f.nodes {
		manned[r.region] = manned[r.region] || r.present
	}
	for _, n := range f.cfg.Nodes() {
		if text := f.Text(); n.Self && text != "" {
			list = append(list, region.Announcement{Node: n.Name, Region: f.cfg.Region, Text: text})
			manned[f.cfg.Region] = true
		}
	}
	for name, r := range f.nodes {
		if manned[r.region] && !r.present {
			continue
		}
		if text, ok := f.text(r.key); ok {
			list = append(list, region.Announcement{Node: name, Region: r.region, Text: text})
			continue
		}
		if text, ok := f.text(r.held); ok {
			list = append(list, region.Announcement{Node: name, Region: r.region, Text: text})
		}
		if r.err != nil {
			unread = append(unread, region.Outcome{Node: name, Region: r.region, Digest: r.digest, Use: Unread, Notes: []string{r.err.Error()}})
		}
	}
	slices.SortFunc(list, func(a, b region.Announcement) int { return strings.Compare(a.Node, b.Node) })
	return list, unread
}

// log says of each node once what is not as it should be, and what of it holds.
func (f *Follower) log(outcomes []region.Outcome) {
	said := map[string]string{}
	for _, o := range outcomes {
		text := string(o.Use) + " " + o.Digest + " " + strings.Join(o.Notes, "\n")
		said[o.Node] = text
		if f.logged[o.Node] == text {
			continue
		}
		switch args := []any{"node", o.Node, "region", string(o.Region), "digest", o.Digest, "use", string(o.Use), "notes", o.Notes}; {
		case len(o.Notes) > 0:
			f.cfg.Logger.Warn("a node announces its region otherwise than is used here", args...)
		case o.Use == region.InForce:
			f.cfg.Logger.Info("a region without a file is announced", args...)
		}
	}
	f.logged = said
}

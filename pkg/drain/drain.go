// Package drain takes a region or a node out for a while, by a statement to all
// nodes that ends by itself. What this node stated is kept in its state folder,
// and stated again after a restart for what is left of it.
//
// # Decisions
//
// 2026-11-25: a drain always has an end, a week away at most: one that is
// forgotten must not keep a region empty. For longer there is state: draining in
// the region's file, which has a history.
//
// 2026-11-25: a node keeps only its own statements. It restores them before it
// joins, so that whatever the network said later, a resume among it, is later
// there too and wins.
package drain

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Topic is that of the statements.
const Topic = "drain"

const (
	shortest = time.Minute
	longest  = 7 * 24 * time.Hour
	maxWhy   = 200
	fileName = "drains.json"
)

// A Kind says what a subject is.
type Kind string

const (
	Region Kind = "region"
	Node   Kind = "node"
)

// A Drain is one that holds.
type Drain struct {
	Kind  Kind      `json:"kind"`
	Name  string    `json:"name"`
	Until time.Time `json:"until"` // by this node's clock
	Why   string    `json:"why,omitempty"`
	By    string    `json:"by"` // the node that was told to
}

// Subject is what is stated of: "region asia", "node asia-1".
func (d Drain) Subject() string { return string(d.Kind) + " " + d.Name }

// End says until when, as everybody may know.
func (d Drain) End() string { return "until " + d.Until.UTC().Format("2006-01-02 15:04") + " UTC" }

// String is d in words for operators.
func (d Drain) String() string {
	s := d.End() + ", by " + d.By
	if d.Why != "" {
		s += ": " + d.Why
	}
	return s
}

// A Statement is one of [Board].
type Statement struct {
	Subject, Writer string
	Value           []byte
	Left            time.Duration
}

// A Board carries statements between nodes; the last one of a subject holds.
type Board interface {
	Share(topic, subject string, value []byte, ttl time.Duration) error
	Withdraw(topic, subject string)
	Statements(topic string) []Statement
}

// Config configures [New].
type Config struct {
	Node     string           // this one
	Board    Board            // nil: this node is alone
	State    string           // folder to keep drains in; "": a restart forgets them
	Logger   *slog.Logger     // nil: no log
	OnChange func()           // after Drain, Resume and Changed; nil: nobody is told
	Now      func() time.Time // nil: time.Now
}

// Drains are those of the network. Its methods are safe for concurrent use.
type Drains struct {
	cfg Config

	mu   sync.Mutex // serialises changes
	kept []Drain    // in the file
}

// New states again what the state folder holds. An error is of that file, which
// is then left as it is.
func New(c Config) (*Drains, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.OnChange == nil {
		c.OnChange = func() {}
	}
	if c.Board == nil {
		c.Board = &alone{node: c.Node, now: c.Now, said: map[string]ending{}}
	}
	d := &Drains{cfg: c}
	if c.State == "" {
		return d, nil
	}
	data, err := os.ReadFile(d.file())
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	var kept []Drain
	if err == nil {
		err = json.Unmarshal(data, &kept)
	}
	if err != nil {
		return nil, fmt.Errorf("drains: %s: %w; mend or remove it", d.file(), err)
	}
	for _, k := range kept {
		left := min(k.Until.Sub(c.Now()), longest)
		if left <= 0 || k.check() != nil {
			continue
		}
		if err := d.share(k, left); err != nil {
			return nil, fmt.Errorf("drains: %s: %w", d.file(), err)
		}
		d.kept = append(d.kept, k)
		c.Logger.Info("drained as before the restart", "subject", k.Subject(), "left", left.Round(time.Second).String(), "why", k.Why)
	}
	return d, nil
}

func (d *Drains) file() string { return filepath.Join(d.cfg.State, fileName) }

type value struct {
	Why string `json:"why"`
}

func (d *Drains) share(k Drain, left time.Duration) error {
	v, err := json.Marshal(value{k.Why})
	if err != nil {
		return err
	}
	return d.cfg.Board.Share(Topic, k.Subject(), v, left)
}

func (d Drain) check() error {
	if d.Kind != Region && d.Kind != Node || d.Name == "" || len(d.Name) > 64 || strings.ContainsFunc(d.Name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%q is neither a region nor a node", d.Subject())
	}
	if len(d.Why) > maxWhy || !utf8.ValidString(d.Why) || strings.ContainsFunc(d.Why, unicode.IsControl) {
		return fmt.Errorf("why has %d bytes; write one line of at most %d", len(d.Why), maxWhy)
	}
	return nil
}

// Drain takes a region or a node out for that long, on all nodes. An earlier
// drain of it is replaced.
func (d *Drains) Drain(kind Kind, name string, forHow time.Duration, why string) (Drain, error) {
	k := Drain{Kind: kind, Name: name, Until: d.cfg.Now().Add(forHow), Why: why, By: d.cfg.Node}
	if err := k.check(); err != nil {
		return k, err
	}
	if forHow < shortest || forHow > longest {
		return k, fmt.Errorf("for %s; give between %s and %s (for longer, write state: draining into the region's file)", forHow, "1m", "168h")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.share(k, forHow); err != nil {
		return k, err
	}
	d.cfg.Logger.Warn("drained", "subject", k.Subject(), "until", k.Until.UTC(), "why", why)
	err := d.keep(append(slices.DeleteFunc(slices.Clone(d.kept), func(o Drain) bool { return o.Subject() == k.Subject() }), k))
	d.cfg.OnChange()
	if err != nil {
		err = fmt.Errorf("%s is drained, but a restart of this node forgets it: %w", k.Subject(), err)
	}
	return k, err
}

// ErrNone says that there is no drain of that name.
var ErrNone = errors.New("is not drained by a statement")

// Resume ends a drain, whoever stated it.
func (d *Drains) Resume(kind Kind, name string) error {
	k := Drain{Kind: kind, Name: name}
	if err := k.check(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	holds := func() bool {
		return slices.ContainsFunc(d.List(), func(o Drain) bool { return o.Subject() == k.Subject() })
	}
	if !holds() {
		return fmt.Errorf("%s %w", k.Subject(), ErrNone)
	}
	if d.cfg.Board.Withdraw(Topic, k.Subject()); holds() {
		return fmt.Errorf("%s is drained as before: this node has stated too much of late; ask another node", k.Subject())
	}
	d.cfg.Logger.Warn("drain ended", "subject", k.Subject())
	err := d.keep(slices.DeleteFunc(slices.Clone(d.kept), func(o Drain) bool { return o.Subject() == k.Subject() }))
	d.cfg.OnChange()
	if err != nil {
		err = fmt.Errorf("%s takes clients again, but a restart of this node may drain it anew: %w", k.Subject(), err)
	}
	return err
}

// List gives the drains that hold now, regions first.
func (d *Drains) List() []Drain {
	now := d.cfg.Now()
	var list []Drain
	for _, s := range d.cfg.Board.Statements(Topic) {
		kind, name, _ := strings.Cut(s.Subject, " ")
		var v value
		k := Drain{Kind: Kind(kind), Name: name, Until: now.Add(s.Left), By: s.Writer}
		if s.Left <= 0 || json.Unmarshal(s.Value, &v) != nil {
			continue // what others state is theirs; this is none
		}
		if k.Why = v.Why; k.check() == nil {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(a, b Drain) int { return cmp.Or(-cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return list
}

// Changed takes up what other nodes stated: a drain of this node that another
// one ended or replaced is not stated again.
func (d *Drains) Changed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.List()
	mine := slices.DeleteFunc(slices.Clone(d.kept), func(k Drain) bool {
		return !slices.ContainsFunc(list, func(o Drain) bool { return o.Subject() == k.Subject() && o.By == d.cfg.Node })
	})
	if len(mine) != len(d.kept) {
		if err := d.keep(mine); err != nil {
			d.cfg.Logger.Error("drains are not kept", "error", err)
		}
	}
	d.cfg.OnChange()
}

// Run forgets drains that ended, until ctx ends, and then returns nil.
func (d *Drains) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			d.mu.Lock()
			now := d.cfg.Now()
			over := slices.ContainsFunc(d.kept, func(k Drain) bool { return !k.Until.After(now) })
			d.mu.Unlock()
			if over {
				d.Changed()
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// keep writes the file anew, by way of another name.
func (d *Drains) keep(list []Drain) error {
	d.kept = list
	if d.cfg.State == "" {
		return nil
	}
	text, err := json.MarshalIndent(append([]Drain{}, list...), "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(d.cfg.State, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(d.cfg.State, ".drains-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), d.file())
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// alone is the board of a node without a network.
type alone struct {
	node string
	now  func() time.Time

	mu   sync.Mutex
	said map[string]ending // by subject
}

type ending struct {
	value []byte
	end   time.Time
}

func (a *alone) Share(_, subject string, value []byte, ttl time.Duration) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said[subject] = ending{value, a.now().Add(ttl)}
	return nil
}

func (a *alone) Withdraw(_, subject string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.said, subject)
}

func (a *alone) Statements(string) (list []Statement) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for subject, e := range a.said {
		if left := e.end.Sub(a.now()); left > 0 {
			list = append(list, Statement{Subject: subject, Writer: a.node, Value: e.value, Left: left})
		}
	}
	return list
}

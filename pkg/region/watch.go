package region

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long the folder must be quiet before it is read: an editor or
// a copy is rarely one write.
const settle = 50 * time.Millisecond

// Config says what a Watcher watches.
type Config struct {
	Dir string // required
	// Every is how often the folder is read besides the system's notices; 0: 2 s.
	Every time.Duration
	// Logger gets one record per new Map and per distinct set of problems; nil:
	// slog.Default.
	Logger *slog.Logger
	// OnChange, if not nil, is called after each swap to a Map of another
	// Revision, one call at a time, before the next is read. It must not call
	// Reload.
	OnChange func(old, new *Map)
}

// A Watcher holds the Map of a folder and replaces it when the folder changes to
// another good set. Its methods may be called by many goroutines.
type Watcher struct {
	cfg     Config
	current atomic.Pointer[Map]
	refused atomic.Pointer[Problems]
	count   atomic.Uint64

	mu     sync.Mutex // serialises loads; guards the fields below
	seen   [sha256.Size]byte
	logged string // the problems logged last
}

// NewWatcher loads the folder once; the error is that of [Load].
func NewWatcher(cfg Config) (*Watcher, error) {
	if cfg.Dir == "" {
		return nil, errors.New("region: Config.Dir is empty; name the folder of regions")
	}
	if cfg.Every <= 0 {
		cfg.Every = 2 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	w := &Watcher{cfg: cfg}
	files := read(cfg.Dir)
	m, err := parse(cfg.Dir, files)
	if err != nil {
		return nil, err
	}
	w.seen = sum(files)
	w.current.Store(m)
	return w, nil
}

// Map is the Map in force, never nil.
func (w *Watcher) Map() *Map { return w.current.Load() }

// Refused is what is wrong with the folder as it is; nil if nothing, when it is
// what Map shows.
func (w *Watcher) Refused() Problems {
	if ps := w.refused.Load(); ps != nil {
		return *ps
	}
	return nil
}

// RefusedCount is how many sets of files have been refused.
func (w *Watcher) RefusedCount() uint64 { return w.count.Load() }

// Reload reads the folder now. The error is Problems; the Map then stays.
func (w *Watcher) Reload() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	files := read(w.cfg.Dir)
	now := sum(files)
	if now == w.seen {
		return w.Refused().err()
	}
	w.seen = now
	m, err := parse(w.cfg.Dir, files)
	old := w.current.Load()
	if problems, bad := errors.AsType[Problems](err); bad {
		w.count.Add(1)
		w.refused.Store(&problems)
		if text := problems.Error(); text != w.logged {
			w.logged = text
			lines := make([]string, len(problems))
			for i, p := range problems {
				lines[i] = p.String()
			}
			w.cfg.Logger.Error("regions refused, the map stays", "revision", old.Revision(), "problems", lines)
		}
		return err
	}
	w.logged = ""
	w.refused.Store(nil)
	if m.Revision() == old.Revision() {
		return nil
	}
	w.current.Store(m)
	w.cfg.Logger.Info("regions changed", "revision", m.Revision(), "was", old.Revision(), "regions", len(m.Regions()))
	if w.cfg.OnChange != nil {
		w.cfg.OnChange(old, m)
	}
	return nil
}

// Run keeps the Map up to date until ctx ends, and then returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	notices, err := fsnotify.NewWatcher()
	if err != nil {
		w.cfg.Logger.Warn("no notices of changes to regions, reading them by the clock alone", "every", w.cfg.Every, "error", err)
		notices = &fsnotify.Watcher{}
	} else {
		defer notices.Close()
		notices.Add(w.cfg.Dir)
	}
	tick := time.NewTicker(w.cfg.Every)
	defer tick.Stop()
	quiet := time.NewTimer(0) // the folder may have changed since NewWatcher
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-notices.Events:
			quiet.Reset(settle)
		case <-notices.Errors: // an overflow: something was missed
			quiet.Reset(settle)
		case <-quiet.C:
			w.Reload()
		case <-tick.C:
			// The name may lead to another folder by now; watching one twice
			// changes nothing.
			if err == nil {
				notices.Add(w.cfg.Dir)
			}
			w.Reload()
		}
	}
}

// sum is a hash of everything that parse looks at.
func sum(files []file) (out [sha256.Size]byte) {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %d %q\n", f.path, len(f.data), fmt.Sprint(f.err))
		h.Write(f.data)
	}
	h.Sum(out[:0])
	return out
}

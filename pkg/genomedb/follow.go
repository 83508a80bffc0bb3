package genomedb

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// FollowConfig configures a [Follower].
type FollowConfig struct {
	Config // where the databases are
	// Switch takes another Registry into use, and gives a channel that is closed
	// when the former one's last user is gone; or it refuses. Required by Run.
	Switch func(context.Context, *Registry) (unused <-chan struct{}, err error)
	// Reload asks to look at once; nil: nobody does.
	Reload <-chan struct{}
	// Every is how often the file is looked at. 0: 250 ms.
	Every time.Duration
	// Looked is called after each attempt, with its error; nil: nobody is told.
	Looked func(error)
}

// Follower takes a new release into use while the former one goes on
// answering. A file is opened again when another one stands in its place:
// renamed over it as package load does, or where a symbolic link now points to.
// A server is looked through again on Reload alone. What cannot be used is told
// once, and leaves everything as it is.
type Follower struct {
	FollowConfig
	logger  *slog.Logger
	current *Registry
	seen    os.FileInfo // the file that was opened last, if in vain
	changed os.FileInfo // another one, which may still be written to
	closing chan struct{}
	former  sync.WaitGroup // those that are still in use
}

// OpenFollower opens the databases. Close comes after the last use, Run before.
func OpenFollower(ctx context.Context, c FollowConfig) (*Follower, error) {
	f := &Follower{FollowConfig: c, logger: c.Logger, closing: make(chan struct{})}
	if f.logger == nil {
		f.logger = slog.New(slog.DiscardHandler)
	}
	if f.Every == 0 {
		f.Every = 250 * time.Millisecond
	}
	f.seen = stat(f.SQLite)
	var err error
	if f.current, err = Open(ctx, c.Config); err != nil {
		return nil, err
	}
	return f, nil
}

// Current is the Registry in use. Once Run began, nobody else asks.
func (f *Follower) Current() *Registry { return f.current }

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) error {
	var tick <-chan time.Time
	if f.SQLite != "" {
		t := time.NewTicker(f.Every)
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.Reload:
			f.look(ctx, true)
		case <-tick:
			f.look(ctx, false)
		}
	}
}

// Close closes all that is open.
func (f *Follower) Close() error {
	close(f.closing)
	f.former.Wait()
	return f.current.Close()
}

// stat follows symbolic links: their targets are the file.
func stat(path string) os.FileInfo {
	st, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return st
}

func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// look tries what is there now, where it is new or asked for.
func (f *Follower) look(ctx context.Context, asked bool) {
	if f.SQLite != "" {
		now := stat(f.SQLite)
		if !asked && (now == nil || same(now, f.seen)) { // gone for a moment or for good: what is open stays readable
			f.changed = nil
			return
		}
		// Whoever copies a file into place writes for a while: one that is the
		// same at two looks is whole.
		if !asked && !same(now, f.changed) {
			f.changed = now
			return
		}
		f.seen, f.changed = now, nil
	}
	err := f.open(ctx)
	if f.Looked != nil {
		f.Looked(err)
	}
	if err != nil && ctx.Err() == nil {
		f.logger.Error("the new release is not used, and the former one goes on being served; put a better file there, or send SIGHUP to try this one again", "release", f.current.Release(), "err", err)
	}
}

func (f *Follower) open(ctx context.Context) error {
	next, err := Open(ctx, f.Config)
	if err != nil {
		return err
	}
	if f.SQLite == "" && next.sameAs(f.current) {
		f.logger.Info("the server has no other release", "release", f.current.Release())
		return next.Close()
	}
	unused, err := f.Switch(ctx, next)
	if err != nil {
		return errors.Join(err, next.Close())
	}
	f.logger.Info("another release is in use", "release", next.Release(), "former", f.current.Release(), "species", len(next.species), "databases", len(next.databases))
	old := f.current
	f.current = next
	f.former.Go(func() { // as long as its last request takes
		select {
		case <-unused:
		case <-f.closing:
		}
		if err := old.Close(); err != nil {
			f.logger.Warn("closing the former release", "err", err)
		}
	})
	return nil
}

// sameAs reports whether both have the same databases, by name.
func (r *Registry) sameAs(other *Registry) bool {
	return slices.EqualFunc(r.databases, other.databases, func(a, b *Database) bool {
		return a.Name == b.Name && a.SchemaVersion == b.SchemaVersion
	})
}

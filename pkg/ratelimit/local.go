package ratelimit

import (
	"context"
	"sync"
	"time"
)

const (
	shards = 16
	// maxNames bounds the names of one shard: beyond it any is forgotten. An
	// attacker with that many addresses is not stopped by counting them.
	maxNames = 1 << 15
)

// Local is a Counter of this process alone, of bounded size.
type Local struct {
	now    func() time.Time
	shards [shards]shard
}

type shard struct {
	mu    sync.Mutex
	names map[string]count
	swept time.Time
}

type count struct {
	n   int
	end time.Time
}

// NewLocal makes one.
func NewLocal(now func() time.Time) *Local { return &Local{now: now} }

// Add counts one more; it never fails.
func (l *Local) Add(_ context.Context, name string, forget time.Duration) (int, error) {
	s, now := l.shard(name), l.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil {
		s.names = map[string]count{}
	}
	c, ok := s.names[name]
	if !ok || !now.Before(c.end) {
		c = count{end: now.Add(forget)}
		s.makeRoom(now)
	}
	c.n++
	s.names[name] = c
	return c.n, nil
}

// Has says whether the name is counted.
func (l *Local) Has(name string) bool {
	s, now := l.shard(name), l.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.names[name]
	return ok && now.Before(c.end)
}

// makeRoom forgets what has ended, at most once a second, and any where there
// are too many. s.mu is held.
func (s *shard) makeRoom(now time.Time) {
	if now.Sub(s.swept) >= time.Second {
		s.swept = now
		for name, c := range s.names {
			if !now.Before(c.end) {
				delete(s.names, name)
			}
		}
	}
	for name := range s.names {
		if len(s.names) < maxNames {
			break
		}
		delete(s.names, name)
	}
}

func (l *Local) shard(name string) *shard {
	if name == "" {
		return &l.shards[0]
	}
	return &l.shards[name[0]%shards]
}

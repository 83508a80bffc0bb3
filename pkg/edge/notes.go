package edge

import (
	"sync"
	"sync/atomic"
	"time"
)

// notes are what is remembered of some keys for a while. The zero notes are
// ready; they are safe for concurrent use. Beyond maxNotes the oldest are not sought:
// any goes, since forgetting one costs a request to the origin.
type notes[V any] struct {
	n  atomic.Int64 // len(by): most often there are none
	mu sync.Mutex   // guards by
	by map[string]note[V]
}

type note[V any] struct {
	v     V
	until time.Time
}

func (s *notes[V]) get(key string, now time.Time) (v V, ok bool) {
	if s.n.Load() == 0 {
		return v, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.by[key]
	if !ok || now.After(n.until) {
		return v, false
	}
	return n.v, true
}

func (s *notes[V]) put(key string, v V, until, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]note[V]{}
	}
	if len(s.by) >= maxNotes {
		s.sweep(now)
	}
	s.by[key] = note[V]{v, until}
	s.n.Store(int64(len(s.by)))
}

// sweep makes room: what is past goes, and then anything. s.mu is held.
func (s *notes[V]) sweep(now time.Time) {
	for key, n := range s.by {
		if now.After(n.until) {
			delete(s.by, key)
		}
	}
	for key := range s.by {
		if len(s.by) < maxNotes*3/4 {
			return
		}
		delete(s.by, key)
	}
}

func (s *notes[V]) forget(key string) {
	if s.n.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, key)
	s.n.Store(int64(len(s.by)))
}

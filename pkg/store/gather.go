package store

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

const (
	// gatherNames is the most that one exchange reads: the saving beyond is
	// small.
	gatherNames = 16
	// gatherBytes is about how much one exchange reads: reading many large
	// records saves nothing, and each holds up those that come with it.
	gatherBytes = 128 << 10
	// gatherWide is the most exchanges of that kind under way: memcached has
	// four threads.
	gatherWide = 4
)

// gather joins reads. Few exchanges are under way at a time; what comes
// meanwhile waits, and goes out together when one of them ends. Most of a small
// read is system calls, here and in memcached, which are then made once for
// all of them, and more so the busier the processor is.
type gather struct {
	wide int

	mu      sync.Mutex // guards the fields below
	flying  int
	waiting []*lookup
	length  int // of records of late, as a moving average
}

// lookup is a read that waits.
type lookup struct {
	name  string
	item  *memcache.Item // nil: none there
	err   error
	turn  chan bool // capacity 1; true: it makes the next exchange, false: item and err are set
	leads bool      // guarded by gather.mu
}

func (g *gather) init() { g.wide = min(runtime.GOMAXPROCS(0), gatherWide) }

// one fetches an item; nil where there is none.
func (s *server) one(ctx context.Context, name string) (*memcache.Item, error) {
	g := &s.gather
	g.mu.Lock()
	if g.flying < g.wide {
		g.flying++
		g.mu.Unlock()
		l := &lookup{name: name}
		s.lead(l)
		return l.item, l.err
	}
	l := &lookup{name: name, turn: make(chan bool, 1)}
	g.waiting = append(g.waiting, l)
	g.mu.Unlock()

	timer := time.NewTimer(s.client.Timeout / 2)
	defer timer.Stop()
	for again := false; ; again = true {
		select {
		case leads := <-l.turn:
			if leads {
				s.lead(l)
			}
			return l.item, l.err
		case <-ctx.Done():
			s.leave(l)
			return nil, errGone
		case <-timer.C:
			if s.leave(l) || again {
				return nil, errBusy
			}
			timer.Reset(2 * s.client.Timeout) // its exchange has begun, and ends
		}
	}
}

// leave takes a read out of those that wait; false if it is under way.
func (s *server) leave(l *lookup) bool {
	g := &s.gather
	g.mu.Lock()
	i := slices.Index(g.waiting, l)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	leads := l.leads
	g.mu.Unlock()
	if leads { // it was its turn just now: that of the next
		s.handOver()
	}
	return i >= 0 || leads
}

// handOver ends an exchange: the first that waits makes the next.
func (s *server) handOver() {
	g := &s.gather
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.flying--
		return
	}
	first := g.waiting[0]
	g.waiting = slices.Delete(g.waiting, 0, 1)
	first.leads = true
	first.turn <- true
}

// lead makes an exchange for l and for those that wait.
func (s *server) lead(l *lookup) {
	runtime.Gosched() // those that are ready to run may want to read as well
	g := &s.gather
	g.mu.Lock()
	n := min(len(g.waiting), gatherNames-1, gatherBytes/max(1, g.length))
	all := append([]*lookup{l}, g.waiting[:n]...)
	g.waiting = slices.Delete(g.waiting, 0, n)
	g.mu.Unlock()
	defer func() { // whatever happens: those who wait must not wait for ever
		s.handOver()
		for _, other := range all[1:] {
			other.turn <- false
		}
	}()
	s.fetchAll(all)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range all {
		if l.item != nil {
			g.length += (len(l.item.Value) - g.length) / 8
		}
	}
}

func (s *server) fetchAll(all []*lookup) {
	names := make([]string, 0, len(all))
	for _, l := range all {
		if !slices.Contains(names, l.name) {
			names = append(names, l.name)
		}
	}
	if len(names) == 1 {
		item, err := s.fetchOne(names[0])
		for _, l := range all {
			l.item, l.err = item, err
		}
		return
	}
	var items map[string]*memcache.Item
	err := s.exchange(&s.gets, func() (err error) {
		items, err = s.client.GetMulti(names)
		return err
	})
	for _, l := range all {
		l.item, l.err = items[l.name], err
	}
}

func (s *server) fetchOne(name string) (item *memcache.Item, err error) {
	err = s.exchange(&s.gets, func() (err error) {
		if item, err = s.client.Get(name); errors.Is(err, memcache.ErrCacheMiss) {
			return nil
		}
		return err
	})
	return item, err
}

package store

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
)

const (
	queueLanes   = 4
	queueEntries = 512      // in one lane
	queueBytes   = 32 << 20 // of bodies in one lane, at which it takes no more
)

// operation is one write to memcached; response nil deletes.
type operation struct {
	key      string
	response *Response
	until    time.Time
	waiting  bool // its key is in lane.order; guarded by lane.mu
}

func (op *operation) bytes() int {
	if op.response == nil {
		return 0
	}
	return op.response.Body.Len()
}

type queued int

const (
	queueTook queued = iota
	queueFull
	queueIdle // nobody runs the queue: the caller does it
)

// queue holds writes until a worker does them. A key always goes to the same
// lane, whose one worker keeps its order, and only the last write of a key
// counts.
type queue struct {
	seed  maphash.Seed
	lanes [queueLanes]lane
	apply func(*operation)
}

type lane struct {
	mu      sync.Mutex // guards the fields below
	running bool
	order   []string // keys of the pending operations that no worker has begun, oldest first
	pending map[string]*operation
	bytes   int
	wake    chan struct{} // capacity 1
}

func (q *queue) init(apply func(*operation)) {
	q.seed, q.apply = maphash.MakeSeed(), apply
	for i := range q.lanes {
		q.lanes[i].pending = map[string]*operation{}
		q.lanes[i].wake = make(chan struct{}, 1)
	}
}

func (q *queue) lane(key string) *lane {
	return &q.lanes[maphash.String(q.seed, key)%queueLanes]
}

func (q *queue) add(op *operation) queued {
	l := q.lane(op.key)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.running {
		return queueIdle
	}
	old := l.pending[op.key]
	if old == nil && (len(l.pending) >= queueEntries || l.bytes >= queueBytes) {
		return queueFull
	}
	if old != nil {
		l.bytes -= old.bytes()
	}
	if old == nil || !old.waiting {
		l.order = append(l.order, op.key)
	}
	op.waiting = true
	l.pending[op.key] = op
	l.bytes += op.bytes()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return queueTook
}

// find is the operation that a read of the key must see.
func (q *queue) find(key string) *operation {
	l := q.lane(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pending[key]
}

func (q *queue) len() (n int) {
	for i := range q.lanes {
		l := &q.lanes[i]
		l.mu.Lock()
		n += len(l.pending)
		l.mu.Unlock()
	}
	return n
}

// run works until ctx ends, and for grace at most on what is left then.
func (q *queue) run(ctx context.Context, grace time.Duration) {
	for i := range q.lanes {
		q.lanes[i].start()
	}
	var all sync.WaitGroup
	for i := range q.lanes {
		all.Go(func() {
			l := &q.lanes[i]
			for ctx.Err() == nil {
				if !l.step(q.apply) {
					select {
					case <-l.wake:
					case <-ctx.Done():
					}
				}
			}
			l.stop()
			for end := time.Now().Add(grace); time.Now().Before(end) && l.step(q.apply); {
			}
			l.clear()
		})
	}
	all.Wait()
}

func (l *lane) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = true
}

func (l *lane) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = false
}

func (l *lane) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.pending)
	l.order, l.bytes = nil, 0
}

// step does the oldest operation, and reports whether there was one. It stays
// findable until it is done.
func (l *lane) step(apply func(*operation)) bool {
	l.mu.Lock()
	if len(l.order) == 0 {
		l.mu.Unlock()
		return false
	}
	op := l.pending[l.order[0]]
	op.waiting = false
	l.order = l.order[1:]
	l.mu.Unlock()
	apply(op)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending[op.key] == op {
		delete(l.pending, op.key)
		l.bytes -= op.bytes()
	}
	return true
}

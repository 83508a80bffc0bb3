package fetch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// patience ends the wait for one source's head: life without any sign of life,
// else wait, counted from when the source last took something of the body.
type patience struct {
	wait  time.Duration
	began time.Time
	alive atomic.Bool // it gave a sign of life
	mu    sync.Mutex  // guards the fields below
	timer *time.Timer
	ended bool
}

func newPatience(life, wait time.Duration, cancel context.CancelCauseFunc) *patience {
	p := &patience{wait: wait, began: time.Now()}
	limit := wait
	if life > 0 {
		limit = min(life, wait)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(limit, func() {
		if life > 0 && !p.alive.Load() {
			cancel(errNoLife)
		} else {
			cancel(errHeaderTimeout)
		}
	})
	return p
}

// live notes a sign of life.
func (p *patience) live() {
	if !p.alive.Swap(true) {
		p.reset(p.wait - time.Since(p.began))
	}
}

// more notes that the source took something of the body.
func (p *patience) more() { p.reset(p.wait) }

func (p *patience) reset(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.timer.Reset(d)
	}
}

// end stops the timer, and gives it for other use.
func (p *patience) end() *time.Timer {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.timer.Stop()
	return p.timer
}

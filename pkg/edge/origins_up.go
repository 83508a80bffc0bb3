package edge

import (
	"context"
	"sync"

	"mirrornet/pkg/health"
)

// originsUp ends the waits for an origin at the moment that it is found lost:
// who asked just before would wait in vain while others could answer.
type originsUp struct {
	mu sync.Mutex // guards the field below
	up map[string]wait
}

// wait is a context that ends with an origin's answering.
type wait struct {
	context.Context
	end context.CancelFunc
}

// mark gives the origins of a new snapshot what ends the waits for them. One that
// is lost is waited for as long as may be: it is asked only when nobody else is
// known to answer.
func (o *originsUp) mark(w *world) {
	o.mu.Lock()
	defer o.mu.Unlock()
	others := w.originElsewhere("") || !w.down
	for i := range w.origins {
		s := &w.origins[i]
		up, known := o.up[s.source.Name]
		switch lost := s.state == health.Unreachable && others; {
		case lost && known:
			up.end()
			delete(o.up, s.source.Name)
		case !lost && !known:
			if o.up == nil {
				o.up = map[string]wait{}
			}
			up.Context, up.end = context.WithCancel(context.Background())
			o.up[s.source.Name] = up
			s.source.Up = up.Context
		case !lost:
			s.source.Up = up.Context
		}
	}
}

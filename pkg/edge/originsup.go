package edge

import (
	"context"
	"errors"
	"sync"
)

// errLost ends a wait for origins that were found lost in the meantime.
var errLost = errors.New("edge: the origins were found lost while they were waited for")

// originsUp ends the waits for origins at the moment that they are found lost
// and other regions have some: who asked just before would wait in vain.
type originsUp struct {
	mu  sync.Mutex // guards the fields below
	up  context.Context
	end context.CancelFunc
}

// now says whether they are lost.
func (o *originsUp) now(lost bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case lost && o.up != nil:
		o.end()
	case !lost && (o.up == nil || o.up.Err() != nil):
		o.up, o.end = context.WithCancel(context.Background())
	}
}

// during gives a context that ends also when they are lost, until stop is
// called: what has answered by then may go on.
func (o *originsUp) during(ctx context.Context) (_ context.Context, stop func() bool) {
	o.mu.Lock()
	up := o.up
	o.mu.Unlock()
	if up == nil {
		return ctx, func() bool { return true }
	}
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, context.AfterFunc(up, func() { cancel(errLost) })
}

package main

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

const (
	quietTime = time.Second      // without a new connection: nobody is sent here any more
	quietMost = 10 * time.Second // for whoever asks anew all the time, such as a monitor
)

// An arrivals listener knows when somebody came last.
type arrivals struct {
	net.Listener
	last atomic.Pointer[time.Time] // nil: nobody did
}

func (a *arrivals) Accept() (net.Conn, error) {
	c, err := a.Listener.Accept()
	if err == nil {
		now := time.Now()
		a.last.Store(&now)
	}
	return c, err
}

// quiet waits until nobody new comes, for quietMost at most. Others stop naming
// a node that leaves within half a second, but who was sent here before is still
// on the way, and resolvers keep an address for as long as a DNS answer holds; a
// listener that is closed then resets the connections that are being made.
func quiet(ctx context.Context, listeners ...*arrivals) {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, quietMost)
	defer cancel()
	for {
		since := begin
		for _, a := range listeners {
			if last := a.last.Load(); last != nil && last.After(since) {
				since = *last
			}
		}
		wait := quietTime - time.Since(since)
		if wait <= 0 {
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

package lane

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Config configures [Wrap].
type Config struct {
	Table *Table // required
	// Generation is compared at each request: aliases of another are not used.
	// Nil: it is always 0.
	Generation *atomic.Uint64
	// Class tells the class of a client and the generation that this holds for.
	// It is asked once per connection and generation, when a request might have
	// an alias. False: nothing on this connection is answered here until the
	// generation changes. Nil: all clients are of class 0.
	Class func(netip.AddrPort) (class uint32, generation uint64, ok bool)
	// Hit is told of each answer after it was handed to the kernel, on the path
	// of the next one: it must not block or allocate. bytes are those of the
	// body, fewer than it has when the connection broke. target is nil but for
	// an alias of many, and good for the time of the call. Nil: nobody is told.
	Hit func(client netip.AddrPort, a *Alias, target []byte, bytes int64)
	// Closing is told of a connection that is about to be closed. Nil: nobody is.
	Closing func(*net.TCPConn)
	// Now is read once for all requests of one read. Nil: time.Now. Deadlines
	// of connections are by time.Now in any case.
	Now func() time.Time
}

// Listener accepts connections whose hits are answered by the lane. Those that
// are not a *net.TCPConn are passed on as they are.
type Listener struct {
	net.Listener
	Config
	head, idle, write time.Duration // of the server; 0: none
	buffers           sync.Pool     // *answers
	draining          atomic.Bool
	left              chan struct{} // told when a connection leaves the lane while draining

	mu    sync.Mutex
	conns map[*conn]struct{}
}

// Wrap makes the listener for srv.Serve. It reads srv's timeouts, puts itself
// before srv.ConnState, and drains on srv.Shutdown: srv must be set up, not
// serve yet, and not be changed later. After srv.Shutdown, and after srv.Close,
// the owner calls [Listener.Drain]. Through ServeTLS or another listener around
// this one nothing is answered by the lane.
func Wrap(ln net.Listener, srv *http.Server, c Config) (*Listener, error) {
	if c.Table == nil {
		return nil, errors.New("lane: Table is required")
	}
	if srv.Protocols != nil && srv.Protocols.UnencryptedHTTP2() {
		return nil, errors.New("lane: unencrypted HTTP/2 reads ahead of requests; take it out of the server's Protocols")
	}
	if c.Generation == nil {
		c.Generation = new(atomic.Uint64)
	}
	if c.Class == nil {
		c.Class = func(netip.AddrPort) (uint32, uint64, bool) { return 0, c.Generation.Load(), true }
	}
	if c.Hit == nil {
		c.Hit = func(netip.AddrPort, *Alias, []byte, int64) {}
	}
	l := &Listener{Listener: ln, Config: c, head: first(srv.ReadHeaderTimeout, srv.ReadTimeout), idle: first(srv.IdleTimeout, srv.ReadTimeout),
		write: max(0, srv.WriteTimeout), left: make(chan struct{}, 1), conns: map[*conn]struct{}{}}
	l.buffers.New = func() any { return new(answers) }
	next := srv.ConnState
	srv.ConnState = func(nc net.Conn, state http.ConnState) {
		if c, ok := nc.(*conn); ok && c.l == l {
			c.stateChanged(state)
		}
		if next != nil {
			next(nc, state)
		}
	}
	srv.RegisterOnShutdown(l.drain)
	return l, nil
}

// first is net/http's rule for a timeout and the one that stands in for it.
func first(a, b time.Duration) time.Duration {
	if a != 0 {
		return max(0, a)
	}
	return max(0, b)
}

// Accept waits for the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nc, nil
	}
	c := &conn{TCPConn: tcp, l: l}
	if a, ok := tcp.RemoteAddr().(*net.TCPAddr); ok {
		p := a.AddrPort()
		c.client = netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	l.mu.Lock()
	l.conns[c] = struct{}{}
	l.mu.Unlock()
	return c, nil
}

// Drain ends the lane: no connection waits in it any more, and answers under
// way are let out. When ctx ends first, it cuts those, and returns ctx's error.
// What net/http has in hand is Shutdown's affair.
func (l *Listener) Drain(ctx context.Context) error {
	l.drain()
	for l.each(func(c *conn) bool { return c.phase.inLane() }) {
		select {
		case <-l.left:
		case <-ctx.Done():
			l.each(func(c *conn) bool {
				if c.phase.inLane() {
					c.TCPConn.Close()
				}
				return false
			})
			return ctx.Err()
		}
	}
	return nil
}

// drain wakes what waits. A connection that comes to wait later sees draining.
func (l *Listener) drain() {
	l.draining.Store(true)
	l.each(func(c *conn) bool {
		if c.phase.is(waiting) {
			c.TCPConn.SetReadDeadline(time.Unix(1, 0))
		}
		return false
	})
}

// each asks f of the connections until it says true.
func (l *Listener) each(f func(*conn) bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		if f(c) {
			return true
		}
	}
	return false
}

func (l *Listener) forget(c *conn) {
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
}

package lane

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"
)

// leastBuffer is the shortest Read that can be net/http's for a whole head.
const leastBuffer = 512

// fruitless is after how many looks in a row, none of which found an answer, a
// connection's requests go to net/http without a look, and how many of them do
// before the next.
const fruitless = 32

// peeked is how much of a second request net/http waits for before it reads it:
// what ends before that is no request to it, and gets no 400.
const peeked = 4

// conn is a connection as net/http sees it.
type conn struct {
	*net.TCPConn // ReadFrom (sendfile) and CloseWrite are wanted by net/http as they are
	l            *Listener
	client       netip.AddrPort
	phase        phase

	// The rest belongs to whoever is inside net/http's Read and its ConnState
	// hook; net/http orders them.

	// between: net/http stands between two requests, and the next Read may be
	// the lane's.
	between bool
	idle    bool // it stood there as StateIdle, not StateNew
	armed   bool // since then net/http has set the deadline of an idle connection
	full    int  // the size of net/http's read buffer; 0: not known yet, -1: not fit

	vain int // looks in a row that found nothing
	skip int // requests that go to net/http without a look

	class      uint32
	generation uint64 // that class and ok hold for
	asked, ok  bool

	// due is when the wait ends, and set is the read deadline in force, which
	// may be earlier. Zero: none.
	due, set time.Time

	// Of one Read: net/http's buffer, the bytes in it that are no answered
	// request's, whether due is no longer what net/http has set, and the error
	// to give back with the bytes.
	p    []byte
	n    int
	ours bool
	out  error

	platform
}

// stateChanged is net/http's word of where it stands.
func (c *conn) stateChanged(s http.ConnState) {
	switch s {
	case http.StateNew:
		c.between = true
	case http.StateIdle:
		c.between, c.idle, c.armed = true, true, false
	case http.StateActive:
		c.between = false // a read of the body may be as long as one of a head
	case http.StateHijacked, http.StateClosed:
		c.between = false
		c.l.forget(c)
	}
}

// SetReadDeadline is net/http's too. An idle connection is waited for between
// two of them: after the second, a head is being read, and an empty buffer may
// mean that it ends within that head, behind one of its lines.
func (c *conn) SetReadDeadline(t time.Time) error {
	if c.between && c.idle {
		c.between, c.armed = !c.armed, true
	}
	return c.TCPConn.SetReadDeadline(t)
}

// Read is net/http's. A Read for the whole buffer, between requests, says that
// the buffer is empty: whatever comes next is the first byte of a request.
func (c *conn) Read(p []byte) (int, error) {
	if !c.between || c.idle && !c.armed {
		return c.TCPConn.Read(p)
	}
	c.between = false
	if c.full == 0 { // the connection's first Read
		if c.full = len(p); len(p) < leastBuffer {
			c.full = -1
		}
	}
	if c.skip > 0 {
		c.skip--
		return c.TCPConn.Read(p)
	}
	if len(p) != c.full || !c.phase.move(inHTTP, waiting) {
		return c.TCPConn.Read(p)
	}
	n, err := c.run(p)
	if c.vain++; c.ours {
		c.vain = 0
	}
	if c.vain >= fruitless {
		c.skip = fruitless
	}
	if !c.leaveLane() {
		return 0, io.EOF
	}
	return n, err
}

// run answers hits until something else comes, which it returns.
func (c *conn) run(p []byte) (int, error) {
	timeout := c.l.head
	if c.idle {
		timeout = c.l.idle
	}
	c.due = after(time.Now(), timeout) // as net/http has just set it
	c.set = c.due
	c.p, c.n, c.ours = p, 0, false
	defer func() { c.p = nil }()
	for !c.l.draining.Load() { // looked at after each SetReadDeadline, which may undo that of drain
		c.out = io.EOF
		err := c.receive()
		switch {
		case err == nil:
			return c.n, c.out
		case errors.Is(err, os.ErrDeadlineExceeded) && c.early():
			continue
		case err != io.EOF || c.ours && c.n < peeked:
			c.n = 0 // net/http answers half a head only where the client has ended it
		}
		return c.n, err
	}
	return 0, io.EOF
}

// received takes in m more bytes. It reports whether the lane is done with the
// connection for now: then n bytes and the error out are for net/http.
func (c *conn) received(fd uintptr, m int) (done bool) {
	c.n += m
	if !c.phase.move(waiting, answering) {
		c.n = 0 // closed
		return true
	}
	now := time.Now()
	used, rest, err := c.answer(fd, c.p[:c.n], now)
	if err != nil {
		c.n = 0 // the client is gone, and nobody wants to know more
		return true
	}
	began := used > 0 || c.n == m // what is left is of a head that began just now
	c.n = copy(c.p, c.p[used:c.n])
	if used > 0 {
		c.ours = true
	}
	switch {
	case rest == leave && (c.n >= peeked || !c.ours) || c.n == len(c.p):
		if c.ours { // net/http reads on with a deadline for this head
			if began {
				c.due = after(now, c.l.head)
			}
			if !c.set.Equal(c.due) {
				c.TCPConn.SetReadDeadline(c.due)
			}
		}
		c.out = nil
		return true
	case c.n == 0:
		c.wait(after(now, c.l.idle))
	case began && (c.ours || c.idle): // else net/http's deadline of a first head holds
		c.ours = true
		c.wait(after(now, c.l.head))
	}
	if !c.phase.move(answering, waiting) || c.l.draining.Load() {
		c.n = 0 // that was the last one
		return true
	}
	return false
}

func after(t time.Time, d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return t.Add(d)
}

// wait makes due the end of the wait. No timer is set while an earlier one is.
func (c *conn) wait(due time.Time) {
	c.due = due
	if !due.IsZero() && (c.set.IsZero() || due.Before(c.set)) {
		c.set = due
		c.TCPConn.SetReadDeadline(due)
	}
}

// early reports whether a deadline fired before it was due, and sets it anew.
func (c *conn) early() bool {
	if !c.due.IsZero() && !time.Now().Before(c.due) {
		return false
	}
	c.set = c.due
	c.TCPConn.SetReadDeadline(c.due)
	return true
}

// alias finds the answer to a request; nil: net/http has it.
func (c *conn) alias(key []byte, now time.Time) *Alias {
	generation := c.l.Generation.Load()
	if !c.asked || c.generation != generation {
		c.class, c.generation, c.ok = c.l.Class(c.client)
		c.asked = true
	}
	if !c.ok || c.generation != generation {
		return nil
	}
	return c.l.Table.Get(key, c.class, generation, now)
}

// Close closes the connection, after the answer that the lane is writing.
func (c *conn) Close() error {
	if !c.phase.close() {
		return nil
	}
	c.l.forget(c)
	if c.l.Closing != nil {
		c.l.Closing(c.TCPConn)
	}
	return c.TCPConn.Close()
}

// leaveLane gives the connection back to net/http. False: which is to close it.
func (c *conn) leaveLane() bool {
	open := c.phase.leave()
	if c.l.draining.Load() {
		select {
		case c.l.left <- struct{}{}:
		default: // Drain has not taken the last word yet, and will look at all
		}
	}
	return open
}

var _ io.ReaderFrom = (*conn)(nil)
var _ interface{ CloseWrite() error } = (*conn)(nil)

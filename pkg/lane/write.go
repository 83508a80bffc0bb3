package lane

import (
	"net"
	"time"
)

const (
	// copied is the longest body that is copied behind its head. Above it the
	// second piece of a writev is cheaper.
	copied = 4 << 10
	// batch bounds what is collected before it is sent.
	batch = 64 << 10
)

// answers collects what is to be sent. It is not kept while a connection waits.
type answers struct {
	request head[[]byte]
	key     []byte
	out     []byte
	hits    [32]hit
	count   int
	pieces  [2][]byte
	buffers net.Buffers
}

type hit struct {
	alias *Alias
	end   int // of the answer, among all that is sent with it
}

// answer answers the requests at the front of b, and says how many bytes they
// were. The rest is more, the beginning of another one or nothing, or leave.
func (c *conn) answer(b []byte, now time.Time) (used int, rest verdict, err error) {
	s := c.l.buffers.Get().(*answers)
	at := now
	if c.l.Now != nil {
		at = c.l.Now()
	}
	rest = more
	for used < len(b) {
		n, v := parse(&s.request, b[used:])
		if v != whole {
			rest = v
			break
		}
		s.key = s.request.appendKey(s.key[:0])
		a := c.alias(s.key, at)
		if a == nil {
			rest = leave
			break
		}
		used += n
		if err = c.add(s, a, at, now); err != nil {
			break
		}
	}
	if err == nil {
		err = c.send(s, nil, now)
	}
	s.request = head[[]byte]{} // it points into net/http's buffer
	c.l.buffers.Put(s)
	return used, rest, err
}

// add appends an answer, and sends what has become too much to hold.
func (c *conn) add(s *answers, a *Alias, at, now time.Time) error {
	s.out = a.appendHead(s.out, at)
	var body []byte
	if len(a.Body) <= copied {
		s.out = append(s.out, a.Body...)
	} else {
		body = a.Body
	}
	s.hits[s.count] = hit{a, len(s.out) + len(body)}
	s.count++
	if body == nil && len(s.out) < batch && s.count < len(s.hits) {
		return nil
	}
	return c.send(s, body, now)
}

// send writes out and then body, and tells of the answers in them.
func (c *conn) send(s *answers, body []byte, now time.Time) error {
	if s.count == 0 {
		return nil
	}
	if w := c.l.write; w > 0 && c.writeBy.Before(now.Add(w)) {
		c.writeBy = now.Add(2 * w)
		c.TCPConn.SetWriteDeadline(c.writeBy)
	}
	var n int64
	var err error
	if body == nil {
		var m int
		m, err = c.TCPConn.Write(s.out)
		n = int64(m)
	} else {
		s.pieces = [2][]byte{s.out, body}
		s.buffers = s.pieces[:]
		n, err = s.buffers.WriteTo(c.TCPConn)
		s.pieces = [2][]byte{}
	}
	for i := range s.hits[:s.count] {
		h := &s.hits[i]
		length := int64(len(h.alias.Body))
		c.l.Hit(c.client, h.alias, min(length, max(0, n-int64(h.end)+length)))
		h.alias = nil
	}
	s.out, s.count = s.out[:0], 0
	return err
}

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
	alias  *Alias
	target []byte // of an alias for many
	length int    // of the body
	end    int    // of the answer, among all that is sent with it
}

// answer answers the requests at the front of b, and says how many bytes they
// were. The rest is more, the beginning of another one or nothing, or leave.
func (c *conn) answer(fd uintptr, b []byte, now time.Time) (used int, rest verdict, err error) {
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
		var a *Alias
		if s.request.cookie == nil {
			s.key = s.request.appendKey(s.key[:0])
			a = c.alias(s.key, at)
		}
		if a == nil && c.l.Table.alike.Load() > 0 {
			a = c.elsewhere(s, at)
		}
		var body []byte
		if a != nil {
			if a.Alike == nil {
				body = a.Body
			}
			if a.Fetch != nil {
				var ok bool
				if body, ok = a.Fetch(); !ok {
					a = nil
				}
			}
		}
		if a == nil {
			rest = leave
			break
		}
		used += n
		if err = c.add(fd, s, a, body, at); err != nil {
			break
		}
	}
	if err == nil {
		err = c.send(fd, s, nil)
	}
	s.request = head[[]byte]{} // it points into net/http's buffer
	c.l.buffers.Put(s)
	return used, rest, err
}

// elsewhere finds an alias for many targets that may answer the request; nil:
// none.
func (c *conn) elsewhere(s *answers, now time.Time) *Alias {
	target := s.request.target
	s.request.target = nil
	s.key = s.request.appendKey(s.key[:0])
	s.request.target = target
	a := c.alias(s.key, now)
	if a == nil || a.Alike == nil || !a.Alike(target, s.request.cookie) {
		return nil
	}
	return a
}

// add appends an answer, and sends what has become too much to hold.
func (c *conn) add(fd uintptr, s *answers, a *Alias, body []byte, at time.Time) error {
	length, target := len(body), []byte(nil)
	if a.Alike != nil {
		target = s.request.target
		s.out, length = a.appendElsewhere(s.out, target)
	} else {
		s.out = a.appendHead(s.out, at)
	}
	if len(body) <= copied {
		s.out = append(s.out, body...)
		body = nil
	}
	s.hits[s.count] = hit{a, target, length, len(s.out) + len(body)}
	s.count++
	if body == nil && len(s.out) < batch && s.count < len(s.hits) {
		return nil
	}
	return c.send(fd, s, body)
}

// send writes out and then body, and tells of the answers in them.
func (c *conn) send(fd uintptr, s *answers, body []byte) error {
	if s.count == 0 {
		return nil
	}
	n, err := sendNow(fd, s.out, body)
	if err == nil && n < len(s.out)+len(body) {
		var m int64
		m, err = c.sendRest(s, n, body)
		n += int(m)
	}
	for i := range s.hits[:s.count] {
		h := &s.hits[i]
		c.l.Hit(c.client, h.alias, h.target, int64(min(h.length, max(0, n-h.end+h.length))))
		h.alias, h.target = nil, nil
	}
	s.out, s.count = s.out[:0], 0
	return err
}

// sendRest waits for a client that takes no more for now.
func (c *conn) sendRest(s *answers, sent int, body []byte) (int64, error) {
	if w := c.l.write; w > 0 {
		c.TCPConn.SetWriteDeadline(time.Now().Add(w))
		defer c.TCPConn.SetWriteDeadline(time.Time{})
	}
	if sent < len(s.out) {
		s.pieces = [2][]byte{s.out[sent:], body}
	} else {
		s.pieces = [2][]byte{body[sent-len(s.out):]}
	}
	s.buffers = s.pieces[:]
	n, err := s.buffers.WriteTo(c.TCPConn)
	s.pieces = [2][]byte{}
	return n, err
}

package dns

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxQuery bounds a message that a client may send; queries have tens of bytes.
	maxQuery = 4096
	// maxQueries bounds those of one connection (RFC 7766 §6.2.3 leaves it to us).
	maxQueries = 10_000
	// perNetwork is the share of the connections that one client network may hold.
	perNetwork = 8
	writeTime  = 5 * time.Second
)

// clients are those connected over TCP.
type clients struct {
	mu     sync.Mutex
	open   map[netip.Addr]int // connections by network
	conns  map[net.Conn]struct{}
	closed bool
}

// add takes a connection in, while there is room for its network.
func (c *clients) add(conn net.Conn, from netip.Addr, limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.conns) >= limit || c.open[from] >= max(1, limit/perNetwork) {
		return false
	}
	if c.conns == nil {
		c.conns = map[net.Conn]struct{}{}
	}
	c.conns[conn] = struct{}{}
	c.open[from]++
	return true
}

func (c *clients) remove(conn net.Conn, from netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
	if c.open[from]--; c.open[from] <= 0 {
		delete(c.open, from)
	}
}

// close ends all connections, and lets no more in.
func (c *clients) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.conns {
		conn.Close()
	}
}

// serveTCP accepts connections until the listener is closed, and returns when
// the last of them has ended.
func (s *Server) serveTCP() {
	var wg sync.WaitGroup
	defer wg.Wait()
	for faults := 0; ; {
		conn, err := s.tcp.AcceptTCP()
		if err != nil {
			if faults++; !s.pause(err, faults) {
				return
			}
			continue
		}
		faults = 0
		from := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap().WithZone("")
		if !s.clients.add(conn, network(from), s.Connections) {
			conn.Close()
			continue
		}
		wg.Go(func() {
			defer s.clients.remove(conn, network(from))
			defer conn.Close()
			s.connections.Add(1)
			defer s.connections.Add(-1)
			s.converse(conn, from)
		})
	}
}

// converse answers the queries of one connection, one after the other: what a
// client sends ahead waits in the socket.
func (s *Server) converse(conn *net.TCPConn, from netip.Addr) {
	w := s.worker(&s.counts[len(s.counts)-1])
	in := bufio.NewReaderSize(conn, 512)
	message := make([]byte, 0, 512)
	var length [2]byte
	for range maxQueries {
		// A whole message has to come within the time, so trickling gains nothing;
		// the fuller the house, the shorter the stay.
		idle := s.Idle
		if s.connections.Load() > int64(s.Connections/2) {
			idle = min(idle, time.Second)
		}
		now := time.Now()
		if conn.SetReadDeadline(now.Add(idle)) != nil {
			return
		}
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(length[:]))
		if n < headerLen || n > maxQuery {
			return
		}
		if cap(message) < n {
			message = make([]byte, 0, maxQuery)
		}
		message = message[:n]
		if _, err := io.ReadFull(in, message); err != nil {
			return
		}
		now = time.Now()
		out := w.safely(message, from, true, now)
		if out == nil {
			return
		}
		if conn.SetWriteDeadline(now.Add(writeTime)) != nil {
			return
		}
		binary.BigEndian.PutUint16(length[:], uint16(len(out)))
		// One write, so one segment (RFC 7766 §8).
		frame := net.Buffers{length[:], out}
		if _, err := frame.WriteTo(conn); err != nil {
			return
		}
	}
}

package gossip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/hashicorp/memberlist"
)

// dialTimeout bounds the connect of one stream, below memberlist's TCPTimeout.
const dialTimeout = 3 * time.Second

// carrier is what carries gossip: a transport, or in tests a network in memory.
type carrier interface {
	memberlist.NodeAwareTransport
	GetAutoBindPort() int
	cut()     // ends dials and streams
	abandon() // in the place of Shutdown where no memberlist reads
}

// transport is memberlist's own on sockets, whose outgoing streams end when
// asked, so that a join that hangs does not hold up the end of Run.
type transport struct {
	*memberlist.NetTransport
	ctx context.Context // ends dials and streams
	end context.CancelFunc
}

func newTransport(c *memberlist.NetTransportConfig) (*transport, error) {
	nt, err := memberlist.NewNetTransport(c)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(context.Background())
	return &transport{nt, ctx, end}, nil
}

// bind opens TCP and UDP on one port. For a free port it tries a few, since one
// that is free for TCP may be taken for UDP.
func bind(listen netip.AddrPort, lines *lineLog) (carrier, error) {
	tries := 1
	if listen.Port() == 0 {
		tries = 10
	}
	var err error
	for range tries {
		var t *transport
		t, err = newTransport(&memberlist.NetTransportConfig{
			BindAddrs: []string{listen.Addr().String()},
			BindPort:  int(listen.Port()),
			Logger:    lines.logger(),
		})
		if err == nil {
			return t, nil
		}
	}
	return nil, fmt.Errorf("gossip: listen on %v: %w", listen, err)
}

func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return t.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	d := net.Dialer{Timeout: min(timeout, dialTimeout)}
	c, err := d.DialContext(t.ctx, "tcp", a.Addr)
	if err != nil {
		return nil, err
	}
	return &stream{c, context.AfterFunc(t.ctx, func() { c.Close() })}, nil
}

// stream is an outgoing connection that closes with its transport.
type stream struct {
	net.Conn
	forget func() bool
}

func (s *stream) Close() error {
	s.forget()
	return s.Conn.Close()
}

func (t *transport) cut() { t.end() }

func (t *transport) Shutdown() error {
	t.cut()
	return t.NetTransport.Shutdown()
}

// abandon shuts down a transport that no memberlist reads: its listeners would
// wait for a reader.
func (t *transport) abandon() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.Shutdown()
	}()
	for {
		select {
		case <-t.PacketCh():
		case c := <-t.StreamCh():
			c.Close()
		case <-done:
			return
		}
	}
}

var _ carrier = (*transport)(nil)

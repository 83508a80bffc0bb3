package rtt

import "net"

// Listen makes the TCP connections of a listener tell done when they are about to be
// closed: for listeners whose connections are somebody else's to close.
func Listen(ln net.Listener, done func(*net.TCPConn)) net.Listener { return listener{ln, done} }

type listener struct {
	net.Listener
	done func(*net.TCPConn)
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok && err == nil {
		return &conn{tcp, l.done}, nil
	}
	return c, err
}

type conn struct {
	*net.TCPConn
	done func(*net.TCPConn)
}

func (c *conn) Close() error {
	c.done(c.TCPConn)
	return c.TCPConn.Close()
}

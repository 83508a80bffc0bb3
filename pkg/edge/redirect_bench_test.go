package edge

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// scripted is a connection that asks for n pages, each of another name, and
// throws the answers away: all that is left to measure is the server.
type scripted struct {
	n, i   int
	buf    []byte
	closed chan struct{}
	once   sync.Once
}

const page = "GET /thing/XXXXXXXX?a=1 HTTP/1.1\r\nHost: rest.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n"

func (c *scripted) Read(p []byte) (int, error) {
	if len(c.buf) == 0 {
		if c.i == c.n {
			<-c.closed
			return 0, io.EOF
		}
		c.i++
		c.buf = append(c.buf[:0], page...)
		at := bytes.IndexByte(c.buf, 'X')
		copy(c.buf[at:at+8], strconv.Itoa(10_000_000+c.i))
	}
	n := copy(p, c.buf)
	c.buf = c.buf[n:]
	return n, nil
}
func (c *scripted) Write(p []byte) (int, error) { return len(p), nil }
func (c *scripted) Close() error                { c.once.Do(func() { close(c.closed) }); return nil }
func (c *scripted) LocalAddr() net.Addr         { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
func (c *scripted) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(133, 39, 1, 1), Port: 5555}
}
func (*scripted) SetDeadline(time.Time) error      { return nil }
func (*scripted) SetReadDeadline(time.Time) error  { return nil }
func (*scripted) SetWriteDeadline(time.Time) error { return nil }

// oneConn is a listener that has one connection.
type oneConn struct {
	c    net.Conn
	once sync.Once
	done chan struct{}
}

func (l *oneConn) Accept() (c net.Conn, err error) {
	l.once.Do(func() { c = l.c })
	if c == nil {
		<-l.done
		return nil, net.ErrClosed
	}
	return c, nil
}
func (l *oneConn) Close() error   { close(l.done); return nil }
func (l *oneConn) Addr() net.Addr { return l.c.LocalAddr() }

// BenchmarkRedirect is a page load that is sent to a nearer region, through
// net/http without the kernel, beside a handler that always says the same.
func BenchmarkRedirect(b *testing.B) {
	s := newEdge(b)
	for _, c := range []struct {
		name    string
		handler http.Handler
	}{{"edge", s.edge}, {"same fields", constant(s, true)}, {"Location alone", constant(s, false)}} {
		b.Run(c.name, func(b *testing.B) {
			served := make(chan struct{}, 1)
			n := 0
			count := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c.handler.ServeHTTP(w, r)
				if n++; n == b.N {
					served <- struct{}{}
				}
			})
			conn := &scripted{n: b.N, closed: make(chan struct{})}
			ln := &oneConn{c: conn, done: make(chan struct{})}
			server := &http.Server{Handler: count}
			go server.Serve(ln)
			cpu(b, func() { <-served })
			conn.Close()
			server.Close()
		})
	}
}

func constant(s *setup, all bool) http.Handler {
	w := s.ask("GET", "/thing/10000000?a=1", "", "Host", "rest.test", "Accept", "text/html", "X-Forwarded-For", japan.String())
	fields, body := http.Header{"Location": w.Header()["Location"]}, []byte(nil)
	if all {
		fields, body = w.Header(), w.Body.Bytes()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for name, value := range fields {
			h[name] = value
		}
		w.WriteHeader(http.StatusTemporaryRedirect)
		w.Write(body)
	})
}

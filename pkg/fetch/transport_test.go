package fetch

import (
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// forgetful relays connections, and at a word forgets those that there are, as a
// firewall does: neither end hears of it.
type forgetful struct {
	net.Listener
	to string

	mu    sync.Mutex // guards epoch
	epoch int
}

func (f *forgetful) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.epoch++
}

func (f *forgetful) now() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.epoch
}

func (f *forgetful) run() {
	for {
		in, err := f.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", f.to)
		if err != nil {
			in.Close()
			continue
		}
		began := f.now()
		relay := func(from, to net.Conn) {
			buf := make([]byte, 32<<10)
			for {
				n, err := from.Read(buf)
				if f.now() != began {
					io.Copy(io.Discard, from)
					return
				}
				if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
					to.Close()
					return
				}
			}
		}
		go relay(in, out)
		go relay(out, in)
	}
}

// A connection that the network forgot costs a request or two, and is then
// replaced; whatever the version of HTTP.
func TestForgottenConnection(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
		srv.EnableHTTP2 = h2
		srv.StartTLS()
		defer srv.Close()
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		f := &forgetful{Listener: ln, to: srv.Listener.Addr().String()}
		go f.run()
		roots := x509.NewCertPool()
		roots.AddCert(srv.Certificate())
		transport := NewTransport(roots)
		defer transport.CloseIdleConnections()
		c := New(Config{Transport: transport})
		s := Source{Kind: Region, Name: "asia-1", URL: &url.URL{Scheme: "https", Host: ln.Addr().String()}, Life: 300 * time.Millisecond}
		ask := func() (string, error) {
			a, err := c.Do(t.Context(), []Source{s}, Request{Method: "GET", Target: "/", Repeatable: true})
			if err != nil {
				return "", err
			}
			defer a.Response.Body.Close()
			b, err := io.ReadAll(a.Response.Body)
			return string(b), err
		}
		want := "HTTP/1.1"
		if h2 {
			want = "HTTP/2.0"
		}
		if got, err := ask(); got != want || err != nil {
			t.Fatalf("%s %v, want %s", got, err, want)
		}
		f.forget()
		begin, lost := time.Now(), 0
		for {
			got, err := ask()
			if err == nil && got == want {
				break
			}
			if lost++; time.Since(begin) > 20*time.Second {
				t.Fatalf("%s: %d requests came to nothing in %v, and every next one will: %v", want, lost, time.Since(begin).Round(time.Second), err)
			}
		}
		t.Logf("%s: %d requests lost, %v", want, lost, time.Since(begin).Round(10*time.Millisecond))
	}
}

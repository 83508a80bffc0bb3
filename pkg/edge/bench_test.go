package edge

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cannedOrigin answers every GET on a loopback connection with the same 1 kB,
// without net/http: what a miss costs is to be the edge's own.
func cannedOrigin(tb testing.TB) string {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { ln.Close() })
	body := strings.Repeat("x", 1000)
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=60\r\nETag: \"v1\"\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for r := bufio.NewReader(c); ; {
					line, err := r.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) == 2 { // the head ended; a GET has no body
						if _, err := c.Write(answer); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return "http://" + ln.Addr().String()
}

// sink is a client that looks at nothing.
type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

func benchEdge(b *testing.B, change ...func(*Config)) *setup {
	origin := cannedOrigin(b)
	all := append([]func(*Config){func(c *Config) {
		c.Catalogue, c.TrustedProxies = None, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		withOrigins(nil, origin)(c)
	}}, change...)
	return newEdge(b, all...)
}

// cpu reports the process' CPU time per operation: wall time says little on a
// busy machine.
func cpu(b *testing.B, f func()) {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := used()
	f()
	b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op")
}

func benchRequest(target string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.RemoteAddr, r.Host = "127.0.0.1:5", "europe.test"
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "bench")
	return r
}

func BenchmarkHit(b *testing.B) {
	for name, mode := range map[string]Mode{"none": None, "auto": Auto} {
		b.Run(name, func(b *testing.B) {
			s := benchEdge(b)
			if mode == Auto {
				s = newEdge(b)
			}
			r := benchRequest("/thing/x")
			s.edge.ServeHTTP(&sink{http.Header{}}, r)
			cpu(b, func() {
				for range b.N {
					s.edge.ServeHTTP(&sink{make(http.Header, 24)}, r)
				}
			})
		})
	}
}

func BenchmarkMiss(b *testing.B) {
	for name, mode := range map[string]Mode{"none": None, "auto": Auto} {
		b.Run(name, func(b *testing.B) {
			s := benchEdge(b)
			if mode == Auto {
				s.edge.Catalogue = Auto
				if err := s.edge.catalogue.install(catalogueText(b), "", "test"); err != nil {
					b.Fatal(err)
				}
			}
			requests := make([]*http.Request, b.N)
			for i := range requests {
				requests[i] = benchRequest("/thing/" + strconv.Itoa(i))
			}
			cpu(b, func() {
				for _, r := range requests {
					s.edge.ServeHTTP(&sink{make(http.Header, 24)}, r)
				}
			})
		})
	}
}

// BenchmarkBare is what asking the origin costs without an edge between.
func BenchmarkBare(b *testing.B) {
	origin := cannedOrigin(b)
	t := &http.Transport{}
	cpu(b, func() {
		for i := range b.N {
			r, _ := http.NewRequest(http.MethodGet, fmt.Sprint(origin, "/thing/", i), nil)
			resp, err := t.RoundTrip(r)
			if err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
}

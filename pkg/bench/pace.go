//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// pace is what a run at a fixed rate gave. Latencies count from when a request
// was due, also when it had to wait for a connection: a server that stops for
// a while pays for all who would have come.
type pace struct {
	load
	Late time.Duration // p99 of what the generator itself was late, with a connection free
}

// generator sends requests over connections that stay, at a fixed rate or as
// fast as they are answered. It is
// one loop that never sleeps, since timers are coarser than what it measures:
// it wants a core of its own.
type generator struct {
	request []byte
	status  []byte // how answers begin
	epoll   int
	conns   []*link
	free    []*link
	took    []time.Duration
	late    []time.Duration
}

// link is one connection, with at most one request under way.
type link struct {
	fd   int
	due  time.Duration // since the start
	in   []byte
	have int
	body int // bytes of the body, the same in all answers
}

// paceMain is the process of the generator.
func paceMain(args []string) error {
	f := flag.NewFlagSet("pace", flag.ContinueOnError)
	addr := f.String("addr", "", "server")
	target := f.String("target", "/", "what to ask for")
	tag := f.String("tag", "", "If-None-Match to ask with; answers must be 304")
	rate := f.Float64("rate", 0, "requests a second; 0: each as soon as the last is answered")
	conns := f.Int("conns", 32, "connections")
	length := f.Duration("d", time.Second, "for how long")
	if err := f.Parse(args); err != nil {
		return err
	}
	p, err := runGenerator(*addr, *target, *tag, *rate, *conns, *length)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(p)
}

func runGenerator(addr, target, tag string, rate float64, conns int, length time.Duration) (pace, error) {
	n := int(rate * length.Seconds())
	if rate > 0 && n < 10 || conns < 1 {
		return pace{}, fmt.Errorf("%d requests over %d connections are too few", n, conns)
	}
	c, err := dial(addr)
	if err != nil {
		return pace{}, err
	}
	defer c.conn.Close()
	resp, b, err := c.get(target, tag)
	if err != nil {
		return pace{}, err
	}
	want := http.StatusOK
	if tag != "" {
		want = http.StatusNotModified
	}
	if resp.StatusCode != want {
		return pace{}, errors.New(resp.Status)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	g := &generator{request: request(addr, target, tag), status: fmt.Appendf(nil, "HTTP/1.1 %d ", want),
		took: make([]time.Duration, 0, max(n, 1<<20)), late: make([]time.Duration, 0, n)}
	if g.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return pace{}, err
	}
	defer syscall.Close(g.epoll)
	defer func() {
		for _, c := range g.conns {
			syscall.Close(c.fd)
		}
	}()
	for range conns {
		if err := g.connect(addr, len(b)); err != nil {
			return pace{}, err
		}
	}
	if rate > 0 {
		return g.run(n, func(i int) time.Duration { return time.Duration(float64(i) / rate * float64(time.Second)) }, length)
	}
	return g.run(math.MaxInt, nil, length)
}

func (g *generator) connect(addr string, body int) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	ip := net.ParseIP(host).To4()
	if err != nil || ip == nil {
		return fmt.Errorf("%s is no IPv4 address with a port", addr)
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c := &link{fd: fd, in: make([]byte, body+16<<10), body: body}
	g.conns = append(g.conns, c)
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: number, Addr: [4]byte(ip)}); err != nil {
		return err
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return err
	}
	g.free = append(g.free, c)
	return syscall.EpollCtl(g.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(len(g.conns) - 1)})
}

// run sends n requests, each when it is due (nil: at once), until length is
// over. Of those that are due the first tenth is not counted: connections are
// new.
func (g *generator) run(n int, due func(i int) time.Duration, length time.Duration) (pace, error) {
	events := make([]syscall.EpollEvent, 256)
	start := time.Now()
	skip := n / 10
	if due == nil {
		skip = 0
	}
	sent, answered := 0, 0
	for answered < n {
		now := time.Since(start)
		if due == nil && now >= length {
			if n = sent; answered == n {
				break
			}
		}
		if now > length+5*time.Second {
			return pace{}, fmt.Errorf("%d of %d requests have no answer", n-answered, n)
		}
		waited := false // for a connection: then the generator is not to blame
		for ; sent < n && (due == nil || due(sent) <= now); sent++ {
			if len(g.free) == 0 {
				waited = true
				break
			}
			c := g.free[len(g.free)-1]
			g.free = g.free[:len(g.free)-1]
			if c.due = time.Since(start); due != nil {
				if sent > skip && !waited {
					g.late = append(g.late, c.due-due(sent))
				}
				c.due = due(sent)
			}
			if k, err := syscall.Write(c.fd, g.request); err != nil || k != len(g.request) {
				return pace{}, fmt.Errorf("writing: %d bytes, %v", k, err)
			}
		}
		k, err := syscall.EpollWait(g.epoll, events, 0)
		if err != nil && err != syscall.EINTR {
			return pace{}, err
		}
		for _, e := range events[:max(0, k)] {
			c := g.conns[e.Fd]
			whole, err := c.read(g.status)
			if err != nil {
				return pace{}, err
			}
			if !whole {
				continue
			}
			if answered++; answered > skip {
				g.took = append(g.took, time.Since(start)-c.due)
			}
			g.free = append(g.free, c)
		}
	}
	took := time.Since(start)
	slices.Sort(g.took)
	slices.Sort(g.late)
	return pace{load{Requests: int64(answered), Time: took, P50: quantile(g.took, 0.5), P99: quantile(g.took, 0.99)}, quantile(g.late, 0.99)}, nil
}

var headEnd = []byte("\r\n\r\n")

// read takes what has come, and reports whether an answer is whole.
func (c *link) read(status []byte) (bool, error) {
	k, err := syscall.Read(c.fd, c.in[c.have:])
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return false, nil
	case err != nil:
		return false, err
	case k == 0:
		return false, errors.New("the server closed a connection")
	}
	if c.have += k; c.have >= len(status) && !bytes.HasPrefix(c.in, status) {
		return false, fmt.Errorf("the server answered %.40q", c.in[:c.have])
	}
	head := bytes.Index(c.in[:c.have], headEnd)
	if head < 0 || c.have < head+len(headEnd)+c.body {
		return false, nil
	}
	if c.have > head+len(headEnd)+c.body {
		return false, errors.New("more came than was asked for")
	}
	c.have = 0
	return true, nil
}

// quantile of sorted times.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

package lane

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// exchange sends the pieces of a stream on one connection, ends it, and gives
// all that came back. reset: the server closed with bytes unread, and TCP may
// have dropped the end of what it had sent.
func (s *server) exchange(t testing.TB, pieces ...string) (got []byte, reset bool) {
	t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	done := make(chan error, 1)
	var b bytes.Buffer
	go func() {
		_, err := io.Copy(&b, nc)
		done <- err
	}()
	var werr error
	for i, p := range pieces {
		if _, werr = io.WriteString(nc, p); werr != nil {
			break
		}
		if i < len(pieces)-1 {
			s.taken(nc.LocalAddr().String())
		}
	}
	nc.(*net.TCPConn).CloseWrite()
	err = <-done
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Fatalf("no end to what comes after %q: %q", pieces, b.String())
	}
	return undated(b.Bytes()), err != nil || werr != nil
}

var dates = regexp.MustCompile(`\r\nDate: [^\r]*`)

// undated takes out the times that net/http gives to answers of its own (417),
// which another second makes others.
func undated(b []byte) []byte {
	return dates.ReplaceAllFunc(b, func(line []byte) []byte {
		at, err := http.ParseTime(string(line[len("\r\nDate: "):]))
		if err == nil && time.Since(at).Abs() < time.Minute {
			return []byte("\r\nDate: now")
		}
		return line
	})
}

// taken waits, not for ever, until the server has read what was sent, so that
// what is sent next is another read. A busy handler reads nothing.
func (s *server) taken(client string) {
	if s.lane == nil {
		return
	}
	for range 300 {
		taken := s.lane.each(func(c *conn) bool { return c.client.String() == client && unread(c.TCPConn) == 0 })
		if taken {
			return
		}
		runtime.Gosched()
	}
}

// pair is one site behind a lane and behind net/http alone.
type pair struct{ lane, plain *server }

func newPair(t testing.TB) pair {
	setup := func(srv *http.Server, _ *Config) { srv.MaxHeaderBytes = 4 << 10 }
	return pair{serve(t, true, setup), serve(t, false, setup)}
}

// compare sends the same bytes to both.
func (p pair) compare(t testing.TB, stream string, cuts ...int) {
	t.Helper()
	want, wantReset := p.plain.exchange(t, stream)
	p.equal(t, want, wantReset, stream, cuts)
}

func (p pair) equal(t testing.TB, want []byte, wantReset bool, stream string, cuts []int) {
	t.Helper()
	var pieces []string
	from := 0
	for _, cut := range cuts {
		pieces = append(pieces, stream[from:cut])
		from = cut
	}
	got, gotReset := p.lane.exchange(t, append(pieces, stream[from:])...)
	if bytes.Equal(got, want) || gotReset && bytes.HasPrefix(want, got) || wantReset && bytes.HasPrefix(got, want) {
		return
	}
	t.Errorf("sent %q, cut at %v\nlane (reset %v)\n%s\nnet/http (reset %v)\n%s", stream, cuts, gotReset, got, wantReset, want)
}

func TestDifferential(t *testing.T) {
	p := newPair(t)
	for _, s := range streams() {
		for range 3 {
			p.compare(t, s)
		}
	}
	if p.lane.hits.Load() < 300 {
		t.Errorf("only %d hits: this compares net/http with itself", p.lane.hits.Load())
	}
	if !testing.Short() && p.lane.hits.Load()+p.lane.calls.Load() < p.plain.calls.Load() {
		t.Errorf("%d hits and %d calls, of %d", p.lane.hits.Load(), p.lane.calls.Load(), p.plain.calls.Load())
	}
}

func TestEverySplit(t *testing.T) {
	p := newPair(t)
	for i, s := range streams() {
		if len(s) > 250 || testing.Short() && i%10 != 0 {
			continue
		}
		want, reset := p.plain.exchange(t, s)
		for cut := 1; cut < len(s); cut++ {
			p.equal(t, want, reset, s, []int{cut})
		}
		every := make([]int, 0, len(s))
		for cut := 1; cut < len(s); cut++ {
			every = append(every, cut)
		}
		p.equal(t, want, reset, s, every)
	}
}

// Streams behind each other, cut anywhere, some with a byte changed.
func TestRandom(t *testing.T) {
	p := newPair(t)
	all := slices.DeleteFunc(streams(), func(s string) bool { return len(s) > 1000 })
	n := 400
	if testing.Short() {
		n = 60
	}
	for i := range n {
		r := rand.New(rand.NewPCG(3, uint64(i)))
		var b strings.Builder
		for range 1 + r.IntN(5) {
			if r.IntN(2) == 0 {
				b.WriteString(strings.Repeat(get("/a"), 1+r.IntN(3)))
			}
			b.WriteString(all[r.IntN(len(all))])
		}
		stream := []byte(b.String())
		if len(stream) == 0 {
			continue
		}
		if i%6 == 0 {
			stream[r.IntN(len(stream))] ^= 1 << r.IntN(8)
		}
		var cuts []int
		for range r.IntN(4) {
			cuts = append(cuts, r.IntN(len(stream)))
		}
		slices.Sort(cuts)
		t.Run(fmt.Sprint(i), func(t *testing.T) { p.compare(t, string(stream), cuts...) })
	}
}

package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

const world = `self asia
up europe asia useast
addr europe 198.51.100.1
addr europe 2001:db8:1::1
addr asia 203.0.113.1
addr asia 2001:db8:2::1
addr useast 192.0.2.1
place 133.39.0.0/16 JP
place 130.14.0.0/16 US
`

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a server on loopback until the test ends.
func start(t *testing.T, w *testWorld, change func(*Config)) netip.AddrPort {
	t.Helper()
	c := Config{Listen: "127.0.0.1:0", Node: "asia-1", Limit: -1, Network: w, Locator: w}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	at := s.Addr()
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), at.Port())
	}
	return at
}

// The clients that Debian has, as people use them.
func TestRealClients(t *testing.T) {
	w, _, _ := readWorld(t, world)
	at := start(t, w, nil)
	for _, client := range []struct{ program, pkg string }{{"dig", "dnsutils"}, {"kdig", "knot-dnsutils"}} {
		t.Run(client.program, func(t *testing.T) {
			program, err := exec.LookPath(client.program)
			if err != nil {
				t.Skipf("%s is not installed; on Debian and Ubuntu: sudo apt-get install %s", client.program, client.pkg)
			}
			for _, tt := range []struct {
				args string
				want string // regular expressions that the output matches, parted by blanks of two
			}{
				{"rest.example.org A +subnet=133.39.1.0/24", `NOERROR  203\.0\.113\.1\n  133\.39\.1\.0/24/16`},
				{"rest.example.org AAAA +subnet=133.39.1.0/24", `NOERROR  2001:db8:2::1`},
				{"rest.example.org A +subnet=130.14.29.0/24 +tcp", `192\.0\.2\.1\n  130\.14\.29\.0/24/16  TCP`},
				{"rest.example.org A +subnet=2001:200::/32", `198\.51\.100\.1\n`},
				{"rest.example.org A +subnet=0.0.0.0/0", `198\.51\.100\.1\n  0\.0\.0\.0/0(/0)?\s`},
				{"rest.example.org A +bufsize=512", `NOERROR  198\.51\.100\.1\n  1232`},
				{"rest.example.org A +nsid", `asia-1`},
				{"rest.example.org A +cookie", `COOKIE: [0-9a-fA-F]{16} ?[0-9a-fA-F]{32}`},
				{"rest.example.org A +noedns", `NOERROR  198\.51\.100\.1\n`},
				{"rest.example.org A +edns=1", `BADVERS`},
				{"rest.example.org SOA", `NOERROR  SOA\s+europe\.example\.net\. hostmaster\.rest\.example\.org\.`},
				{"rest.example.org NS", `NS\s+asia\.example\.net\.  NS\s+europe\.example\.net\.`},
				{"rest.example.org TXT", `NOERROR  ANSWER: 0  SOA\s+europe`},
				{"www.rest.example.org A", `NXDOMAIN  SOA\s+europe`},
				{"rest.example.org ANY +notcp", `RFC8482`},
				{"example.com A", `REFUSED`},
				{"rest.example.org AXFR", `(?i)failed|REFUSED`},
				{"ReSt.ExAmPlE.oRg A", `ReSt\.ExAmPlE\.oRg\.\s+20\s+IN\s+A\s+198\.51\.100\.1\n`},
				{"-c CH -t TXT version.bind", `REFUSED`},
			} {
				if client.program == "kdig" && strings.HasPrefix(tt.args, "ReSt") {
					continue // asks in lower case
				}
				args := append([]string{"@" + at.Addr().String(), "-p", strconv.Itoa(int(at.Port())), "+time=5", "+retry=0", "+norec"}, strings.Fields(tt.args)...)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
				cancel()
				var exit *exec.ExitError
				if err != nil && !errors.As(err, &exit) {
					t.Fatal(err)
				}
				for want := range strings.SplitSeq(tt.want, "  ") {
					if !regexp.MustCompile(want).Match(out) {
						t.Errorf("%s %s: no %s in\n%s", client.program, tt.args, want, out)
					}
				}
				for _, bad := range []string{"WARNING", "malformed", "mismatch", "timed out"} {
					if strings.Contains(string(out), bad) {
						t.Errorf("%s %s: %s in\n%s", client.program, tt.args, bad, out)
					}
				}
			}
		})
	}
}

func pack1(t testing.TB, text string, id uint16) []byte {
	t.Helper()
	m, _, _ := message(t, text)
	m.Id = id
	p, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func frame(p []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(p))), p...) }

func dial(t testing.TB, at netip.AddrPort) *net.TCPConn {
	t.Helper()
	c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

func readFrame(c net.Conn) (*dns.Msg, error) {
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		return nil, err
	}
	m := &dns.Msg{}
	return m, m.Unpack(b)
}

// Queries sent ahead are answered in order, in whatever pieces they come.
func TestPipelining(t *testing.T) {
	w, _, _ := readWorld(t, world)
	c := dial(t, start(t, w, nil))
	var all []byte
	for i := range 100 {
		all = append(all, frame(pack1(t, "rest.example.org A", uint16(i)))...)
	}
	go func() {
		for i := 0; i < len(all); i += 17 {
			c.Write(all[i:min(i+17, len(all))])
		}
		c.CloseWrite()
	}()
	for i := range 100 {
		m, err := readFrame(c)
		if err != nil || int(m.Id) != i || len(m.Answer) != 1 {
			t.Fatalf("answer %d: %v %v", i, m, err)
		}
	}
	if _, err := readFrame(c); err != io.EOF {
		t.Errorf("after the last: %v", err)
	}
}

// A connection that says nothing, or nothing whole, or no query, is closed.
func TestConnectionsEnd(t *testing.T) {
	w, _, _ := readWorld(t, world)
	at := start(t, w, func(c *Config) { c.Idle = 100 * time.Millisecond })
	whole := frame(pack1(t, "rest.example.org A", 1))
	for what, send := range map[string][]byte{"nothing": nil, "half a length": {0}, "half a query": whole[:20], "less than a header": {0, 3, 1, 2, 3},
		"too long": {0xff, 0xff, 0, 0}, "an answer": frame(packet(t, "abcd 8000 0001 0000 0000 0000", askA))} {
		c := dial(t, at)
		c.Write(send)
		if _, err := readFrame(c); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// What trickles in slower than that does not hold the connection either.
	c := dial(t, at)
	begin := time.Now()
	go func() {
		for _, b := range whole[:len(whole)-1] {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			<-time.After(20 * time.Millisecond)
		}
	}()
	if _, err := readFrame(c); err == nil || time.Since(begin) > 10*time.Second {
		t.Errorf("a trickle: %v after %s", err, time.Since(begin))
	}
}

// One network cannot take all connections, and all networks no more than there
// are.
func TestConnectionLimit(t *testing.T) {
	w, _, _ := readWorld(t, world)
	at := start(t, w, func(c *Config) { c.Connections = 4 * perNetwork })
	answered := func(c net.Conn) bool {
		c.Write(frame(pack1(t, "rest.example.org A", 1)))
		_, err := readFrame(c)
		return err == nil
	}
	var open []net.Conn
	for range 4 {
		c := dial(t, at)
		if !answered(c) {
			t.Fatal("refused below the limit")
		}
		open = append(open, c)
	}
	if answered(dial(t, at)) {
		t.Error("a fifth connection of one /24 was answered")
	}
	open[0].Close()
	for tries := 0; !answered(dial(t, at)); tries++ {
		if tries > 1000 {
			t.Fatal("no connection after one was closed")
		}
	}
	var c clients
	c.open = map[netip.Addr]int{}
	for i := range 10 {
		conn := &net.TCPConn{}
		if got := c.add(conn, netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 8); got != (i < 8) {
			t.Errorf("connection %d: %v", i, got)
		}
	}
}

// An answer comes from the address that was asked, whichever of them routing
// would take.
func TestAnswersFromWhereAsked(t *testing.T) {
	w, _, _ := readWorld(t, world)
	for _, listen := range []string{"0.0.0.0:0", "[::]:0", ":0"} {
		at := start(t, w, func(c *Config) { c.Listen = listen })
		for _, asked := range []string{"127.0.0.1", "127.0.0.2", "127.9.9.9", "::1"} {
			to := netip.AddrPortFrom(netip.MustParseAddr(asked), at.Port())
			c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to)) // takes answers from there alone
			if err != nil {
				t.Logf("%s: %v", asked, err)
				continue
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := c.Write(pack1(t, "rest.example.org A", 7)); err != nil {
				t.Errorf("%s by %s: %v", listen, asked, err)
				continue
			}
			var b [512]byte
			if n, err := c.Read(b[:]); err != nil || n < headerLen || b[1] != 7 {
				t.Errorf("%s by %s: %d bytes, %v", listen, asked, n, err)
			}
		}
	}
}

// A server that has just begun waits until it knows all regions, and then
// answers what came meanwhile.
func TestSettles(t *testing.T) {
	alone, _, _ := readWorld(t, "up asia\naddr asia 203.0.113.1\n")
	all, _, _ := readWorld(t, world)
	for _, settle := range []time.Duration{time.Hour, 200 * time.Millisecond} {
		c := &changing{}
		c.now.Store(alone)
		at := start(t, alone, func(cfg *Config) { cfg.Network, cfg.Settle = c, settle })
		client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if _, err := client.Write(pack1(t, "rest.example.org A", 7)); err != nil {
			t.Fatal(err)
		}
		var b [512]byte
		client.SetDeadline(time.Now().Add(100 * time.Millisecond))
		if n, err := client.Read(b[:]); err == nil {
			t.Errorf("answered %x while all others are unknown", b[:n])
		}
		want := "203.0.113.1" // if it is not to last for ever
		if settle == time.Hour {
			c.now.Store(all)
			want = "198.51.100.1"
		}
		client.SetDeadline(time.Now().Add(20 * time.Second))
		n, err := client.Read(b[:])
		var m dns.Msg
		if err != nil || m.Unpack(b[:n]) != nil || len(m.Answer) != 1 || m.Answer[0].(*dns.A).A.String() != want {
			t.Errorf("settling for %s: %v, %v; want %s", settle, m, err, want)
		}
	}
}

func TestListenFails(t *testing.T) {
	w, _, _ := readWorld(t, world)
	at := start(t, w, nil)
	for _, listen := range []string{at.String(), "nowhere.invalid:53", "127.0.0.1:none"} {
		if _, err := New(Config{Listen: listen, Network: w}); err == nil {
			t.Errorf("%s: no error", listen)
		}
	}
	// UDP is free, TCP is not.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := New(Config{Listen: l.Addr().String(), Network: w}); err == nil {
		t.Error("half a server")
	}
}

// BenchmarkAnswer is one answer without its socket.
func BenchmarkAnswer(b *testing.B) {
	w, _, _ := readWorld(b, world)
	s := newTestServer(w)
	s.Locator, s.limit = nil, newLimiter(1_000_000, noon)
	for _, text := range []string{"rest.example.org A", "rest.example.org A cookie subnet=133.39.1.0/24", "x.rest.example.org A edns"} {
		p := pack1(b, text, 1)
		b.Run(text, func(b *testing.B) {
			wk, from, now := s.worker(&s.counts[0]), netip.MustParseAddr("192.0.2.53"), noon
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Microsecond)
				wk.answer(p, from, false, now)
			}
		})
	}
}

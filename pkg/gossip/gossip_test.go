package gossip

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// quick makes a network on loopback live in fast motion.
func quick(m *memberlist.Config) {
	m.GossipInterval = 10 * time.Millisecond
	m.ProbeInterval = 100 * time.Millisecond
	m.ProbeTimeout = 60 * time.Millisecond
	m.SuspicionMult = 2
	m.SuspicionMaxTimeoutMult = 1
	m.PushPullInterval = 300 * time.Millisecond
	m.TCPTimeout = time.Second
}

// peer is a node of a test network.
type peer struct {
	*Gossip
	t        *testing.T
	changed  chan struct{}
	revision atomic.Pointer[string]
	cancel   context.CancelFunc
	done     chan error
	log      *logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs a node that joins through others; change adapts its Config.
func start(t *testing.T, name string, change func(*Config), others ...*peer) *peer {
	t.Helper()
	p := &peer{t: t, changed: make(chan struct{}, 1), done: make(chan error, 1), log: &logBuffer{}}
	p.say("r1")
	c := Config{
		Node: name, Region: "europe", Advertise: "http://127.0.0.1:1/" + name, Listen: loopback,
		Revision: func() string { return *p.revision.Load() },
		OnChange: func() { signal(p.changed) },
		Logger:   slog.New(slog.NewTextHandler(p.log, nil)),
		tune:     quick, joinMin: 10 * time.Millisecond, joinMax: 200 * time.Millisecond,
	}
	for _, o := range others {
		c.Join = append(c.Join, o.Addr().String())
	}
	if change != nil {
		change(&c)
	}
	var err error
	if p.Gossip, err = New(c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p.cancel = cancel
	go func() { p.done <- p.Run(ctx) }()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, p.log)
		}
	})
	return p
}

func (p *peer) say(revision string) { p.revision.Store(&revision) }

// stop ends Run, which leaves, and waits for it.
func (p *peer) stop() {
	p.cancel()
	if err, ok := <-p.done; ok {
		close(p.done)
		if err != nil {
			p.t.Errorf("Run: %v", err)
		}
	}
}

// kill ends the node without a word to the others.
func (p *peer) kill() {
	p.silent.Store(true)
	p.stop()
}

// until waits for p's view of a node to be as ok says.
func (p *peer) until(name, what string, ok func(Node) bool) Node {
	p.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		for _, n := range p.Nodes() {
			if n.Name == name && ok(n) {
				return n
			}
		}
		select {
		case <-p.changed:
		case <-limit:
			p.t.Fatalf("%s never saw %s %s: %+v", p.conf.Node, name, what, p.Nodes())
		}
	}
}

func (p *peer) untilState(name string, s State) Node {
	p.t.Helper()
	return p.until(name, string(s), func(n Node) bool { return n.State == s })
}

func TestThreeNodes(t *testing.T) {
	a := start(t, "a", nil)
	b := start(t, "b", func(c *Config) { c.Region = "asia" }, a)
	c := start(t, "c", func(c *Config) { c.Region = "useast" }, a)
	for _, p := range []*peer{a, b, c} {
		for _, q := range []*peer{a, b, c} {
			n := p.untilState(q.conf.Node, Alive)
			want := Node{Name: q.conf.Node, Region: q.conf.Region, Advertise: q.conf.Advertise, Revision: "r1",
				State: Alive, Addr: q.Addr(), Since: n.Since, RTT: n.RTT, Self: p == q}
			if n != want || n.Since.IsZero() {
				t.Errorf("%s sees %+v, want %+v", p.conf.Node, n, want)
			}
		}
	}
	names := ""
	for _, n := range a.Nodes() {
		names += n.Name
	}
	if names != "abc" {
		t.Errorf("Nodes gives %q, want them by name", names)
	}

	b.say("r2")
	b.Update()
	for _, p := range []*peer{a, b, c} {
		p.until("b", "with revision r2", func(n Node) bool { return n.Revision == "r2" })
	}

	began := time.Now()
	c.stop()
	t.Logf("leaving took %v", time.Since(began))
	if took := time.Since(began); took > leaveTimeout+time.Second {
		t.Errorf("leaving took %v", took)
	}
	for _, p := range []*peer{a, b} {
		since := p.untilState("c", Left).Since
		if since.Before(began) {
			t.Errorf("left since %v, before it did", since)
		}
	}
	if strings.Contains(a.log.String(), "node dead") || strings.Contains(b.log.String(), "node dead") {
		t.Error("who left was dead for a while")
	}
}

func TestKilledNodeIsSuspectThenDead(t *testing.T) {
	a := start(t, "a", nil)
	b := start(t, "b", nil, a)
	c := start(t, "c", nil, a)
	for _, p := range []*peer{a, b} {
		p.untilState("c", Alive)
	}
	c.kill()
	for _, p := range []*peer{a, b} {
		p.untilState("c", Dead)
	}
	// Both probe; at least one of them was first to suspect.
	if !strings.Contains(a.log.String()+b.log.String(), "node suspect") {
		t.Error("nobody suspected the dead node: does memberlist word its log otherwise now?")
	}
	a.untilState("b", Alive)

	// Forgotten after ten minutes, and not a moment before.
	real := a.members.now
	past := func(d time.Duration) {
		a.members.mu.Lock()
		a.members.now = func() time.Time { return real().Add(d) }
		a.members.mu.Unlock()
		a.members.prune()
	}
	past(remember - time.Minute)
	if len(a.Nodes()) != 3 {
		t.Errorf("the dead were forgotten too early: %+v", a.Nodes())
	}
	past(remember)
	if len(a.Nodes()) != 2 {
		t.Errorf("the dead are kept: %+v", a.Nodes())
	}
}

func TestSuspectRefutes(t *testing.T) {
	a := start(t, "a", nil)
	b := start(t, "b", nil, a)
	a.untilState("b", Alive)
	a.members.suspect("b")
	a.untilState("b", Alive) // by the next probe
	a.members.suspect("a")
	a.members.suspect("nobody")
	a.untilState("a", Alive)
	for p, name := range map[*peer]string{a: "b", b: "a"} {
		n := p.until(name, "with a round trip", func(n Node) bool { return n.RTT > 0 })
		if n.RTT > time.Second {
			t.Errorf("round trip %v", n.RTT)
		}
	}
}

func TestRestart(t *testing.T) {
	a := start(t, "a", nil)
	b := start(t, "b", nil, a)
	a.untilState("b", Alive)
	b.untilState("a", Alive)
	addr := b.Addr()

	b.stop()
	a.untilState("b", Left)
	b = start(t, "b", func(c *Config) { c.Listen, c.Region = addr, "asia" }, a)
	a.until("b", "back at its address", func(n Node) bool { return n.State == Alive && n.Region == "asia" && n.Addr == addr })

	// Killed, and at once back elsewhere: refused until the old one is dead.
	b.kill()
	b2 := start(t, "b", func(c *Config) { c.Region = "africa" }, a)
	a.until("b", "back at another address", func(n Node) bool {
		return n.State == Alive && n.Region == "africa" && n.Addr == b2.Addr()
	})
	b2.untilState("a", Alive)
}

func TestNamesAreNotTaken(t *testing.T) {
	a := start(t, "a", nil)
	b := start(t, "b", nil, a)
	a.untilState("b", Alive)
	thief := start(t, "b", func(c *Config) { c.Region = "asia" }, a)
	thief.untilState("a", Alive)
	// Something after the claim has passed through gossip.
	c := start(t, "c", nil, a, thief)
	a.untilState("c", Alive)
	thief.untilState("c", Alive)
	for _, p := range []*peer{a, b} {
		if n := p.untilState("b", Alive); n.Region != "europe" || n.Addr != b.Addr() {
			t.Errorf("%s takes the thief for b: %+v", p.conf.Node, n)
		}
	}
	if !strings.Contains(a.log.String(), "level=ERROR") || !strings.Contains(a.log.String(), "TWO NODES HAVE ONE NAME") ||
		!strings.Contains(a.log.String(), "claims="+thief.Addr().String()) {
		t.Error("the claim was not logged as an error")
	}
	_ = c
}

func TestLateSeed(t *testing.T) {
	// A free port, taken only after the other node began to ask for it.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(free.Addr().String())
	free.Close()
	b := start(t, "b", func(c *Config) { c.Join = []string{fmt.Sprintf("localhost:%d", addr.Port())} })
	b.untilState("b", Alive)
	a := start(t, "a", func(c *Config) { c.Listen = addr; c.Join = []string{addr.String()} })
	a.untilState("b", Alive)
	b.untilState("a", Alive)

	// It dies and is back: nobody but b knows, so b asks again.
	a.kill()
	b.untilState("a", Dead)
	a = start(t, "a", func(c *Config) { c.Listen = addr })
	a.untilState("b", Alive)
	b.untilState("a", Alive)
}

// A seed that left and is back, knowing nobody, is joined again by those who are
// not alone either.
func TestSeedIsBack(t *testing.T) {
	a := start(t, "a", nil)
	addr := a.Addr()
	b := start(t, "b", nil, a)
	c := start(t, "c", nil, a)
	b.untilState("c", Alive)
	c.untilState("b", Alive)
	a.untilState("b", Alive)
	a.stop()
	b.untilState("a", Left)
	c.untilState("a", Left)
	a = start(t, "a", func(c *Config) { c.Listen = addr })
	a.untilState("b", Alive)
	a.untilState("c", Alive)
}

func TestDeadAreTriedAgain(t *testing.T) {
	a := start(t, "a", nil)
	b := start(t, "b", nil, a)
	c := start(t, "c", nil, a)
	b.untilState("c", Alive)
	addr := c.Addr()
	c.kill()
	b.untilState("c", Dead)
	a.stop() // the only join address
	c = start(t, "c", func(c *Config) { c.Listen = addr })
	c.untilState("b", Alive)
	b.untilState("c", Alive)
}

func TestKeys(t *testing.T) {
	with := func(keys ...[]byte) func(*Config) {
		return func(c *Config) { c.Keys = keys; c.Label = "test" }
	}
	a := start(t, "a", with(key(1)))
	b := start(t, "b", with(key(1)), a)
	a.untilState("b", Alive)
	revision := 1
	stillTalk := func() {
		t.Helper()
		revision++
		want := fmt.Sprint("r", revision)
		for _, p := range []*peer{a, b} {
			p.say(want)
			p.Update()
		}
		for _, p := range []*peer{a, b} {
			for _, name := range []string{"a", "b"} {
				p.until(name, want, func(n Node) bool { return n.Revision == want && n.State != Dead })
			}
		}
	}
	for _, step := range [][][]byte{{key(1), key(2)}, {key(2), key(1)}, {key(2)}} {
		for _, p := range []*peer{a, b} {
			if err := p.SetKeys(step); err != nil {
				t.Fatal(err)
			}
			stillTalk()
		}
	}

	// The old key is of no use any more, nor is a wrong label, nor none.
	for name, change := range map[string]func(*Config){
		"old-key":     with(key(1)),
		"wrong-label": func(c *Config) { c.Keys = [][]byte{key(2)}; c.Label = "other" },
		"no-key":      func(c *Config) { c.Label = "test" },
	} {
		stranger := start(t, name, change, a)
		// Refused streams are logged; wait for one.
		for !strings.Contains(stranger.log.String(), "cannot join") {
			stillTalk()
		}
		stillTalk()
		if len(a.Nodes()) != 2 || len(stranger.Nodes()) != 1 {
			t.Errorf("%s: a sees %+v, it sees %+v", name, a.Nodes(), stranger.Nodes())
		}
		stranger.stop()
	}

	for _, bad := range [][][]byte{nil, {}, {key(2)[:5]}, {key(2), nil}} {
		if err := a.SetKeys(bad); err == nil {
			t.Errorf("SetKeys(%x) succeeded", bad)
		}
	}
	stillTalk()
	plain := start(t, "plain", nil)
	if err := plain.SetKeys([][]byte{key(1)}); err == nil || !strings.Contains(err.Error(), "restart") {
		t.Errorf("SetKeys without encryption: %v", err)
	}
}

func TestAllowed(t *testing.T) {
	a := start(t, "a", func(c *Config) {
		c.Listen = netip.MustParseAddrPort("127.0.0.2:0")
		c.Allowed = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/31")}
	})
	in := start(t, "in", func(c *Config) { c.Listen = netip.MustParseAddrPort("127.0.0.3:0") }, a)
	out := start(t, "out", func(c *Config) { c.Listen = netip.MustParseAddrPort("127.0.0.4:0") }, a)
	a.untilState("in", Alive)
	in.untilState("a", Alive)
	// out talks to in, and in tells a of it: still refused.
	out2 := start(t, "out2", func(c *Config) { c.Listen = netip.MustParseAddrPort("127.0.0.5:0") }, in)
	in.untilState("out2", Alive)
	in.say("r2")
	in.Update()
	a.until("in", "r2", func(n Node) bool { return n.Revision == "r2" })
	for _, n := range a.Nodes() {
		if n.Name == "out" || n.Name == "out2" {
			t.Errorf("a took in %+v", n)
		}
	}
	_, _ = out, out2
}

// A join address that accepts and then says nothing must not hold up the end.
func TestEndDuringJoin(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := start(t, "a", func(c *Config) {
		c.Join = []string{ln.Addr().String()}
		c.tune = func(m *memberlist.Config) { m.TCPTimeout = time.Minute }
	})
	conn, err := ln.Accept() // it joins now
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	p.stop()
	if took := time.Since(began); took > leaveTimeout {
		t.Errorf("Run ended after %v", took)
	}
}

// Two updates at once, then messages of the same length from others before the
// next round of gossip: memberlist v0.7.0 loses the second update (see Decisions).
func TestUpdatesAreNotLost(t *testing.T) {
	tune := func(interval time.Duration) func(*Config) {
		return func(c *Config) {
			c.tune = func(m *memberlist.Config) {
				quick(m)
				m.GossipInterval = interval
				m.ProbeInterval, m.PushPullInterval = time.Hour, time.Hour // nothing else heals
			}
		}
	}
	a := start(t, "a", tune(300*time.Millisecond))
	b := start(t, "b", tune(10*time.Millisecond), a)
	c := start(t, "c", tune(10*time.Millisecond), a)
	all := []*peer{a, b, c}
	for _, p := range all {
		for _, q := range all {
			p.untilState(q.conf.Node, Alive)
		}
	}
	for _, p := range []*peer{b, c, a} {
		if err := p.list.UpdateNode(20 * time.Second); err != nil { // sent, and what waited before it
			t.Fatal(err)
		}
	}
	for _, r := range []string{"r2", "r3"} {
		a.say(r)
		a.Update()
		a.until("a", r, func(n Node) bool { return n.Revision == r })
	}
	for _, p := range []*peer{b, c} {
		p.say("r3")
		p.Update()
	}
	for _, p := range all {
		for _, q := range all {
			p.until(q.conf.Node, "r3", func(n Node) bool { return n.Revision == "r3" })
		}
	}
}

// With the settings that nodes really have: a change is known within 2 s, and so
// is a departure, as such.
func TestRealSettings(t *testing.T) {
	real := func(c *Config) { c.tune, c.joinMin, c.joinMax = nil, 0, 0 }
	a := start(t, "a", real)
	b := start(t, "b", real, a)
	c := start(t, "c", real, a)
	for _, p := range []*peer{a, b} {
		p.untilState("c", Alive)
	}
	began := time.Now()
	c.say("r2")
	c.Update()
	for _, p := range []*peer{a, b} {
		p.until("c", "r2", func(n Node) bool { return n.Revision == "r2" })
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("a new revision was known after %v", took)
	}
	began = time.Now()
	c.stop()
	t.Logf("leaving took %v", time.Since(began))
	for _, p := range []*peer{a, b} {
		p.untilState("c", Left)
	}
	if took := time.Since(began); took > leaveTimeout+500*time.Millisecond {
		t.Errorf("a departure was known after %v", took)
	}
	// All at once, as a network that is stopped.
	began = time.Now()
	a.cancel()
	b.cancel()
	a.stop()
	b.stop()
	if took := time.Since(began); took > leaveTimeout+500*time.Millisecond {
		t.Errorf("leaving together took %v", took)
	}
	t.Logf("leaving together took %v", time.Since(began))
}

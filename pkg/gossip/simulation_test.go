package gossip

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"

	"mirrornet/pkg/region"
)

var simNodes = flag.Int("nodes", 30, "nodes of TestSimulation, five in each region")

const simLoss = 0.01 // of packets

// simNet is a memberlist.MockNetwork with delays between regions, loss, and
// nodes that die. Its addresses are made before anything runs.
type simNet struct {
	mock    memberlist.MockNetwork
	nodes   map[string]*simCarrier
	packets atomic.Int64
	bytes   atomic.Int64 // with UDP and IP headers, and of streams
}

type simCarrier struct {
	*memberlist.MockTransport
	net  *simNet
	x, y float64 // place, in ms
	addr netip.AddrPort
	ctx  context.Context
	end  context.CancelFunc
	dead atomic.Bool
}

func newSimNet(n int) *simNet {
	s := &simNet{nodes: map[string]*simCarrier{}}
	rng := rand.New(rand.NewPCG(7, 7))
	var x, y float64
	for i := range n {
		if i%5 == 0 {
			x, y = rng.Float64()*120, rng.Float64()*50
		}
		t := s.mock.NewTransport(simName(i))
		ip, port, _ := t.FinalAdvertiseAddr("", 0)
		addr, _ := netip.AddrFromSlice(ip)
		c := &simCarrier{MockTransport: t, net: s, x: x, y: y, addr: netip.AddrPortFrom(addr.Unmap(), uint16(port))}
		c.ctx, c.end = context.WithCancel(context.Background())
		s.nodes[simName(i)] = c
	}
	return s
}

func simName(i int) string        { return fmt.Sprintf("n%03d-%d", i/5, i%5) }
func simRegion(i int) region.Name { return region.Name(fmt.Sprintf("r%03d", i/5)) }

func (c *simCarrier) GetAutoBindPort() int { return int(c.addr.Port()) }
func (c *simCarrier) cut()                 { c.end() }
func (c *simCarrier) abandon()             {}

// oneWay is the delay to another node.
func (c *simCarrier) oneWay(to *simCarrier) time.Duration {
	ms := math.Hypot(c.x-to.x, c.y-to.y) + 0.1 + 0.3*rand.Float64()
	return time.Duration(ms * float64(time.Millisecond))
}

func (c *simCarrier) WriteTo(b []byte, addr string) (time.Time, error) {
	return c.WriteToAddress(b, memberlist.Address{Addr: addr})
}

func (c *simCarrier) peer(a memberlist.Address) *simCarrier {
	if to := c.net.nodes[a.Name]; to != nil {
		return to
	}
	for _, to := range c.net.nodes {
		if to.addr.String() == a.Addr {
			return to
		}
	}
	return nil
}

func (c *simCarrier) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	to := c.peer(a)
	c.net.packets.Add(1)
	c.net.bytes.Add(int64(len(b) + 28))
	if to == nil || c.dead.Load() || rand.Float64() < simLoss {
		return time.Now(), nil
	}
	b = slices.Clone(b)
	time.AfterFunc(c.oneWay(to), func() {
		if !to.dead.Load() {
			c.MockTransport.WriteToAddress(b, a)
		}
	})
	return time.Now(), nil
}

func (c *simCarrier) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return c.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

// DialAddressTimeout takes a round trip, or to nobody all the time that it has.
func (c *simCarrier) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	to := c.peer(a)
	wait := min(timeout, dialTimeout)
	if to != nil && !to.dead.Load() {
		wait = 2 * c.oneWay(to)
	}
	select {
	case <-time.After(wait):
	case <-c.ctx.Done():
	}
	if to == nil || to.dead.Load() || c.ctx.Err() != nil {
		return nil, net.ErrClosed
	}
	conn, err := c.MockTransport.DialAddressTimeout(a, timeout)
	if err != nil {
		return nil, err
	}
	return &simStream{&stream{conn, context.AfterFunc(c.ctx, func() { conn.Close() })}, c.net}, nil
}

// simStream counts what goes either way.
type simStream struct {
	net.Conn
	net *simNet
}

func (s *simStream) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	s.net.bytes.Add(int64(n))
	return n, err
}

func (s *simStream) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	s.net.bytes.Add(int64(n))
	return n, err
}

// kill ends a node without a word.
func (c *simCarrier) kill(g *Gossip, cancel context.CancelFunc) {
	c.dead.Store(true)
	g.silent.Store(true)
	cancel()
}

// simulation is a network that runs.
type simulation struct {
	t     *testing.T
	net   *simNet
	began time.Time
	nodes []*Gossip
	stop  []context.CancelFunc
	wg    sync.WaitGroup

	mu    sync.Mutex
	heard map[string][]time.Duration // by value of topic sim: when who heard it, since began
}

func (s *simulation) start(i int) {
	c := s.net.nodes[simName(i)]
	var g *Gossip
	conf := Config{
		Node: simName(i), Region: simRegion(i), Advertise: "http://" + c.addr.String(), Listen: c.addr,
		Revision: func() string { return "0123456789abcdef" }, Digest: func() string { return "0123456789ab" },
		Keys:    [][]byte{key(1)},
		carrier: func(netip.AddrPort, *lineLog) (carrier, error) { return c, nil },
		OnStatement: func(topic string) {
			if topic != "sim" {
				return
			}
			all := g.Statements(topic)
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, st := range all {
				s.heard[st.Subject] = append(s.heard[st.Subject], time.Since(s.began))
			}
		},
	}
	for j := range 3 {
		conf.Join = append(conf.Join, s.net.nodes[simName(j)].addr.String())
	}
	var err error
	if g, err = New(conf); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.nodes, s.stop = append(s.nodes, g), append(s.stop, cancel)
	s.wg.Go(func() { g.Run(ctx) })
	if err := g.Share("node", g.conf.Node, []byte(`{"addresses":["198.51.100.7","2001:db8::7"],"keys":["85e7eac2"]}`), 0); err != nil {
		s.t.Fatal(err)
	}
	if err := g.Share("health", g.conf.Node, []byte(`{"isolated":false}`), 0); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for ok of all nodes that live, and says how long that took.
func (s *simulation) until(what string, ok func(g *Gossip) bool) time.Duration {
	began := time.Now()
	for {
		all := true
		for i, g := range s.nodes {
			if !s.net.nodes[simName(i)].dead.Load() && !ok(g) {
				all = false
				break
			}
		}
		if all {
			return time.Since(began)
		}
		if time.Since(began) > 5*time.Minute {
			s.t.Fatalf("5 minutes without %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// rate measures for d what each node sends in a second.
func (s *simulation) rate(d time.Duration) string {
	packets, bytes := s.net.packets.Load(), s.net.bytes.Load()
	<-time.After(d)
	per := d.Seconds() * float64(len(s.nodes))
	return fmt.Sprintf("%.1f packets/s and %.0f bytes/s per node",
		float64(s.net.packets.Load()-packets)/per, float64(s.net.bytes.Load()-bytes)/per)
}

func quantiles(all []time.Duration) string {
	slices.Sort(all)
	ms := func(q float64) time.Duration { return all[int(q*float64(len(all)-1))].Round(10 * time.Millisecond) }
	return fmt.Sprintf("median %v, p99 %v, at most %v", ms(0.5), ms(0.99), ms(1))
}

// A network of many nodes in regions all over the world, in a bubble of time,
// with the settings that nodes have: how fast news, a newcomer and a death are
// known, and what gossip costs. Decisions have the figures of -nodes 300.
func TestSimulation(t *testing.T) {
	n := *simNodes
	if testing.Short() {
		n = min(n, 20)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &simulation{t: t, net: newSimNet(n + 1), began: time.Now(), heard: map[string][]time.Duration{}}
		defer func() {
			for i, stop := range s.stop {
				s.net.nodes[simName(i)].kill(s.nodes[i], stop)
			}
			s.wg.Wait()
			for _, c := range s.net.nodes { // what was under way
				for more := true; more; synctest.Wait() {
					select {
					case <-c.PacketCh():
					case conn := <-c.StreamCh():
						conn.Close()
					default:
						more = false
					}
				}
			}
			<-time.After(time.Minute)
		}()
		for i := range n {
			s.start(i)
			<-time.After(10 * time.Millisecond)
		}
		knows := func(want int) func(g *Gossip) bool {
			return func(g *Gossip) bool {
				g.talk.mu.Lock()
				defer g.talk.mu.Unlock()
				return len(g.talk.table.living) == want
			}
		}
		t.Logf("%d nodes in %d regions, %.0f %% of packets lost", n, (n+4)/5, 100*simLoss)
		s.until("a whole network", knows(n))
		t.Logf("all started within %v, all know all after %v", time.Duration(n)*10*time.Millisecond, time.Since(s.began).Round(10*time.Millisecond))
		s.until("the statements of all", func(g *Gossip) bool { return len(g.Statements("node")) == n && len(g.Statements("health")) == n })
		t.Logf("and all statements after %v", time.Since(s.began).Round(10*time.Millisecond))
		<-time.After(2 * time.Minute)
		t.Logf("idle: %s", s.rate(time.Minute))

		var last, each []time.Duration
		for i := range 20 {
			subject, by := fmt.Sprint("news ", i), s.nodes[rand.IntN(n)]
			at := time.Since(s.began)
			if err := by.Share("sim", subject, []byte("x"), time.Minute); err != nil {
				t.Fatal(err)
			}
			s.until(subject, func(g *Gossip) bool {
				return slices.ContainsFunc(g.Statements("sim"), func(st Statement) bool { return st.Subject == subject })
			})
			synctest.Wait()
			s.mu.Lock()
			first := s.heard[subject][:n:n]
			slices.Sort(first)
			for _, h := range first {
				each = append(each, h-at)
			}
			last = append(last, first[n-1]-at)
			s.mu.Unlock()
		}
		t.Logf("a statement reaches a node: %s; all nodes: %s", quantiles(each), quantiles(last))
		if slices.Max(last) > 2*time.Second {
			t.Errorf("a statement took more than 2 s")
		}

		done := make(chan struct{})
		s.wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				case <-time.After(5 * time.Second / time.Duration(n)): // each node once in 5 s
				}
				by := s.nodes[i%n]
				if err := by.Share("load", by.conf.Node, fmt.Appendf(nil, `{"rps":%d.4}`, i), 0); err != nil {
					t.Error(err)
					return
				}
			}
		})
		<-time.After(10 * time.Second)
		t.Logf("each node states its load every 5 s: %s", s.rate(20*time.Second))
		close(done)
		<-time.After(5 * time.Second)

		s.start(n)
		t.Logf("a newcomer is known to all, and knows all, after %v", s.until("the newcomer", knows(n+1)).Round(10*time.Millisecond))
		took := s.until("its statements", func(g *Gossip) bool { return len(g.Statements("node")) == n+1 })
		t.Logf("and its statements %v later", took.Round(10*time.Millisecond))

		victim := n / 2
		began := time.Now()
		s.net.nodes[simName(victim)].kill(s.nodes[victim], s.stop[victim])
		gone := func(g *Gossip) bool { _, ok := g.members.address(simName(victim)); return !ok }
		for !slices.ContainsFunc(s.nodes, func(g *Gossip) bool { return g != s.nodes[victim] && gone(g) }) {
			<-time.After(20 * time.Millisecond)
		}
		first := time.Since(began)
		s.until("the death", gone)
		t.Logf("a death is known to the first after %v, to all after %v", first.Round(10*time.Millisecond), time.Since(began).Round(10*time.Millisecond))

		var off []float64
		for range 2000 {
			i, j := rand.IntN(n), rand.IntN(n)
			a, b := s.net.nodes[simName(i)], s.net.nodes[simName(j)]
			if d := s.nodes[0].Distance(simName(i), simName(j)); i/5 != j/5 && d > 0 {
				want := 2 * float64(a.oneWay(b))
				off = append(off, math.Abs(float64(d)-want)/want)
			}
		}
		if len(off) > 0 {
			slices.Sort(off)
			t.Logf("round trips between others, estimated (%d of 2000): off by %.0f %% at the median", len(off), 100*off[len(off)/2])
		}
	})
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) == nil {
		t.Logf("cost %v of CPU", time.Duration(use.Utime.Nano()+use.Stime.Nano()).Round(time.Second))
	}
}

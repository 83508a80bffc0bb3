package dns

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

// Network is what a node knows of the network. Its methods may be called at any
// time; what they return is not changed by anybody.
type Network interface {
	// World is what the node decides by.
	World() route.World
	// Addresses are those of all nodes, by region.
	Addresses() map[region.Name][]Address
}

// Locator knows where clients are.
type Locator interface {
	Locate(netip.Addr) geo.Place
	// Network is the network around an address all of which has the same place.
	Network(netip.Addr) netip.Prefix
}

// Config configures a [Server].
type Config struct {
	// Listen is the address for UDP and TCP, like 0.0.0.0:53. With port 0 the
	// two get the same free port.
	Listen string
	Node   string // told to those who ask who answered (NSID, RFC 5001)
	// Names are the hostnames of the name servers, as the parent zones have
	// them. Empty: the hostnames of the regions.
	Names []string
	TTL   time.Duration // of addresses, and of negative answers; whole seconds; 0: 20 s
	// Limit is how many answers per second go over UDP to one client network, a
	// /24 or a /56; 0: 500; negative: any number.
	Limit   int
	Network Network // not nil
	Locator Locator // nil: every place is unknown
	Logger  *slog.Logger
	// Connections bounds those over TCP; 0: 1024.
	Connections int
	// Settle is how long Run waits at most, before it answers, for all regions to
	// serve: a node that has just begun knows of nobody else. 0: not at all.
	Settle time.Duration
	// Idle is how long a TCP connection may be without a query; 0: 10 s.
	Idle time.Duration
}

// refreshEvery is how soon a change of the world is in the answers. Looking
// costs microseconds; only a change is compiled.
const refreshEvery = 100 * time.Millisecond

// readBuffer holds the queries of a moment in which nobody reads.
const readBuffer = 1 << 20

// Server answers DNS queries.
type Server struct {
	Config
	cookies cookies
	limit   *limiter
	current atomic.Pointer[snapshot]

	udp         *net.UDPConn
	tcp         *net.TCPListener
	counts      []counts // of each UDP worker; the last is of TCP
	clients     clients
	connections atomic.Int64
}

// New makes a Server that listens, but answers only while Run runs. Run closes
// it, and Close does where there was no Run.
func New(c Config) (*Server, error) {
	if c.TTL == 0 {
		c.TTL = 20 * time.Second
	}
	if c.Limit == 0 {
		c.Limit = 500
	}
	if c.Connections == 0 {
		c.Connections = 1024
	}
	if c.Idle == 0 {
		c.Idle = 10 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	s := newServer(c)
	if err := s.listen(); err != nil {
		return nil, err
	}
	return s, nil
}

// newServer makes one without sockets.
func newServer(c Config) *Server {
	var secret [16]byte
	rand.Read(secret[:]) // does not fail
	s := &Server{Config: c, cookies: newCookies(secret), limit: newLimiter(c.Limit, time.Now()), counts: make([]counts, runtime.GOMAXPROCS(0)+1)}
	s.clients.open = map[netip.Addr]int{}
	s.Refresh()
	return s
}

// listen opens both sockets on one port.
func (s *Server) listen() error {
	wanted, err := net.ResolveUDPAddr("udp", s.Listen)
	if err != nil {
		return err
	}
	// A free UDP port may be taken for TCP: then another is tried.
	for tries := 0; ; tries++ {
		if s.udp, err = listenUDP(wanted); err != nil {
			return err
		}
		_ = s.udp.SetReadBuffer(readBuffer) // as much of it as the system grants
		at := s.udp.LocalAddr().(*net.UDPAddr)
		if s.tcp, err = net.ListenTCP("tcp", &net.TCPAddr{IP: wanted.IP, Port: at.Port, Zone: wanted.Zone}); err == nil {
			return nil
		}
		s.udp.Close()
		if wanted.Port != 0 || tries == 20 {
			return err
		}
	}
}

// Addr is where the Server listens.
func (s *Server) Addr() netip.AddrPort {
	a := s.tcp.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Refresh looks whether the world has changed. Run does so ten times a second.
func (s *Server) Refresh() {
	w, addresses := s.Network.World(), s.Network.Addresses()
	if old := s.current.Load(); old == nil || !old.same(w, addresses) {
		s.current.Store(compile(w, addresses, s.Names))
	}
}

// Run answers until ctx ends, then closes the sockets, and returns nil when the
// last answer is written.
func (s *Server) Run(ctx context.Context) error {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for begin := time.Now(); ctx.Err() == nil && !s.settled() && time.Since(begin) < s.Settle; {
		select {
		case <-tick.C:
			s.Refresh()
		case <-ctx.Done():
		}
	}
	var wg sync.WaitGroup
	for i := range s.counts[1:] {
		wg.Go(func() { s.serveUDP(&s.counts[i]) })
	}
	wg.Go(s.serveTCP)
	for ctx.Err() == nil {
		select {
		case <-tick.C:
			s.Refresh()
		case <-ctx.Done():
		}
	}
	s.Close()
	wg.Wait()
	return nil
}

// settled reports whether all regions that should serve do.
func (s *Server) settled() bool {
	w := s.current.Load().world
	for _, r := range w.Map.Regions() {
		if (r.State == region.Serving || r.State == region.Canary) && !w.Status[r.Name].Serving {
			return false
		}
	}
	return true
}

// pause reports whether to go on after a socket's error, and waits a little: it
// is of one packet or connection, or of a machine that has run out of something,
// and passes. faults is how many there were in a row.
func (s *Server) pause(err error, faults int) bool {
	if errors.Is(err, net.ErrClosed) {
		return false
	}
	if faults == 1 || faults%1000 == 0 {
		s.Logger.Warn("dns: a socket fails", "error", err, "times", faults)
	}
	time.Sleep(min(time.Duration(faults)*time.Millisecond, 100*time.Millisecond))
	return true
}

// Close closes all sockets.
func (s *Server) Close() {
	s.udp.Close()
	s.tcp.Close()
	s.clients.close()
}

// safely is answer, but a fault of this program costs one answer instead of the
// node.
func (w *worker) safely(packet []byte, from netip.Addr, tcp bool, now time.Time) (out []byte) {
	defer func() {
		if v := recover(); v != nil {
			w.counts.panics.Add(1)
			w.Logger.Error("panic in a DNS answer", "panic", fmt.Sprint(v), "packet", fmt.Sprintf("%x", packet), "stack", string(debug.Stack()))
			out = nil
		}
	}()
	return w.answer(packet, from, tcp, now)
}

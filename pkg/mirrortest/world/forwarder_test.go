//go:build linux

package world

import (
	"container/heap"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"mirrornet/pkg/geo"
)

const (
	kmPerMs  = 100 // light in glass goes 200 km in a millisecond; cables take detours
	constant = 500 * time.Microsecond
	maxHeld  = 200_000 // packets under way, all together
)

// An endpoint is one host of the world.
type endpoint struct {
	name string
	addr netip.Addr
	at   geo.Point
	wire io.ReadWriteCloser // one packet per call
}

// set is a set of endpoints; nil holds all.
type set map[*endpoint]bool

func (s set) has(e *endpoint) bool { return s == nil || s[e] }

// An effect is what befalls packets from one set to another. A packet suffers
// all effects that apply to it.
type effect struct {
	from, to     set
	both         bool // and from to to from
	block        bool
	loss, repeat float64 // shares of packets
	later        time.Duration
	// flap blocks while it returns true, of the time since the effect began.
	flap func(time.Duration) bool

	since time.Time
}

func (e *effect) applies(from, to *endpoint) bool {
	return e.from.has(from) && e.to.has(to) || e.both && e.from.has(to) && e.to.has(from)
}

// A forwarder carries packets between endpoints, each as late as the way is
// long. It is the only link between the namespaces.
type forwarder struct {
	ends    map[netip.Addr]*endpoint
	effects atomic.Pointer[[]*effect]

	mu      sync.Mutex // guards held, seq, and writing effects
	held    queue
	seq     uint64
	earlier chan struct{} // capacity 1: the head of held has changed
	done    chan struct{}
	wg      sync.WaitGroup

	carried, dropped atomic.Int64
}

// packet is one under way.
type packet struct {
	due  time.Time
	seq  uint64 // of packets due at once, the first come goes first
	to   *endpoint
	data []byte
}

type queue []packet

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].due.Before(q[j].due) || q[i].due.Equal(q[j].due) && q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(p any)   { *q = append(*q, p.(packet)) }
func (q *queue) Pop() any {
	old := *q
	p := old[len(old)-1]
	old[len(old)-1] = packet{}
	*q = old[:len(old)-1]
	return p
}

// newForwarder carries packets between ends until end.
func newForwarder(ends []*endpoint) *forwarder {
	f := &forwarder{ends: map[netip.Addr]*endpoint{}, earlier: make(chan struct{}, 1), done: make(chan struct{})}
	f.effects.Store(&[]*effect{})
	for _, e := range ends {
		f.ends[e.addr] = e
	}
	for _, e := range ends {
		f.wg.Go(func() { f.read(e) })
	}
	f.wg.Go(f.deliver)
	return f
}

// end closes all wires and waits for what the forwarder started.
func (f *forwarder) end() {
	close(f.done)
	for _, e := range f.ends {
		e.wire.Close()
	}
	f.wg.Wait()
}

// apply lets an effect begin; undo ends it, and may be called again.
func (f *forwarder) apply(e effect) (undo func()) {
	e.since = time.Now()
	f.change(func(all []*effect) []*effect { return append(all, &e) })
	return func() {
		f.change(func(all []*effect) []*effect {
			var rest []*effect
			for _, o := range all {
				if o != &e {
					rest = append(rest, o)
				}
			}
			return rest
		})
	}
}

func (f *forwarder) change(to func([]*effect) []*effect) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := *f.effects.Load()
	now := to(old[:len(old):len(old)])
	f.effects.Store(&now)
}

func (f *forwarder) read(from *endpoint) {
	random := rand.New(rand.NewPCG(rand.Uint64(), 1))
	buf := make([]byte, 1<<16)
	for {
		n, err := from.wire.Read(buf)
		if err != nil {
			if errors.Is(err, os.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
				return
			}
			continue
		}
		if n < 20 || buf[0]>>4 != 4 {
			continue // not IPv4: router solicitations and the like
		}
		dst := netip.AddrFrom4([4]byte(buf[16:20]))
		if to := f.ends[dst]; to != nil {
			f.take(from, to, buf[:n], random, time.Now())
		} else {
			f.dropped.Add(1)
		}
	}
}

// take decides what becomes of a packet that from sent at now.
func (f *forwarder) take(from, to *endpoint, data []byte, random *rand.Rand, now time.Time) {
	delay, times := oneWay(from, to), 1
	for _, e := range *f.effects.Load() {
		if !e.applies(from, to) {
			continue
		}
		if e.block || e.flap != nil && e.flap(now.Sub(e.since)) || e.loss > 0 && random.Float64() < e.loss {
			f.dropped.Add(1)
			return
		}
		if e.repeat > 0 && random.Float64() < e.repeat {
			times++
		}
		delay += e.later
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for range times {
		if len(f.held) >= maxHeld {
			f.dropped.Add(1)
			return
		}
		f.seq++
		p := packet{due: now.Add(delay), seq: f.seq, to: to, data: append([]byte(nil), data...)}
		heap.Push(&f.held, p)
		if f.held[0].seq == p.seq {
			select {
			case f.earlier <- struct{}{}:
			default:
			}
		}
	}
}

// deliver hands over each packet when it is due.
func (f *forwarder) deliver() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := time.Hour
		f.mu.Lock()
		if len(f.held) > 0 {
			wait = time.Until(f.held[0].due)
		}
		var p packet
		if wait <= 0 {
			p = heap.Pop(&f.held).(packet)
		}
		f.mu.Unlock()
		if p.to != nil {
			p.to.wire.Write(p.data) // a host that is gone gets nothing
			f.carried.Add(1)
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-f.earlier:
		case <-f.done:
			return
		}
	}
}

// oneWay is how long a packet is under way between two places.
func oneWay(a, b *endpoint) time.Duration {
	km := a.at.DistanceKm(b.at)
	return constant + time.Duration(km/kmPerMs*float64(time.Millisecond))
}

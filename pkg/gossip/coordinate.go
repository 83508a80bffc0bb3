package gossip

import (
	"encoding/binary"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/hashicorp/serf/coordinate"
)

const (
	coordinateTopic   = "coordinate"
	coordinateVersion = 1
	dimensions        = 8
	coordinateSize    = 1 + 4*(dimensions+3)

	// farthest bounds each number of a coordinate, in seconds: no round trip
	// takes longer.
	farthest = 10
	// certain is the error below which a coordinate estimates anything: it starts
	// at 1.5, and is well below 1 after some pings.
	certain = 1
	// Own coordinates are told when they moved that far, at most so often.
	moved          = 0.005 // seconds
	coordinateTime = 30 * time.Second
)

var errCoordinate = errors.New("gossip: no coordinate")

// coordinates places nodes in a space in which their distance is about the round
// trip between them (Vivaldi, as Consul uses it).
type coordinates struct {
	mu     sync.Mutex // guards what follows
	client *coordinate.Client
	told   *coordinate.Coordinate // own, last shared; nil: not yet
	known  map[string]*coordinate.Coordinate
}

func newCoordinates() *coordinates {
	return &coordinates{client: newClient(), known: map[string]*coordinate.Coordinate{}}
}

func newClient() *coordinate.Client {
	c, err := coordinate.NewClient(coordinate.DefaultConfig())
	if err != nil {
		panic(err) // only for a configuration without dimensions
	}
	return c
}

// encodeCoordinate gives a version byte and the numbers as float32, big-endian:
// the vector, error, adjustment and height.
func encodeCoordinate(c *coordinate.Coordinate) []byte {
	b := make([]byte, 1, coordinateSize)
	b[0] = coordinateVersion
	for _, f := range append(c.Clone().Vec, c.Error, c.Adjustment, c.Height) {
		b = binary.BigEndian.AppendUint32(b, math.Float32bits(float32(f)))
	}
	return b
}

// decodeCoordinate reads a coordinate that came over the network: one that is
// not sane is refused, since it would move this node's own.
func decodeCoordinate(b []byte) (*coordinate.Coordinate, error) {
	if len(b) != coordinateSize || b[0] != coordinateVersion {
		return nil, errCoordinate
	}
	var f [dimensions + 3]float64
	for i := range f {
		f[i] = float64(math.Float32frombits(binary.BigEndian.Uint32(b[1+4*i:])))
	}
	c := &coordinate.Coordinate{Vec: f[:dimensions], Error: f[dimensions], Adjustment: f[dimensions+1], Height: f[dimensions+2]}
	if !sane(c) {
		return nil, errCoordinate
	}
	return c, nil
}

func sane(c *coordinate.Coordinate) bool {
	for _, f := range c.Vec {
		if !(math.Abs(f) <= farthest) { // nor NaN
			return false
		}
	}
	return len(c.Vec) == dimensions && c.Error >= 0 && c.Error <= 2 &&
		math.Abs(c.Adjustment) <= farthest && c.Height >= 0 && c.Height <= farthest
}

// own gives this node's coordinate, encoded.
func (c *coordinates) own() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return encodeCoordinate(c.client.GetCoordinate())
}

// pinged takes in a round trip to a node and the coordinate that it gave.
func (c *coordinates) pinged(name string, rtt time.Duration, payload []byte) {
	other, err := decodeCoordinate(payload)
	if err != nil {
		return // a node of an earlier version gives none
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[name] = other
	// An error says that rtt is beyond ten seconds. It does not count then.
	if own, err := c.client.Update(name, other, rtt); err == nil && !sane(own) {
		c.client = newClient()
	}
}

// heard takes in a coordinate that its node shared with all.
func (c *coordinates) heard(name string, value []byte) {
	other, err := decodeCoordinate(value)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[name] = other
}

func (c *coordinates) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.client.ForgetNode(name)
	delete(c.known, name)
}

// due gives the own coordinate if it is to be shared: it means something, and
// has moved.
func (c *coordinates) due() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.client.GetCoordinate()
	if own.Error >= certain {
		return nil
	}
	if c.told != nil {
		sum := 0.0
		for i, f := range own.Vec {
			sum += (f - c.told.Vec[i]) * (f - c.told.Vec[i])
		}
		if math.Sqrt(sum)+math.Abs(own.Height+own.Adjustment-c.told.Height-c.told.Adjustment) < moved {
			return nil
		}
	}
	c.told = own
	return encodeCoordinate(own)
}

// between estimates the round trip between two nodes; this one is "". 0: unknown.
func (c *coordinates) between(a, b string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := func(name string) *coordinate.Coordinate {
		k := c.known[name]
		if name == "" {
			k = c.client.GetCoordinate()
		}
		if k == nil || k.Error >= certain {
			return nil
		}
		return k
	}
	if from, to := at(a), at(b); from != nil && to != nil {
		return from.DistanceTo(to)
	}
	return 0
}

// Distance says about how long a round trip between two nodes takes: as measured,
// where one of them is this node and has pinged the other, else as estimated from
// their coordinates. 0: not known yet, or they are one.
func (g *Gossip) Distance(a, b string) time.Duration {
	if a == b {
		return 0
	}
	if b == g.conf.Node {
		a, b = b, a
	}
	if a == g.conf.Node {
		if rtt := g.members.roundTrip(b); rtt > 0 {
			return rtt
		}
		a = ""
	}
	return g.coordinates.between(a, b)
}

// tellCoordinate shares where this node is, if that is due.
func (g *Gossip) tellCoordinate() {
	if b := g.coordinates.due(); b != nil {
		if err := g.Share(coordinateTopic, g.conf.Node, b, 0); err != nil {
			g.log.Warn("gossip: own coordinate", "err", err)
		}
	}
}

// hearCoordinates takes in all that were shared.
func (g *Gossip) hearCoordinates() {
	for _, s := range g.Statements(coordinateTopic) {
		if s.Writer != g.conf.Node {
			g.coordinates.heard(s.Writer, s.Value)
		}
	}
}

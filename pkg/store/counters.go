package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"mirrornet/pkg/rendezvous"
)

// Counters counts in memcached, for all processes that name the same servers
// and prefix. It is safe for concurrent use.
type Counters struct {
	servers map[string]*server
	names   []string
	prefix  string
	took    latency
}

// NewCounters makes them. Of the configuration, Now has no use here.
func NewCounters(c MemcachedConfig) (*Counters, error) {
	m, err := NewMemcached(c)
	if err != nil {
		return nil, err
	}
	return &Counters{servers: m.servers, names: m.names, prefix: m.prefix}, nil
}

// Add counts one more under the name, at most 100 letters, digits and
// "-_.:", and gives the sum. The name is forgotten some time after it was first
// counted, at least a second, or when memcached needs the room.
func (c *Counters) Add(ctx context.Context, name string, forget time.Duration) (int, error) {
	key := c.prefix + name
	at, _ := rendezvous.Pick(key, c.names)
	s := c.servers[at]
	var n uint64
	err := s.do(ctx, &c.took, func() (err error) {
		if n, err = s.client.Increment(key, 1); !errors.Is(err, memcache.ErrCacheMiss) {
			return err
		}
		n = 1
		err = s.client.Add(&memcache.Item{Key: key, Value: []byte(strconv.Itoa(1)), Expiration: int32(max(1, min(forget, maxRelative)/time.Second))})
		if errors.Is(err, memcache.ErrNotStored) { // another one was faster
			n, err = s.client.Increment(key, 1)
		}
		return err
	})
	return int(n), err
}

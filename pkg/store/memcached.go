package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"mirrornet/pkg/rendezvous"
)

const (
	// chunkBytes is what goes into one item: memcached's limit of 1 MiB counts
	// the item's name and head too.
	chunkBytes = 1_000_000
	maxPrefix  = 64
	// maxRelative is the longest expiry that memcached takes as a time from now.
	maxRelative = 30 * 24 * time.Hour
)

// MemcachedConfig configures a [Memcached]. Servers is required.
type MemcachedConfig struct {
	Servers []string // host:port, or the path of a unix socket
	// Timeout bounds one exchange; 0: 40 ms. A Get costs at most 2.5 times it.
	Timeout time.Duration
	// Concurrency bounds the exchanges under way with one server, and the idle
	// connections kept to it; 0: 64.
	Concurrency int
	// Prefix of every item's name, at most 64 letters, digits and "-_.:".
	Prefix string
	Logger *slog.Logger     // nil: no log
	Now    func() time.Time // nil: time.Now
}

// Memcached is the memcached tier. Its Put and Delete are queued while Run
// runs, and done by the caller otherwise.
type Memcached struct {
	servers map[string]*server
	names   []string
	timeout time.Duration
	prefix  string
	now     func() time.Time
	queue   queue

	counters
}

// NewMemcached makes the tier. It does not connect: a server that is away is a
// miss. An error names the field to mend.
func NewMemcached(c MemcachedConfig) (*Memcached, error) {
	if len(c.Servers) == 0 {
		return nil, errors.New("store: MemcachedConfig.Servers is empty; give host:port or a socket path")
	}
	if c.Timeout <= 0 {
		c.Timeout = 40 * time.Millisecond
	}
	if c.Concurrency <= 0 {
		c.Concurrency = 64
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.Prefix) > maxPrefix || strings.Trim(c.Prefix, nameChars) != "" {
		return nil, fmt.Errorf("store: MemcachedConfig.Prefix %q; use at most %d letters, digits and \"-_.:\"", c.Prefix, maxPrefix)
	}
	m := &Memcached{
		servers: map[string]*server{}, timeout: c.Timeout, prefix: c.Prefix, now: c.Now,
	}
	for _, name := range c.Servers {
		if _, _, err := net.SplitHostPort(name); err != nil && !strings.Contains(name, "/") {
			return nil, fmt.Errorf("store: MemcachedConfig.Servers has %q; write host:port or a socket path", name)
		}
		if m.servers[name] == nil {
			m.names = append(m.names, name)
			m.servers[name] = newServer(name, c.Timeout, c.Concurrency, c.Logger)
		}
	}
	m.queue.init(func(op *operation) { m.apply(context.Background(), op) })
	return m, nil
}

const nameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:"

// Run writes what is queued, until ctx ends; it then takes a second at most to
// write the rest, and closes idle connections.
func (m *Memcached) Run(ctx context.Context) error {
	m.queue.run(ctx, time.Second)
	for _, s := range m.servers {
		s.client.Close()
	}
	return nil
}

// Get implements [Store]. It returns within 2.5 times the Timeout.
func (m *Memcached) Get(ctx context.Context, key string) (*Response, Tier, bool) {
	r, _, from, ok := m.get(ctx, key)
	return r, from, ok
}

func (m *Memcached) get(ctx context.Context, key string) (*Response, time.Duration, Tier, bool) {
	now := m.now()
	if op := m.queue.find(key); op != nil {
		if left := op.until.Sub(now); op.response != nil && left > 0 {
			m.hits.Add(1)
			return op.response, left, TierMemcached, true
		}
		m.misses.Add(1)
		return nil, 0, "", false
	}
	r, until, err := m.read(ctx, key)
	if err != nil {
		m.count(err)
		m.misses.Add(1)
		return nil, 0, "", false
	}
	left := until.Sub(now)
	if r == nil || left <= 0 {
		m.misses.Add(1)
		return nil, 0, "", false
	}
	m.hits.Add(1)
	return r, left, TierMemcached, true
}

// Put implements [Store]. It never waits for memcached while Run runs.
func (m *Memcached) Put(ctx context.Context, r *Response, keep time.Duration) {
	if r.Key == "" || keep <= 0 {
		return
	}
	if r.Body.Len() > MaxBody {
		m.tooLarge.Add(1)
		m.Delete(ctx, r.Key) // what it would have replaced
		return
	}
	m.do(ctx, &operation{key: r.Key, response: r, until: m.now().Add(keep)})
}

// Delete implements [Store].
func (m *Memcached) Delete(ctx context.Context, key string) {
	m.do(ctx, &operation{key: key})
}

func (m *Memcached) do(ctx context.Context, op *operation) {
	switch m.queue.add(op) {
	case queueFull:
		m.dropped.Add(1)
	case queueIdle:
		m.apply(ctx, op)
	}
}

// GetBlob reads what [Memcached.PutBlob] kept under that name, in a namespace
// of its own. The caller must not change it.
func (m *Memcached) GetBlob(ctx context.Context, name string) ([]byte, bool) {
	r, _, ok := m.Get(ctx, blobKey(name))
	if !ok {
		return nil, false
	}
	data, err := r.Body.Identity()
	return data, err == nil
}

// PutBlob keeps data, at most MaxBody bytes, for a year at most. The caller
// must not change it afterwards.
func (m *Memcached) PutBlob(ctx context.Context, name string, data []byte) {
	m.Put(ctx, &Response{Key: blobKey(name), Body: NewBody(data)}, 365*24*time.Hour)
}

// blobKey begins with a byte that no request's key has.
func blobKey(name string) string { return "\x00blob " + name }

// apply writes or deletes on memcached.
func (m *Memcached) apply(ctx context.Context, op *operation) {
	var err error
	if op.response == nil {
		name, s := m.place(op.key)
		err = s.delete(ctx, name)
	} else if err = m.write(ctx, op); err == nil {
		m.stores.Add(1)
	}
	if err != nil {
		m.count(err)
	}
}

func (m *Memcached) place(key string) (name string, s *server) {
	k := KeyOf(key)
	b := hex.AppendEncode(append(make([]byte, 0, maxPrefix+2*len(k)), m.prefix...), k[:])
	server := m.names[0]
	if len(m.names) > 1 {
		server, _ = rendezvous.Pick(string(b[len(m.prefix):]), m.names)
	}
	return string(b), m.servers[server]
}

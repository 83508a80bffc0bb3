package store

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/sony/gobreaker/v2"
)

const (
	breakAfter = 5           // failures in a row that open the breaker
	breakFor   = time.Second // until one request tries again
)

// Reasons for not asking the server at all.
var (
	errBusy     = errors.New("store: all connections to memcached are in use")
	errGone     = errors.New("store: the caller does not wait any longer")
	errTooLarge = errors.New("store: memcached takes no item of that size")
	errNoRoom   = errors.New("store: memcached has no room, and may not evict")
)

// server is one memcached: a client, a bound on its concurrency, and a breaker.
type server struct {
	name    string
	client  *memcache.Client
	breaker *gobreaker.CircuitBreaker[struct{}]
	slots   chan struct{} // of all exchanges but those of gather
	gather  gather
	wait    time.Duration // for a slot
	retries atomic.Uint64
	gets    latency
	sets    latency
}

func newServer(name string, timeout time.Duration, concurrency int, log *slog.Logger) *server {
	client := memcache.NewFromSelector(address(name))
	client.Timeout = timeout
	client.MaxIdleConns = concurrency
	// A dial and the exchange after it are each bounded by the client. The
	// shorter dial keeps a request's total below 100 ms with the defaults.
	client.DialContext = (&net.Dialer{Timeout: timeout / 2}).DialContext
	s := &server{
		name:   name,
		client: client,
		slots:  make(chan struct{}, concurrency),
		wait:   timeout / 4,
		breaker: gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
			Name:         name,
			Timeout:      breakFor,
			ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakAfter },
			IsSuccessful: func(err error) bool { return err == nil || errors.Is(err, errTooLarge) || errors.Is(err, errNoRoom) },
			OnStateChange: func(name string, from, to gobreaker.State) {
				switch to {
				case gobreaker.StateOpen:
					if from == gobreaker.StateClosed {
						log.Warn("memcached does not answer; going on without it", "server", name)
					}
				case gobreaker.StateClosed:
					log.Info("memcached answers again", "server", name)
				}
			},
		}),
	}
	s.gather.init()
	return s
}

// get fetches the items that are there, in any order.
func (s *server) get(ctx context.Context, names []string) (items []*memcache.Item, err error) {
	err = s.do(ctx, &s.gets, func() error {
		m, err := s.client.GetMulti(names)
		items = slices.Collect(maps.Values(m))
		return err
	})
	return items, err
}

func (s *server) set(ctx context.Context, it *memcache.Item) error {
	return s.do(ctx, &s.sets, func() error { return refused(s.client.Set(it)) })
}

func (s *server) delete(ctx context.Context, name string) error {
	return s.do(ctx, &s.sets, func() error {
		if err := s.client.Delete(name); !errors.Is(err, memcache.ErrCacheMiss) {
			return err
		}
		return nil
	})
}

// do makes one exchange when there is room for it.
func (s *server) do(ctx context.Context, took *latency, once func() error) error {
	if s.open() { // nobody needs to wait to be told
		return s.exchange(took, once)
	}
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer func() { <-s.slots }()
	return s.exchange(took, once)
}

// exchange asks the server, and once more if the connection turns out to be
// from before the server's restart.
func (s *server) exchange(took *latency, once func() error) error {
	_, err := s.breaker.Execute(func() (struct{}, error) {
		began := time.Now()
		err := once()
		if stale(err) {
			s.retries.Add(1)
			s.client.Close() // the other idle connections are as old
			err = once()
		}
		took.add(time.Since(began))
		return struct{}{}, err
	})
	return err
}

func (s *server) acquire(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(s.wait)
	defer timer.Stop()
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return errBusy
	case <-ctx.Done():
		return errGone
	}
}

func (s *server) open() bool { return s.breaker.State() != gobreaker.StateClosed }

// stale says that err is how a connection fails whose other end is gone.
func stale(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed)
}

// refused recognises the answers of a server that does not take an item, which
// have no types of their own. They say nothing of its health.
func refused(err error) error {
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "object too large"):
		return errTooLarge
	case strings.Contains(strings.ToLower(err.Error()), "server_error out of memory"):
		return errNoRoom
	}
	return err
}

// address is a server's address as configured. It selects itself, and is
// resolved by each dial.
type address string

func (a address) Network() string {
	if strings.Contains(string(a), "/") {
		return "unix"
	}
	return "tcp"
}

func (a address) String() string                      { return string(a) }
func (a address) PickServer(string) (net.Addr, error) { return a, nil }
func (a address) Each(do func(net.Addr) error) error  { return do(a) }

// Package storetest is the conformance suite of [store.Store], run by every
// tier, and the real memcached that tests stand on.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrornet/pkg/store"
)

// Clock is a clock that a test sets. It is safe for concurrent use.
type Clock struct {
	mu sync.Mutex // guards t
	t  time.Time
}

// NewClock starts at the present.
func NewClock() *Clock { return &Clock{t: time.Now()} }

// Now reads it.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

// Add moves it.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// Sample is a response with every field set, and a body of that many bytes
// that does not compress.
func Sample(key string, body int) *store.Response {
	b := make([]byte, body)
	rand.Read(b)
	at := time.Unix(1_790_000_000, 123456789).UTC()
	return &store.Response{
		Key: key, Status: 200,
		Header:      http.Header{"Content-Type": {"application/json"}, "Link": {"<a>", "<b>"}, "X-Bytes": {"\xff, \x00"}},
		Body:        store.NewBody(b),
		RequestTime: at, ResponseTime: at.Add(1500 * time.Millisecond),
		Tags: []string{"release:115", "id:ENSG1"},
	}
}

// Run checks that what open makes is a Store. open is called once per subtest;
// the store tells the time by now.
func Run(t *testing.T, open func(t *testing.T, now func() time.Time) store.Store) {
	ctx := t.Context()
	start := func(t *testing.T) (store.Store, *Clock) {
		c := NewClock()
		return open(t, c.Now), c
	}

	t.Run("absent", func(t *testing.T) {
		s, _ := start(t)
		Absent(t, s, "nothing")
		s.Delete(ctx, "nothing")
		Absent(t, s, "")
	})
	t.Run("round trip", func(t *testing.T) {
		s, _ := start(t)
		plain := Sample("plain", 100)
		plain.Body = store.NewBody(bytes.Repeat([]byte(`{"id":"ENSG1"},`), 5000))
		for _, r := range []*store.Response{
			plain, Sample("empty", 0), Sample("small", 1), Sample("one item", 900_000), Sample("chunks", 3_000_001),
			Sample("the longest", store.MaxBody),
			{Key: "variants", Vary: []string{"Accept", "Accept-Language"}},
			{Key: "bare", Status: 404},
			Sample(strings.Repeat("long key ", 2000), 10),
			Sample("GET /a?b=1 \r\n\x00\xff ключ", 10),
		} {
			s.Put(ctx, r, time.Hour)
			Present(t, s, r)
		}
	})
	t.Run("replace and delete", func(t *testing.T) {
		s, _ := start(t)
		for _, size := range []int{10, 2_500_000, 20} {
			r := Sample("k", size)
			s.Put(ctx, r, time.Hour)
			Present(t, s, r)
		}
		other := Sample("k2", 10)
		s.Put(ctx, other, time.Hour)
		s.Delete(ctx, "k")
		Absent(t, s, "k")
		Present(t, s, other)
		again := Sample("k", 30)
		s.Put(ctx, again, time.Hour)
		Present(t, s, again)
	})
	t.Run("keep", func(t *testing.T) {
		s, clock := start(t)
		minute, quarter := Sample("a minute", 10), Sample("ninety days", 10)
		s.Put(ctx, minute, time.Minute)
		s.Put(ctx, quarter, 90*24*time.Hour)
		clock.Add(59 * time.Second)
		Present(t, s, minute)
		clock.Add(time.Second)
		Absent(t, s, "a minute")
		clock.Add(89 * 24 * time.Hour)
		Present(t, s, quarter)
		clock.Add(24 * time.Hour)
		Absent(t, s, "ninety days")
	})
	t.Run("never stored", func(t *testing.T) {
		s, _ := start(t)
		s.Put(ctx, Sample("zero", 10), 0)
		Absent(t, s, "zero")
		s.Put(ctx, Sample("negative", 10), -time.Second)
		Absent(t, s, "negative")
		s.Put(ctx, Sample("", 10), time.Hour)
		Absent(t, s, "")
	})
	t.Run("against a map", func(t *testing.T) {
		s, _ := start(t)
		seed := mathrand.Uint64()
		t.Logf("seed %d", seed)
		rng := mathrand.New(mathrand.NewPCG(seed, 0))
		model := map[string]*store.Response{}
		for range 300 {
			key := fmt.Sprintf("k%d", rng.IntN(8))
			switch rng.IntN(4) {
			case 0:
				s.Delete(ctx, key)
				delete(model, key)
			case 1:
				r := Sample(key, rng.IntN(3000))
				s.Put(ctx, r, time.Hour)
				model[key] = r
			default:
				if r := model[key]; r != nil {
					Present(t, s, r)
				} else {
					Absent(t, s, key)
				}
			}
		}
	})
	t.Run("concurrent", func(t *testing.T) {
		s, _ := start(t)
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				for i := range 50 {
					key := fmt.Sprintf("k%d", (g+i)%5)
					switch i % 3 {
					case 0:
						s.Put(ctx, Sample(key, 100*i), time.Hour)
					case 1:
						if r, _, ok := s.Get(ctx, key); ok && r.Key != key {
							t.Errorf("asked for %q, got %q", key, r.Key)
						}
					default:
						s.Delete(ctx, key)
					}
				}
			})
		}
		all.Wait()
	})
}

// Present fails unless the store has exactly want.
func Present(t testing.TB, s store.Store, want *store.Response) {
	t.Helper()
	got, from, ok := s.Get(context.Background(), want.Key)
	switch {
	case !ok:
		t.Fatalf("%.40q (%d bytes) is not there", want.Key, want.Body.Len())
	case from == "":
		t.Fatalf("%.40q comes from no tier", want.Key)
	case got.Key != want.Key || got.Status != want.Status || !got.Body.Equal(want.Body) ||
		!got.RequestTime.Equal(want.RequestTime) || !got.ResponseTime.Equal(want.ResponseTime) ||
		len(got.Header)+len(want.Header) > 0 && !reflect.DeepEqual(got.Header, want.Header) ||
		!reflect.DeepEqual(got.Tags, want.Tags) || !reflect.DeepEqual(got.Vary, want.Vary):
		g, w := *got, *want
		g.Body, w.Body = store.Body{}, store.Body{}
		t.Fatalf("got  %+v and %d bytes\nwant %+v and %d bytes", g, got.Body.Len(), w, want.Body.Len())
	}
}

// Absent fails if the store has something of that key.
func Absent(t testing.TB, s store.Store, key string) {
	t.Helper()
	if r, from, ok := s.Get(context.Background(), key); ok {
		t.Fatalf("%q is there, from %s: status %d, %d bytes", key, from, r.Status, r.Body.Len())
	}
}

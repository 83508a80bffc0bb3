package store_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"mirrornet/pkg/store"
	"mirrornet/pkg/store/storetest"
)

// sequence is a slice of a genome: text that compresses to a third.
func sequence(key string, n int) *store.Response {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	text := make([]byte, n)
	for i := range text {
		text[i] = "ACGT"[rng.IntN(4)]
	}
	r := storetest.Sample(key, 0)
	r.Header.Set("Content-Type", "text/plain")
	r.Body = store.NewBody(text)
	return r
}

// planted is a tier on a memcached that another program writes to as well.
type planted struct {
	*store.Memcached
	t   *testing.T
	raw *memcache.Client
}

func plant(t *testing.T) *planted {
	d := storetest.Memcached(t)
	return &planted{memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}, Prefix: "x"}, false), t, memcache.New(d.Socket)}
}

func (p *planted) name(key string) string { return "x" + store.KeyOf(key).String() }

func (p *planted) value(name string) []byte {
	p.t.Helper()
	it, err := p.raw.Get(name)
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	return it.Value
}

func (p *planted) set(name string, value []byte) {
	p.t.Helper()
	if err := p.raw.Set(&memcache.Item{Key: name, Value: value}); err != nil {
		p.t.Fatal(err)
	}
}

// record is what the tier itself would store.
func (p *planted) record(key string) []byte {
	p.Put(p.t.Context(), storetest.Sample(key, 400), time.Hour)
	return p.value(p.name(key))
}

// refused fails unless key is a miss, counted as foreign, and nothing is held
// against the server.
func (p *planted) refused(what, key string) {
	p.t.Helper()
	before := p.Stats()
	storetest.Absent(p.t, p, key)
	st := p.Stats()
	if st.Foreign != before.Foreign+1 || st.Misses != before.Misses+1 {
		p.t.Errorf("%s: not counted: %+v", what, st)
	}
	if st.Errors != 0 || st.Servers[0].Open {
		p.t.Errorf("%s counts against the server: %+v", what, st)
	}
}

// Bytes that another program planted are a miss, whatever they are.
func TestPlantedBytes(t *testing.T) {
	p := plant(t)
	record := p.record("k")
	wrongSum := bytes.Clone(record)
	wrongSum[len(wrongSum)-1] ^= 1
	for what, v := range map[string][]byte{
		"nothing": {}, "text": []byte("hello"), "a serialised session": bytes.Repeat([]byte(`{"user":"x"}`), 1000),
		"half a record": record[:len(record)/2], "a record and more": append(bytes.Clone(record), 0), "a wrong sum": wrongSum,
		"magic alone": []byte("MNR\x02"), "another magic": append([]byte("MNX"), record[3:]...),
		"a manifest of nothing":  append([]byte("MNC\x01"), make([]byte, 12)...),
		"a manifest of too much": []byte("MNC\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
	} {
		p.set(p.name("k"), v)
		p.refused(what, "k")
	}
	for i := range record { // a flipped bit anywhere
		v := bytes.Clone(record)
		v[i] ^= 1 << (i % 8)
		p.set(p.name("k"), v)
		p.refused(fmt.Sprintf("bit %d of byte %d", i%8, i), "k")
	}
}

// A record of another version is a miss, counted as such: it is no damage.
func TestRecordOfAnotherVersion(t *testing.T) {
	p := plant(t)
	future := p.record("k")
	future[3]++
	p.set(p.name("k"), future)
	p.refused("a future record", "k")
	if st := p.Stats(); st.Versions != 1 {
		t.Errorf("%+v", st)
	}
}

// Two keys of one digest cannot be made; an item under the name of another can.
func TestRecordOfAnotherKey(t *testing.T) {
	p := plant(t)
	p.set(p.name("k"), p.record("other"))
	p.refused("a record of another key", "k")
}

// A record of which a chunk is gone is a miss, and whole again when it is stored
// again.
func TestEvictedChunk(t *testing.T) {
	p := plant(t)
	big := storetest.Sample("big", 3_500_000)
	p.Put(t.Context(), big, time.Hour)
	storetest.Present(t, p, big)
	digest := fmt.Sprintf("%x", p.value(p.name("big"))[4:12])
	for i := range 4 {
		chunk := fmt.Sprintf("%s:%s:%02d", p.name("big"), digest, i)
		value := p.value(chunk)
		if err := p.raw.Delete(chunk); err != nil {
			t.Fatal(err)
		}
		p.refused("without chunk "+chunk[len(chunk)-2:], "big")
		p.set(chunk, value[:len(value)-1])
		p.refused("with a chunk cut short", "big")
		changed := bytes.Clone(value)
		changed[len(changed)/2] ^= 1
		p.set(chunk, changed)
		p.refused("with a chunk changed", "big")
		p.set(chunk, value)
		storetest.Present(t, p, big)
	}
	if st := p.Stats(); st.Torn != 8 {
		t.Errorf("%+v", st)
	}
}

// In a memcached too small for what is stored, a record is whole or it is
// not there.
func TestEvictionUnderPressure(t *testing.T) {
	d := storetest.Memcached(t, "-m", "24")
	m := memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}}, false)
	var all []*store.Response
	for i := range 12 {
		all = append(all, storetest.Sample(fmt.Sprint(i), 2_500_000+i))
	}
	there, gone := 0, 0
	for range 3 {
		for i, r := range all {
			m.Put(t.Context(), r, time.Hour)
			for _, r := range all[:i+1] {
				if got, _, ok := m.Get(t.Context(), r.Key); !ok {
					gone++
				} else if there++; !got.Body.Equal(r.Body) {
					t.Fatalf("%s is another", r.Key)
				}
			}
		}
	}
	if there == 0 || gone == 0 || m.Stats().Errors != 0 {
		t.Errorf("%d there, %d gone, %+v", there, gone, m.Stats())
	}
}

// Sequences of 10 MB, and what does not compress, are stored and served, in
// chunks below memcached's limit.
func TestTenMegabytes(t *testing.T) {
	p := plant(t)
	for _, tc := range []struct {
		r             *store.Response
		least, chunks int
	}{{sequence("sequence", 10_000_000), 2, 4}, {storetest.Sample("random", 10_000_000), 11, 11}} {
		p.Put(t.Context(), tc.r, time.Hour)
		storetest.Present(t, p, tc.r)
		manifest := p.value(p.name(tc.r.Key))
		size := int(binary.BigEndian.Uint32(manifest[12:]))
		chunks := (size + 999_999) / 1_000_000
		if chunks < tc.least || chunks > tc.chunks {
			t.Errorf("%s: %d bytes stored, in %d chunks", tc.r.Key, size, chunks)
		}
		for i := range chunks {
			value := p.value(fmt.Sprintf("%s:%x:%02d", p.name(tc.r.Key), manifest[4:12], i))
			if size -= len(value); len(value) > 1_000_000 {
				t.Errorf("%s: chunk %d of %d bytes", tc.r.Key, i, len(value))
			}
		}
		if size != 0 {
			t.Errorf("%s: %d bytes are in no chunk", tc.r.Key, size)
		}
	}
}

// memcached takes an expiry beyond 30 days for a date: a record for 31 days
// would be gone at once if it were sent as it is.
func TestThirtyDays(t *testing.T) {
	m := memcachedOn(t, store.MemcachedConfig{Servers: []string{storetest.Memcached(t).Socket}}, false)
	const day = 24 * time.Hour
	for _, keep := range []time.Duration{time.Second, day, 30*day - time.Second, 30 * day, 30*day + 1, 30*day + time.Second, 31 * day, 400 * day, 100 * 365 * day} {
		r := storetest.Sample(keep.String(), 10)
		m.Put(t.Context(), r, keep)
		storetest.Present(t, m, r)
	}
}

// A memcached that may not evict refuses what does not fit. It answers, so it is
// asked on.
func TestMemcachedWithoutRoom(t *testing.T) {
	d := storetest.Memcached(t, "-M", "-m", "8")
	m := memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}}, false)
	first := storetest.Sample("first", 1000)
	m.Put(t.Context(), first, time.Hour)
	for i := range 40 {
		m.Put(t.Context(), storetest.Sample(fmt.Sprint(i), 700_000), time.Hour)
	}
	storetest.Present(t, m, first)
	storetest.Present(t, m, first)
	if st := m.Stats(); st.Refused == 0 || st.Errors != 0 || st.Servers[0].Open {
		t.Errorf("%+v", st)
	}
}

// An address where something else listens is a miss, and soon left alone.
func TestNotMemcached(t *testing.T) {
	address := talks(t, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
	m := memcachedOn(t, store.MemcachedConfig{Servers: []string{address}}, false)
	for range 20 {
		m.Put(t.Context(), storetest.Sample("k", 10), time.Hour)
		storetest.Absent(t, m, "k")
	}
	if st := m.Stats(); st.Errors < 5 || st.Open == 0 || !st.Servers[0].Open {
		t.Errorf("%+v", st)
	}
}

// memcached over TCP is as over a socket.
func TestMemcachedOverTCP(t *testing.T) {
	d := storetest.MemcachedTCP(t)
	m := memcachedOn(t, store.MemcachedConfig{Servers: []string{d.Socket}}, true)
	for _, size := range []int{10, 2_000_000} {
		r := storetest.Sample(fmt.Sprint(size), size)
		written(t, m, r)
		storetest.Present(t, m, r)
	}
}

// talks listens and gives everyone the same answer.
func talks(t *testing.T, answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := c.Read(make([]byte, 1)); err == nil {
					_, _ = io.WriteString(c, answer)
				}
			}()
		}
	}()
	return l.Addr().String()
}

package lane

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func alias(key string, body int) *Alias {
	return &Alias{Key: []byte(key), Head: [3][]byte{[]byte("a"), []byte("b"), []byte("c")}, Body: make([]byte, body), At: epoch, Until: epoch.Add(time.Minute)}
}

func TestAppendHead(t *testing.T) {
	a := alias("k", 0)
	a.Age, a.TTL = 7500*time.Millisecond, 93*time.Second
	for after, want := range map[time.Duration]string{
		0: "a7b93c", 499 * time.Millisecond: "a7b92c", 500 * time.Millisecond: "a8b92c", 93 * time.Second: "a100b0c", time.Hour: "a3607b0c",
		-time.Second: "a7b93c",
	} {
		if got := string(a.appendHead(nil, epoch.Add(after))); got != want {
			t.Errorf("after %v: %s, want %s", after, got, want)
		}
	}
}

func TestTableGet(t *testing.T) {
	table := NewTable(1 << 20)
	has := func(key string, class uint32, generation uint64, now time.Time) bool {
		return table.Get([]byte(key), class, generation, now) != nil
	}
	empty := table.Bytes()
	table.Put(alias("a", 10))
	b := alias("a", 20)
	b.Class = 1
	table.Put(b)
	if !has("a", 0, 0, epoch) || !has("a", 1, 0, epoch) || has("a", 2, 0, epoch) || has("b", 0, 0, epoch) || table.Len() != 2 {
		t.Error("not by key and class")
	}
	crowded := NewTable(4 << 10) // of few slots
	crowded.Put(alias("a", 0))
	for class := range uint32(50) {
		if got := crowded.Get([]byte("a"), class, 0, epoch); (got != nil) != (class == 0) {
			t.Errorf("class %d: %v", class, got)
		}
	}
	if has("a", 1, 0, b.Until) || table.Len() != 1 {
		t.Errorf("over, and still there: %d", table.Len())
	}
	if has("a", 0, 1, epoch) || table.Len() != 0 || table.Bytes() != empty {
		t.Errorf("of another generation, and still there: %d", table.Len())
	}
	table.Put(alias("old", 1))
	c := alias("new", 1)
	c.Generation = 5
	table.Put(c)
	table.Put(alias("late", 1))
	if !has("new", 0, 5, epoch) || table.Len() != 1 {
		t.Errorf("%d aliases, want that of the newest generation", table.Len())
	}
	if NewTable(1 << 20).Put(alias("huge", 1<<18)); table.Evictions() != 0 {
		t.Error("evicted")
	}
}

func TestTableOfNothing(t *testing.T) {
	for _, limit := range []int64{-1, 0, 100} {
		table := NewTable(limit)
		table.Put(alias("a", 0))
		if table.Len() != 0 || table.Get([]byte("a"), 0, 0, epoch) != nil {
			t.Errorf("limit %d: kept", limit)
		}
	}
}

func TestAgain(t *testing.T) {
	table := NewTable(1 << 20)
	if table.Again([]byte("a"), 0) || !table.Again([]byte("a"), 0) || table.Again([]byte("a"), 1) || table.Again([]byte("b"), 0) {
		t.Error("not by key and class")
	}
}

// What is read stays, what is not goes.
func TestSecondChance(t *testing.T) {
	table := NewTable(256 << 10)
	for i := range 5000 {
		for hot := range 20 {
			key := fmt.Sprint("hot", hot)
			if i == 0 {
				table.Put(alias(key, 1000))
			} else if table.Get([]byte(key), 0, 0, epoch) == nil {
				t.Fatalf("%s is gone after %d", key, i)
			}
		}
		table.Put(alias(fmt.Sprint("cold", i), 1000))
	}
	if table.Evictions() < 4000 || table.Bytes() > 256<<10 {
		t.Errorf("%d evictions, %d bytes", table.Evictions(), table.Bytes())
	}
}

// The bound holds, the counts are those of what can be found, and what is
// found is what was put last.
func TestTableModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(0, 64<<10).Draw(t, "limit")
		table := NewTable(limit)
		index := table.Bytes()
		last := map[string]*Alias{}
		generation := uint64(0)
		now := epoch
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				key := fmt.Sprint(rapid.IntRange(0, 60).Draw(t, "key"))
				a := alias(key, rapid.IntRange(0, 4000).Draw(t, "body"))
				a.Generation = generation - min(generation, uint64(rapid.IntRange(0, 9).Draw(t, "behind")/9))
				a.Until = now.Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, "until")) * time.Second)
				a.DataBytes = rapid.Int64Range(0, 100).Draw(t, "data")
				table.Put(a)
				if a.Generation == generation && a.size() <= limit/8 {
					last[key] = a
				}
			},
			"get": func(t *rapid.T) {
				key := fmt.Sprint(rapid.IntRange(0, 60).Draw(t, "key"))
				a := table.Get([]byte(key), 0, generation, now)
				if a != nil && (a != last[key] || !now.Before(a.Until) || a.Generation != generation) {
					t.Fatalf("%s: %v, put last %v", key, a, last[key])
				}
			},
			"pass":  func(*rapid.T) { now = now.Add(time.Second) },
			"raise": func(*rapid.T) { generation++ },
			"": func(t *rapid.T) {
				n, size := 0, index
				for i := range table.index {
					for e := table.index[i].Load(); e != nil; e = e.next.Load() {
						n++
						size += e.Alias.size()
						if e.ring.left != e || e.left.ring != e {
							t.Fatal("the ring is broken")
						}
					}
				}
				if n != table.Len() || size != table.Bytes() || size > max(limit, index) || (n == 0) != (table.hand == nil) {
					t.Fatalf("%d aliases of %d bytes; it says %d of %d; limit %d", n, size, table.Len(), table.Bytes(), limit)
				}
			},
		})
	})
}

// Under -race: readers, writers, evictions and new generations at once.
func TestTableTogether(t *testing.T) {
	table := NewTable(128 << 10)
	var generation atomic.Uint64
	var wg sync.WaitGroup
	for i := range 4 {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		wg.Go(func() {
			for n := range 20000 {
				key := fmt.Sprint(r.IntN(300))
				g := generation.Load()
				if a := table.Get([]byte(key), 0, g, epoch); a != nil {
					if string(a.Key) != key || a.Generation != g {
						t.Errorf("%s: %s of %d, not %d", key, a.Key, a.Generation, g)
					}
				} else {
					a := alias(key, r.IntN(2000))
					a.Generation = g
					table.Put(a)
				}
				if n%5000 == 0 {
					generation.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if table.Bytes() > 128<<10 || table.Evictions() == 0 {
		t.Errorf("%d bytes, %d evictions", table.Bytes(), table.Evictions())
	}
}

// Bytes are what the process pays.
func TestBytesAreTrue(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	table := NewTable(64 << 20)
	for i := range 20000 {
		a := alias(fmt.Sprintf("key%061d", i), 1024)
		a.Head = [3][]byte{make([]byte, 128), make([]byte, 64), make([]byte, 256)}
		table.Put(a)
	}
	took, says := heap()-before, table.Bytes()
	t.Logf("%d aliases: %d bytes each, Bytes says %d", table.Len(), took/20000, says/20000)
	if table.Len() != 20000 || took > says*11/10 || took < says*8/10 {
		t.Errorf("%d aliases take %d bytes, Bytes says %d", table.Len(), took, says)
	}
	runtime.KeepAlive(table)
}

// Aliases that are evicted, replaced or of an ended generation while they are
// being written go out whole.
func TestEvictionWhileAnswering(t *testing.T) {
	s := serve(t, true, func(_ *http.Server, c *Config) { c.Table = NewTable(256 << 10) })
	_, want := s.warm(t, "/size/16000")
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; !stop.Load(); i++ {
			a := alias(fmt.Sprint(i), 16000)
			a.Generation = s.generation.Load()
			s.table.Put(a)
			if i%1000 == 999 {
				s.generation.Add(1)
			}
			runtime.Gosched()
		}
	})
	for i := 0; i < 200 || s.table.Evictions() == 0; i++ {
		c := s.dial(t)
		c.send(strings.Repeat(get("/size/16000"), 5))
		for range 5 {
			if _, got := c.answer("GET"); got != want {
				t.Fatal("not whole")
			}
		}
		c.Close()
	}
	stop.Store(true)
	wg.Wait()
	if s.hits.Load() == 0 {
		t.Error("no hits")
	}
}

// raced: under -race a sync.Pool drops some of what it is given.
var raced bool

// One alias holds for many targets, each of which is told of; those that have an
// alias of their own, or are not alike, are not its.
func TestAlike(t *testing.T) {
	told := make(chan string, 100)
	s := serve(t, true, func(_ *http.Server, c *Config) {
		c.Hit = func(_ netip.AddrPort, a *Alias, target []byte, n int64) {
			told <- fmt.Sprintf("%d %s %d", a.Status, target, n)
		}
	})
	c := s.dial(t)
	s.warm(t, "/alike/warm")
	until(t, "in the lane", func() bool { c.get("/alike/x"); return len(told) > 0 })
	for len(told) > 0 {
		<-told
	}
	calls := s.calls.Load()
	c.send(get("/alike/1") + get("/alike/22"))
	for _, target := range []string{"/alike/1", "/alike/22"} {
		resp, body := c.answer("GET")
		want := "look at /to" + target + "\n"
		if resp.StatusCode != 302 || resp.Header.Get("Location") != "/to"+target || body != want {
			t.Errorf("%s: %d %v %q", target, resp.StatusCode, resp.Header, body)
		}
		if got := <-told; got != fmt.Sprintf("302 %s %d", target, len(want)) {
			t.Errorf("Hit was told %q", got)
		}
	}
	if n := s.calls.Load() - calls; n != 0 {
		t.Errorf("net/http answered %d", n)
	}
	for _, target := range []string{"/alike/1?x", "/b"} {
		if c.get(target); s.calls.Load() == calls {
			t.Errorf("%s is taken for alike", target)
		}
		calls = s.calls.Load()
	}
	s.generation.Add(1)
	if c.get("/alike/1"); s.calls.Load() == calls {
		t.Error("an alias of another generation answers")
	}
	if n := s.table.alike.Load(); n != 1 { // the one that was left just now
		t.Errorf("%d aliases for many targets", n)
	}
}

// A hit allocates nothing, from the first byte read to the last one told of.
func TestNoAlloc(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	for _, target := range []string{"/a", "/size/16384"} {
		s := serve(t, true, func(_ *http.Server, c *Config) { c.Now = nil })
		r := &http.Request{Method: "GET", Host: "test", RequestURI: target, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Accept": {"*/*"}}}
		key, _ := AppendKey(nil, r)
		body := bytes.Repeat([]byte("x"), len(target)<<10)
		h := http.Header{"Age": {"7"}, "Cache-Status": {"ttl=93"}, "Content-Length": {fmt.Sprint(len(body))}}
		a := newAlias(key, 0, 200, h, body)
		a.At, a.Until = time.Now(), time.Now().Add(time.Hour)
		s.table.Put(a)
		c := s.dial(t)
		request := []byte(get(target, "User-Agent: Mozilla/5.0", "Accept: */*", "Connection: keep-alive"))
		length := len(a.appendHead(nil, a.At)) + len(body)
		buf := make([]byte, length)
		exchange := func() {
			c.Write(request)
			for n := 0; n < length; {
				m, err := c.TCPConn.Read(buf[n:])
				if err != nil {
					t.Fatal(err)
				}
				n += m
			}
		}
		exchange()
		if allocs := testing.AllocsPerRun(500, exchange); allocs != 0 {
			t.Errorf("%s: %v allocations", target, allocs)
		}
		if s.calls.Load() > 0 || s.hits.Load() < 500 {
			t.Errorf("%d calls, %d hits", s.calls.Load(), s.hits.Load())
		}
	}
}

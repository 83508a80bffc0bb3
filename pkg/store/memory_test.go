package store_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mirrornet/pkg/store"
	"mirrornet/pkg/store/storetest"
)

// catalogued is a response as the catalogue's endpoints make them: a key of
// 120 bytes, ten fields, two tags, and a body that does not compress.
func catalogued(i, size int) *store.Response {
	rng := rand.NewChaCha8([32]byte{byte(i), byte(i >> 8), byte(i >> 16), byte(size), byte(size >> 8), byte(size >> 16)})
	body := make([]byte, size)
	_, _ = rng.Read(body)
	at := time.Unix(1_790_000_000+int64(i), 123456789)
	id := fmt.Sprintf("ENSG%011d", i)
	return &store.Response{
		Key:    "GET 8f14e45fceea167a /lookup/id/" + id + "?db_type=core&expand=1&format=full&mane=0&phenotypes=0&species=homo_sapiens&utr=1&v=115",
		Status: 200,
		Header: http.Header{
			"Content-Type": {"application/json"}, "Cache-Control": {"public, max-age=3600, stale-while-revalidate=60, stale-if-error=86400"},
			"Date": {at.UTC().Format(http.TimeFormat)}, "Etag": {`"` + base64.RawURLEncoding.EncodeToString(body[:16]) + `"`},
			"Last-Modified": {at.Add(-time.Hour).UTC().Format(http.TimeFormat)}, "Vary": {"Accept, Content-Type"},
			"X-Content-Type-Options": {"nosniff"}, "X-Runtime": {"0.012345"}, "Content-Language": {"en"}, "Accept-Ranges": {"bytes"},
		},
		Body: store.NewBody(body), RequestTime: at, ResponseTime: at.Add(12 * time.Millisecond),
		Tags: []string{"release:115", "id:" + id},
	}
}

// heap is what is live, and what the process has of the machine.
func heap() (live, resident int64) {
	runtime.GC()
	runtime.GC() // the second ends the sweep of the first
	var st runtime.MemStats
	runtime.ReadMemStats(&st)
	return int64(st.HeapAlloc), residentNow()
}

func residentNow() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// What Stats says is what the heap holds, for records of every size, new or
// replaced.
func TestMemoryCountsTruly(t *testing.T) {
	for _, tc := range []struct {
		entries, size, times int
	}{
		{50_000, 1000, 1}, {30_000, 0, 1}, {15_000, 300, 2}, {5_000, 5000, 1}, {500, 100_000, 2}, {20, 3_000_000, 1},
	} {
		t.Run(fmt.Sprintf("%d of %d", tc.entries, tc.size), func(t *testing.T) {
			store.NewMemory(store.MemoryConfig{}).Put(t.Context(), catalogued(0, tc.size+16), time.Hour) // the compressor's own tables
			before, _ := heap()
			m := store.NewMemory(store.MemoryConfig{Bytes: 1 << 30})
			for range tc.times {
				for i := range tc.entries {
					m.Put(t.Context(), catalogued(i, max(tc.size, 16)), time.Hour)
				}
			}
			after, _ := heap()
			st, real := m.Stats(), after-before
			t.Logf("%d bytes an entry, counted %d", real/int64(tc.entries), st.Bytes/int64(tc.entries))
			if st.Entries != tc.entries || st.Bytes < real*94/100 || st.Bytes > real*106/100 {
				t.Errorf("%d entries of %d, %d bytes of heap, counted %d (%.1f %%)", st.Entries, tc.entries, real, st.Bytes, 100*float64(st.Bytes)/float64(real))
			}
			runtime.KeepAlive(m)
		})
	}
}

// While Run runs, long bodies are there at once and compressed later, and
// nothing that happened meanwhile is undone.
func TestMemoryCompressesBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := store.NewMemory(store.MemoryConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- m.Run(ctx) }()
		synctest.Wait()
		compressed := func(key string) bool {
			r, _, ok := m.Get(ctx, key)
			if !ok {
				t.Fatalf("%s is not there", key)
			}
			_, plain := r.Body.Plain()
			return !plain
		}
		kept, replaced, deleted, short := sequence("kept", 200_000), sequence("replaced", 200_000), sequence("deleted", 200_000), sequence("short", 2000)
		random := storetest.Sample("random", 200_000)
		other := storetest.Sample("replaced", 100)
		for _, r := range []*store.Response{kept, replaced, deleted, short, random} {
			m.Put(ctx, r, time.Hour)
			storetest.Present(t, m, r)
		}
		if !compressed("short") {
			t.Error("a short body is compressed at once")
		}
		m.Put(ctx, other, time.Hour)
		m.Delete(ctx, "deleted")
		synctest.Wait()
		storetest.Absent(t, m, "deleted")
		for _, r := range []*store.Response{kept, other, random} {
			storetest.Present(t, m, r)
		}
		if !compressed("kept") || compressed("random") {
			t.Error("what should be compressed is not, or the other way round")
		}
		if st := m.Stats(); st.Bytes > 350_000 || st.Entries != 4 {
			t.Errorf("%+v", st)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		m.Put(t.Context(), kept, time.Hour)
		if !compressed("kept") {
			t.Error("nobody runs, and Put does not compress")
		}
	})
}

// BenchmarkMillion fills a tier with a million responses of 1 kB, and replaces
// half of them by others. It says what each takes of the heap, and of the
// machine under the limit that cmd/edge sets.
func BenchmarkMillion(b *testing.B) {
	const entries, size = 1_000_000, 1400 << 20
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(size + size/4 + 128<<20))
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	for b.Loop() {
		before, resident := heap()
		m := store.NewMemory(store.MemoryConfig{Bytes: size})
		for i := range entries {
			m.Put(context.Background(), catalogued(i, 1000), time.Hour)
		}
		most := residentNow()
		after, _ := heap()
		st := m.Stats()
		if st.Entries != entries {
			b.Fatalf("%+v", st)
		}
		for i := range entries / 2 {
			m.Put(context.Background(), catalogued(entries+i, 1000), time.Hour)
		}
		most = max(most, residentNow())
		b.ReportMetric(float64(after-before)/entries, "heap-B/entry")
		b.ReportMetric(float64(st.Bytes)/entries, "counted-B/entry")
		b.ReportMetric(float64(most-resident)/entries, "resident-B/entry")
		b.ReportMetric(float64(most)/size, "resident/cache.memory")
		runtime.KeepAlive(m)
	}
}

func BenchmarkMemoryGetSizes(b *testing.B) {
	text := bytes.Repeat([]byte(`{"id":"ENSG00000139618","start":32315086},`), 24)
	for name, body := range map[string]store.Body{"1kB": catalogued(1, 1000).Body, "1kB of JSON": store.NewBody(text), "100kB": catalogued(1, 100_000).Body} {
		b.Run(name, func(b *testing.B) {
			m := store.NewMemory(store.MemoryConfig{})
			r := catalogued(1, 16)
			r.Body = body
			m.Put(context.Background(), r, time.Hour)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, ok := m.Get(context.Background(), r.Key); !ok {
					b.Fatal("not there")
				}
			}
		})
	}
}

// BenchmarkMemoryPut is what storing adds to a miss, compression included.
func BenchmarkMemoryPut(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	var text bytes.Buffer // as a sequence, and as lookups
	for text.Len() < 10_000_000 {
		fmt.Fprintf(&text, `{"id":"ENSG%011d","start":%d,"seq":"`, rng.IntN(1e9), rng.IntN(1e8))
		for range 200 {
			text.WriteByte("ACGT"[rng.IntN(4)])
		}
		text.WriteString("\"}\n")
	}
	for _, size := range []int{1000, 100_000, 10_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			m := store.NewMemory(store.MemoryConfig{})
			r := catalogued(1, 16)
			own := ownTime()
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				r := *r
				r.Body = store.NewBody(text.Bytes()[:size])
				m.Put(context.Background(), &r, time.Hour)
			}
			b.ReportMetric(float64(ownTime()-own)/float64(b.N), "cpu-ns/op")
		})
	}
}

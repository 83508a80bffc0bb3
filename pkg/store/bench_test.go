package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"mirrornet/pkg/store"
	"mirrornet/pkg/store/storetest"
)

// ownTime is the processor time of this process.
func ownTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// timeOf is that of another, on Linux.
func timeOf(pid int) (sum time.Duration) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil {
			n, _ := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
			sum += time.Duration(n)
		}
	}
	return sum
}

// BenchmarkMemcachedGet reads records from a real memcached, and beside them the
// same items by the client alone. What counts is processor time, on one core with
// memcached: GOMAXPROCS=1 taskset -c 1 go test -bench MemcachedGet.
func BenchmarkMemcachedGet(b *testing.B) {
	d := storetest.Memcached(b)
	m, err := store.NewMemcached(store.MemcachedConfig{Servers: []string{d.Socket}, Timeout: 2 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	client := memcache.New(d.Socket)
	client.MaxIdleConns, client.Timeout = 64, 2*time.Second
	for _, size := range []int{1000, 80_000} {
		var keys, names []string
		for i := range 64 {
			r := catalogued(i, size)
			m.Put(context.Background(), r, time.Hour)
			keys, names = append(keys, r.Key), append(names, store.KeyOf(r.Key).String())
		}
		var next atomic.Uint64
		reads := map[string]func() bool{
			"store":  func() bool { _, _, ok := m.Get(context.Background(), keys[next.Add(1)%64]); return ok },
			"client": func() bool { _, err := client.Get(names[next.Add(1)%64]); return err == nil },
		}
		for _, what := range []string{"store", "client"} {
			for _, clients := range []int{1, 64} {
				b.Run(fmt.Sprintf("%s/%d clients/%d", what, clients, size), func(b *testing.B) {
					b.ReportAllocs()
					b.SetParallelism(clients)
					own, its := ownTime(), timeOf(d.Pid())
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							if !reads[what]() {
								b.Error("not there")
								return
							}
						}
					})
					b.ReportMetric(float64(ownTime()-own)/float64(b.N), "cpu-ns/op")
					b.ReportMetric(float64(timeOf(d.Pid())-its)/float64(b.N), "memcached-cpu-ns/op")
				})
			}
		}
	}
}

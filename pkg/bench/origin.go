//go:build linux

package main

import (
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// alphabet is what bodies are written in: as many characters as JSON allows to
// stand for themselves, so that no server gains by compressing.
const alphabet = "!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"

// body is the JSON of a target: the target itself and noise that follows from
// it, so that an answer under a wrong key shows.
func body(target string, size int) []byte {
	b := make([]byte, 0, size+8)
	b = append(b, `{"target":"`+target+`","noise":"`...)
	for x := seed(target) | 1; len(b) < size-2; {
		x ^= x << 13 // xorshift
		x ^= x >> 7
		x ^= x << 17
		for y := x; y > 0 && len(b) < size-2; y >>= 8 {
			b = append(b, alphabet[int(y&0xff)%len(alphabet)])
		}
	}
	return append(b, `"}`...)
}

func tag(target string) string { return fmt.Sprintf(`"%016x"`, seed(target)) }

func seed(target string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, target)
	return h.Sum64()
}

// origin answers /b/SIZE/ANYTHING with a body of that size that may be stored
// for a day, and /count with how often that was asked.
type origin struct{ asked atomic.Int64 }

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.URL.Path == "/count" {
		h.Set("Cache-Control", "no-store")
		fmt.Fprint(w, o.asked.Load())
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/b/")
	digits, _, _ := strings.Cut(rest, "/")
	size, err := strconv.Atoi(digits)
	if !ok || err != nil || size < 100 || size > 16<<20 {
		http.Error(w, "ask for /b/SIZE/ANYTHING", http.StatusNotFound)
		return
	}
	o.asked.Add(1)
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("ETag", tag(r.URL.Path))
	h.Set("Content-Type", "application/json")
	if r.Header.Get("If-None-Match") == tag(r.URL.Path) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	b := body(r.URL.Path, size)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.Write(b)
}

// originMain is the process of the origin.
func originMain(args []string) error {
	f := flag.NewFlagSet("origin", flag.ContinueOnError)
	listen := f.String("listen", "", "address")
	if err := f.Parse(args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	return http.Serve(l, &origin{})
}

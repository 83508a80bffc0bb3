package lane

import (
	"bufio"
	"bytes"
	"net/http"
	"slices"
	"testing"
)

// FuzzLane sends a stream, cut where cuts say, through the lane and net/http,
// and through net/http alone. Twice, so that the second may find aliases.
func FuzzLane(f *testing.F) {
	for i, s := range streams() {
		if len(s) < 2000 {
			f.Add([]byte(s), []byte{byte(i), byte(7 * i)})
		}
	}
	p := newPair(f)
	f.Fuzz(func(t *testing.T, stream, at []byte) {
		if len(stream) > 1<<16 || len(at) > 8 {
			return
		}
		var cuts []int
		for _, a := range at {
			if len(stream) > 0 {
				cuts = append(cuts, int(a)*257%len(stream))
			}
		}
		slices.Sort(cuts)
		p.compare(t, string(stream), cuts...)
		p.compare(t, string(stream), cuts...)
	})
}

// FuzzKey: what the lane accepts, net/http reads as the same request, of the
// same length, and AppendKey makes the same key of it.
func FuzzKey(f *testing.F) {
	for _, s := range streams() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h head[[]byte]
		n, v := parse(&h, b)
		for cut := range b { // no verdict on a beginning is taken back
			var part head[[]byte]
			if m, w := parse(&part, b[:cut]); w == leave && v != leave || w == whole && (v != whole || m != n) {
				t.Fatalf("%q is %v at %d and %v at the end", b, w, cut, v)
			}
		}
		if v != whole {
			return
		}
		rest := bytes.NewReader(b)
		br := bufio.NewReader(rest)
		r, err := http.ReadRequest(br)
		if err != nil {
			return // net/http answers 400, and there is no alias
		}
		if read := len(b) - rest.Len() - br.Buffered(); read != n {
			t.Fatalf("%q: head of %d bytes, net/http read %d", b, n, read)
		}
		if key, ok := AppendKey([]byte("x"), r); ok != (h.cookie == nil) || ok && string(key) != "x"+string(h.appendKey(nil)) {
			t.Fatalf("%q: key %q, AppendKey %q %v", b, h.appendKey(nil), key, ok)
		}
		h.target = nil
		if key, ok := AppendAnyKey(nil, r); !ok || string(key) != string(h.appendKey(nil)) || r.Header.Get("Cookie") != string(h.cookie) {
			t.Fatalf("%q: key %q with cookie %q, AppendAnyKey %q %v", b, h.appendKey(nil), h.cookie, key, ok)
		}
	})
}

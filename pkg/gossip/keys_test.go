package gossip

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/memberlist"
	"pgregory.net/rapid"
)

func key(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }

func b64(n int, c byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{c}, n))
}

func TestParseKeys(t *testing.T) {
	got, err := ParseKeys([]byte("# new\r\n" + b64(32, 1) + "\r\n\n  " + b64(16, 2) + "  # old\n" + b64(24, 3)))
	if err != nil {
		t.Fatal(err)
	}
	want := [][]byte{key(1), bytes.Repeat([]byte{2}, 16), bytes.Repeat([]byte{3}, 24)}
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("got %x", got)
	}
	for _, tc := range []struct{ in, want string }{
		{"", "no key in the file"},
		{"# nothing\n\n", "no key in the file"},
		{b64(32, 1) + "\nnot base64!\n", "line 2: not base64"},
		{"\n\n" + b64(15, 1), "line 3: 15 bytes"},
		{b64(32, 1) + "\n" + b64(32, 1), "line 2: the same key"},
		{"x\ny", "line 1: not base64; make a key with: openssl rand -base64 32\ngossip: keys: line 2"},
	} {
		keys, err := ParseKeys([]byte(tc.in))
		if err == nil || !strings.Contains(err.Error(), tc.want) || keys != nil {
			t.Errorf("%q: %v, %v; want %q", tc.in, keys, err, tc.want)
		}
	}
	if _, err := ParseKeys([]byte("c2VjcmV0IGtleQ==")); strings.Contains(err.Error(), "c2VjcmV0") || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows the key: %v", err)
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(b64(32, 1) + "\n# x\n" + b64(16, 2)))
	f.Add([]byte("\x00\n=\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := ParseKeys(data)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys and %v", len(keys), err)
		}
		if _, err := checkKeys(keys); err != nil {
			t.Error(err)
		}
	})
}

// Whatever was on the ring, exactly the given keys are after setKeys.
func TestSetKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfNDistinct(rapid.ByteRange(1, 8), 1, 6, rapid.ID)
		list := func(label string) [][]byte {
			var keys [][]byte
			for _, c := range some.Draw(t, label) {
				keys = append(keys, key(c))
			}
			return keys
		}
		before, after := list("before"), list("after")
		ring, err := memberlist.NewKeyring(before, before[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := setKeys(ring, after); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ring.GetPrimaryKey(), after[0]) {
			t.Errorf("primary is %x", ring.GetPrimaryKey())
		}
		got := slices.Clone(ring.GetKeys())
		slices.SortFunc(got, bytes.Compare)
		slices.SortFunc(after, bytes.Compare)
		if !slices.EqualFunc(got, after, bytes.Equal) {
			t.Errorf("ring holds %x, want %x", got, after)
		}
	})
}

// memberlist reads the ring's keys without a lock. Under the race detector this
// fails when setKeys moves keys in place; otherwise, when a reader misses the
// key that every list has.
func TestSetKeysUnderReaders(t *testing.T) {
	ring, err := memberlist.NewKeyring([][]byte{key(1), key(2), key(3)}, key(1))
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if !slices.ContainsFunc(ring.GetKeys(), func(k []byte) bool { return bytes.Equal(k, key(3)) }) {
				t.Error("a reader misses a key that was never removed")
				return
			}
		}
	})
	for range 2000 {
		for _, keys := range [][][]byte{{key(1), key(2), key(3)}, {key(2), key(3)}, {key(3)}, {key(4), key(3)}} {
			if err := setKeys(ring, keys); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(stop)
	wg.Wait()
}

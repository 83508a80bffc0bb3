package keyfile

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

func key(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }

func b64(n int, c byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{c}, n))
}

func TestParse(t *testing.T) {
	got, err := Parse([]byte("# new\r\n" + b64(32, 1) + "\r\n\n  " + b64(16, 2) + "  # old\n" + b64(24, 3)))
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
		{"x\ny", "line 1: not base64; make a key with: openssl rand -base64 32\nkeys: line 2"},
	} {
		keys, err := Parse([]byte(tc.in))
		if err == nil || !strings.Contains(err.Error(), tc.want) || keys != nil {
			t.Errorf("%q: %v, %v; want %q", tc.in, keys, err, tc.want)
		}
	}
	if _, err := Parse([]byte("c2VjcmV0IGtleQ==")); strings.Contains(err.Error(), "c2VjcmV0") || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows the key: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(b64(32, 1) + "\n# x\n" + b64(16, 2)))
	f.Add([]byte("\x00\n=\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := Parse(data)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys and %v", len(keys), err)
		}
		for _, k := range keys {
			if len(k) != 16 && len(k) != 24 && len(k) != 32 {
				t.Errorf("a key of %d bytes", len(k))
			}
		}
	})
}

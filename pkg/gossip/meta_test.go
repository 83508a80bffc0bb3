package gossip

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/memberlist"
)

func TestMetaRoundTrip(t *testing.T) {
	if maxMeta != memberlist.MetaMaxSize {
		t.Fatalf("memberlist takes %d bytes of meta", memberlist.MetaMaxSize)
	}
	for _, m := range []meta{
		{},
		{Region: "asia"},
		{Region: "asia", Advertise: "http://198.51.100.7:8080", Revision: "4f1d2c", Leaving: true},
		{Region: "asia", Advertise: "https://[2001:db8::7]/edge", Revision: strings.Repeat("x", maxRevision)},
	} {
		got, err := decodeMeta(m.encode())
		if err != nil || got != m {
			t.Errorf("%+v came back as %+v, %v", m, got, err)
		}
	}
	long := meta{Revision: strings.Repeat("x", maxRevision-1) + "é…"}
	if got, err := decodeMeta(long.encode()); err != nil || got.Revision != strings.Repeat("x", maxRevision-1) {
		t.Errorf("a long revision came back as %q, %v", got.Revision, err)
	}
}

func TestMetaFromElsewhere(t *testing.T) {
	good := meta{Region: "asia", Advertise: "http://a", Revision: "r"}
	for _, tc := range []struct {
		name string
		in   []byte
		want meta
		err  string // part of it
	}{
		{"empty", nil, meta{}, "empty"},
		{"newer field", append(good.encode(), 99, 3, 'x', 'y', 'z'), good, ""},
		{"newer flags", append(good.encode(), tagFlags, 2, 0xfe, 0xff), good, ""},
		{"cut in a value", good.encode()[:4], meta{}, "field 1 is cut off"},
		{"cut before a length", []byte{metaVersion, tagRegion}, meta{}, "field 1 is cut off"},
		{"endless length", append([]byte{metaVersion, tagRegion}, bytes.Repeat([]byte{0xff}, 12)...), meta{}, "cut off"},
		{"huge length", []byte{metaVersion, tagRegion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, meta{}, "cut off"},
		{"bad region", []byte{metaVersion, tagRegion, 2, '.', '.'}, meta{}, `region ".."`},
		{"bad URL", append([]byte{metaVersion, tagAdvertise, 7}, "file://"...), meta{}, "write scheme"},
		{"bad revision", []byte{metaVersion, tagRevision, 1, 0xff}, meta{}, "revision"},
	} {
		got, err := decodeMeta(tc.in)
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: %+v, %v; want %+v, %q", tc.name, got, err, tc.want, tc.err)
		}
	}
	if _, err := decodeMeta([]byte{9, 1, 2, 3}); !errors.Is(err, errVersion) {
		t.Errorf("another version: %v", err)
	}
}

func FuzzDecodeMeta(f *testing.F) {
	f.Add(meta{Region: "asia", Advertise: "http://198.51.100.7:8080", Revision: "4f1d2c", Leaving: true}.encode())
	f.Add([]byte{metaVersion, 99, 1, 0, tagRegion, 1, 'a'})
	f.Add([]byte{metaVersion, tagRevision, 0x80})
	f.Add([]byte{2, 0xff})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeMeta(b)
		if err != nil {
			if m != (meta{}) {
				t.Errorf("%q: an error and %+v", b, m)
			}
			return
		}
		again, err := decodeMeta(m.encode())
		if err != nil || again != m {
			t.Errorf("%q: %+v came back as %+v, %v", b, m, again, err)
		}
	})
}

func TestValidNode(t *testing.T) {
	for name, want := range map[string]bool{
		"asia-1": true, "a": true, "Asia_1.b": true, "1": true, strings.Repeat("a", 64): true,
		"": false, "-a": false, ".a": false, "a b": false, "a/b": false, "é": false, "a\n": false, strings.Repeat("a", 65): false,
	} {
		if validNode(name) != want {
			t.Errorf("%q: want %v", name, want)
		}
	}
}

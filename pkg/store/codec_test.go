package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestCodecRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-1<<36, 1<<36).Draw(t, "time"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
		list := rapid.SliceOfN(rapid.String(), 0, 4)
		name := rapid.OneOf(rapid.String(), rapid.SampledFrom(fieldNames[:]))
		values := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom(fieldValues[:])), 1, 4) // a field without values is none
		r := &Response{
			Key: rapid.String().Draw(t, "key"), Status: rapid.IntRange(-1, 999).Draw(t, "status"),
			Header:      http.Header(rapid.MapOfN(name, values, 0, 5).Draw(t, "header")),
			Body:        NewBody(bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body"), rapid.IntRange(0, 50).Draw(t, "times"))),
			RequestTime: at, ResponseTime: at.Add(time.Second),
			Tags: list.Draw(t, "tags"), Vary: list.Draw(t, "vary"),
		}
		got, until, err := decode(encode(r, at))
		if err != nil || !until.Equal(at) {
			t.Fatalf("%v, until %v", err, until)
		}
		if diff := cmp.Diff(r, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
	if got, _, err := decode(encode(&Response{}, time.Time{})); err != nil || !got.RequestTime.IsZero() {
		t.Errorf("zero response: %+v %v", got, err)
	}
}

// Every record that lost or changed a byte is refused.
func TestCodecDamage(t *testing.T) {
	b := encode(&Response{Key: "k", Status: 200, Header: http.Header{"A": {"b"}}, Body: NewBody(bytes.Repeat([]byte("x"), 1000)), Tags: []string{"t"}}, time.Unix(1, 0))
	for i := range b {
		if _, _, err := decode(b[:i]); err == nil {
			t.Errorf("cut at %d: accepted", i)
		}
		damaged := bytes.Clone(b)
		damaged[i] ^= 0x40
		if _, _, err := decode(damaged); err == nil {
			t.Errorf("byte %d changed: accepted", i)
		}
	}
	b[3]++
	if _, _, err := decode(b); !errors.Is(err, errVersion) {
		t.Errorf("another version: %v", err)
	}
}

// The wire form of version 2 is a promise to records that are stored already.
func TestCodecIsFixed(t *testing.T) {
	b := encode(&Response{Key: "k", Status: 404, Header: http.Header{"B": {"2"}, "A": {"1", ""}, "Etag": {"e"}}, Body: NewBody([]byte("body")),
		RequestTime: time.Unix(1, 2), ResponseTime: time.Unix(3, 4), Tags: []string{"t"}}, time.Unix(5, 0))
	want := "MNR\x02" + "\x0a\x00" + "\x01k" + "\xa8\x06" + "\x02\x02" + "\x06\x04" + "\x04\x01\x00" +
		"\x00\x01A\x021" + "\x00\x01A\x01" + "\x00\x01B\x022" + "\x10\x02e" + "\x01t" + "\x00\x04body"
	tables := KeyOf(strings.Join(fieldNames[:], "\n") + "\n\n" + strings.Join(fieldValues[:], "\n")).String()[:16]
	if want := "0a3aa12e641dace9"; tables != want {
		t.Errorf("the tables of names and values are %s, were %s: raise recordVersion", tables, want)
	}
	if got := string(b[:len(b)-4]); got != want {
		t.Errorf("%q, was %q: raise recordVersion", got, want)
	}
}

func TestExpiration(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, tc := range []struct {
		keep time.Duration
		want int32
		ok   bool
	}{
		{0, 0, false}, {-time.Second, 0, false}, {time.Nanosecond, 1, true}, {1500 * time.Millisecond, 2, true},
		{30 * 24 * time.Hour, 2_592_000, true},
		{30*24*time.Hour + time.Second, 1_802_592_001, true},
		{100 * 365 * 24 * time.Hour, 1<<31 - 1, true},
	} {
		if got, ok := expiration(tc.keep, now); got != tc.want || ok != tc.ok {
			t.Errorf("%v: %d %v, want %d %v", tc.keep, got, ok, tc.want, tc.ok)
		}
	}
}

// FuzzDecode mends the checksum, so that what is behind it is reached. What is
// read takes no more than the record's own length allows, and is read the same
// again when it is written.
func FuzzDecode(f *testing.F) {
	f.Add(encode(&Response{Key: "k", Status: 200, Header: http.Header{"A": {"b", "c"}}, Body: NewBody(bytes.Repeat([]byte("xyz"), 200)), Tags: []string{"t"}}, time.Unix(9, 9)))
	f.Add(encode(&Response{Key: "k", Status: 200, Header: http.Header{"Etag": {"b"}, "Vary": {"Accept", "X"}}, Body: NewBody([]byte("plain"))}, time.Unix(9, 9)))
	f.Add(encode(&Response{Key: "v", Vary: []string{"Accept"}}, time.Time{}))
	f.Add([]byte("MNR\x02\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Add([]byte("MNC\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = decode(b)
		_, _, _ = parseManifest(b)
		if len(b) < 4 {
			return
		}
		b = bytes.Clone(b)
		binary.BigEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], castagnoli))
		r, until, err := decode(b)
		if err != nil {
			return
		}
		parts := len(r.Tags) + len(r.Vary)
		for _, values := range r.Header {
			parts += len(values)
		}
		if parts > len(b) || len(r.Key) > len(b) || r.Body.Len() > MaxBody {
			t.Fatalf("%d bytes became %d parts, a key of %d and a body of %d", len(b), parts, len(r.Key), r.Body.Len())
		}
		if body, err := r.Body.Identity(); err != nil || len(body) != r.Body.Len() {
			// Only a frame may turn out to be none, and then it stays what it was.
			if _, plain := r.Body.Plain(); plain {
				t.Fatalf("%d bytes for %d: %v", len(body), r.Body.Len(), err)
			}
		}
		again, until2, err := decode(encode(r, until))
		if err != nil || !until.Equal(until2) {
			t.Fatalf("%v, %v and %v", err, until, until2)
		}
		x, _ := r.Body.Zstd()
		y, _ := again.Body.Zstd()
		px, _ := r.Body.Plain()
		py, _ := again.Body.Plain()
		if !bytes.Equal(x, y) || !bytes.Equal(px, py) {
			t.Fatal("another body")
		}
		r.Body, again.Body = Body{}, Body{}
		if diff := cmp.Diff(r, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

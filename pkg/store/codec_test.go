package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func testCodec(testing.TB) *codec { return newCodec() }

func TestCodecRoundTrip(t *testing.T) {
	c := testCodec(t)
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-1<<36, 1<<36).Draw(t, "time"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
		list := rapid.SliceOfN(rapid.String(), 0, 4)
		r := &Response{
			Key: rapid.String().Draw(t, "key"), Status: rapid.IntRange(-1, 999).Draw(t, "status"),
			Header:      http.Header(rapid.MapOfN(rapid.String(), list, 0, 5).Draw(t, "header")),
			Body:        NewBody(bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body"), rapid.IntRange(0, 50).Draw(t, "times"))),
			RequestTime: at, ResponseTime: at.Add(time.Second),
			Tags: list.Draw(t, "tags"), Vary: list.Draw(t, "vary"),
		}
		got, until, err := c.decode(c.encode(r, at))
		if err != nil || !until.Equal(at) {
			t.Fatalf("%v, until %v", err, until)
		}
		if diff := cmp.Diff(r, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
	if got, _, err := c.decode(c.encode(&Response{}, time.Time{})); err != nil || !got.RequestTime.IsZero() {
		t.Errorf("zero response: %+v %v", got, err)
	}
}

// Every record that lost or changed a byte is refused.
func TestCodecDamage(t *testing.T) {
	c := testCodec(t)
	b := c.encode(&Response{Key: "k", Status: 200, Header: http.Header{"A": {"b"}}, Body: NewBody(bytes.Repeat([]byte("x"), 1000)), Tags: []string{"t"}}, time.Unix(1, 0))
	for i := range b {
		if _, _, err := c.decode(b[:i]); err == nil {
			t.Errorf("cut at %d: accepted", i)
		}
		damaged := bytes.Clone(b)
		damaged[i] ^= 0x40
		if _, _, err := c.decode(damaged); err == nil {
			t.Errorf("byte %d changed: accepted", i)
		}
	}
	b[3]++
	if _, _, err := c.decode(b); !errors.Is(err, errForeign) {
		t.Errorf("another version: %v", err)
	}
}

// The wire form of version 1 is a promise to records that are stored already.
func TestCodecIsFixed(t *testing.T) {
	b := testCodec(t).encode(&Response{Key: "k", Status: 404, Header: http.Header{"B": {"2"}, "A": {"1", ""}}, Body: NewBody([]byte("body")),
		RequestTime: time.Unix(1, 2), ResponseTime: time.Unix(3, 4), Tags: []string{"t"}}, time.Unix(5, 0))
	want := "MNR\x01" + "\x0a\x00" + "\x01k" + "\xa8\x06" + "\x02\x02" + "\x06\x04" +
		"\x02" + "\x01A\x02\x011\x00" + "\x01B\x01\x012" + "\x01\x01t" + "\x00" + "\x00\x04\x04body"
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

// FuzzDecode mends the checksum, so that what is behind it is reached.
func FuzzDecode(f *testing.F) {
	c := testCodec(f)
	f.Add(c.encode(&Response{Key: "k", Status: 200, Header: http.Header{"A": {"b", "c"}}, Body: NewBody(bytes.Repeat([]byte("xyz"), 200)), Tags: []string{"t"}}, time.Unix(9, 9)))
	f.Add(c.encode(&Response{Key: "v", Vary: []string{"Accept"}}, time.Time{}))
	f.Add([]byte("MNR\x01\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Add([]byte("MNC\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c.decode(b)
		parseManifest(b)
		if len(b) < 4 {
			return
		}
		b = bytes.Clone(b)
		binary.BigEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], c.crc))
		r, until, err := c.decode(b)
		if err != nil {
			return
		}
		again, until2, err := c.decode(c.encode(r, until))
		if err != nil || !until.Equal(until2) {
			t.Fatalf("%v, %v and %v", err, until, until2)
		}
		if diff := cmp.Diff(r, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

package fetch

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	hopNow   = time.Unix(1764086400, 0)
	hopAsked = Asked{"GET", "/lookup/id/ENSG1?expand=1", "asia.test:8080"}
	aHop     = Hop{Node: "asia-1", Client: netip.MustParseAddr("192.0.2.1"), Proto: "https", At: hopNow}
)

func hopKeys(t testing.TB, gossip ...string) *HopKeys {
	t.Helper()
	var list [][]byte
	for _, k := range gossip {
		list = append(list, bytes.Repeat([]byte(k), 32))
	}
	keys, err := NewHopKeys(list)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestHopText(t *testing.T) {
	// What other versions of this program must be able to read.
	const want = "v=1; t=1764086400; node=asia-1; client=192.0.2.1; proto=https; sig="
	got := hopKeys(t, "a").Sign(aHop, hopAsked)
	if !strings.HasPrefix(got, want) || len(got) != len(want)+43 {
		t.Errorf("%s", got)
	}
	if got := hopKeys(t).Sign(Hop{Node: "näh; sig=x", At: hopNow}, hopAsked); got != "v=1; t=1764086400; node=n%C3%A4h%3B+sig%3Dx" {
		t.Errorf("unsigned: %s", got)
	}
}

func TestHopRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys, err := NewHopKeys([][]byte{rapid.SliceOfN(rapid.Byte(), 16, 32).Draw(t, "key")})
		if err != nil {
			t.Fatal(err)
		}
		h := Hop{Node: rapid.StringMatching(`[^\x00-\x1f\x7f]{1,40}`).Draw(t, "node"), At: hopNow,
			Proto: rapid.SampledFrom([]string{"", "http", "https"}).Draw(t, "proto")}
		if a, ok := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), 4, 16).Draw(t, "client")); ok {
			h.Client = a.Unmap()
		}
		a := Asked{rapid.StringMatching(`[A-Z]{1,9}`).Draw(t, "method"), rapid.StringMatching(`/[!-~]{0,30}`).Draw(t, "target"), "h"}
		got, err := keys.Verify(keys.Sign(h, a), a, hopNow)
		if err != nil || got != h {
			t.Fatalf("%v %v, want %v", got, err, h)
		}
	})
}

func TestHopVerify(t *testing.T) {
	at := func(d time.Duration) Hop { h := aHop; h.At = hopNow.Add(d); return h }
	good := func(h Hop) string { return hopKeys(t, "a").Sign(h, hopAsked) }
	with := func(change func(*Asked)) Asked { a := hopAsked; change(&a); return a }
	for _, tt := range []struct {
		name  string
		keys  *HopKeys
		field string
		asked Asked
		want  error
	}{
		{"as sent", hopKeys(t, "a"), good(aHop), hopAsked, nil},
		{"authority in another case", hopKeys(t, "a"), good(aHop), with(func(a *Asked) { a.Authority = "ASIA.test:8080" }), nil},
		{"no client", hopKeys(t, "a"), good(Hop{Node: "asia-1", At: hopNow}), hopAsked, nil},
		{"second key", hopKeys(t, "b", "a"), good(aHop), hopAsked, nil},
		{"third key", hopKeys(t, "b", "c", "a"), good(aHop), hopAsked, nil},
		{"another key", hopKeys(t, "b"), good(aHop), hopAsked, ErrHopSignature},
		{"no key", hopKeys(t), good(aHop), hopAsked, ErrHopSignature},
		{"no keys at all", nil, good(aHop), hopAsked, ErrHopSignature},
		{"60 s ahead", hopKeys(t, "a"), good(at(HopWindow)), hopAsked, nil},
		{"60 s behind", hopKeys(t, "a"), good(at(-HopWindow)), hopAsked, nil},
		{"61 s ahead", hopKeys(t, "a"), good(at(HopWindow + time.Second)), hopAsked, &SkewError{"asia-1", HopWindow + time.Second}},
		{"61 s behind", hopKeys(t, "a"), good(at(-HopWindow - time.Second)), hopAsked, &SkewError{"asia-1", -HopWindow - time.Second}},
		{"another method", hopKeys(t, "a"), good(aHop), with(func(a *Asked) { a.Method = "POST" }), ErrHopSignature},
		{"another target", hopKeys(t, "a"), good(aHop), with(func(a *Asked) { a.Target += "0" }), ErrHopSignature},
		{"another authority", hopKeys(t, "a"), good(aHop), with(func(a *Asked) { a.Authority = "asia.test" }), ErrHopSignature},
		{"parts that run into each other", hopKeys(t, "a"), good(aHop), Asked{"GET", hopAsked.Target + "a", "sia.test:8080"}, ErrHopSignature},
		{"another client", hopKeys(t, "a"), strings.Replace(good(aHop), "192.0.2.1", "192.0.2.2", 1), hopAsked, ErrHopSignature},
		{"client taken out", hopKeys(t, "a"), strings.Replace(good(aHop), "; client=192.0.2.1", "", 1), hopAsked, ErrHopSignature},
		{"another scheme", hopKeys(t, "a"), strings.Replace(good(aHop), "https", "http", 1), hopAsked, ErrHopSignature},
		{"another node", hopKeys(t, "a"), strings.Replace(good(aHop), "asia-1", "asia-2", 1), hopAsked, ErrHopSignature},
		{"another time", hopKeys(t, "a"), strings.Replace(good(aHop), "t=17640864", "t=17640865", 1), hopAsked, ErrHopSignature},
		{"signature cut", hopKeys(t, "a"), good(aHop)[:len(good(aHop))-3], hopAsked, ErrHopSignature},
		{"signature empty", hopKeys(t, "a"), "v=1; t=1764086400; node=asia-1; sig=", hopAsked, ErrHopSignature},
		{"signature taken off", hopKeys(t, "a"), "v=1; t=1764086400; node=asia-1", hopAsked, ErrHopUnsigned},
		{"unsigned where there is no key", hopKeys(t), hopKeys(t).Sign(aHop, hopAsked), hopAsked, ErrHopUnsigned},
		{"signature is no base64", hopKeys(t, "a"), "v=1; t=1764086400; node=asia-1; sig=!", hopAsked, ErrHopForm},
		{"another version", hopKeys(t, "a"), "v=2; t=1764086400; node=asia-1", hopAsked, ErrHopForm},
		{"empty", hopKeys(t, "a"), "", hopAsked, ErrHopForm},
		{"no node", hopKeys(t, "a"), "v=1; t=1764086400", hopAsked, ErrHopForm},
		{"no time", hopKeys(t, "a"), "v=1; node=asia-1", hopAsked, ErrHopForm},
		{"a parameter more", hopKeys(t, "a"), "v=1; t=1764086400; node=asia-1; admin=1", hopAsked, ErrHopForm},
		{"a parameter twice", hopKeys(t, "a"), "v=1; t=1764086400; node=asia-1; client=192.0.2.1; client=192.0.2.2", hopAsked, ErrHopForm},
		{"line break in the node", hopKeys(t, "a"), "v=1; t=1764086400; node=a%0Ab", hopAsked, ErrHopForm},
		{"zone", hopKeys(t, "a"), "v=1; t=1764086400; node=a; client=fe80::1%25eth0", hopAsked, ErrHopForm},
		{"no address", hopKeys(t, "a"), "v=1; t=1764086400; node=a; client=localhost", hopAsked, ErrHopForm},
		{"another scheme than HTTP's", hopKeys(t, "a"), "v=1; t=1764086400; node=a; proto=ftp", hopAsked, ErrHopForm},
		{"long", hopKeys(t, "a"), "v=1; t=1764086400; node=" + strings.Repeat("a", maxField), hopAsked, ErrHopForm},
	} {
		h, err := tt.keys.Verify(tt.field, tt.asked, hopNow)
		var skew, wantSkew *SkewError
		switch {
		case errors.As(tt.want, &wantSkew):
			if !errors.As(err, &skew) || *skew != *wantSkew {
				t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
			}
		case !errors.Is(err, tt.want):
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err != nil && !errors.Is(err, ErrHopUnsigned) && h != (Hop{}) {
			t.Errorf("%s: gives %v beside its error", tt.name, h)
		}
	}
}

// The part of a second that t cannot say must not narrow the window.
func TestHopWindowWithinASecond(t *testing.T) {
	keys := hopKeys(t, "a")
	if _, err := keys.Verify(keys.Sign(aHop, hopAsked), hopAsked, hopNow.Add(HopWindow+999*time.Millisecond)); err != nil {
		t.Error(err)
	}
}

// FuzzHop: whatever stands in the field, what is believed was signed.
func FuzzHop(f *testing.F) {
	keys := hopKeys(f, "a", "b")
	f.Add(keys.Sign(aHop, hopAsked), "GET", "/", "h")
	f.Add("v=1; t=1764086400; node=asia-1; sig=AAAA", "GET", "/", "h")
	f.Add("v=1; t=-9223372036854775808; node=a", "", "", "")
	f.Fuzz(func(t *testing.T, field, method, target, authority string) {
		a := Asked{method, target, authority}
		h, err := keys.Verify(field, a, hopNow)
		if err == nil && keys.Sign(h, a) != field {
			second, _ := NewHopKeys([][]byte{bytes.Repeat([]byte("b"), 32)})
			if second.Sign(h, a) != field {
				t.Fatalf("%q is believed as %v", field, h)
			}
		}
		if errors.Is(err, ErrHopUnsigned) {
			if again, err := keys.Verify(hopKeys(t).Sign(h, a), a, hopNow); !errors.Is(err, ErrHopUnsigned) || !again.At.Equal(h.At) || again.Client != h.Client || again.Node != h.Node {
				t.Fatalf("%q reads as %v, written again as %v (%v)", field, h, again, err)
			}
		}
	})
}

func BenchmarkHop(b *testing.B) {
	keys := hopKeys(b, "a", "b")
	field := keys.Sign(aHop, hopAsked)
	b.Run("sign", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			keys.Sign(aHop, hopAsked)
		}
	})
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := keys.Verify(field, hopAsked, hopNow); err != nil {
				b.Fatal(err)
			}
		}
	})
}

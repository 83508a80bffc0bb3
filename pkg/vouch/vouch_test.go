package vouch

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var now = time.Unix(1764086400, 0)

func keys(t testing.TB, secrets ...string) *Keys {
	var raw [][]byte
	for _, s := range secrets {
		raw = append(raw, []byte(s))
	}
	k, err := New(raw)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestVerify(t *testing.T) {
	old, both, other := keys(t, "old"), keys(t, "new", "old"), keys(t, "other")
	for _, addr := range []string{"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0", ""} {
		client, _ := netip.ParseAddr(addr)
		field := old.Sign(client, now)
		got, err := both.Verify(field, now.Add(Window))
		if err != nil || got != client.Unmap().WithZone("") {
			t.Errorf("%q: %s, %v", addr, got, err)
		}
		if _, err := other.Verify(field, now); err != ErrSignature {
			t.Errorf("%q, another key: %v", addr, err)
		}
		var skew *SkewError
		if _, err := both.Verify(field, now.Add(Window+time.Second)); !errors.As(err, &skew) || skew.By != -Window-time.Second {
			t.Errorf("%q, too late: %v", addr, err)
		}
		// Nothing in it can be changed.
		for i := range field {
			b := []byte(field)
			b[i] ^= 1
			if _, err := both.Verify(string(b), now); err == nil {
				t.Errorf("byte %d of %q may be another", i, field)
			}
		}
	}
	if _, err := New(nil); err == nil {
		t.Error("keys that are none")
	}
}

func FuzzVerify(f *testing.F) {
	k := keys(f, "secret")
	f.Add(k.Sign(netip.MustParseAddr("192.0.2.1"), now))
	f.Add("v=1; t=1764086400; client=192.0.2.1; sig=")
	f.Add("v=1; t=; client=; client=; sig==")
	f.Fuzz(func(t *testing.T, field string) {
		client, err := k.Verify(field, now)
		if err == nil && field != k.Sign(client, now) && !strings.Contains(field, "t=") {
			t.Errorf("%q passed as %s", field, client)
		}
		if err != nil && client.IsValid() {
			t.Errorf("%q: a client with an error", field)
		}
	})
}

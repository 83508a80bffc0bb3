package ratelimit

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func limiter(t testing.TB, c Config) *Limiter {
	t.Helper()
	l, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var one = netip.MustParseAddr("192.0.2.1")

// TestReference: what the reference said of a burst of 20, recorded behind its
// production stack with 55,000 an hour and 16 a second.
func TestReference(t *testing.T) {
	now := time.Date(2026, 11, 23, 13, 1, 20, 400e6, time.UTC)
	l := limiter(t, Config{Windows: Ensembl(55_000, 16), Now: func() time.Time { return now }})
	for i := 1; i <= 20; i++ {
		got := l.Take(t.Context(), one)
		want := Verdict{Allowed: i <= 16, Limit: 55_000, Remaining: 55_000 - i, Reset: 58*time.Minute + 39600*time.Millisecond, Period: time.Hour}
		if i > 16 {
			want.RetryAfter, want.Message = 2*time.Second, "You have exceeded the limit of 16 requests per second; please reduce your concurrent connections"
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("request %d (-want +got):\n%s", i, d)
		}
	}
	if v := l.Take(t.Context(), netip.MustParseAddr("192.0.2.2")); !v.Allowed || v.Remaining != 54_999 {
		t.Errorf("another client: %+v", v)
	}
	now = now.Add(600 * time.Millisecond)
	if v := l.Take(t.Context(), one); !v.Allowed || v.Remaining != 54_979 {
		t.Errorf("after the window: %+v", v)
	}
}

func TestHour(t *testing.T) {
	now := time.Date(2026, 11, 23, 13, 59, 30, 1, time.UTC)
	l := limiter(t, Config{Windows: Ensembl(55_000, 0), Now: func() time.Time { return now }})
	for range 55_000 {
		l.Take(t.Context(), one)
	}
	v := l.Take(t.Context(), one)
	want := Verdict{Limit: 55_000, Reset: 30*time.Second - 1, Period: time.Hour, RetryAfter: 30 * time.Second,
		Message: "You have exceeded your limit which is 55,000 requests per hour"}
	if d := cmp.Diff(want, v); d != "" {
		t.Error(d)
	}
}

func TestClients(t *testing.T) {
	l := limiter(t, Config{Windows: Ensembl(10, 0)})
	same := func(a, b string) bool { return l.name(netip.MustParseAddr(a)) == l.name(netip.MustParseAddr(b)) }
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
	} {
		if same(tc.a, tc.b) != tc.same {
			t.Errorf("%s and %s: one client %v, want %v", tc.a, tc.b, !tc.same, tc.same)
		}
	}
}

// flaky is a shared counter that may fail.
type flaky struct {
	counts map[string]int
	down   bool
	asked  int
}

func (f *flaky) Add(_ context.Context, name string, _ time.Duration) (int, error) {
	f.asked++
	if f.down {
		return 0, errors.New("away")
	}
	f.counts[name]++
	return f.counts[name], nil
}

// TestModel: several origins with one counter together let through what the
// windows allow, whatever the order, and never more.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1764086400, 0)
		shared := &flaky{counts: map[string]int{}}
		var origins []*Limiter
		for range 3 {
			l, err := New(Config{Windows: Ensembl(30, 5), Shared: shared, Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			origins = append(origins, l)
		}
		hour, second := map[string]int{}, map[string]int{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "tick") == 0 {
				now = now.Add(time.Duration(rapid.IntRange(1, 1500).Draw(t, "ms")) * time.Millisecond)
			}
			client := netip.AddrFrom4([4]byte{192, 0, 2, byte(rapid.IntRange(0, 2).Draw(t, "client"))})
			h := client.String() + strconv.FormatInt(now.Unix()/3600, 10)
			s := client.String() + strconv.FormatInt(now.Unix(), 10)
			want := false
			if hour[h]++; hour[h] <= 30 {
				second[s]++
				want = second[s] <= 5
			}
			v := origins[rapid.IntRange(0, 2).Draw(t, "origin")].Take(context.Background(), client)
			if v.Allowed != want || v.Remaining != max(0, 30-hour[h]) {
				t.Fatalf("%s: %+v, want allowed %v, %d left", client, v, want, 30-hour[h])
			}
		}
	})
}

// TestCounterAway: nobody is stopped because memcached is; who had enough is
// not asked about again.
func TestCounterAway(t *testing.T) {
	now := time.Unix(1764086400, 0)
	shared := &flaky{counts: map[string]int{}, down: true}
	l := limiter(t, Config{Windows: Ensembl(0, 3), Shared: shared, Now: func() time.Time { return now }})
	for i := range 5 {
		if v := l.Take(t.Context(), one); v.Allowed != (i < 3) {
			t.Errorf("request %d: %+v", i+1, v)
		}
	}
	if shared.asked != 4 {
		t.Errorf("the counter was asked %d times, want 4", shared.asked)
	}
}

func TestLocalIsBounded(t *testing.T) {
	l := NewLocal(func() time.Time { return time.Unix(0, 0) })
	for i := range shards * maxNames * 2 {
		l.Add(t.Context(), strconv.Itoa(i%10)+strconv.Itoa(i), time.Hour)
	}
	for i := range l.shards {
		if n := len(l.shards[i].names); n > maxNames {
			t.Errorf("%d names in one shard", n)
		}
	}
}

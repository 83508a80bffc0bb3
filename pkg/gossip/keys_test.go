package gossip

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"pgregory.net/rapid"

	"mirrornet/pkg/keyfile"
)

func key(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }

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

// Keys are rotated on a network in which everybody talks all the time: nothing
// is lost, though nothing but broadcasts could bring it, and nobody is suspected.
func TestRotation(t *testing.T) {
	var all []*listener
	for _, name := range []string{"a", "b", "c", "d"} {
		all = append(all, listen(t, name, func(c *Config) {
			c.Keys = [][]byte{key(1)}
			c.tune = func(m *memberlist.Config) {
				quick(m)
				m.PushPullInterval = time.Hour
				m.ProbeInterval, m.ProbeTimeout = 500*time.Millisecond, 300*time.Millisecond
			}
		}, all...))
	}
	for _, l := range all {
		for _, o := range all {
			l.untilState(o.conf.Node, Alive)
		}
	}
	rotate := make(chan [][]byte)
	var wg sync.WaitGroup
	shared := 0
	tick := time.NewTicker(8 * time.Millisecond)
	defer tick.Stop()
	talk := func() {
		<-tick.C
		for _, l := range all {
			share(t, l, "talk", fmt.Sprintf("%s-%03d", l.conf.Node, shared), "x", 0)
		}
		shared++
	}
	for range 20 {
		talk()
	}
	for _, keys := range [][][]byte{{key(1), key(2)}, {key(2), key(1)}, {key(2)}} {
		wg.Go(func() { // one node after the other, some messages apart
			for _, l := range all {
				if err := l.SetKeys(<-rotate); err != nil {
					t.Error(err)
				}
			}
		})
		for range all {
			rotate <- keys
			for range 19 {
				talk()
			}
		}
		wg.Wait()
		for _, l := range all {
			if got := l.Keys(); len(got) != len(keys) || got[0] != keyfile.Fingerprint(keys[0]) {
				t.Errorf("%s has keys %q", l.conf.Node, got)
			}
		}
		// The next list goes out when no message under the old one is under way.
		want := len(all) * shared
		for _, l := range all {
			for len(l.Statements("talk")) != want {
				select {
				case <-l.heard:
				case <-time.After(20 * time.Second):
					t.Fatalf("%s has %d of %d", l.conf.Node, len(l.Statements("talk")), want)
				}
			}
		}
	}
	t.Logf("%d statements, each to %d nodes", len(all)*shared, len(all))
	for _, l := range all {
		if log := l.log.String(); strings.Contains(log, "ecrypt") || strings.Contains(log, "node suspect") || strings.Contains(log, "node dead") {
			t.Errorf("%s lost something", l.conf.Node)
		}
	}
}

func TestFingerprint(t *testing.T) {
	// printf %32s | openssl dgst -sha256
	if got := keyfile.Fingerprint([]byte(strings.Repeat(" ", 32))); got != "85e7eac2" {
		t.Errorf("got %s", got)
	}
	plain := start(t, "plain", nil)
	if plain.Keys() != nil {
		t.Errorf("keys without encryption: %q", plain.Keys())
	}
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

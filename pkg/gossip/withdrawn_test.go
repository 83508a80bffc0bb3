package gossip

import (
	"testing"
	"time"
)

// several gives tables that hold each other for members.
func several(names ...string) (all []*table) {
	for _, name := range names {
		t := newTable(name)
		for _, other := range names {
			t.member(noon, other, true)
		}
		all = append(all, t)
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A drain of two hours that was shortened to one minute, or withdrawn, does not
// come back from a node that was cut off meanwhile and knows the two hours only,
// or knows it as without end.
func TestCutOffNodeBringsNothingBack(t *testing.T) {
	const k = "region asia"
	for _, first := range []time.Duration{2 * time.Hour, 0} {
		for name, second := range map[string]func(now time.Time, by *table) error{
			"shortened":         func(now time.Time, by *table) error { return by.share(now, "drain", k, []byte("x"), time.Minute) },
			"withdrawn":         func(now time.Time, by *table) error { by.withdraw(now, "drain", k); return nil },
			"shortened, gone":   func(now time.Time, by *table) error { return by.share(now, "drain", k, []byte("x"), time.Minute) },
			"replaced for good": func(now time.Time, by *table) error { return by.share(now, "drain", k, []byte("x"), 0) },
		} {
			all := several("a", "b", "c")
			a, b, off := all[0], all[1], all[2]
			now := noon
			must(t, a.share(now, "drain", k, []byte("first"), first))
			tell(t, now, a, now, b)
			tell(t, now, a, now, off)
			must(t, second(now, b))
			tell(t, now, b, now, a)
			if name == "shortened, gone" || name == "replaced for good" {
				a.member(now, "b", false)
			}
			for range 13 * 60 {
				now = now.Add(5 * time.Second)
				a.prune(now)
				off.prune(now)
			}
			tell(t, now, off, now, a)
			if got := a.list(now, "drain"); len(got) != 0 {
				t.Errorf("%v, %s: it is back: %+v", first, name, got)
			}
			tell(t, now, a, now, off)
			if got := off.list(now, "drain"); len(got) != 0 {
				t.Errorf("%v, %s: it was cut off and still holds %+v", first, name, got)
			}
		}
	}
}

// Who never had the older one, but heard of it, holds it down as well, and so
// after the newer one was over.
func TestHeardOfTheOlder(t *testing.T) {
	const k = "region asia"
	all := several("a", "b", "off", "fresh")
	a, b, off, fresh := all[0], all[1], all[2], all[3]
	must(t, a.share(noon, "drain", k, []byte("long"), 2*time.Hour))
	tell(t, noon, a, noon, off)
	tell(t, noon, a, noon, b)
	must(t, b.share(noon, "drain", k, []byte("short"), time.Minute))
	tell(t, noon, b, noon, fresh)
	now := noon.Add(2 * time.Minute)
	fresh.prune(now)
	tell(t, now, off, now, fresh) // short is over, and remembered
	if len(fresh.broadcasts(now, 3, 1300)) != 1 {
		t.Error("off is not told")
	}
	for now.Before(noon.Add(time.Hour)) {
		now = now.Add(time.Minute)
		fresh.prune(now)
	}
	tell(t, now, off, now, fresh)
	tell(t, now, fresh, now, off)
	if len(fresh.list(now, "drain")) != 0 || len(off.list(now, "drain")) != 0 {
		t.Error("it is back")
	}
}

// Where nobody can bring anything back, what is over is forgotten.
func TestForgotten(t *testing.T) {
	all := several("a", "b")
	a, b := all[0], all[1]
	for range 3 {
		must(t, a.share(noon, "health", "a", []byte(time.Now().String()), 0))
		must(t, a.share(noon, "drain", "node a", nil, time.Minute))
		tell(t, noon, a, noon, b)
	}
	b.member(noon, "a", false)
	now := noon
	for range 20 {
		now = now.Add(time.Minute)
		b.prune(now)
	}
	if len(b.entries) != 0 || b.bytes != 0 || len(b.usage) != 0 {
		t.Errorf("kept: %d, %d bytes", len(b.entries), b.bytes)
	}
	a.withdraw(noon, "drain", "node a")
	tell(t, noon, a, noon, b)
	if b.prune(noon.Add(graveTime - time.Minute)); len(b.entries) == 0 {
		t.Error("a withdrawal was forgotten early")
	}
	b.prune(noon.Add(graveTime))
	if b.prune(noon.Add(graveTime + spentTime)); len(b.entries) != 0 {
		t.Errorf("a withdrawal is kept: %d", len(b.entries))
	}
}

// Told again and again with a delay each time, a statement still ends, and is
// still forgotten, as is one of a node that is gone.
func TestNothingLivesByGoingRound(t *testing.T) {
	all := several("a", "b", "c")
	must(t, all[0].share(noon, "drain", "node a", []byte("x"), 10*time.Minute))
	must(t, all[0].share(noon, "health", "a", []byte("x"), 0))
	all[0].withdraw(noon, "drain", "node b")
	states := [][]byte{all[0].state(noon), all[0].state(noon), all[0].state(noon)}
	now := noon
	listed := map[string]time.Duration{}
	for i := 0; now.Before(noon.Add(graveTime + 3*time.Hour)); i++ {
		now = now.Add(30 * time.Second)
		if now.Equal(noon.Add(time.Minute)) {
			for _, tb := range all[1:] {
				tb.member(now, "a", false)
			}
		}
		for j, tb := range all[1:] {
			tb.prune(now)
			// What the other said 30 s ago.
			must(t, tb.mergeState(now, states[2-j]))
			for _, topic := range []string{"drain", "health"} {
				if len(tb.list(now, topic)) > 0 {
					listed[topic] = now.Sub(noon)
				}
			}
		}
		states[1], states[2] = all[1].state(now), all[2].state(now)
	}
	if d := listed["drain"]; d < 10*time.Minute || d > 12*time.Minute {
		t.Errorf("a statement of ten minutes held for %v", d)
	}
	if d := listed["health"]; d != 30*time.Second {
		t.Errorf("a statement of who was gone after a minute held for %v", d)
	}
	for _, tb := range all[1:] {
		if len(tb.entries) != 0 {
			t.Errorf("%s still knows %d", tb.self, len(tb.entries))
		}
	}
}

// A statement that comes before its writer is known holds, and is told on, once
// the writer is a member.
func TestEarlyStatement(t *testing.T) {
	a, b := newTable("a"), newTable("b")
	must(t, a.share(noon, "health", "a", []byte("x"), 0))
	for _, msg := range a.broadcasts(noon, 3, 1300) {
		must(t, b.hear(noon, msg[1:]))
	}
	if len(b.list(noon, "health")) != 0 || len(b.broadcasts(noon, 3, 1300)) != 0 || len(b.pending) != 0 {
		t.Error("a stranger is believed")
	}
	b.takeTopics()
	b.member(noon, "a", true)
	if len(b.list(noon, "health")) != 1 || len(b.broadcasts(noon, 3, 1300)) != 1 || len(b.takeTopics()) != 1 {
		t.Error("it is not heard once it is known")
	}
}

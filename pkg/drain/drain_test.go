package drain

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// as is a shared board as one node sees it: what it says there is its own.
type as struct {
	*alone
	node string
}

func (b as) Share(topic, subject string, value []byte, ttl time.Duration) error {
	b.alone.mu.Lock()
	b.alone.node = b.node
	b.alone.mu.Unlock()
	return b.alone.Share(topic, subject, value, ttl)
}

func newBoard() *alone { return &alone{now: time.Now, said: map[string]ending{}} }

func start(t *testing.T, c Config) *Drains {
	t.Helper()
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return d
}

func text(list []Drain) string {
	var lines []string
	for _, k := range list {
		lines = append(lines, k.Subject()+" "+k.String())
	}
	return strings.Join(lines, "\n")
}

// A drain holds everywhere until its end, and no longer; a restart keeps what is
// left of it.
func TestDrainEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board, state := newBoard(), filepath.Join(t.TempDir(), "state")
		var changes atomic.Int32
		d := start(t, Config{Node: "asia-1", Board: as{board, "asia-1"}, State: state, OnChange: func() { changes.Add(1) }})
		for _, k := range []struct {
			kind Kind
			name string
		}{{Node, "asia-1"}, {Region, "useast"}, {Region, "asia"}} {
			if _, err := d.Drain(k.kind, k.name, 2*time.Hour, "disks"); err != nil {
				t.Fatal(err)
			}
		}
		const all = "region asia until 2000-01-01 02:00 UTC, by asia-1: disks\nregion useast until 2000-01-01 02:00 UTC, by asia-1: disks\nnode asia-1 until 2000-01-01 02:00 UTC, by asia-1: disks"
		other := start(t, Config{Node: "europe-1", Board: as{board, "europe-1"}})
		if text(d.List()) != all || text(other.List()) != all || changes.Load() != 3 {
			t.Errorf("%d changes\n%s\n%s", changes.Load(), text(d.List()), text(other.List()))
		}
		// The other node resumes one of them.
		if err := other.Resume(Region, "useast"); err != nil {
			t.Error(err)
		}
		d.Changed()
		// After an hour every node restarts at once: nobody remembers but the folder.
		time.Sleep(time.Hour)
		again := start(t, Config{Node: "asia-1", Board: as{newBoard(), "asia-1"}, State: state})
		if got := text(again.List()); got != "region asia until 2000-01-01 02:00 UTC, by asia-1: disks\nnode asia-1 until 2000-01-01 02:00 UTC, by asia-1: disks" {
			t.Errorf("after the restart:\n%s", got)
		}
		time.Sleep(time.Hour - time.Second)
		if len(again.List()) != 2 {
			t.Error("ended before its time")
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if kept, err := os.ReadFile(filepath.Join(state, fileName)); len(again.List()) != 0 || err != nil || string(kept) != "[]\n" {
			t.Errorf("after its end: %v %s %v", again.List(), kept, err)
		}
		if left, _ := filepath.Glob(filepath.Join(state, ".*")); left != nil {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestRefused(t *testing.T) {
	d, err := New(Config{Node: "asia-1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		kind Kind
		name string
		long time.Duration
		why  string
		want string
	}{
		{Region, "asia", time.Second, "", "give between 1m and 168h"},
		{Region, "asia", 8 * 24 * time.Hour, "", "give between 1m and 168h"},
		{Region, "", time.Hour, "", "neither a region nor a node"},
		{Region, "a b", time.Hour, "", "neither a region nor a node"},
		{"planet", "x", time.Hour, "", "neither a region nor a node"},
		{Node, "x", time.Hour, "a\nb", "write one line"},
		{Node, "x", time.Hour, strings.Repeat("x", 201), "write one line"},
	} {
		if _, err := d.Drain(test.kind, test.name, test.long, test.why); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v", test, err)
		}
	}
	if err := d.Resume(Region, "asia"); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if len(d.List()) != 0 {
		t.Error(d.List())
	}
}

func TestBrokenFile(t *testing.T) {
	state := t.TempDir()
	file := filepath.Join(state, fileName)
	if err := os.WriteFile(file, []byte("[{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Node: "asia-1", State: state}); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "mend or remove it") {
		t.Error(err)
	}
}

// What could not be kept holds all the same, and the error says so: it must not
// read as if nothing had happened.
func TestNotKept(t *testing.T) {
	state := filepath.Join(t.TempDir(), "a file")
	d, err := New(Config{Node: "asia-1", State: state})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(state, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Drain(Region, "asia", time.Hour, ""); err == nil || !strings.Contains(err.Error(), "region asia is drained, but a restart") || len(d.List()) != 1 {
		t.Errorf("%v, %v", err, d.List())
	}
	if err := d.Resume(Region, "asia"); err == nil || !strings.Contains(err.Error(), "region asia takes clients again, but a restart") || len(d.List()) != 0 {
		t.Errorf("%v, %v", err, d.List())
	}
}

// full is a board on which nothing more can be said.
type full struct{ Board }

func (full) Withdraw(string, string) {}

func TestNotResumed(t *testing.T) {
	board := newBoard()
	board.Share(Topic, "region asia", []byte(`{"why":""}`), time.Hour)
	d, err := New(Config{Node: "asia-1", Board: full{board}})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Resume(Region, "asia"); err == nil || !strings.Contains(err.Error(), "drained as before") {
		t.Errorf("%v, but %v", err, d.List())
	}
}

// What others state is judged like one's own; nothing of it is shown unread.
func TestForeignStatements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		board := newBoard()
		subject := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"region asia", "node x", "region ", "node a b", "region"})).Draw(t, "subject")
		value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{`{"why":"x"}`, `{"why":"\n"}`, "{}", `{"why":1}`})).Draw(t, "value")
		board.Share(Topic, subject, []byte(value), rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "ttl"))
		d, err := New(Config{Node: "asia-1", Board: board})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range d.List() {
			if k.check() != nil || k.Subject() != subject || strings.ContainsAny(k.String(), "\n\r\x1b") {
				t.Fatalf("%+v of %q %q", k, subject, value)
			}
		}
	})
}

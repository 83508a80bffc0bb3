package region

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const start = `
-- network.yaml --
canonical: [https://rest.example.org]
home: europe
-- europe.yaml --
url: https://europe.example.org
location: {lat: 52.0797, lon: 0.1863}
`

// A log that can be read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

type change struct{ old, new *Map }

func newWatcher(t *testing.T, dir string, every time.Duration) (*Watcher, <-chan change, *logBuffer) {
	t.Helper()
	changes := make(chan change, 16)
	log := &logBuffer{}
	w, err := NewWatcher(Config{Dir: dir, Every: every, Logger: slog.New(slog.NewTextHandler(log, nil)),
		OnChange: func(old, new *Map) { changes <- change{old, new} }})
	if err != nil {
		t.Fatal(err)
	}
	return w, changes, log
}

// run runs w until the test ends.
func run(t *testing.T, w *Watcher) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func next(t *testing.T, changes <-chan change) change {
	t.Helper()
	select {
	case c := <-changes:
		return c
	case <-time.After(20 * time.Second):
		t.Fatal("no change was seen")
		panic("unreachable")
	}
}

// replace writes a file as careful tools do: beside it, then renamed over it.
func replace(t *testing.T, dir, name, text string) {
	t.Helper()
	temp := filepath.Join(dir, "."+name+".tmp")
	if err := os.WriteFile(temp, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

const asia = "url: https://asia.example.org\nlocation: {lat: 1.3521, lon: 103.8198}\n"

func TestNewWatcherNeedsAGoodSet(t *testing.T) {
	dir := t.TempDir()
	if w, err := NewWatcher(Config{Dir: dir}); err == nil {
		t.Errorf("an empty folder gave %v", w.Map())
	}
	if _, err := NewWatcher(Config{}); err == nil || !strings.Contains(err.Error(), "Dir") {
		t.Errorf("no folder: %v", err)
	}
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	unpack(t, dir, txtar.Parse([]byte(start)).Files)
	w, changes, log := newWatcher(t, dir, time.Hour)
	first := w.Map()
	check := func(when string, wantErr string, refused uint64, logged int) {
		t.Helper()
		err := w.Reload()
		if wantErr == "" && (err != nil || w.Refused() != nil) || wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr) || w.Refused().Error() != err.Error()) {
			t.Errorf("%s: Reload = %v, Refused = %v; want %q", when, err, w.Refused(), wantErr)
		}
		if got := w.RefusedCount(); got != refused {
			t.Errorf("%s: %d sets refused, want %d", when, got, refused)
		}
		if got := log.count("regions refused"); got != logged {
			t.Errorf("%s: logged %d times, want %d", when, got, logged)
		}
	}
	check("nothing changed", "", 0, 0)

	replace(t, dir, "asia.yaml", "lat: 1\n")
	check("a bad file", "asia.yaml:1:1: unknown key", 1, 1)
	check("the same bad file", "asia.yaml:1:1: unknown key", 1, 1)
	replace(t, dir, "asia.yaml", "lat: 1\n# changed\n")
	check("the same problem in other bytes", "asia.yaml:1:1: unknown key", 2, 1)
	replace(t, dir, "asia.yaml", "lon: 1\n")
	check("another problem", "asia.yaml:1:1: unknown key", 3, 2)
	if w.Map() != first {
		t.Error("a bad set replaced the map")
	}

	replace(t, dir, "asia.yaml", asia)
	check("mended", "", 3, 2)
	c := next(t, changes)
	if c.old != first || c.new != w.Map() || c.new.Revision() == first.Revision() || len(c.new.Regions()) != 2 {
		t.Errorf("OnChange(%v, %v), Map %v", c.old, c.new, w.Map())
	}

	replace(t, dir, "asia.yaml", asia+"# a comment\n")
	check("a comment", "", 3, 2)
	replace(t, dir, "asia.yaml", "lon: 1\n")
	check("bad again as before", "unknown key", 4, 3)
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	check("the folder is gone", "no such file", 5, 4)
	if len(changes) != 0 || len(w.Map().Regions()) != 2 {
		t.Errorf("%d more changes, %d regions", len(changes), len(w.Map().Regions()))
	}
}

// The system's notices alone: the clock is an hour away.
func TestRunNotices(t *testing.T) {
	dir := t.TempDir()
	unpack(t, dir, txtar.Parse([]byte(start)).Files)
	w, changes, _ := newWatcher(t, dir, time.Hour)
	// Written between NewWatcher and Run.
	replace(t, dir, "early.yaml", strings.ReplaceAll(asia, "asia", "early"))
	run(t, w)
	if c := next(t, changes); len(c.new.Regions()) != 2 {
		t.Errorf("%d regions after the first file", len(c.new.Regions()))
	}
	replace(t, dir, "asia.yaml", asia)
	if c := next(t, changes); len(c.new.Regions()) != 3 {
		t.Errorf("%d regions after a rename", len(c.new.Regions()))
	}
	if err := os.WriteFile(filepath.Join(dir, "asia.yaml"), []byte(asia+"state: draining\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := next(t, changes)
	if r, _ := c.new.Region("asia"); r.State != Draining {
		t.Errorf("state %q after a write in place", r.State)
	}
	if err := os.Remove(filepath.Join(dir, "asia.yaml")); err != nil {
		t.Fatal(err)
	}
	if c := next(t, changes); len(c.new.Regions()) != 2 {
		t.Errorf("%d regions after a removal", len(c.new.Regions()))
	}
}

// A folder in the manner of mounted config maps: the files are links into ..data,
// which is a link that is swapped.
func TestRunLinkInside(t *testing.T) {
	dir := t.TempDir()
	for version, text := range map[string]string{"..v1": "", "..v2": "state: draining\n"} {
		os.Mkdir(filepath.Join(dir, version), 0o755)
		unpack(t, filepath.Join(dir, version), txtar.Parse([]byte(start)).Files)
		if err := os.WriteFile(filepath.Join(dir, version, "asia.yaml"), []byte(asia+text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		t.Helper()
		temp := filepath.Join(dir, "..tmp")
		if err := os.Symlink(target, temp); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(temp, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..v1", "..data")
	for _, name := range []string{"network.yaml", "europe.yaml", "asia.yaml"} {
		link("..data/"+name, name)
	}
	w, changes, _ := newWatcher(t, dir, time.Hour)
	run(t, w)
	link("..v2", "..data")
	c := next(t, changes)
	if r, _ := c.new.Region("asia"); r.State != Draining {
		t.Errorf("state %q after the swap", r.State)
	}
}

// A link to the folder is swapped: no notice comes, the clock finds it, and the
// new folder is watched from then on.
func TestRunTick(t *testing.T) {
	parent := t.TempDir()
	for _, version := range []string{"v1", "v2"} {
		os.Mkdir(filepath.Join(parent, version), 0o755)
		unpack(t, filepath.Join(parent, version), txtar.Parse([]byte(start)).Files)
	}
	replace(t, filepath.Join(parent, "v2"), "asia.yaml", asia)
	dir := filepath.Join(parent, "regions")
	if err := os.Symlink("v1", dir); err != nil {
		t.Fatal(err)
	}
	w, changes, _ := newWatcher(t, dir, 10*time.Millisecond)
	run(t, w)
	if err := os.Symlink("v2", dir+".tmp"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+".tmp", dir); err != nil {
		t.Fatal(err)
	}
	if c := next(t, changes); len(c.new.Regions()) != 2 {
		t.Errorf("%d regions after the swap", len(c.new.Regions()))
	}
	replace(t, dir, "africa.yaml", strings.ReplaceAll(asia, "asia", "africa"))
	if c := next(t, changes); len(c.new.Regions()) != 3 {
		t.Errorf("%d regions in the new folder", len(c.new.Regions()))
	}
}

package announce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mirrornet/pkg/region"
)

const africa = "url: https://africa.ensembl.org\nlocation: {lat: -33.92, lon: 18.42, country: ZA}\n"

// files is a folder's Map that changes at once.
type files struct{ atomic.Pointer[region.Map] }

func (f *files) Map() *region.Map { return f.Load() }

func parse(t *testing.T, name region.Name, text string) region.Region {
	t.Helper()
	r, err := region.ParseRegion(name, "text", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// network is what gossip would say to the node of the test, europe-1.
type network struct {
	mu    sync.Mutex
	nodes []Node
	texts map[string]string // by node; absent: does not answer
	asked []string
	slow  time.Duration
	most  int // asks at once
	open  int
}

func (n *network) list() []Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Node(nil), n.nodes...)
}

func (n *network) ask(ctx context.Context, node string) ([]byte, error) {
	n.mu.Lock()
	n.asked = append(n.asked, node)
	text, ok := n.texts[node]
	slow := n.slow
	n.open++
	n.most = max(n.most, n.open)
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.open--
	}()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if !ok {
		return nil, errors.New("no answer")
	}
	return []byte(text), nil
}

// joins adds a node that announces text.
func (n *network) joins(node string, r region.Region) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nodes = append(n.nodes, Node{Name: node, Region: r.Name, Digest: r.Digest(), Present: true})
	n.texts[node] = r.Text()
}

func (n *network) change(node string, f func(*Node)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.nodes {
		if n.nodes[i].Name == node {
			f(&n.nodes[i])
		}
	}
}

func (n *network) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.asked)
}

func start(t *testing.T) (*Follower, *network, *files, *atomic.Int32) {
	t.Helper()
	m, err := region.Load("../../regions")
	if err != nil {
		t.Fatal(err)
	}
	var here files
	here.Store(m)
	n := &network{nodes: []Node{{Name: "europe-1", Region: "europe", Present: true, Self: true}}, texts: map[string]string{}}
	var changes atomic.Int32
	f := New(Config{Region: "europe", Files: &here, Nodes: n.list, Ask: n.ask, Logger: slog.New(slog.DiscardHandler), OnChange: func() { changes.Add(1) }})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return f, n, &here, &changes
}

func has(f *Follower, name region.Name) bool { _, ok := f.Map().Region(name); return ok }

// A region without a file is there as soon as its node answers, in one swap;
// nodes with the files of this one, or with a text that is known, are not asked.
func TestFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, n, here, changes := start(t)
		for _, name := range []region.Name{"asia", "europe", "useast"} {
			r, _ := here.Map().Region(name)
			n.joins(string(name)+"-2", r)
		}
		f.Notice()
		synctest.Wait()
		if n.count() != 0 || f.Map() != here.Map() || changes.Load() != 0 {
			t.Fatalf("%v were asked, %d changes", n.asked, changes.Load())
		}
		n.joins("africa-1", parse(t, "africa", africa))
		n.joins("africa-2", parse(t, "africa", africa))
		began := time.Now()
		f.Notice()
		synctest.Wait()
		if !has(f, "africa") || time.Since(began) != 0 || changes.Load() != 1 || n.count() != 1 {
			t.Fatalf("%v, %d changes, asked %v", f.Map().Regions(), changes.Load(), n.asked)
		}
		uses := ""
		for _, o := range f.Outcomes() {
			uses += fmt.Sprintf("%s %s %v\n", o.Node, o.Use, o.Notes)
		}
		if want := "africa-1 announced []\nafrica-2 announced []\nasia-2 file []\neurope-1 file []\neurope-2 file []\nuseast-2 file []\n"; uses != want {
			t.Errorf("outcomes\n%swant\n%s", uses, want)
		}
		// Nothing happens while nothing changes.
		before := f.Map()
		time.Sleep(time.Minute)
		synctest.Wait()
		if f.Map() != before || n.count() != 1 || changes.Load() != 1 {
			t.Errorf("asked %v, %d changes", n.asked, changes.Load())
		}
		// Its file comes: the same Map, and the outcome says so.
		m, err := region.NewMap(here.Map().Network(), append([]region.Region{parse(t, "africa", africa)}, here.Map().Regions()...)...)
		if err != nil {
			t.Fatal(err)
		}
		here.Store(m)
		f.Refresh()
		if f.Map() != before || f.Outcomes()[0].Use != region.ByFile || changes.Load() != 1 {
			t.Errorf("%+v, %d changes", f.Outcomes()[0], changes.Load())
		}
	})
}

// A node that does not answer, or answers something else, is asked again, ever
// less often, and its neighbour with the same digest meanwhile.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, n, _, _ := start(t)
		r := parse(t, "africa", africa)
		n.joins("africa-1", r)
		n.texts["africa-1"] = r.Text() + "# not what was announced\n"
		f.Notice()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := n.count(); got < 55 || got > 75 || has(f, "africa") {
			t.Errorf("asked %d times in 10 minutes; 8 in 13 s, then every 10 s", got)
		}
		if o := f.Outcomes()[0]; o.Use != Unread || o.Notes[0] != errDigest.Error() {
			t.Errorf("%+v", o)
		}
		n.joins("africa-2", r)
		f.Notice()
		synctest.Wait()
		if o := f.Outcomes()[0]; !has(f, "africa") || o.Use != region.InForce || o.Node != "africa-1" {
			t.Errorf("%+v", f.Outcomes())
		}
	})
}

// While the text of a changed region is not there yet, the one before holds.
func TestKeepsWhatItHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, n, _, _ := start(t)
		n.joins("africa-1", parse(t, "africa", africa))
		f.Notice()
		synctest.Wait()
		old := f.Map()
		if !has(f, "africa") {
			t.Fatal("not there")
		}
		for _, title := range []string{"Second", "Third"} { // of which the second is never read
			r := parse(t, "africa", africa+"title: "+title)
			n.change("africa-1", func(n *Node) { n.Digest = r.Digest() })
			f.Notice()
			time.Sleep(20 * time.Second)
			synctest.Wait()
			if o := f.Outcomes(); f.Map() != old || len(o) != 3 || o[0].Use != region.InForce || o[1].Use != Unread {
				t.Errorf("%s: %v %+v", title, f.Map().Regions(), o)
			}
		}
		n.mu.Lock()
		n.texts["africa-1"] = parse(t, "africa", africa+"title: Third").Text()
		n.mu.Unlock()
		time.Sleep(askLast)
		synctest.Wait()
		if r, _ := f.Map().Region("africa"); r.Title != "Third" || len(f.Outcomes()) != 2 || len(f.texts) != 1 {
			t.Errorf("%+v %+v, %d texts", r, f.Outcomes(), len(f.texts))
		}
	})
}

// Many new regions at once: few asks at a time, each with a limit.
func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, n, _, _ := start(t)
		n.slow = time.Hour
		for i := range 30 {
			name := region.Name(fmt.Sprint("r", i))
			n.joins(fmt.Sprint("n-", i), parse(t, name, strings.Replace(africa, "africa", string(name), 1)))
		}
		f.Notice()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n.most != askAtOnce || n.count() < 30 {
			t.Errorf("%d asks at once, %d in all", n.most, n.count())
		}
		n.mu.Lock()
		n.slow = 0
		n.mu.Unlock()
		time.Sleep(askLast + askTimeout)
		synctest.Wait()
		if got := len(f.Map().Regions()); got != 33 {
			t.Errorf("%d regions", got)
		}
	})
}

// An announced region stays some minutes after its last node; while one is
// there, only those that are there have a vote.
func TestLingers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, n, _, changes := start(t)
		n.joins("africa-1", parse(t, "africa", africa))
		n.joins("africa-2", parse(t, "africa", africa))
		n.joins("africa-3", parse(t, "africa", africa+"state: draining"))
		f.Notice()
		synctest.Wait()
		state := func() region.State { r, _ := f.Map().Region("africa"); return r.State }
		if state() != region.Serving {
			t.Error(state())
		}
		n.change("africa-1", func(n *Node) { n.Present = false })
		n.change("africa-2", func(n *Node) { n.Present = false })
		f.Notice()
		synctest.Wait()
		if state() != region.Draining {
			t.Errorf("with its one node that is there: %s", state())
		}
		n.change("africa-3", func(n *Node) { n.Present = false })
		f.Notice()
		synctest.Wait()
		time.Sleep(linger - time.Second)
		synctest.Wait()
		if !has(f, "africa") {
			t.Error("it went before its time")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if has(f, "africa") || len(f.texts) != 0 {
			t.Errorf("it is still there; texts %v", f.texts)
		}
		// A node that comes back is asked afresh.
		n.change("africa-1", func(n *Node) { n.Present = true })
		before := changes.Load()
		f.Notice()
		synctest.Wait()
		if !has(f, "africa") || changes.Load() != before+1 {
			t.Errorf("not there again, %d changes", changes.Load()-before)
		}
	})
}

// What is said of a node is logged once, with what holds.
func TestLogsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedBuffer
		f, n, _, _ := start(t)
		f.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		n.joins("evil-1", parse(t, "evil", strings.Replace(africa, "ensembl", "evil", 1)))
		n.joins("asia-2", parse(t, "asia", strings.Replace(africa, "africa", "asia", 1)+"serves: {networks: [0.0.0.0/0]}\nstate: retired"))
		f.Notice()
		time.Sleep(time.Minute)
		synctest.Wait()
		text := log.String()
		for _, want := range []string{"node=evil-1 region=evil", "use=refused", "matches none of announced.urls", "node=asia-2", "use=file", "state retired"} {
			if strings.Count(text, want) != 1 {
				t.Errorf("%q stands %d times in\n%s", want, strings.Count(text, want), text)
			}
		}
		if r, _ := f.Map().Region("asia"); r.State != region.Retired || r.Serves.Networks != nil || has(f, "evil") {
			t.Errorf("%+v", f.Map().Regions())
		}
	})
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A node alone, and what it announces.
func TestAlone(t *testing.T) {
	m, err := region.Load("../../regions")
	if err != nil {
		t.Fatal(err)
	}
	var here files
	here.Store(m)
	f := New(Config{Region: "asia", Files: &here})
	r, _ := m.Region("asia")
	f.Refresh()
	if f.Map() != m || f.Text() != r.Text() || f.Digest() != r.Digest() || f.Digest() != (region.Announcement{Region: "asia", Text: f.Text()}).Digest() || len(f.Outcomes()) != 0 {
		t.Errorf("%s %q %+v", f.Digest(), f.Text(), f.Outcomes())
	}
	f = New(Config{Region: "atlantis", Files: &here})
	if f.Text() != "" || f.Digest() != "" {
		t.Errorf("%q %q", f.Text(), f.Digest())
	}
}

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrornet/pkg/status"
	"mirrornet/pkg/store"
)

// watcher follows a node's stream of events.
type watcher struct {
	header http.Header
	mu     sync.Mutex // guards the fields below
	last   status.Report
	text   strings.Builder
	ended  chan struct{}
}

func (r *running) watch(at string) *watcher {
	r.t.Helper()
	resp, err := http.Get("http://" + at + "/-/events")
	if err != nil || resp.StatusCode != 200 {
		r.t.Fatalf("%s: %v %v", r.config.node, resp, err)
	}
	r.t.Cleanup(func() { resp.Body.Close() })
	w := &watcher{header: resp.Header, ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		lines := bufio.NewReader(resp.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			w.mu.Lock()
			w.text.WriteString(line)
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				json.Unmarshal([]byte(data), &w.last)
			}
			w.mu.Unlock()
		}
	}()
	return w
}

// told is an error unless an event of that kind says so.
func (w *watcher) told(kind status.EventKind, text string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.last.Events {
		if e.Kind == kind && strings.Contains(e.Text, text) {
			return nil
		}
	}
	return errors.New("no such event: " + string(kind) + " " + text)
}

func (w *watcher) said() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// Who watches a node is told what happens to the others and to the
// configuration; what is for operators is told to operators; and nobody who
// watches keeps a node from stopping.
func TestLive(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: two edges that wait for each other")
	}
	f := newFleet(t)
	files := map[string]string{"network.yaml": networkFile, "europe.yaml": europeFile, "asia.yaml": asiaFile}
	europe, asia := f.start(t, "europe", files), f.start(t, "asia", files)
	for _, n := range []*running{europe, asia} {
		n.within(10*time.Second, "both serve", func() error {
			out := n.command("regions")
			return errors.Join(contains(out, "asia    serving"), contains(out, "europe  serving"))
		})
	}
	public := europe.watch(europe.config.listen)
	if public.header.Get("Content-Type") != "text/event-stream" || public.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v", public.header)
	}
	// Figures: of this node, and of the other by its own word.
	for range 20 {
		europe.get(europe.config.listen, "/thing")
	}
	europe.within(15*time.Second, "figures of both", func() error {
		r := europe.status()
		for _, n := range r.Nodes {
			f := n.Figures
			if f == nil || f.Memory == nil || f.Memory.Limit != 8<<20 || len(f.Origins) != 1 {
				return errors.New("no figures of " + n.Name)
			}
			if n.Self && (f.Requests == 0 || f.Hits["lane"]+f.Hits["memory"] < 0.9 || len(f.Decisions) != 1 || f.Decisions[0].Reason != "named by the client's hostname") {
				return errors.New("not counted yet")
			}
			if !n.Self && f.Requests != 0 {
				t.Errorf("%s counts what others were asked: %+v", n.Name, f)
			}
		}
		return nil
	})
	// The edge's own pages and questions are no requests of clients.
	if text := europe.get(europe.config.admin, "/metrics"); strings.Contains(text, `mirrornet_request_duration_seconds_count{cache="",`) {
		t.Error("questions about the node are in the histogram")
	}
	own := europe.get(europe.config.listen, "/-/status.json?own")
	var r status.Report
	if err := json.Unmarshal([]byte(own), &r); err != nil || len(r.Nodes) != 1 || r.Nodes[0].Figures == nil || len(r.Regions)+len(r.Nearest)+len(r.Events) != 0 {
		t.Errorf("%v: %s", err, own)
	}
	// A mistake in a region file, and a drain.
	europe.write("asia.yaml", asiaFile+"colour: blue\n")
	if err := contains(europe.command("drain", "asia", "--for", "2h", "--why", "new disks"), "is drained until"); err != nil {
		t.Fatal(err)
	}
	europe.within(5*time.Second, "both are told", func() error {
		return errors.Join(public.told(status.ConfigRefused, "europe-1 refuses its region files for a mistake"), public.told(status.Drained, "asia is drained until"))
	})
	operators := europe.get(europe.config.admin, "/status.json")
	secrets := []string{"colour", "new disks", "UTC, by europe-1", europe.config.regions, asia.config.advertise, f.origin.Host, asia.config.gossip.String()}
	page := europe.get(europe.config.listen, "/network")
	inside := europe.watch(europe.config.admin)
	insidePage := europe.get(europe.config.admin, "/") // which leads to /network
	for _, s := range secrets {
		for where, text := range map[string]string{"stream": public.said(), "report": europe.get(europe.config.listen, "/-/status.json"), "own report": own, "page": page} {
			if strings.Contains(text, s) {
				t.Errorf("the public %s says %q:\n%s", where, s, text)
			}
		}
		if !strings.Contains(operators, s) {
			t.Errorf("operators are not told %q:\n%s", s, operators)
		}
	}
	if inside.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("other sites may read what operators see")
	}
	europe.within(5*time.Second, "operators are told", func() error {
		said := inside.said()
		return errors.Join(contains(said, "colour"), contains(said, "new disks"), contains(said, asia.config.advertise), contains(said, "UTC, by europe-1"))
	})
	if err := errors.Join(contains(page, "europe-1"), contains(insidePage, "colour"), contains(insidePage, "new disks"), contains(insidePage, asia.config.advertise)); err != nil {
		t.Error(err)
	}
	// A node that goes.
	europe.write("asia.yaml", asiaFile)
	asiaWatched := asia.watch(asia.config.listen)
	begin := time.Now()
	asia.stop()
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("with a watcher the node took %s to stop", took)
	}
	<-asiaWatched.ended
	if asiaWatched.last.State != "draining" {
		t.Errorf("at last it said that it is %s", asiaWatched.last.State)
	}
	europe.within(5*time.Second, "it left", func() error { return public.told(status.Left, "asia-1 left") })
	europe.within(15*time.Second, "its files are taken", func() error { return public.told(status.ConfigRefused, "has taken its region files") })
}

// A memcached that is late once is not said to be down.
func TestUsage(t *testing.T) {
	var u usage
	failed := errors.New("too late")
	for i, c := range []struct {
		err  error
		want *status.CacheSize
	}{
		{failed, nil}, {nil, &status.CacheSize{Bytes: 1, Limit: 2, Entries: 3}}, {failed, &status.CacheSize{Bytes: 1, Limit: 2, Entries: 3}},
		{failed, &status.CacheSize{Down: true}}, {failed, &status.CacheSize{Down: true}}, {nil, &status.CacheSize{Bytes: 1, Limit: 2, Entries: 3}},
		{failed, &status.CacheSize{Bytes: 1, Limit: 2, Entries: 3}},
	} {
		if got := u.next(store.Usage{Bytes: 1, Limit: 2, Items: 3}, c.err); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%d: %+v, want %+v", i, got, c.want)
		}
	}
}

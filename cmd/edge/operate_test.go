package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// drained says what a node tells clients and other nodes of itself.
func (r *running) healthz() string {
	resp, err := http.Get("http://" + r.config.listen + "/-/healthz")
	if err != nil {
		return err.Error()
	}
	resp.Body.Close()
	return resp.Status
}

// A drain holds on all nodes, outlives the restart of all of them, and is ended
// by any.
func TestDrains(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: two edges that wait for each other")
	}
	f := newFleet(t)
	files := map[string]string{"network.yaml": networkFile, "europe.yaml": europeFile, "asia.yaml": asiaFile}
	europe, asia := f.start(t, "europe", files), f.start(t, "asia", files)
	both := []*running{europe, asia}
	for _, n := range both {
		n.within(10*time.Second, "both serve", func() error {
			out := n.command("regions")
			return errors.Join(contains(out, "asia    serving"), contains(out, "europe  serving"))
		})
	}
	// A region, told to one node.
	if err := contains(europe.command("drain", "asia", "--for", "2h", "--why", "disks"), "region asia is drained until "); err != nil {
		t.Fatal(err)
	}
	for _, n := range both {
		n.within(3*time.Second, "asia is drained", func() error {
			return contains(n.command("regions"), "by europe-1: disks")
		})
		if err := contains(n.command("regions"), "asia    draining"); err != nil {
			t.Errorf("%s: %v", n.config.node, err)
		}
		// Who said it, and why, is nobody else's affair.
		public := n.get(n.config.listen, "/-/status.json") + n.get(n.config.listen, "/-/route?addr=192.0.2.1&navigate=1") + n.get(n.config.listen, "/.well-known/mirrors.json")
		if strings.Contains(public, "disks") || strings.Contains(public, "by europe-1") || !strings.Contains(public, `"drained": "until 20`) {
			t.Errorf("%s tells everybody:\n%s", n.config.node, public)
		}
		if got := n.routes("127.0.0.1"); got != "europe" {
			t.Errorf("%s: clients go to %q", n.config.node, got)
		}
	}
	// A node, told to itself: others see it by its own health as well.
	if err := contains(asia.command("drain", "asia-1", "--for", "90m"), "node asia-1 is drained until "); err != nil {
		t.Fatal(err)
	}
	asia.within(3*time.Second, "asia-1 says so", func() error { return contains(asia.healthz(), "503") })
	europe.within(5*time.Second, "europe-1 knows", func() error { return contains(europe.command("members"), "draining") })

	// All restart at once; each keeps what it was told.
	for _, n := range both {
		n.stop()
	}
	for _, n := range both {
		n.run()
	}
	for _, n := range both {
		n.within(10*time.Second, "both drains hold after the restart", func() error {
			out := n.command("drain")
			return errors.Join(contains(out, "region asia"), contains(out, "node asia-1"), contains(out, "europe-1"))
		})
	}
	if err := contains(asia.healthz(), "503"); err != nil {
		t.Error(err)
	}
	// The other node ends both.
	for _, name := range []string{"asia", "asia-1"} {
		if err := contains(europe.command("resume", name), "takes clients again"); err != nil {
			t.Error(err)
		}
	}
	for _, n := range both {
		n.within(5*time.Second, "asia is back", func() error { return contains(n.command("regions"), "asia    serving") })
	}
	asia.within(5*time.Second, "asia-1 serves", func() error { return contains(asia.healthz(), "200") })
	// And a restart does not bring them back.
	for _, n := range both {
		n.stop()
	}
	for _, n := range both {
		n.run()
	}
	for _, n := range both {
		if err := contains(n.command("drain"), "Nothing is drained by a statement."); err != nil {
			t.Errorf("%s: %v", n.config.node, err)
		}
	}
}

// Each of the bad files is refused with its message by an edge that runs, which
// serves on by what it had, and takes the next good one.
func TestBadFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: an edge that reads fifty files")
	}
	n := newFleet(t).start(t, "europe", map[string]string{"network.yaml": networkFile, "europe.yaml": europeFile})
	n.within(10*time.Second, "it serves", func() error { return contains(n.command("regions"), "europe  serving") })
	bad, err := filepath.Glob("../../pkg/region/testdata/*.bad.yaml")
	if err != nil || len(bad) < 30 {
		t.Fatalf("%d bad files, %v", len(bad), err)
	}
	revision := n.status().Revision
	for i, file := range bad {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		expected, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		place := name + ".yaml"
		if strings.HasPrefix(name, "network") {
			place = "network.yaml"
		}
		n.write(place, string(text))
		first, _, _ := strings.Cut(string(expected), "\n")
		_, message, _ := strings.Cut(first, ".bad.yaml:")
		n.within(5*time.Second, file, func() error {
			return contains(strings.Join(n.status().Problems, "\n"), strings.TrimSuffix(place, ".yaml")+".yaml:"+message)
		})
		if got := n.status(); got.Revision != revision || got.State != "serving" || len(got.Regions) != len(n.status().Regions) {
			t.Errorf("%s: revision %s, %s", file, got.Revision, got.State)
		}
		if err := errors.Join(contains(n.healthz(), "200"), contains(n.get(n.config.listen, "/x"), "hello"), contains(n.command("regions"), "are refused, and the last good ones hold")); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		// Good again, and another one.
		if place == "network.yaml" {
			n.write(place, networkFile)
		} else if err := os.Remove(filepath.Join(n.config.regions, place)); err != nil {
			t.Fatal(err)
		}
		title := fmt.Sprint("Europe ", i)
		n.write("europe.yaml", europeFile+"title: "+title+"\n")
		n.within(5*time.Second, "a good file", func() error { return contains(n.get(n.config.listen, "/.well-known/mirrors.json"), title) })
		if p := n.status().Problems; len(p) != 0 {
			t.Errorf("%s: still %q", file, p)
		}
		revision = n.status().Revision
	}
	if err := contains(n.get(n.config.admin, "/metrics"), fmt.Sprintf("mirrornet_region_sets_refused_total %d\n", len(bad))); err != nil {
		t.Error(err)
	}
}

// Keys are stated by fingerprint, those of a file that was read again too.
func TestKeysList(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: two edges that wait for each other")
	}
	f := newFleet(t)
	files := map[string]string{"network.yaml": networkFile, "europe.yaml": europeFile, "asia.yaml": asiaFile}
	const one, two = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
	f.keyFile = filepath.Join(t.TempDir(), "gossip.key")
	write(t, f.keyFile, []byte(one+"\n"))
	europe, asia := f.start(t, "europe", files), f.start(t, "asia", files)
	asia.within(10*time.Second, "both use one key", func() error { return contains(asia.command("keys", "list"), "All 2 nodes use 861009ec.") })
	write(t, f.keyFile, []byte(one+"\n"+two+"\n"))
	if out := europe.reload(); out != "" {
		t.Fatal(out)
	}
	asia.within(10*time.Second, "one has the new key", func() error { return contains(asia.command("keys", "list"), "1 of 2 nodes have") })
}

// reload asks for what HUP does.
func (r *running) reload() string {
	resp, err := http.Post("http://"+r.config.admin+"/reload", "application/json", nil)
	if err != nil {
		return err.Error()
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return resp.Status
	}
	return ""
}

package edge

import (
	"bytes"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mirrornet/pkg/health"
)

// says answers with what release has, as of it.
func says(release *atomic.Value) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Ensembl-Release", release.Load().(string))
		w.Write([]byte(release.Load().(string)))
	}
}

func (c *catalogue) installRelease(t *testing.T, release string) {
	t.Helper()
	text := bytes.Replace(catalogueText(t), []byte(`"release":"1"`), []byte(`"release":"`+release+`"`), 1)
	if err := c.install(text, "", "test"); err != nil {
		t.Fatal(err)
	}
}

// An answer of another release than the catalogue's goes to its client and is
// not stored; with the catalogue of that release it is, and what was stored
// before is not used, also when the former release comes back.
func TestAnotherRelease(t *testing.T) {
	s := newEdge(t)
	var release atomic.Value
	release.Store("1")
	s.origin.set(says(&release))
	ask := func(target, want string, hit bool) {
		t.Helper()
		w := s.ask("GET", target, "")
		if got := w.Header().Get("Cache-Status"); w.Body.String() != want || w.Header().Get("Ensembl-Release") != want || strings.HasPrefix(got, "europe-1; hit") != hit {
			t.Errorf("%s: %s, %s, want %s", target, w.Body, got, want)
		}
	}
	for _, target := range []string{"/thing/x", "/no/endpoint"} {
		ask(target, "1", false)
	}
	ask("/thing/x", "1", true)
	drain(s.edge.catalogue.hurried)
	release.Store("2")
	ask("/thing/y", "2", false)
	ask("/thing/y", "2", false)
	if len(s.edge.catalogue.hurried) != 1 {
		t.Error("the catalogue is not asked for")
	}
	ask("/thing/x", "1", true) // not yet
	s.edge.catalogue.installRelease(t, "2")
	for _, target := range []string{"/thing/x", "/thing/y", "/no/endpoint"} {
		ask(target, "2", false)
	}
	ask("/thing/y", "2", true)
	release.Store("1") // back again
	s.edge.catalogue.installRelease(t, "1")
	ask("/thing/y", "1", false)
}

func drain(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}

// Probes tell that the first origin that answers has another catalogue.
func TestProbesHurryTheCatalogue(t *testing.T) {
	s := newEdge(t)
	id := originID(s.edge.Origins[0])
	for _, x := range []struct {
		hash  string
		state health.State
		want  int
	}{
		{"", health.Serving, 0},
		{s.edge.catalogue.current.Load().hash, health.Serving, 0},
		{"another", health.Unreachable, 0},
		{"another", health.Serving, 1},
	} {
		drain(s.edge.catalogue.hurried)
		s.world.mu.Lock()
		s.world.states[id] = health.TargetStatus{State: x.state, LastOK: time.Now(), Catalogue: x.hash}
		s.world.mu.Unlock()
		s.edge.Refresh()
		if got := len(s.edge.catalogue.hurried); got != x.want {
			t.Errorf("catalogue %q of an origin that is %s: hurried %d, want %d", x.hash, x.state, got, x.want)
		}
	}
}

// What a sibling still has of another release is not taken.
func TestSiblingOfAnotherRelease(t *testing.T) {
	names := []string{"europe-1", "europe-2"}
	f := newFleet(t, testMap(t), names)
	var release atomic.Value
	release.Store("1")
	f.origin.set(says(&release))
	var targets []string
	for _, c := range "abcdefgh" { // the sibling owns about half of them
		target := "/thing/" + string(c)
		targets = append(targets, target)
		f.ask("europe-2", "GET", target, "")
		if w := f.ask("europe-2", "GET", target, ""); !strings.Contains(w.Header().Get("Cache-Status"), "hit") {
			t.Fatalf("not stored: %v", w.Header())
		}
	}
	release.Store("2")
	f.nodes["europe-1"].edge.catalogue.installRelease(t, "2")
	for _, target := range targets {
		if w := f.ask("europe-1", "GET", target, ""); w.Body.String() != "2" || w.Header().Get("Ensembl-Release") != "2" {
			t.Errorf("%s: %s, %v", target, w.Body, w.Header())
		}
		if w := f.ask("europe-1", "GET", target, ""); w.Body.String() != "2" || !strings.HasPrefix(w.Header().Get("Cache-Status"), "europe-1; hit") {
			t.Errorf("%s again: %s, %v", target, w.Body, w.Header())
		}
	}
}

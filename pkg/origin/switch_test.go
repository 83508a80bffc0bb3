package origin

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/load"
)

// tinyOf is the tiny genome of another release.
func tinyOf(t *testing.T, release int) *genomedb.Registry {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tiny.sqlite")
	if _, err := load.Run(t.Context(), load.Config{From: "testdata/dump", DB: file}); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE "`+genomedb.CatalogueTable+`" SET schema_version = ?`, release); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := genomedb.Open(t.Context(), genomedb.Config{SQLite: file})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// releaseModule says which genome answered, after asking it; /wait does not
// answer before it may.
func releaseModule(wait <-chan struct{}, waiting func(), spoilt int) ensembl.Module {
	endpoint := func(id string, canaries []string, wait <-chan struct{}) ensembl.Endpoint {
		return ensembl.Endpoint{Spec: apispec.Endpoint{ID: id, Path: "/" + id, Method: "GET", Group: "Things", Summary: "A thing",
			Formats: []string{apispec.JSON}, Freshness: fresh, Canaries: canaries},
			Handle: func(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
				if wait != nil {
					waiting()
					<-wait
				}
				if err := c.Genome.Ping(ctx); err != nil {
					return ensembl.Answer{}, err
				}
				if c.Genome.Release() == spoilt {
					return ensembl.Answer{}, ensembl.NotFound("nothing here")
				}
				return ensembl.Answer{Value: c.Genome.Release()}, nil
			}}
	}
	return ensembl.Module{Name: "releases", Endpoints: []ensembl.Endpoint{endpoint("release", []string{"/release"}, nil), endpoint("wait", nil, wait)}}
}

func TestSwitch(t *testing.T) {
	wait, waits := make(chan struct{}), make(chan struct{})
	old := tinyOf(t, 115)
	h, err := New(Config{Modules: []ensembl.Module{releaseModule(wait, func() { close(waits) }, 118)}, Genome: old})
	if err != nil {
		t.Fatal(err)
	}
	var slow sync.WaitGroup
	slow.Go(func() { // in flight, from the old one
		if w := ask(h, "GET", "/wait", ""); w.Body.String() != "115" || w.Header().Get("Ensembl-Release") != "115" {
			t.Errorf("the request in flight: %s %s", w.Body, w.Header())
		}
	})
	<-waits
	var stop atomic.Bool
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for !stop.Load() {
				w := ask(h, "GET", "/release", "")
				if r := w.Header().Get("Ensembl-Release"); w.Code != http.StatusOK || w.Body.String() != r || !strings.Contains(w.Header().Get("Cache-Tag"), "release:"+r) {
					t.Errorf("%d %s of release %s, %s", w.Code, w.Body, r, w.Header().Get("Cache-Tag"))
					return
				}
			}
		})
	}
	hash := h.Status().Catalogue
	current := old
	var first <-chan struct{}
	for release := 116; release < 118; release++ {
		next := tinyOf(t, release)
		unused, err := h.Switch(t.Context(), next)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = unused
			select {
			case <-unused:
				t.Error("the old genome is said to be unused while a request has it")
			default:
			}
		} else {
			<-unused
			if err := current.Close(); err != nil {
				t.Error(err)
			}
		}
		current = next
		if got := fmt.Sprint(release); ask(h, "GET", "/release", "").Body.String() != got || h.Status().Release != got || h.Status().Catalogue == hash ||
			!strings.Contains(ask(h, "GET", apispec.WellKnown, "").Body.String(), `"release":"`+got+`"`) {
			t.Errorf("after the switch to %d: %+v", release, h.Status())
		}
		hash = h.Status().Catalogue
	}
	spoilt := tinyOf(t, 118)
	if _, err := h.Switch(t.Context(), spoilt); err == nil || !strings.Contains(err.Error(), "release 118 answers /release with 404; the current one with 200") {
		t.Errorf("a genome without the canary: %v", err)
	}
	if err := spoilt.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Switch(t.Context(), spoilt); err == nil || !strings.Contains(err.Error(), "with 500") {
		t.Errorf("a genome that is closed: %v", err)
	}
	if h.Status().Release != "117" {
		t.Errorf("after refusals: release %s", h.Status().Release)
	}
	stop.Store(true)
	load.Wait()
	close(wait)
	slow.Wait()
	<-first
	if err := old.Close(); err != nil {
		t.Error(err)
	}
	if err := current.Close(); err != nil {
		t.Error(err)
	}
	upstream, err := New(Config{Modules: []ensembl.Module{testModule()}, Upstream: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := upstream.Switch(t.Context(), tiny(t)); err == nil {
		t.Error("an upstream was switched to a genome")
	}
}

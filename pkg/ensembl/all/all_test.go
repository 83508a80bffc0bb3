package all_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"mirrornet/pkg/ensembl/all"
	"mirrornet/pkg/genomedb/sample"
	"mirrornet/pkg/origin"
)

// TestSample: on a fresh machine every canary answers 200.
func TestSample(t *testing.T) {
	genome, err := sample.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer genome.Close()
	h, err := origin.New(origin.Config{Modules: all.Modules(), Genome: genome})
	if err != nil {
		t.Fatal(err)
	}
	status := func(method, target, contentType, body string) (int, string) {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Accept", contentType)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	// A table that a database does not have is no failure of the server.
	if code, body := status("GET", "/info/external_dbs/homo_sapiens?feature=unmapped_object", "*/*", ""); code != 400 {
		t.Errorf("a feature without a table: %d %.200s", code, body)
	}
	// A default is the same, written or not.
	_, absent := status("GET", "/info/compara/species_sets/EPO", "*/*", "")
	if _, body := status("GET", "/info/compara/species_sets/EPO?compara=Vertebrates", "*/*", ""); body != absent || !strings.Contains(body, "mus_musculus") {
		t.Errorf("default written %s, absent %s", body, absent)
	}
	canaries := 0
	for _, e := range h.Catalogue().Endpoints {
		for _, target := range e.Canaries {
			canaries++
			if code, body := status("GET", target, "*/*", ""); code != 200 {
				t.Errorf("canary %s: %d %.200s", target, code, body)
			}
		}
		if e.Freshness.MaxAge > 0 && (e.Freshness.StaleIfError < 86400 || len(e.Tags) == 0) {
			t.Errorf("%s: freshness %+v, tags %v: a stored answer needs days of stale-if-error and a tag", e.ID, e.Freshness, e.Tags)
		}
	}
	if canaries < 3 {
		t.Errorf("%d canaries: health would know little", canaries)
	}
}

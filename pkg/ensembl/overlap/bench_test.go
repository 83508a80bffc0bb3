package overlap_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/overlap"
	"mirrornet/pkg/origin"
)

func ask(h http.Handler, target, contentType string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI = path, "", query, target
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// BenchmarkRegion asks for a megabase of the reference's test databases.
func BenchmarkRegion(b *testing.B) {
	h, err := origin.New(origin.Config{Modules: []ensembl.Module{overlap.Module()}, Genome: goldentest.Genome(b), Limits: goldentest.Limits()})
	if err != nil {
		b.Fatal(err)
	}
	const at = "/overlap/region/homo_sapiens/6:1000000-2000000?"
	for name, query := range map[string]string{
		"genes+transcripts": "feature=gene;feature=transcript",
		"exons":             "feature=exon;feature=cds",
		"repeats":           "feature=repeat",
		"contig":            "coord_system=contig;feature=gene",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if w := ask(h, at+query, "application/json"); w.Code >= 500 {
					b.Fatal(w.Body)
				}
			}
		})
	}
}

package goldentest

import (
	"net/http"
	"testing"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/sample"
	"mirrornet/pkg/origin"
)

// Sample is an origin with one module over the sample genome, until t ends.
func Sample(t testing.TB, module ensembl.Module) http.Handler {
	t.Helper()
	genome, err := sample.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { genome.Close() })
	h, err := origin.New(origin.Config{Modules: []ensembl.Module{module}, Genome: genome})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

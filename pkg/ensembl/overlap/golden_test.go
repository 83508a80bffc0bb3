package overlap_test

import (
	"strings"
	"testing"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/overlap"
)

// TestGolden holds the module against the reference's recorded answers.
func TestGolden(t *testing.T) {
	rep := goldentest.Run(t, []ensembl.Module{overlap.Module()}, func(r goldentest.Record) bool {
		return strings.HasPrefix(r.Path, "/overlap")
	})
	if rep.Total == 0 {
		t.Fatal("no record was compared")
	}
	if rep.Strict != rep.Total {
		t.Errorf("%d of %d records hold with all types, want all", rep.Strict, rep.Total)
	}
}

package sequence_test

import (
	"strings"
	"testing"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/sequence"
)

// TestGolden holds the module against the reference's recorded answers.
func TestGolden(t *testing.T) {
	rep := goldentest.Run(t, []ensembl.Module{sequence.Module()}, func(r goldentest.Record) bool {
		return strings.HasPrefix(r.Path, "/sequence")
	})
	if rep.Total == 0 {
		t.Fatal("no record was compared")
	}
	if rep.Share() < 0.95 {
		t.Errorf("%d of %d records hold, want 95 %%", rep.Held, rep.Total)
	}
}

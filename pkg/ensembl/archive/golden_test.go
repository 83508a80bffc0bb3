package archive_test

import (
	"testing"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/archive"
	"mirrornet/pkg/ensembl/goldentest"
)

// TestGolden holds the module against the reference's recorded answers.
func TestGolden(t *testing.T) {
	rep := goldentest.Run(t, []ensembl.Module{archive.Module()}, goldentest.Groups("archive"))
	if rep.Total == 0 {
		t.Fatal("no record was compared")
	}
	if rep.Strict < rep.Total {
		t.Errorf("%d of %d records hold strictly, want all", rep.Strict, rep.Total)
	}
}

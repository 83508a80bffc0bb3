package ontology_test

import (
	"testing"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/ontology"
)

// TestGolden holds the module against the reference's recorded answers: all of
// them, to the types of the values.
func TestGolden(t *testing.T) {
	rep := goldentest.Run(t, []ensembl.Module{ontology.Module()}, goldentest.Groups("ontology"))
	if rep.Total == 0 {
		t.Fatal("no record was compared")
	}
	if rep.Held < rep.Total || rep.Strict < rep.Total {
		t.Errorf("%d of %d records hold, %d strictly, want all", rep.Held, rep.Total, rep.Strict)
	}
}

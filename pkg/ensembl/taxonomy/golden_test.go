package taxonomy_test

import (
	"testing"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/taxonomy"
)

// cannot are the records that no server can hold, with the reason.
var cannot = map[string]string{
	"taxonomy-0646": "three taxa in an order that the reference draws by lot, and what it says of one's children depends on the order",
}

// TestGolden holds the module against the reference's recorded answers, to the
// types of the values.
func TestGolden(t *testing.T) {
	rep := goldentest.Run(t, []ensembl.Module{taxonomy.Module()}, goldentest.Groups("taxonomy"))
	if rep.Total == 0 {
		t.Fatal("no record was compared")
	}
	for _, d := range rep.Diffs {
		if cannot[d.Record.ID] == "" {
			t.Errorf("%s does not hold", d.Record.ID)
		}
	}
	if rep.Strict < rep.Held {
		t.Errorf("%d of %d records hold strictly", rep.Strict, rep.Held)
	}
}

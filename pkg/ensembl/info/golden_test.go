package info_test

import (
	"testing"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/info"
)

// lot is the reason for which a record need not hold.
const lot = "methods in an order that the reference draws by lot"

var cannot = map[string]string{
	"info-0203": lot, "info-1639": lot,
}

// TestGolden holds the module against the reference's recorded answers, to the
// types of the values.
func TestGolden(t *testing.T) {
	rep := goldentest.Run(t, []ensembl.Module{info.Module()}, goldentest.Groups("info", "info/assembly"))
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

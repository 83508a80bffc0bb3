package mapping_test

import (
	"strings"
	"testing"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/mapping"
)

// TestGolden holds the module against the reference's recorded answers.
func TestGolden(t *testing.T) {
	rep := goldentest.Run(t, []ensembl.Module{mapping.Module()}, func(r goldentest.Record) bool {
		return r.Group == "map" || strings.HasPrefix(r.Path, "/map")
	})
	if rep.Total == 0 {
		t.Fatal("no record was compared")
	}
	if rep.Strict != rep.Total {
		t.Errorf("%d of %d records hold, %d strictly; want all", rep.Held, rep.Total, rep.Strict)
	}
}

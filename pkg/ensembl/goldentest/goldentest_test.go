package goldentest_test

import (
	"testing"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl/all"
	"mirrornet/pkg/ensembl/goldentest"
)

// least is the share of the records of info, lookup and sequence that hold.
const least = 0.94

func TestGolden(t *testing.T) {
	r := goldentest.Run(t, all.Modules(), goldentest.Groups("info", "info/assembly", "lookup", "sequence"))
	if r.Share() < least {
		t.Errorf("%.1f %% held, want at least %.0f %%", 100*r.Share(), 100*least)
	}
	for _, f := range []string{apispec.JSON, apispec.FASTA, apispec.Plain} {
		if c := r.Formats[f]; c == nil || c.Held == 0 {
			t.Errorf("%s: nothing held", f)
		}
	}
}

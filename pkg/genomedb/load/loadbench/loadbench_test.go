package loadbench_test

import (
	"bytes"
	"strings"
	"testing"

	"mirrornet/pkg/genomedb/load/loadbench"
	"mirrornet/pkg/genomedb/mariadbtest"
)

// TestMeasurements checks that the measurements run, not what they measure.
func TestMeasurements(t *testing.T) {
	dir := t.TempDir()
	if err := loadbench.Generate(dir, 1_000_000, false); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := loadbench.Load(t.Context(), &b, dir, ""); err != nil || !strings.Contains(b.String(), "MB of text, ") {
		t.Errorf("%s, %v", &b, err)
	}
	if why := mariadbtest.Missing(); why != "" {
		t.Skip(why)
	}
	b.Reset()
	if err := loadbench.Compare(t.Context(), &b, dir); err != nil || !strings.Contains(b.String(), "mariadb-import --local") {
		t.Errorf("%s, %v", &b, err)
	}
}

package load_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"

	"mirrornet/pkg/genomedb/load/loadbench"
)

// TestMemory loads two dumps with little memory for sorting, in processes of
// their own: the greater dump may not take more.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this loads 60 MB")
	}
	if b, ok := debug.ReadBuildInfo(); ok && slices.Contains(b.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector's own memory would be measured")
	}
	small, great := peakMemory(t, 12_000_000), peakMemory(t, 48_000_000)
	if t.Logf("%d and %d MiB resident", small, great); great > small+12 {
		t.Errorf("a dump of 12 MB takes %d MiB, one of 48 MB takes %d", small, great)
	}
}

// peakMemory is the greatest size of a loader in MiB.
func peakMemory(t *testing.T, size int64) int64 {
	from := t.TempDir()
	if err := loadbench.Generate(from, size, true); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(t.TempDir(), "g.db")
	config, err := json.Marshal(map[string]any{"From": from, "DB": db, "Memory": 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), "LOAD_TEST_CHILD="+string(config))
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	checkFile(t, db)
	return child.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
}

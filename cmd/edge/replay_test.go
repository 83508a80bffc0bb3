package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// Two folders and a log suffice, as in the checks of a repository of region files,
// where there is no edge.yaml.
func TestReplayFolders(t *testing.T) {
	folder := func(networks string) string {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "network.yaml"), []byte("canonical: [http://rest.test]\nhome: asia\n"))
		write(t, filepath.Join(dir, "asia.yaml"), []byte("url: http://asia.test\nlocation: {lat: 1.35, lon: 103.8}\n"))
		write(t, filepath.Join(dir, "europe.yaml"), []byte("url: http://europe.test\nlocation: {lat: 52.2, lon: 0.1}\nserves: {networks: ["+networks+"]}\n"))
		return dir
	}
	before, after := folder(""), folder("192.0.2.0/24")
	log := filepath.Join(t.TempDir(), "access.log")
	write(t, log, []byte(`{"time":"2026-11-25T17:13:45Z","level":"INFO","msg":"request","client":"192.0.2.7","method":"GET","host":"rest.test","target":"/x","status":200,"action":"serve"}`+"\n"))
	var out, faults strings.Builder
	code := run([]string{"regions", "replay", "--regions", before, "--to", after, "--log", log}, &out, &faults)
	if code != 0 || !strings.Contains(out.String(), "asia  europe  1") || !strings.Contains(out.String(), "1 request of 1 client") {
		t.Errorf("exit %d\n%s%s", code, &out, &faults)
	}
	out.Reset()
	faults.Reset()
	if code := run([]string{"regions", "replay", "--to", after, "--log", log}, &out, &faults); code != 78 || !strings.Contains(faults.String(), "regions: ") {
		t.Errorf("no folder to begin with: exit %d\n%s%s", code, &out, &faults)
	}
}

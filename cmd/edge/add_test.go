package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mirrornet/pkg/region"
)

// On a terminal add asks for what no flag says.
func TestAddAsks(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../regions")); err != nil {
		t.Fatal(err)
	}
	a := answers{lat: "-33.92"}
	var asked, out strings.Builder
	if err := a.complete(strings.NewReader("https://africa.ensembl.org\n Africa (Cape Town) \n18.42\n\nAF\n"), &asked, "africa"); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(asked.String(), "Latitude") || !strings.Contains(asked.String(), "like https://africa.example.org: ") {
		t.Errorf("asked %q", asked.String())
	}
	if err := a.add(&out, dir, "africa"); err != nil {
		t.Fatal(err)
	}
	m, err := region.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := m.Region("africa")
	if r.Title != "Africa (Cape Town)" || r.URL != "https://africa.ensembl.org" || r.Location.Lat() != -33.92 || r.Location.Lon() != 18.42 || r.Country != "" ||
		len(r.Serves.Continents) != 1 || r.Serves.Continents[0] != "AF" {
		t.Errorf("%+v", r)
	}
	if err := contains(out.String(), "Other nodes need no file"); err != nil {
		t.Error(err)
	}
	// Answers that end early write nothing.
	if err := new(answers).complete(strings.NewReader("https://x.ensembl.org\n"), &asked, "x"); err == nil || !strings.Contains(err.Error(), "nothing was written") {
		t.Error(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 5 {
		t.Errorf("%v", files)
	}
}

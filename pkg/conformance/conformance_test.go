package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The results kept in testdata hold for the edge as it is built now.
func TestSuite(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: takes half a minute")
	}
	for _, program := range []string{"node", "npm", "memcached"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	if !exists("node_modules") {
		if out, err := exec.Command("npm", "ci", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
			os.RemoveAll("node_modules")
			t.Skipf("npm ci: %v: %s", err, out)
		}
	}
	edge := filepath.Join(t.TempDir(), "edge")
	if out, err := exec.Command("go", "build", "-o", edge, "../../cmd/edge").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := run(t.Context(), []string{"-edge", edge, "-home", "."}); err != nil {
		t.Fatal(err)
	}
}

// A test counts only where those that it depends on do, to any depth.
func TestCounts(t *testing.T) {
	s := &suite{tests: []test{{"a", "check", nil}, {"b", "required", []string{"a"}}, {"c", "optimal", []string{"b"}}, {"d", "required", nil}}, byID: map[string]test{}}
	for _, x := range s.tests {
		s.byID[x.ID] = x
	}
	pass, fail := result{passed: true}, result{message: "Assertion: no"}
	before := results{"a": pass, "b": pass, "c": pass, "d": pass}
	now := results{"a": fail, "b": pass, "c": pass}
	for id, want := range map[string]string{"a": "Assertion: no", "b": "depends on a", "c": "depends on b", "d": "not run"} {
		if got := s.why(id, now); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
		if !s.counts(id, before) {
			t.Errorf("%s does not count", id)
		}
	}
	if got := s.regressions(before, now); len(got) != 3 { // not the check
		t.Errorf("regressions %q", got)
	}
}

// Results read the same as the suite writes them and as they are kept.
func TestResults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.json")
	written := `{"a": true, "b": ["Assertion", "Response is \"01234567-89ab-4cde-8f01-0123456789ab\" at localhost:8000"]}`
	if err := os.WriteFile(file, []byte(written), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := readResults(file)
	if err != nil {
		t.Fatal(err)
	}
	want := `Assertion: Response is "…" at …`
	for range 2 {
		if !r["a"].passed || r["b"].passed || r["b"].message != want {
			t.Errorf("%+v", r)
		}
		if err := r.keep(file); err != nil {
			t.Fatal(err)
		}
		if r, err = readResults(file); err != nil {
			t.Fatal(err)
		}
	}
}

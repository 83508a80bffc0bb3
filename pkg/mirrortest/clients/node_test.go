package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"mirrornet/pkg/mirrortest"
)

// npm installs the packages that package-lock.json pins, once, and gives their
// folder; "" where that cannot be done.
func npm(t *testing.T) (modules string) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Logf("packages are not installed: %v", err)
			return ""
		}
	}
	modules, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if installed(modules) {
		return modules
	}
	if out, err := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
		os.RemoveAll(modules)
		t.Logf("npm ci: %v: %s", err, out)
		return ""
	}
	return modules
}

// installed reports whether the packages are those of the lock file as it is.
func installed(modules string) bool {
	lock, err := os.Stat("package-lock.json")
	if err != nil {
		return false
	}
	done, err := os.Stat(filepath.Join(modules, ".package-lock.json"))
	return err == nil && !done.ModTime().Before(lock.ModTime())
}

// project is a folder with the scripts, from which they find the packages.
func project(t *testing.T, modules string, scripts ...string) string {
	t.Helper()
	if modules == "" {
		t.Skip("the npm packages are not installed; why is said above")
	}
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "package.json"), []byte(`{"type": "module"}`))
	for _, s := range scripts {
		b, err := os.ReadFile(filepath.Join("testdata", s))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, s), b)
	}
	return dir
}

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// testPackage: biojs-rest-ensembl, whose host alone is changed, between its
// making a URL and its asking for it.
func testPackage(t *testing.T, hosts []host, modules string) {
	dir := project(t, modules, "biojs.cjs")
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			cmd := h.command("node", "biojs.cjs", h.address)
			cmd.Dir = dir
			const want = "gene BRAF 7\n" +
				"region ENSG00000157764\n" +
				"xref gene ENSG00000157764\n" +
				"chr chromosome true\n" +
				"error ID 'ENSG00000000000' not found\n" +
				"connections 0\n"
			if got := run(t, cmd); got != want {
				t.Errorf("printed:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// testGenerated: the document is one of OpenAPI 3.1, a client made from it has
// types that hold, and it can ask.
func testGenerated(t *testing.T, n *mirrortest.Network, hosts []host, modules string) {
	dir := project(t, modules, "validate.mjs", "client.ts")
	document := n.Get(origin, "/openapi.json").Text
	if through := n.Get(asia, "/openapi.json").Text; through != document {
		t.Errorf("an edge has another document: %.300s", through)
	}
	write(t, filepath.Join(dir, "openapi.json"), []byte(document))
	step := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		return run(t, cmd)
	}
	if faults := step("node", "validate.mjs", "openapi.json"); faults != "" {
		t.Fatalf("the document is not valid: %s", faults)
	}
	bin := func(name string) string { return filepath.Join("node_modules", ".bin", name) }
	step(bin("openapi-typescript"), "openapi.json", "--output", "api.d.ts")
	step(bin("tsc"), "--strict", "--target", "es2022", "--module", "nodenext", "client.ts")
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			cmd := h.command("node", "client.js", "http://"+h.address)
			cmd.Dir = dir
			const want = "gene BRAF 41980 ENST00000288602\n" +
				"protein >ENSP00000288602.1\n" +
				"batch protein_coding null\n" +
				"features gene transcript transcript transcript transcript\n" +
				"term gene 1\n" +
				"history ENSG00000157764.14\n" +
				"species 200\n" +
				"error 400 ID 'ENSG00000000000' not found\n"
			if got := run(t, cmd); got != want {
				t.Errorf("printed:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

package mirrortest

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// module puts the README's API module into the origin, without touching the
// tree, and asks it.
func module(t *testing.T, root, text string) {
	t.Helper()
	path, _, _ := strings.Cut(strings.TrimPrefix(text, "// "), "\n")
	name := filepath.Base(filepath.Dir(path))
	all := filepath.Join(root, "pkg/ensembl/all/all.go")
	list, err := os.ReadFile(all)
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(list), "import (\n", "import (\n\t\"mirrornet/pkg/ensembl/"+name+"\"\n", 1)
	with = strings.Replace(with, "[]ensembl.Module{\n", "[]ensembl.Module{\n\t\t"+name+".Module(),\n", 1) // the one line
	dir := t.TempDir()
	replaced := map[string]string{}
	for at, content := range map[string]string{filepath.Join(root, path): text, all: with} {
		file := filepath.Join(dir, filepath.Base(at))
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		replaced[at] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "origin")
	build := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, "./cmd/origin")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("README.md: the module does not build: %v\n%s", err, out)
		return
	}
	serve := exec.Command(program, "serve", "--listen", "127.0.0.1:0")
	out, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		serve.Process.Signal(os.Interrupt)
		serve.Wait()
	}()
	line := make([]byte, 200)
	k, err := out.Read(line) // "serving URL", or nothing when it ended
	url, ok := strings.CutPrefix(strings.TrimSpace(string(line[:k])), "serving ")
	if !ok {
		t.Errorf("README.md: the origin with the module said %q, %v", line[:k], err)
		return
	}
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(url + "/hello/world")
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != `{"hello":"world"}` || resp.Header.Get("Cache-Control") != "public, max-age=3600" {
		t.Errorf("README.md: the module answers %s %s, %v, %v", resp.Status, b, resp.Header, err)
	}
}

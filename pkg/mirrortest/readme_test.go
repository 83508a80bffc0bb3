package mirrortest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// block is one fenced block of a README.
type block struct {
	language string
	line     int
	text     string
}

func blocks(text string) (list []block) {
	var b *block
	for i, line := range strings.Split(text, "\n") {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && b == nil:
			b = &block{language: language, line: i + 1}
		case fence:
			list = append(list, *b)
			b = nil
		case b != nil:
			b.text += line + "\n"
		}
	}
	return list
}

// TestReadme executes the README: every command against a running network,
// every expected output, every sample file.
func TestReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts seven processes")
	}
	n := Start(t)
	text, err := os.ReadFile(filepath.Join(n.Root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	// The network of a test has ports and folders of its own.
	here := func(s string) string {
		s = regexp.MustCompile(`\b(80(00|8[1-4])|908[1-4]|948[1-4])\b`).ReplaceAllStringFunc(s, func(p string) string {
			var port int
			fmt.Sscan(p, &port)
			return fmt.Sprint(n.Port(port))
		})
		s = strings.ReplaceAll(s, "bin/edge", filepath.Join(n.Bin, "edge"))
		s = strings.ReplaceAll(s, "bin/origin", filepath.Join(n.Bin, "origin"))
		for _, name := range []string{"regions", "log", "demo-city.mmdb", "ensembl.sqlite"} {
			s = strings.ReplaceAll(s, "run/"+name, filepath.Join(n.Dir, name))
		}
		return s
	}
	shell := func(line int, command string) string {
		t.Helper()
		cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", here(command))
		cmd.Dir = n.Root
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("README.md:%d: %s: %v\n%s", line, command, err, out)
		}
		return string(out)
	}
	_, err = exec.LookPath("dig")
	digs := err == nil
	list := blocks(string(text))
	for i, b := range list {
		switch {
		case b.language == "yaml":
			name, _, _ := strings.Cut(strings.TrimPrefix(b.text, "# "), "\n")
			if name == "edge.yaml" {
				dir := t.TempDir()
				file := filepath.Join(dir, name)
				if err := os.WriteFile(file, []byte(b.text), 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.CopyFS(filepath.Join(dir, "regions"), os.DirFS(filepath.Join(n.Root, "regions"))); err != nil {
					t.Fatal(err)
				}
				shell(b.line, "bin/edge check --config "+file)
				continue
			}
			if err := os.WriteFile(here(name), []byte(here(b.text)), 0o644); err != nil {
				t.Errorf("README.md:%d: %v", b.line, err)
			}
		case b.language == "go":
			module(t, n.Root, b.text)
		case b.language == "sh" && strings.HasPrefix(b.text, "dig ") && !digs:
			t.Logf("README.md:%d is skipped: dig is not installed; on Debian and Ubuntu: sudo apt-get install dnsutils", b.line)
		case b.language == "sh":
			run := func() (out string) {
				for command := range strings.Lines(b.text) {
					switch command, _, _ = strings.Cut(strings.TrimSpace(command), "    #"); {
					case strings.HasPrefix(command, "make run"), strings.HasPrefix(command, "make test"):
						shell(b.line, "make --no-print-directory --dry-run "+strings.TrimPrefix(command, "make ")) // this network is a make run, this test a make test
					case strings.HasPrefix(command, "make edge REGION="):
						n.Edge(strings.TrimPrefix(command, "make edge REGION="))
					default:
						out += shell(b.line, command)
					}
				}
				return out
			}
			if i+1 == len(list) || list[i+1].language != "text" {
				run()
				continue
			}
			// "Within seconds", the README says of a new region.
			Within(t, 10*time.Second, fmt.Sprintf("README.md:%d", b.line), func() error {
				out := run()
				for want := range strings.Lines(list[i+1].text) {
					want, _, _ = strings.Cut(strings.TrimSpace(here(want)), "…")
					if !strings.Contains(out, want) {
						return fmt.Errorf("the output of this block has no %q:\n%s", want, out)
					}
				}
				return nil
			})
		}
	}
	_, table, _ := strings.Cut(string(text), "## What the original deployment had")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := 0
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) < 5 || !strings.Contains(cells[3], "`") {
			continue
		}
		rows++
		command := strings.Trim(strings.TrimSpace(cells[3]), "`")
		if command == "deploy/compose/prove.sh" {
			shell(0, "bash -n "+command) // it needs root and minutes; it is run by hand
			continue
		}
		if out := shell(0, command); strings.TrimSpace(out) == "" && !strings.Contains(command, "healthcheck") {
			t.Errorf("README.md: %s shows nothing", command)
		}
	}
	if rows < 10 {
		t.Errorf("the table of the original deployment has %d rows with commands, want 10", rows)
	}
}

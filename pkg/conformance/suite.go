package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// suite is one copy of the tests.
type suite struct {
	dir    string
	pinned bool // the release of the lock file, whose results are kept
	tests  []test
	byID   map[string]test
	remove string // folder to remove when done
}

// test is what the suite says of one test.
type test struct {
	ID        string   `json:"id"`
	Kind      string   `json:"kind"` // required, optimal or check
	DependsOn []string `json:"depends_on"`
}

// openSuite finds the tests: those that npm ci put into node_modules, or a
// copy in a folder. That is copied, so that what it imports can stand beside
// it without a change in its folder.
func openSuite(ctx context.Context, home, folder string) (*suite, error) {
	modules, err := filepath.Abs(filepath.Join(home, "node_modules"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(modules); err != nil {
		return nil, fmt.Errorf("the tests are not there; run: npm ci --prefix %s", home)
	}
	s := &suite{dir: filepath.Join(modules, "http-cache-tests"), pinned: true}
	if folder != "" {
		copied, err := os.MkdirTemp("", "conformance-suite-")
		if err != nil {
			return nil, err
		}
		s.dir, s.pinned, s.remove = copied, false, copied
		if err := os.CopyFS(copied, withoutModules{os.DirFS(folder)}); err != nil {
			s.close()
			return nil, fmt.Errorf("copying %s: %w", folder, err)
		}
		if err := os.Symlink(modules, filepath.Join(copied, "node_modules")); err != nil {
			s.close()
			return nil, err
		}
	}
	if err := s.list(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *suite) close() {
	if s.remove != "" {
		os.RemoveAll(s.remove)
	}
}

// program is a file of the suite: newer copies keep theirs in test-engine.
func (s *suite) program(name string) string {
	if p := filepath.Join(s.dir, "test-engine", name); exists(p) {
		return p
	}
	return filepath.Join(s.dir, name)
}

// listing writes the tests of index.mjs as JSON. A test without a kind is
// required.
const listing = `
const suites = (await import(process.argv[1])).default
const tests = suites.flatMap(s => s.tests).filter(t => !t.browser_only)
console.log(JSON.stringify(tests.map(t => ({ id: t.id, kind: t.kind ?? 'required', depends_on: t.depends_on ?? [] }))))
`

func (s *suite) list(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "node", "--input-type=module", "-e", listing, filepath.Join(s.dir, "tests", "index.mjs"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("listing the tests of %s: %w", s.dir, err)
	}
	if err := json.Unmarshal(out, &s.tests); err != nil {
		return fmt.Errorf("listing the tests of %s: %w", s.dir, err)
	}
	s.byID = make(map[string]test, len(s.tests))
	for _, t := range s.tests {
		s.byID[t.ID] = t
	}
	return nil
}

// counts reports whether a test passed, and all that it depends on.
func (s *suite) counts(id string, r results) bool { return s.why(id, r) == "" }

// why tells what keeps a test from counting; "": nothing.
func (s *suite) why(id string, r results) string {
	if !r[id].passed {
		if r[id].message == "" {
			return "not run"
		}
		return r[id].message
	}
	for _, d := range s.byID[id].DependsOn {
		if !s.counts(d, r) {
			return "depends on " + d
		}
	}
	return ""
}

// regressions are the tests, checks apart, that counted and no longer do.
func (s *suite) regressions(before, now results) (ids []string) {
	for _, t := range s.tests {
		if t.Kind != "check" && s.counts(t.ID, before) && !s.counts(t.ID, now) {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// results are what the suite's client writes: true, or why not.
type results map[string]result

type result struct {
	passed  bool
	message string
}

func (r result) MarshalJSON() ([]byte, error) {
	if r.passed {
		return []byte("true"), nil
	}
	return json.Marshal(r.message)
}

// volatile is what differs from run to run.
var volatile = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT|localhost:[0-9]+|127\.0\.0\.1:[0-9]+`)

// UnmarshalJSON reads what the suite wrote, [name, message], or what was kept.
func (r *result) UnmarshalJSON(b []byte) error {
	var message string
	var pair []string
	switch {
	case json.Unmarshal(b, &r.passed) == nil:
	case json.Unmarshal(b, &message) == nil:
		r.message = message
	case json.Unmarshal(b, &pair) == nil && len(pair) == 2:
		r.message = volatile.ReplaceAllString(pair[0]+": "+pair[1], "…")
	default:
		return fmt.Errorf("a result that is neither true nor why not: %s", b)
	}
	return nil
}

func kept(home, store string) string { return filepath.Join(home, "testdata", store+".json") }

func readResults(file string) (results, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var r results
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

func (r results) keep(file string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return !errors.Is(err, os.ErrNotExist)
}

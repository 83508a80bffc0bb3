package snippet

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mirrornet/pkg/apispec"
)

// programs say how a program of each language runs.
var programs = map[string]struct {
	file    string
	command []string
	check   []string // fails where it cannot run
}{
	"curl":       {"ask.sh", []string{"sh"}, []string{"curl", "--version"}},
	"wget":       {"ask.sh", []string{"sh"}, []string{"wget", "--version"}},
	"python":     {"ask.py", []string{"python3"}, []string{"python3", "-c", "import requests"}},
	"r":          {"ask.R", []string{"Rscript", "--vanilla"}, []string{"Rscript", "--vanilla", "-e", "library(httr); library(jsonlite)"}},
	"perl":       {"ask.pl", []string{"perl"}, []string{"perl", "-MHTTP::Tiny", "-MJSON::PP", "-e1"}},
	"javascript": {"ask.mjs", []string{"node"}, []string{"node", "-e", "fetch"}},
	"go":         {"ask.go", []string{"go", "run"}, []string{"go", "version"}},
	"java":       {"Ask.java", []string{"java"}, []string{"java", "--version"}},
	"ruby":       {"ask.rb", []string{"ruby"}, []string{"ruby", "--version"}},
}

// awkward is what some language or other gives a meaning to.
const awkward = `it's "quoted" \n \\ $HOME ${x} #{y} @z %d %s %% ` + "`date` \n\t<&> ü 🧬 \u2028 end"

// TestPrograms: each program asks for what it was made of, as it stands.
func TestPrograms(t *testing.T) {
	type asked struct{ method, target, accept, contentType, body string }
	requested := make(chan asked, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requested <- asked{r.Method, r.RequestURI, r.Header.Get("Accept"), r.Header.Get("Content-Type"), string(b)}
		w.Header().Set("Content-Type", r.Header.Get("Accept"))
		io.WriteString(w, `{"answer": "BRAF"}`)
	}))
	defer server.Close()
	body, err := json.Marshal(map[string][]string{"ids": {awkward}})
	if err != nil {
		t.Fatal(err)
	}
	const target = "/lookup/id/A%27B%24?x=%22%26;y=$HOME%25"
	requests := map[string]Request{
		"GET JSON":   {"GET", server.URL + target, apispec.JSON, ""},
		"GET FASTA":  {"GET", server.URL + target, apispec.FASTA, ""},
		"POST JSON":  {"POST", server.URL + target, apispec.JSON, string(body)},
		"POST FASTA": {"POST", server.URL + target, apispec.FASTA, string(body)},
	}
	for _, l := range Languages() {
		p, ok := programs[l.ID]
		if !ok {
			t.Errorf("%s: no way to run it is known here", l.Name)
			continue
		}
		if out, err := exec.Command(p.check[0], p.check[1:]...).CombinedOutput(); err != nil {
			t.Logf("%s is not run: %s: %v %.200s", l.Name, strings.Join(p.check, " "), err, out)
			continue
		}
		for name, r := range requests {
			if testing.Short() && strings.HasSuffix(name, "FASTA") {
				continue
			}
			t.Run(l.ID+" "+name, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), p.file)
				if err := os.WriteFile(file, []byte(l.Program(r)), 0o644); err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(p.command[0], append(p.command[1:len(p.command):len(p.command)], file)...)
				cmd.Env = append(os.Environ(), "no_proxy=*", "NO_PROXY=*")
				out, err := cmd.CombinedOutput()
				if err != nil || !strings.Contains(string(out), "BRAF") {
					t.Errorf("%v: it printed %s\n%s", err, out, l.Program(r))
				}
				want := asked{r.Method, target, r.Accept, "", r.Body}
				if r.Method == "POST" {
					want.contentType = apispec.JSON
				}
				if len(requested) != 1 {
					t.Fatalf("it asked %d times", len(requested))
				}
				if got := <-requested; got != want {
					t.Errorf("asked\n%+v, want\n%+v", got, want)
				}
			})
		}
	}
}

// TestShell: whatever a body holds, a shell hands it on unchanged.
func TestShell(t *testing.T) {
	for _, s := range []string{"", "it's", `{"a": "$HOME \"x\" \\"}`, "''", "a\nb`c`", awkward} {
		out, err := exec.Command("sh", "-c", "printf %s "+Shell.Quote(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q became %q: %v", s, out, err)
		}
	}
}

// TestMarks: values are put in once, and never read as marks.
func TestMarks(t *testing.T) {
	r := Request{"POST", "«body»", "‹get|x›", "«url» ‹post|y›"}
	if got := (Language{Quoting: Shell, Text: "«url» «accept» «body»"}).Program(r); got != "'«body»' '‹get|x›' '«url» ‹post|y›'" {
		t.Error(got)
	}
	for _, l := range Languages() {
		for _, r := range []Request{{"GET", "u", apispec.JSON, ""}, {"POST", "u", "b", "c"}} {
			if p := l.Program(r); strings.ContainsAny(p, "«»‹›") {
				t.Errorf("%s: a mark is left:\n%s", l.Name, p)
			}
		}
	}
}

func ExampleLanguage_Program() {
	curl := Languages()[0]
	fmt.Println(curl.Program(Request{Method: "GET", URL: "https://asia.example.org/lookup/id/ENSG00000157764?expand=1", Accept: apispec.JSON}))
	// Output:
	// curl 'https://asia.example.org/lookup/id/ENSG00000157764?expand=1' \
	//   -H 'Accept: application/json'
}

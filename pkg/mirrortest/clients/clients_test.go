// Package clients asks a network as its users' programs do. Recipes in testdata
// are written like those of the API's documentation, for the API's host; a
// test changes that host and nothing else.
package clients

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mirrornet/pkg/mirrortest"
)

const (
	origin = 8000
	asia   = 8082
)

// published is the host that recipes name.
const published = "rest.ensembl.org"

// TestClients runs everything that asks a network over the same one.
func TestClients(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts seven processes and many clients")
	}
	n := mirrortest.Start(t)
	hosts := []host{
		{"direct", fmt.Sprintf("127.0.0.1:%d", n.Port(origin)), nil},
		regional(t, n),
	}
	t.Run("recipes", func(t *testing.T) { testRecipes(t, n, hosts) })
	modules := npm(t)
	t.Run("published package", func(t *testing.T) { testPackage(t, hosts, modules) })
	t.Run("generated client", func(t *testing.T) { testGenerated(t, n, hosts, modules) })
	t.Run("preflight", func(t *testing.T) { testPreflight(t, n) })
	t.Run("browser", func(t *testing.T) { testBrowser(t, n) })
}

// host is where a program finds the API.
type host struct {
	name    string
	address string   // host and port
	prefix  []string // of a command that must resolve the host
}

// regional is the host of an edge by its region's name, which the system knows
// where it follows RFC 6761 §6.3. Elsewhere the commands get an /etc/hosts of
// their own, where the kernel allows that.
func regional(t *testing.T, n *mirrortest.Network) host {
	t.Helper()
	h := host{name: "edge", address: fmt.Sprintf("asia.localhost:%d", n.Port(asia))}
	if exec.Command("getent", "hosts", "asia.localhost").Run() == nil {
		return h
	}
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte("127.0.0.1 localhost asia.localhost\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h.prefix = []string{"unshare", "--map-root-user", "--mount", "sh", "-c", `mount --bind "$0" /etc/hosts && exec "$@"`, file}
	if out, err := h.command("true").CombinedOutput(); err != nil {
		t.Logf("this system neither resolves asia.localhost nor allows another /etc/hosts: the edge is asked by its address (%v: %s)", err, out)
		return host{name: "edge", address: fmt.Sprintf("127.0.0.1:%d", n.Port(asia))}
	}
	return h
}

// command makes a command that resolves the host.
func (h host) command(name string, args ...string) *exec.Cmd {
	all := append(append([]string(nil), h.prefix...), append([]string{name}, args...)...)
	cmd := exec.Command(all[0], all[1:]...)
	cmd.Env = append(os.Environ(), "no_proxy=*", "NO_PROXY=*")
	return cmd
}

// run runs a command and gives what it printed.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, said.String())
	}
	return string(out)
}

// recipe is a script and what it needs to run.
type recipe struct {
	file    string
	command []string
	check   []string // fails where the script cannot run
	// apart is how many of its answers an edge cannot share with the others.
	apart int
}

var recipes = []recipe{
	{"curl.sh", []string{"sh"}, []string{"curl", "--version"}, 0},
	{"wget.sh", []string{"sh"}, []string{"wget", "--version"}, 0},
	{"http-tiny.pl", []string{"perl"}, []string{"perl", "-MHTTP::Tiny", "-MJSON", "-e1"}, 0},
	{"python-requests.py", []string{"python3"}, []string{"python3", "-c", "import requests"}, 0},
	{"python-urllib.py", []string{"python3"}, []string{"python3", "--version"}, 0},
	{"httr.R", []string{"Rscript", "--vanilla"}, []string{"Rscript", "--vanilla", "-e", "library(httr); library(jsonlite)"}, 0},
	{"net-http.rb", []string{"ruby"}, []string{"ruby", "--version"}, 0},
	// Java accepts text/html before all else, so that an error in place of
	// FASTA or GFF3 would be a page.
	{"EnsemblRest.java", []string{"java"}, []string{"java", "--version"}, 2},
}

// testRecipes: each prints the same, direct and through an edge, and what one
// of them caused an edge to store answers the others.
func testRecipes(t *testing.T, n *mirrortest.Network, hosts []host) {
	for _, target := range []string{"/lookup/id/ENSG00000157764?expand=1", "/sequence/id/ENST00000288602?type=protein"} {
		if r := n.Get(origin, target, "Content-Type", "application/json"); r.StatusCode != 200 {
			t.Fatalf("the sample genome does not have %s: %d %s", target, r.StatusCode, r.Text)
		}
	}
	want := "gene ENST00000646891.5 4\n" +
		"batch BRAF none\n" +
		n.Get(origin, "/sequence/id/ENST00000288602?type=protein", "Content-Type", "text/x-fasta").Text +
		n.Get(origin, "/overlap/region/human/7:41000-57000?feature=gene;feature=transcript", "Content-Type", "text/x-gff3").Text +
		"error 400 ID 'ENSG00000000000' not found\n"
	if strings.Count(want, "\n>") != 1 || !strings.Contains(want, "\n##gff-version 3\n") {
		t.Fatalf("the recipes would show too little:\n%s", want)
	}
	fetched := -1 // by the edge, for all recipes before
	for _, r := range recipes {
		if out, err := exec.Command(r.check[0], r.check[1:]...).CombinedOutput(); err != nil {
			t.Logf("%s is skipped: %s: %v %s", r.file, strings.Join(r.check, " "), err, lastLine(out))
			continue
		}
		text, err := os.ReadFile(filepath.Join("testdata", r.file))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hosts {
			t.Run(r.file+" "+h.name, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), r.file)
				changed := strings.ReplaceAll(string(text), published, h.address)
				if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
					t.Fatal(err)
				}
				before := n.OriginCount()
				got := run(t, h.command(r.command[0], append(r.command[1:len(r.command):len(r.command)], file)...))
				if got != want {
					t.Errorf("printed:\n%s\nwant:\n%s", got, want)
				}
				asked := n.OriginCount() - before
				switch {
				case h.name == "direct" && asked != 5:
					t.Errorf("%d requests at the origin, want 5", asked)
				case h.name != "direct" && fetched >= 0 && asked != r.apart:
					t.Errorf("%d requests at the origin through an edge that has the answers, want %d", asked, r.apart)
				case h.name != "direct" && fetched < 0:
					if fetched = asked; fetched == 0 {
						t.Error("the edge asked the origin for nothing")
					}
				}
			})
		}
	}
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

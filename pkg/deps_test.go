// Package pkg_test holds what is true of all packages: who may import whom.
package pkg_test

import (
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// policy says what each package may import: other packages of this module by
// their path below pkg/, and third-party modules, each at home in one row. The
// standard library is free, and test files are outside it.
//
// It is a statement of policy, after go/build/deps_test.go. Change a row when a
// better design asks for it, never to make a build pass.
//
// A name ending in "/..." covers the packages below it, each of which may also
// import the others and the one above. On the right it stands for them all.
const policy = `
geo:
rfc9111: github.com/dunglas/httpsfv
genome:
rendezvous: github.com/cespare/xxhash/v2
collapse:
keyfile:
vouch:
ratelimit:
region: geo go.yaml.in/yaml/v4 github.com/fsnotify/fsnotify
geoip: geo github.com/oschwald/geoip2-golang/v2 github.com/oschwald/maxminddb-golang/v2
apispec:
snippet: apispec
cachekey: apispec
store/...: rfc9111 rendezvous github.com/bradfitz/gomemcache github.com/maypok86/otter/v2 github.com/sony/gobreaker/v2 github.com/klauspost/compress
respond: rfc9111 store apispec github.com/klauspost/compress github.com/andybalholm/brotli
announce: region
drain:
gossip: region keyfile github.com/hashicorp/memberlist github.com/hashicorp/serf
health: region apispec rendezvous
route: geo region
replay: route geo region
dns: route region geo github.com/miekg/dns
fetch: region rendezvous vouch
lane:
rtt: region
observe: github.com/prometheus/client_golang go.opentelemetry.io/otel go.opentelemetry.io/contrib
status: apispec region
live: status
edge: geo rfc9111 rendezvous collapse vouch region apispec cachekey store respond health route fetch lane rtt observe status github.com/go-chi/chi/v5 github.com/pires/go-proxyproto
admin: drain status observe github.com/go-chi/chi/v5
upstream: apispec cachekey rfc9111 collapse store respond golang.org/x/time
genomedb/...: genome modernc.org/sqlite github.com/go-sql-driver/mysql
ensembl/...: apispec genome genomedb/...
ensembl/goldentest: apispec ensembl genomedb genomedb/load genomedb/mariadbtest genomedb/sample origin
origin: admin apispec ensembl genomedb upstream observe ratelimit snippet vouch respond store github.com/go-chi/chi/v5 golang.org/x/sync
dashboard/...: apispec geo region snippet status
demo: region status github.com/maxmind/mmdbwriter
bench: genomedb/mariadbtest genomedb/load/loadbench
conformance:
mirrortest/...:
`

const module = "mirrornet/pkg/"

func TestImports(t *testing.T) {
	allowed := map[string][]string{}
	for line := range strings.Lines(policy) {
		if name, list, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			allowed[name] = strings.Fields(list)
		}
	}
	err := filepath.WalkDir(".", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if d.Name() == "testdata" {
			return filepath.SkipDir
		}
		p, err := build.ImportDir(dir, 0)
		if err != nil {
			return nil // no Go files in here
		}
		name := filepath.ToSlash(dir)
		if name == "." {
			return nil
		}
		rules, family, ok := rulesFor(allowed, name)
		if !ok {
			t.Errorf("package %s has no row in the policy; give it one, and say in it what it may import", name)
			return nil
		}
		for _, path := range p.Imports {
			if !permitted(rules, family, path) {
				t.Errorf("package %s may not import %s", name, path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range allowed {
		if _, err := os.Stat(strings.TrimSuffix(name, "/...")); err != nil {
			t.Errorf("the policy has a row for %s, which is not there", name)
		}
	}
}

// rulesFor finds a package's row: its own, or that of its family.
func rulesFor(allowed map[string][]string, name string) (rules []string, family string, ok bool) {
	if rules, ok := allowed[name]; ok {
		return rules, "", true
	}
	top, _, _ := strings.Cut(name, "/")
	rules, ok = allowed[top+"/..."]
	return rules, top, ok
}

func permitted(rules []string, family, path string) bool {
	local, ours := strings.CutPrefix(path, module)
	if !ours {
		first, _, _ := strings.Cut(path, "/")
		if !strings.Contains(first, ".") {
			return true // the standard library
		}
		return slices.ContainsFunc(rules, func(r string) bool { return path == r || strings.HasPrefix(path, r+"/") })
	}
	for _, r := range rules {
		if all, ok := strings.CutSuffix(r, "/..."); r == local || ok && (local == all || strings.HasPrefix(local, all+"/")) {
			return true
		}
	}
	return family != "" && (local == family || strings.HasPrefix(local, family+"/"))
}

// Commands are wiring: they may import what they wire, and libraries for
// flags and terminals.
func TestCommandsAreWiring(t *testing.T) {
	libraries := []string{"github.com/spf13/", "golang.org/x/", "go.yaml.in/yaml/v4"}
	for _, dir := range []string{"../cmd/edge", "../cmd/origin"} {
		p, err := build.ImportDir(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range p.Imports {
			first, _, _ := strings.Cut(path, "/")
			if !strings.Contains(first, ".") {
				continue
			}
			if !slices.ContainsFunc(libraries, func(l string) bool { return strings.HasPrefix(path, l) }) {
				t.Errorf("%s imports %s, which has its home in a package", dir, path)
			}
		}
	}
}

// No third-party module stands in two rows but where both need the same thing.
func TestThirdPartyHasOneHome(t *testing.T) {
	shared := []string{"github.com/go-chi/chi/v5", "github.com/klauspost/compress", "github.com/maxmind/mmdbwriter"}
	home := map[string]string{}
	for line := range strings.Lines(policy) {
		name, list, _ := strings.Cut(strings.TrimSpace(line), ":")
		for _, r := range strings.Fields(list) {
			if first, _, _ := strings.Cut(r, "/"); !strings.Contains(first, ".") || slices.Contains(shared, r) {
				continue
			}
			if other, ok := home[r]; ok {
				t.Errorf("%s is at home in both %s and %s", r, other, name)
			}
			home[r] = name
		}
	}
}

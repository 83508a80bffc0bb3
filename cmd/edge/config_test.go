package main

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in testdata")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func noEnv(string) (string, bool) { return "", false }

func fromMap(m map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

// X.good.yaml means X.good.txt; X.bad.yaml is refused with X.bad.txt.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, err := readConfig(file, noEnv, nil)
			stem := strings.TrimSuffix(file, ".yaml")
			switch {
			case strings.HasSuffix(stem, ".good"):
				if err != nil {
					t.Fatal(err)
				}
				golden(t, stem+".txt", c.text())
			case strings.HasSuffix(stem, ".bad"):
				if _, ok := err.(invalid); !ok {
					t.Fatalf("%v, want a list of faults", err)
				}
				for line := range strings.Lines(err.Error()) {
					if !strings.HasPrefix(line, file+":") {
						t.Errorf("a fault that does not begin with its file: %s", line)
					}
				}
				golden(t, stem+".txt", err.Error()+"\n")
			default:
				t.Fatal("neither .good nor .bad")
			}
		})
	}
}

// text writes a config, a field per line.
func (c config) text() string {
	var b strings.Builder
	for _, f := range []struct {
		name  string
		value any
	}{{"node", c.node}, {"region", c.region}, {"regions", c.regions}, {"state", c.state}, {"listen", c.listen}, {"https", c.httpsText()}, {"dns", c.dns}, {"addresses", c.addresses}, {"admin", c.admin},
		{"token", c.token}, {"advertise", c.advertise}, {"origins", c.origins}, {"catalogue", c.catalogue}, {"memory", c.memory},
		{"memcached", c.memcached}, {"geo", c.geo}, {"asns", c.asns}, {"gossip", c.gossip}, {"gossip at", c.gossipAt}, {"label", c.label}, {"allow", c.allow}, {"join", c.join}, {"key file", c.keyFile}, {"origin key file", c.originKeyFile},
		{"trusted", c.trusted}, {"access log", c.accessLog}} {
		fmt.Fprintf(&b, "%s: %v\n", f.name, f.value)
	}
	return b.String()
}

const minimal = "testdata/minimal.good.yaml"

func TestLayers(t *testing.T) {
	const file, env, flag = "memory of the file", "memory of the environment", "memory of the flag"
	sizes := map[int64]string{256 << 20: "default", 1 << 20: file, 2 << 20: env, 3 << 20: flag}
	withMemory := filepath.Join(t.TempDir(), "edge.yaml")
	text, err := os.ReadFile(minimal)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(withMemory, append(text, "\ncache: {memory: 1MiB}\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		file  string
		env   map[string]string
		flags map[string]string
		want  string
	}{
		{minimal, nil, nil, "default"},
		{withMemory, nil, nil, file},
		{minimal, map[string]string{"EDGE_CACHE_MEMORY": "2MiB"}, nil, env},
		{withMemory, map[string]string{"EDGE_CACHE_MEMORY": "2MiB"}, nil, env},
		{withMemory, nil, map[string]string{"cache-memory": "3MiB"}, flag},
		{withMemory, map[string]string{"EDGE_CACHE_MEMORY": "2MiB"}, map[string]string{"cache-memory": "3MiB"}, flag},
		{minimal, map[string]string{"EDGE_CACHE_MEMORY": "wibble"}, map[string]string{"cache-memory": "3MiB"}, flag},
	} {
		c, err := readConfig(test.file, fromMap(test.env), test.flags)
		if err != nil {
			t.Errorf("%s %v %v: %v", test.file, test.env, test.flags, err)
		} else if got := sizes[c.memory]; got != test.want {
			t.Errorf("%s %v %v: %d is the %s, want the %s", test.file, test.env, test.flags, c.memory, got, test.want)
		}
	}
}

// Without any file, the environment and flags are enough; lists part at commas and blanks.
func TestNoFile(t *testing.T) {
	c, err := readConfig("", fromMap(map[string]string{"EDGE_NODE": "asia-1", "EDGE_REGION": "asia", "EDGE_REGIONS": "regions",
		"EDGE_ORIGINS": "http://a:1, http://b:2/", "EDGE_ACCESS_LOG": "true"}), map[string]string{"listen-http": "127.0.0.1:8080", "trusted-proxies": "10.0.0.0/8 ::1"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.node, c.region, c.regions, c.origins, c.listen, c.trusted, c.accessLog, c.advertise); got !=
		"asia-1asiaregions[http://a:1 http://b:2]127.0.0.1:8080[10.0.0.0/8 ::1/128] truehttp://127.0.0.1:8080" {
		t.Error(got)
	}
	_, err = readConfig("", fromMap(map[string]string{"EDGE_ACCESS_LOG": "perhaps"}), map[string]string{"access-log": "2"})
	if want := "EDGE_ACCESS_LOG: \"perhaps\" is not a truth value; write true or false\n--access-log: \"2\" is not a truth value; write true or false"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err = readConfig("missing.yaml", noEnv, nil); err == nil || !strings.Contains(err.Error(), "--config") {
		t.Errorf("%v; want one that names --config", err)
	}
}

// A path in the file is relative to the file; a path in a flag or the
// environment to the working directory; neither touches addresses.
func TestRelativePaths(t *testing.T) {
	c, err := readConfig("testdata/full.good.yaml", noEnv, nil)
	if err != nil {
		t.Fatal(err)
	}
	for field, paths := range map[string][2]string{"regions": {c.regions, "testdata/regions"}, "state": {c.state, "/var/lib/edge"},
		"geo": {c.geo, "testdata/geo/City.mmdb"}, "asns": {c.asns, "testdata/geo/ASN.mmdb"}, "key file": {c.keyFile, "gossip.key"}, "origin key file": {c.originKeyFile, "origin.key"},
		"memcached": {strings.Join(c.memcached, " "), "testdata/run/memcached.sock /run/memcached.sock 127.0.0.1:11211"}} {
		if paths[0] != paths[1] {
			t.Errorf("%s: %s, want %s", field, paths[0], paths[1])
		}
	}
	c, err = readConfig("testdata/full.good.yaml", fromMap(map[string]string{"EDGE_STATE": "s", "EDGE_CACHE_MEMCACHED": "run/m.sock"}), map[string]string{"regions": "r"})
	if err != nil {
		t.Fatal(err)
	}
	if c.regions != "r" || c.state != "s" || c.memcached[0] != "run/m.sock" {
		t.Errorf("%s %s %s; want r s run/m.sock", c.regions, c.state, c.memcached)
	}
}

// Each setting has a flag, an environment variable and a field of its own.
func TestSettingsAreDistinct(t *testing.T) {
	var s settings
	seen := map[any]string{}
	for _, f := range s.all() {
		for _, k := range []any{f.path, "--" + f.flag(), f.env(), f.value} {
			if other, ok := seen[k]; ok {
				t.Errorf("%s and %s share %v", f.path, other, k)
			}
			seen[k] = f.path
		}
		if f.help == "" {
			t.Errorf("%s has no help", f.path)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "17": 17, "17B": 17, "1 KiB": 1 << 10, "256MiB": 256 << 20, "2GiB": 2 << 30,
		"1048576GiB": 1 << 50, "": -1, "1MB": -1, "-1": -1, "1.5GiB": -1, "1  MiB": -1, "MiB": -1, "1048577GiB": -1, "99999999999999999999": -1, "1MiB\n": -1} {
		got, err := parseSize(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestParsePrefix(t *testing.T) {
	for text, want := range map[string]string{"10.0.0.0/8": "10.0.0.0/8", "10.1.2.3/8": "10.0.0.0/8", "10.1.2.3": "10.1.2.3/32", "::1": "::1/128",
		"2001:db8::1/32": "2001:db8::/32", "::ffff:10.1.2.3": "10.1.2.3/32", "::ffff:10.1.2.3/104": "10.0.0.0/8", "fe80::1%eth0": "", "::ffff:10.0.0.0/90": "",
		"10.0.0.0/33": "", "10.0.0": "", "": "", "localhost": "", "10.0.0.0/-1": ""} {
		got := ""
		if p, err := parsePrefix(text); err == nil {
			got = p.String()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{"&a [*a]", "<<: {node: x}", "node: !!binary x", "? [a]\n: b", "node: {}", "cache: {memcached: [[a]]}", "\xff", "---\n---\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s settings
		faults := s.read("edge.yaml", data)
		for _, what := range faults {
			if !strings.HasPrefix(what, "edge.yaml:") {
				t.Errorf("%q does not name its file", what)
			}
		}
		// Only the reading of the file itself is under test: no file of its naming is opened.
		s.Admin.TokenFile = ""
		if len(faults) > 0 {
			return
		}
		c, faults := s.config()
		if len(faults) == 0 && (c.node == "" || !c.region.Valid() || len(c.origins) == 0 || c.memory == 0 && len(c.memcached) == 0) {
			t.Errorf("accepted: %s", c.text())
		}
	})
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"0", "256MiB", "1 KiB", "9223372036854775807GiB", "1048576GiB", "-1", "1e3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseSize(s)
		if err == nil && (n < 0 || n > 1<<50) {
			t.Errorf("%q: %d", s, n)
		}
		if again, aerr := parseSize(fmt.Sprint(n)); err == nil && (aerr != nil || again != n) {
			t.Errorf("%q: %d, then %d, %v", s, n, again, aerr)
		}
		if err != nil && n != 0 {
			t.Errorf("%q: %d beside %v", s, n, err)
		}
	})
}

func FuzzParsePrefix(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "::ffff:10.0.0.1", "::ffff:10.0.0.0/90", "::/0", "fe80::1%eth0", "1.2.3.4/0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePrefix(s)
		if err != nil {
			return
		}
		if !p.IsValid() || p != p.Masked() {
			t.Fatalf("%q: %v", s, p)
		}
		// Clients are compared without zone and unmapped.
		host, _, _ := strings.Cut(s, "/")
		a, err := netip.ParseAddr(host)
		if err != nil {
			t.Fatalf("%q: %v of no address", s, p)
		}
		if !p.Contains(a.Unmap()) {
			t.Errorf("%q: %v does not hold %v", s, p, a.Unmap())
		}
	})
}

// The process may grow beyond its cache by what the collector needs, and an
// operator's word about that goes first.
func TestMemoryLimit(t *testing.T) {
	for _, tc := range []struct {
		cache int64
		env   map[string]string
		want  int64
	}{
		{1 << 30, nil, 1<<30 + 1<<28 + 1<<27},
		{256 << 20, nil, 448 << 20},
		{0, nil, 0},
		{1 << 30, map[string]string{"GOMEMLIMIT": "3GiB"}, 0},
		{1 << 30, map[string]string{"GOGC": "100"}, 0},
	} {
		if got := memoryLimit(tc.cache, func(name string) string { return tc.env[name] }); got != tc.want {
			t.Errorf("%d with %v: %d, want %d", tc.cache, tc.env, got, tc.want)
		}
	}
}

package region

import (
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"mirrornet/pkg/geo"
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

// X.good.yaml reads as X.good.txt; X.bad.yaml is refused with X.bad.txt. Names
// that begin with "network" are network.yaml.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			stem := strings.TrimSuffix(file, ".yaml")
			name, kind, _ := strings.Cut(filepath.Base(stem), ".")
			var text, again string
			if strings.HasPrefix(name, "network") {
				var n, m Network
				n, err = ParseNetwork(file, data)
				text = n.Text()
				if kind == "good" {
					m, _ = ParseNetwork(file, []byte(text))
					again = m.Text()
				}
			} else {
				var r, s Region
				r, err = ParseRegion(Name(name), file, data)
				text = r.Text()
				if kind == "good" {
					s, _ = ParseRegion(Name(name), file, []byte(text))
					again = s.Text()
					if !reflect.DeepEqual(r, s) {
						t.Errorf("the canonical text reads as another region:\n%+v\n%+v", r, s)
					}
				}
			}
			switch kind {
			case "good":
				if err != nil {
					t.Fatal(err)
				}
				if again != text {
					t.Errorf("the canonical text reads as\n%s", again)
				}
				golden(t, stem+".txt", text)
			case "bad":
				if err == nil {
					t.Fatal("was not refused")
				}
				golden(t, stem+".txt", err.Error()+"\n")
			default:
				t.Fatalf("is neither .good.yaml nor .bad.yaml")
			}
		})
	}
}

func unpack(t *testing.T, dir string, files []txtar.File) {
	t.Helper()
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A set of files in set-X.txtar loads or is refused as set-X.txt says.
func TestSets(t *testing.T) {
	sets, err := filepath.Glob("testdata/set-*.txtar")
	if err != nil || len(sets) < 4 {
		t.Fatalf("%d sets, %v", len(sets), err)
	}
	for _, set := range sets {
		t.Run(filepath.Base(set), func(t *testing.T) {
			archive, err := txtar.ParseFile(set)
			if err != nil {
				t.Fatal(err)
			}
			want, err := filepath.Abs(strings.TrimSuffix(set, ".txtar") + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			if err := os.Mkdir("regions", 0o755); err != nil {
				t.Fatal(err)
			}
			unpack(t, "regions", archive.Files)
			m, err := Load("regions")
			if err != nil {
				golden(t, want, err.Error()+"\n")
				return
			}
			var text strings.Builder
			text.WriteString(m.Network().Text())
			for _, r := range m.Regions() {
				text.WriteString("--- " + string(r.Name) + "\n" + r.Text())
			}
			golden(t, want, text.String())
		})
	}
}

func TestLoadFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Load("regions")
	if want := "regions:1:1: cannot be read: no such file or directory; mend or remove it"; err == nil || err.Error() != want {
		t.Errorf("no folder: %v\nwant %s", err, want)
	}
	if problems, ok := errors.AsType[Problems](err); !ok || len(problems) != 1 {
		t.Errorf("%#v is not one of Problems", err)
	}
	// What cannot be read is reported as that, and not as missing as well.
	os.MkdirAll("regions/network.yaml", 0o755)
	os.Symlink("nowhere", "regions/asia.yaml")
	os.WriteFile("regions/europe.yaml", make([]byte, maxFile+1), 0o644)
	_, err = Load("regions")
	want := "regions/asia.yaml:1:1: cannot be read: no such file or directory; mend or remove it\n" +
		"regions/europe.yaml:1:1: cannot be read: longer than 1048576 bytes; mend or remove it\n" +
		"regions/network.yaml:1:1: cannot be read: not a regular file; mend or remove it"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// The files that are shipped.
func shipped(t testing.TB) *Map {
	t.Helper()
	m, err := Load("../../regions")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestShipped(t *testing.T) {
	m := shipped(t)
	var names []Name
	for _, r := range m.Regions() {
		names = append(names, r.Name)
	}
	if want := []Name{"asia", "europe", "useast"}; !reflect.DeepEqual(names, want) {
		t.Errorf("regions %v, want %v", names, want)
	}
	europe, ok := m.Region("europe")
	hinxton, _ := geo.At(52.0797, 0.1863)
	if !ok || europe.Location != hinxton || europe.Host != "europe.ensembl.org" || europe.URL != "https://europe.ensembl.org" ||
		europe.State != Serving || !reflect.DeepEqual(europe.Serves, Rules{Continents: []string{"EU"}}) {
		t.Errorf("europe = %+v, %v", europe, ok)
	}
	if _, ok := m.Region("atlantis"); ok {
		t.Error("atlantis was found")
	}
	for hostname, want := range map[string]host{
		"asia.ensembl.org":    {Regional, "asia"},
		"ASIA.Ensembl.Org":    {Regional, "asia"},
		"asia.ensembl.org.":   {Regional, "asia"},
		"rest.ensembl.org":    {Canonical, ""},
		"www.ensembl.org":     {Canonical, ""},
		"ensembl.org":         {Unknown, ""},
		"":                    {Unknown, ""},
		"127.0.0.1":           {Unknown, ""},
		"x.asia.ensembl.org":  {Unknown, ""},
		"asia.ensembl.org:80": {Unknown, ""},
	} {
		if kind, name := m.ByHost(hostname); kind != want.kind || name != want.name {
			t.Errorf("ByHost(%q) = %s %q, want %s %q", hostname, kind, name, want.kind, want.name)
		}
	}
	if m.CanonicalURL() != "https://rest.ensembl.org" {
		t.Errorf("canonical URL %s", m.CanonicalURL())
	}
	if n := m.Network(); n.Home != "europe" || n.Navigation != "redirect" || n.API != "serve" || !n.Announced.AllowsURL("https://africa.ensembl.org") {
		t.Errorf("network = %+v", n)
	}
}

// Settings that are commented out in the shipped files must work as they stand.
func TestShippedHints(t *testing.T) {
	files, _ := filepath.Glob("../../regions/*.yaml")
	hints := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			hint, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "# ")
			key, _, isSetting := strings.Cut(hint, ": ")
			if !ok || !isSetting || strings.Contains(key, " ") && !strings.HasPrefix(key, "  ") {
				continue
			}
			hint = strings.TrimSpace(hint)
			if strings.HasPrefix(line, "  ") { // one of serves
				hint = "avoid: {" + hint + "}"
			}
			if strings.HasPrefix(hint, "state: canary") {
				hint += "\nshare: 5"
			}
			hints++
			text := string(data) + "\n" + hint + "\n"
			if _, err := ParseRegion("x", file, []byte(text)); err != nil {
				t.Errorf("with %q: %v", hint, err)
			}
		}
	}
	if hints < 8 {
		t.Errorf("only %d hints were found", hints)
	}
}

func TestRevision(t *testing.T) {
	m := shipped(t)
	if r := m.Revision(); len(r) != 12 || strings.Trim(r, "0123456789abcdef") != "" {
		t.Errorf("revision %q is not 12 hex digits", r)
	}
	build := func(change func(n *Network, regions []Region)) string {
		t.Helper()
		network, regions := m.Network(), append([]Region(nil), m.Regions()...)
		change(&network, regions)
		changed, err := NewMap(network, regions...)
		if err != nil {
			t.Fatal(err)
		}
		return changed.Revision()
	}
	same := map[string]func(*Network, []Region){
		"nothing":         func(*Network, []Region) {},
		"order":           func(_ *Network, rs []Region) { rs[0], rs[2] = rs[2], rs[0] },
		"order of a list": func(_ *Network, rs []Region) { rs[0].Serves.Continents = []string{"OC", "AS", "AS"} },
		"defaults":        func(n *Network, rs []Region) { n.API, n.Navigation, rs[1].State = "", "", "" },
	}
	for name, change := range same {
		if got := build(change); got != m.Revision() {
			t.Errorf("%s changed the revision", name)
		}
	}
	p := netip.MustParsePrefix("192.0.2.0/24")
	point, _ := geo.At(1.3521, 103.82)
	seen := map[string]string{m.Revision(): "nothing"}
	for name, change := range map[string]func(*Network, []Region){
		"title":     func(_ *Network, rs []Region) { rs[0].Title = "Asia" },
		"url":       func(_ *Network, rs []Region) { rs[0].URL = "http://asia.ensembl.org" },
		"location":  func(_ *Network, rs []Region) { rs[0].Location = point },
		"country":   func(_ *Network, rs []Region) { rs[0].Country = "MY" },
		"continent": func(_ *Network, rs []Region) { rs[0].Serves.Continents = []string{"AS"} },
		"countries": func(_ *Network, rs []Region) { rs[0].Serves.Countries = []string{"AS"} },
		"networks":  func(_ *Network, rs []Region) { rs[0].Serves.Networks = []netip.Prefix{p} },
		"asns":      func(_ *Network, rs []Region) { rs[0].Serves.ASNs = []uint32{1} },
		"avoid":     func(_ *Network, rs []Region) { rs[0].Avoid.ASNs = []uint32{1} },
		"soft":      func(_ *Network, rs []Region) { rs[0].SoftRPS = 0.5 },
		"hard":      func(_ *Network, rs []Region) { rs[0].HardRPS = 0.5 },
		"parent":    func(_ *Network, rs []Region) { rs[0].Parent = "europe" },
		"state":     func(_ *Network, rs []Region) { rs[0].State = Draining },
		"share":     func(_ *Network, rs []Region) { rs[0].Share = 1 },
		"name":      func(_ *Network, rs []Region) { rs[0].Name = "asia-2" },
		"canonical": func(n *Network, _ []Region) { n.Canonical = n.Canonical[:1] },
		"home":      func(n *Network, _ []Region) { n.Home = "asia" },
		"routing":   func(n *Network, _ []Region) { n.API = "proxy" },
		"announced": func(n *Network, _ []Region) { n.Announced = Announced{} },
	} {
		got := build(change)
		if other, taken := seen[got]; taken {
			t.Errorf("%s has the revision of %s", name, other)
		}
		seen[got] = name
	}
}

func TestNewMapRefuses(t *testing.T) {
	m := shipped(t)
	for want, change := range map[string]func(r *Region){
		"location is missing":             func(r *Region) { r.Location = geo.Point{} },
		"cannot name a region":            func(r *Region) { r.Name = "Africa" },
		"region asia is given twice":      func(r *Region) { r.Name = "asia" },
		"already that of region africa":   func(r *Region) { r.URL = "https://asia.ensembl.org" },
		"already that of the canonical":   func(r *Region) { r.URL = "https://www.ensembl.org" },
		`parent "x" is not a region`:      func(r *Region) { r.Parent = "x" },
		"is not a URL":                    func(r *Region) { r.URL = "" },
		`unknown country "xx"`:            func(r *Region) { r.Serves.Countries = []string{"xx"} },
		`"invalid Prefix" is not a netwo`: func(r *Region) { r.Avoid.Networks = make([]netip.Prefix, 1) },
	} {
		africa, err := ParseRegion("africa", "africa.yaml", []byte("url: https://africa.ensembl.org\nlocation: {lat: -26, lon: 28}\n"))
		if err != nil {
			t.Fatal(err)
		}
		change(&africa)
		if _, err := NewMap(m.Network(), append([]Region{africa}, m.Regions()...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := NewMap(Network{}); err == nil || !strings.Contains(err.Error(), "canonical is empty") {
		t.Errorf("the zero Network: %v", err)
	}
}

func TestAllowsURL(t *testing.T) {
	n, err := ParseNetwork("", []byte(`{canonical: [http://x], home: x, announced: {urls: ["https://*.ensembl.org", "http://one.test:8080"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]bool{
		"https://africa.ensembl.org":      true,
		"http://one.test:8080":            true,
		"http://africa.ensembl.org":       false,
		"https://africa.ensembl.org:8443": false,
		"https://a.b.ensembl.org":         false,
		"https://ensembl.org":             false,
		"https://.ensembl.org":            false,
		"https://africaensembl.org":       false,
		"https://africa.ensembl.org.evil": false,
		"http://one.test":                 false,
		"http://two.one.test:8080":        false,
		"":                                false,
	} {
		if got := n.Announced.AllowsURL(url); got != want {
			t.Errorf("AllowsURL(%q) = %v", url, got)
		}
	}
	if (Announced{}).AllowsURL("https://africa.ensembl.org") {
		t.Error("no pattern allows all")
	}
}

func TestName(t *testing.T) {
	for name, want := range map[Name]bool{
		"asia": true, "asia-2": true, "a": true, Name(strings.Repeat("a", 32)): true,
		"": false, "Asia": false, "2asia": false, "-a": false, "a_b": false, "a.b": false, "é": false, "network": false, Name(strings.Repeat("a", 33)): false,
	} {
		if got := name.Valid(); got != want {
			t.Errorf("%q.Valid() = %v", name, got)
		}
	}
}

func FuzzParseRegion(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ParseNetwork("network.yaml", data)
		r, err := ParseRegion("asia", "asia.yaml", data)
		if err != nil {
			for _, p := range err.(Problems) {
				if p.Line < 1 || p.Col < 1 || p.File != "asia.yaml" || p.What == "" || p.Advice == "" || strings.Contains(p.String(), "\n") {
					t.Errorf("%#v is no help", p)
				}
			}
			return
		}
		if !r.Location.Valid() || r.Host == "" || r.Title == "" {
			t.Errorf("an incomplete region passed: %+v", r)
		}
		s, err := ParseRegion("asia", "asia.yaml", []byte(r.Text()))
		if err != nil || !reflect.DeepEqual(r, s) {
			t.Errorf("%v\n%s\n%+v\n%+v", err, r.Text(), r, s)
		}
	})
}

package region

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mirrornet/pkg/geo"
)

const africa = "url: https://africa.ensembl.org\nlocation: {lat: -33.92, lon: 18.42, country: ZA}\n"

func say(node string, r Region) Announcement { return Announcement{node, r.Name, r.Text()} }

// written is a region as it is written in text.
func written(t testing.TB, name Name, text string) Region {
	t.Helper()
	r, err := ParseRegion(name, "text", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// An announced region is as if its file were here.
func TestOverlayAdds(t *testing.T) {
	m := shipped(t)
	r := written(t, "africa", africa+"serves: {continents: [AF]}\ncapacity: {soft_rps: 100}")
	over, outcomes := Overlay(m, []Announcement{say("africa-1", r)})
	if want := []Outcome{{Node: "africa-1", Region: "africa", Digest: r.Digest(), Use: InForce}}; !reflect.DeepEqual(outcomes, want) {
		t.Errorf("outcomes %+v, want %+v", outcomes, want)
	}
	file, err := NewMap(m.Network(), append([]Region{r}, m.Regions()...)...)
	if err != nil {
		t.Fatal(err)
	}
	if over.Revision() != file.Revision() || over.Revision() == m.Revision() || !reflect.DeepEqual(over.Regions(), file.Regions()) {
		t.Errorf("revision %s with regions %v; with the file %s", over.Revision(), over.Regions(), file.Revision())
	}
	if kind, name := over.ByHost("africa.ensembl.org"); kind != Regional || name != "africa" {
		t.Errorf("its hostname is %s of %q", kind, name)
	}
	if len(m.Regions()) != 3 {
		t.Error("the Map of the files was changed")
	}
}

// What an announcement must not do changes nothing, and is shown.
func TestOverlayRefuses(t *testing.T) {
	m := shipped(t)
	for name, test := range map[string]struct {
		region Name
		text   string
		note   string
	}{
		"the whole Internet":         {"africa", africa + "serves: {networks: [0.0.0.0/0]}", "serves claims the whole Internet, 0.0.0.0/0, which only a file may"},
		"the whole newer Internet":   {"africa", africa + `serves: {networks: ["::/0"]}`, "serves claims the whole Internet, ::/0"},
		"all continents":             {"africa", africa + "serves: {continents: [AF, AS, EU, NA, OC, SA]}", "serves claims 6 continents"},
		"all countries":              {"africa", africa + "serves: {countries: [" + strings.Join(codes(geo.KnownCountry)[:200], ", ") + "]}", "serves claims 200 countries"},
		"another's hostname":         {"africa", strings.Replace(africa, "africa", "asia", 1), "hostname asia.ensembl.org is already that of region asia"},
		"a canonical hostname":       {"africa", strings.Replace(africa, "africa", "rest", 1), "hostname rest.ensembl.org is a canonical one"},
		"a foreign URL":              {"africa", strings.Replace(africa, "ensembl", "evil", 1), "url https://africa.evil.org matches none of announced.urls https://*.ensembl.org"},
		"a URL without TLS":          {"africa", strings.Replace(africa, "https", "http", 1), "matches none of announced.urls"},
		"no region's name":           {"Africa", africa, `"Africa" cannot name a region`},
		"the name of the whole":      {"network", africa, `"network" cannot name a region`},
		"a mistake":                  {"africa", africa + "serve: 1", `text:3:1: unknown key "serve"; write "serves"`},
		"a flood":                    {"africa", africa + strings.Repeat("#", maxAnnouncement), "longer than 16384 bytes"},
		"another's name":             {"asia", strings.Replace(africa, "africa", "asia", 1), "differs from the file here, which holds: title, location, serves"},
		"another's name and network": {"asia", strings.Replace(africa, "africa", "asia", 1) + "serves: {networks: [0.0.0.0/0]}", "differs from the file here"},
	} {
		t.Run(name, func(t *testing.T) {
			over, outcomes := Overlay(m, []Announcement{{"evil-1", test.region, test.text}})
			if over != m {
				t.Errorf("the map changed: %+v", over.Regions())
			}
			if len(outcomes) != 1 || outcomes[0].Use == InForce || !strings.Contains(strings.Join(outcomes[0].Notes, "\n"), test.note) {
				t.Errorf("outcomes %+v, want %q", outcomes, test.note)
			}
		})
	}
	t.Run("none is accepted while announced is absent", func(t *testing.T) {
		n := m.Network()
		n.Announced = Announced{}
		closed, err := NewMap(n, m.Regions()...)
		if err != nil {
			t.Fatal(err)
		}
		over, outcomes := Overlay(closed, []Announcement{{"africa-1", "africa", africa}})
		if over != closed || outcomes[0].Use != Refused || !strings.Contains(outcomes[0].Notes[0], "network.yaml has no announced.urls") {
			t.Errorf("%v %+v", over.Regions(), outcomes)
		}
	})
}

// Networks and systems count as far as announced covers them; a parent never.
func TestOverlayIgnores(t *testing.T) {
	m := shipped(t)
	n := m.Network()
	n.Announced.Networks = written(t, "x", africa+"serves: {networks: [192.0.2.0/24]}").Serves.Networks
	n.Announced.ASNs = []uint32{64500}
	m, err := NewMap(n, m.Regions()...)
	if err != nil {
		t.Fatal(err)
	}
	r := written(t, "africa", africa+"serves: {networks: [192.0.2.128/25, 192.0.0.0/16, 198.51.100.0/24], asns: [64500, 64501], continents: [AF]}\nparent: europe")
	over, outcomes := Overlay(m, []Announcement{say("africa-1", r)})
	got, _ := over.Region("africa")
	want := written(t, "africa", africa+"serves: {networks: [192.0.2.128/25], asns: [64500], continents: [AF]}")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	notes := []string{
		"serves.networks 192.0.0.0/16 is ignored: announced.networks in network.yaml does not cover it",
		"serves.networks 198.51.100.0/24 is ignored: announced.networks in network.yaml does not cover it",
		"serves.asns 64501 is ignored: announced.asns in network.yaml does not list it",
		"parent europe is ignored: an announcement names none",
	}
	if outcomes[0].Use != InForce || !reflect.DeepEqual(outcomes[0].Notes, notes) {
		t.Errorf("%+v", outcomes)
	}
}

// Where nodes of a region differ what most of them say holds, then the higher digest.
func TestOverlayVotes(t *testing.T) {
	m := shipped(t)
	one, two := written(t, "africa", africa), written(t, "africa", africa+"title: Two")
	high, low := one, two
	if high.Digest() < low.Digest() {
		high, low = low, high
	}
	over, outcomes := Overlay(m, []Announcement{say("africa-1", low), say("africa-2", high)})
	if r, _ := over.Region("africa"); r.Title != high.Title {
		t.Errorf("one against one: %q", r.Title)
	}
	if outcomes[0].Use != Outvoted || outcomes[1].Use != InForce || !strings.Contains(outcomes[0].Notes[0], "differs from "+high.Digest()+", which holds: 1 of 2 nodes say so") {
		t.Errorf("%+v", outcomes)
	}
	over, _ = Overlay(m, []Announcement{say("africa-1", low), say("africa-2", high), say("africa-3", low)})
	if r, _ := over.Region("africa"); r.Title != low.Title {
		t.Errorf("two against one: %q", r.Title)
	}
	// What is refused has no vote.
	foreign := written(t, "africa", strings.Replace(africa, "ensembl", "evil", 1))
	over, _ = Overlay(m, []Announcement{say("evil-1", foreign), say("evil-2", foreign), say("africa-1", one)})
	if r, _ := over.Region("africa"); r.URL != one.URL {
		t.Errorf("two refused ones against one: %q", r.URL)
	}
	// Only one of two regions can have a hostname.
	other := one
	other.Name, other.Title = "a", "a"
	over, outcomes = Overlay(m, []Announcement{say("a-1", other), say("africa-1", one), say("africa-2", one)})
	if _, ok := over.Region("a"); ok || outcomes[0].Use != Refused || !strings.Contains(outcomes[0].Notes[0], "already that of africa, which is announced too") {
		t.Errorf("%v %+v", over.Regions(), outcomes)
	}
}

// The three exceptions: a region's own nodes may take it out or make it smaller.
func TestOverlayRestricts(t *testing.T) {
	m := shipped(t)
	file, _ := m.Region("asia")
	file.SoftRPS, file.HardRPS = 1000, 2000
	europe, _ := m.Region("europe")
	for name, test := range map[string]struct {
		change func(said, want *Region)
		note   string
	}{
		"draining":    {func(said, want *Region) { said.State, want.State = Draining, Draining }, "holds all the same: state draining"},
		"retired":     {func(said, want *Region) { said.State, want.State = Retired, Retired }, "holds all the same: state retired"},
		"canary":      {func(said, want *Region) { said.State, said.Share = Canary, 1 }, "which holds: state, share"},
		"smaller":     {func(said, want *Region) { said.SoftRPS, want.SoftRPS = 10, 10 }, "holds all the same: capacity.soft_rps 10"},
		"hard":        {func(said, want *Region) { said.SoftRPS, said.HardRPS, want.SoftRPS, want.HardRPS = 0, 10, 10, 10 }, "holds all the same: capacity.hard_rps 10"},
		"larger":      {func(said, want *Region) { said.SoftRPS, said.HardRPS = 3000, 4000 }, "which holds: capacity"},
		"no limit":    {func(said, want *Region) { said.SoftRPS, said.HardRPS = 0, 0 }, "which holds: capacity"},
		"the same":    {func(said, want *Region) {}, ""},
		"other words": {func(said, want *Region) { said.Title = "Else" }, "differs from the file here, which holds: title"},
	} {
		t.Run(name, func(t *testing.T) {
			local, err := NewMap(m.Network(), europe, file)
			if err != nil {
				t.Fatal(err)
			}
			said, want := file, file
			test.change(&said, &want)
			over, outcomes := Overlay(local, []Announcement{say("asia-1", said)})
			if got, _ := over.Region("asia"); !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
			if (over == local) != reflect.DeepEqual(file, want) || (over.Revision() == local.Revision()) != (over == local) {
				t.Errorf("revisions %s and %s", over.Revision(), local.Revision())
			}
			if outcomes[0].Use != ByFile || !strings.Contains(strings.Join(outcomes[0].Notes, "\n"), test.note) || test.note == "" && outcomes[0].Notes != nil {
				t.Errorf("%+v, want %q", outcomes, test.note)
			}
		})
	}
	// The file's retirement is not undone.
	file.State = Retired
	local, err := NewMap(m.Network(), europe, file)
	if err != nil {
		t.Fatal(err)
	}
	file.State = Draining
	if over, _ := Overlay(local, []Announcement{say("asia-1", file)}); over != local {
		t.Error("draining undid retired")
	}
}

// drawRegion makes regions that quarrel: few names, few hostnames, all fields.
func drawRegion(t *rapid.T) Region {
	p, _ := geo.At(float64(rapid.IntRange(-3, 3).Draw(t, "lat")), 10)
	r := Region{Name: rapid.SampledFrom([]Name{"africa", "asia", "brazil", "europe", "Bad"}).Draw(t, "name"), Title: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "title"),
		Location: p, State: rapid.SampledFrom([]State{Serving, Canary, Draining, Retired}).Draw(t, "state"), Share: 5,
		SoftRPS: float64(rapid.IntRange(0, 3).Draw(t, "soft")), HardRPS: float64(rapid.SampledFrom([]int{0, 3, 4}).Draw(t, "hard"))}
	r.URL = "https://" + rapid.SampledFrom([]string{"africa.ensembl.org", "asia.ensembl.org", "brazil.ensembl.org", "rest.ensembl.org", "x.evil.org"}).Draw(t, "host")
	r.Serves.Continents = rapid.SampledFrom([][]string{nil, {"AF"}, {"AF", "AN", "AS", "EU", "NA"}}).Draw(t, "continents")
	r.Serves.ASNs = rapid.SampledFrom([][]uint32{nil, {64500}}).Draw(t, "asns")
	r.Parent = rapid.SampledFrom([]Name{"", "", "europe", "brazil"}).Draw(t, "parent")
	return r
}

func TestOverlayProperties(t *testing.T) {
	base := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		// The files have limits of their own, to be made smaller.
		regions := slices.Clone(base.Regions())
		for i := range regions {
			regions[i].SoftRPS, regions[i].HardRPS = float64(rapid.IntRange(0, 2).Draw(t, "file soft")), float64(rapid.SampledFrom([]int{0, 2}).Draw(t, "file hard"))
			regions[i].State = rapid.SampledFrom([]State{Serving, Draining, Retired}).Draw(t, "file state")
		}
		m, err := NewMap(base.Network(), regions...)
		if err != nil {
			t.Fatal(err)
		}
		var list []Announcement
		for range rapid.IntRange(0, 8).Draw(t, "announcements") {
			a := say(fmt.Sprint("n-", rapid.IntRange(0, 6).Draw(t, "node")), drawRegion(t))
			if rapid.IntRange(0, 9).Draw(t, "garbage") == 0 {
				a.Text = rapid.String().Draw(t, "text")
			}
			list = append(list, a)
		}
		over, outcomes := Overlay(m, list)
		again, same := Overlay(m, rapid.Permutation(list).Draw(t, "order"))
		if over.Revision() != again.Revision() || !reflect.DeepEqual(outcomes, same) {
			t.Fatalf("another order, another map:\n%+v\n%+v", outcomes, same)
		}
		// It is a map that files could make.
		if whole, err := NewMap(over.Network(), over.Regions()...); err != nil || whole.Revision() != over.Revision() {
			t.Fatalf("%v", err)
		}
		if !reflect.DeepEqual(over.Network(), m.Network()) {
			t.Fatal("the network changed")
		}
		for _, file := range m.Regions() {
			got, ok := over.Region(file.Name)
			worse := map[State]int{Draining: 1, Retired: 2}
			if !ok || worse[got.State] < worse[file.State] || smaller(file.SoftRPS, got.SoftRPS) || smaller(file.HardRPS, got.HardRPS) ||
				file.SoftRPS > 0 && got.SoftRPS == 0 || file.HardRPS > 0 && got.HardRPS == 0 {
				t.Fatalf("%+v became %+v", file, got)
			}
			got.State, got.SoftRPS, got.HardRPS = file.State, file.SoftRPS, file.HardRPS
			if !reflect.DeepEqual(got, file) {
				t.Fatalf("%+v became %+v", file, got)
			}
			if kind, name := over.ByHost(hostname(file.URL)); kind != Regional || name != file.Name {
				t.Fatalf("the hostname of %s is %s of %q", file.Name, kind, name)
			}
		}
		for _, r := range over.Regions() {
			if _, ok := m.Region(r.Name); ok {
				continue
			}
			if !m.Network().Announced.AllowsURL(r.URL) || r.Parent != "" || r.Serves.ASNs != nil || !slices.ContainsFunc(list, func(a Announcement) bool { return a.Region == r.Name }) {
				t.Fatalf("%+v was let in", r)
			}
		}
		// All of a node's are judged, in order, and nothing changes in silence.
		for i, out := range outcomes {
			if i > 0 && outcomes[i-1].Node >= out.Node || (out.Use == Refused || out.Use == Outvoted) && len(out.Notes) == 0 || len(out.Notes) > maxNotes+1 {
				t.Fatalf("%+v", outcomes)
			}
		}
		if over == m != (over.Revision() == m.Revision()) {
			t.Fatal("the same map, made anew")
		}
	})
}

func FuzzAnnouncement(f *testing.F) {
	m := shipped(f)
	f.Add("africa", africa)
	f.Add("asia", africa+"state: retired")
	f.Add("network", "a: &a [*a]")
	f.Add("africa", africa+"serves: {networks: [0.0.0.0/0, 10.0.0.0/8], asns: [1]}\nparent: europe\navoid: {countries: [ZA]}")
	f.Fuzz(func(t *testing.T, name, text string) {
		over, outcomes := Overlay(m, []Announcement{{"x-1", Name(name), text}})
		if len(outcomes) != 1 {
			t.Fatalf("%d outcomes", len(outcomes))
		}
		out := outcomes[0]
		if out.Use == Refused && over != m || out.Use == Refused && len(out.Notes) == 0 {
			t.Errorf("refused and used, or refused in silence: %+v", out)
		}
		for _, r := range m.Regions() {
			got, _ := over.Region(r.Name)
			got.State, got.SoftRPS, got.HardRPS = r.State, r.SoftRPS, r.HardRPS
			if !reflect.DeepEqual(got, r) {
				t.Errorf("%+v became %+v", r, got)
			}
		}
		if r, ok := over.Region(Name(name)); out.Use == InForce && (!ok || !m.Network().Announced.AllowsURL(r.URL) || r.Serves.Networks != nil || r.Serves.ASNs != nil || r.Parent != "") {
			t.Errorf("let in: %+v", r)
		}
	})
}

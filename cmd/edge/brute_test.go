package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/oschwald/maxminddb-golang/v2"
	"go.yaml.in/yaml/v4"

	"mirrornet/pkg/status"
)

// What follows names the region of a client from the texts of the region files,
// the records of the database and the list of countries alone, one region after
// the other. It shares no code with what it checks: not the reading of files, not
// the places, not the distances, not the order.

type bruteRegion struct {
	name     string
	Location struct {
		Lat, Lon float64
	}
	Serves, Avoid bruteRules
	State         string
}

type bruteRules struct {
	Continents, Countries, Networks []string
}

type brute struct {
	home       string
	regions    []bruteRegion
	countries  map[string][2]float64
	continents map[string]string // of countries
	database   *maxminddb.Reader
	special    []netip.Prefix
	networks   map[string]netip.Prefix
}

// continents of the countries that the region files below speak of by continent,
// as GeoNames has them.
const continents = `
AF: AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW
AS: AE AF AM AZ BD BH BN BT CC CN GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TM TR TW UZ VN YE
EU: AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK
NA: AG AI AN AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX TC TT US VC VG VI
OC: AS AU CK CX FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS
SA: AR BO BR CL CO EC FK GF GY PE PY SR UY VE
AN: AQ BV GS HM TF`

func newBrute(t *testing.T, dir, database, points string) *brute {
	t.Helper()
	b := &brute{countries: map[string][2]float64{}, continents: map[string]string{}, networks: map[string]netip.Prefix{}}
	for line := range strings.Lines(continents) {
		name, list, _ := strings.Cut(strings.TrimSpace(line), ":")
		for _, country := range strings.Fields(list) {
			b.continents[country] = name
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("region files: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if name == "network" {
			var network struct{ Home string }
			if err := yaml.Unmarshal(text, &network); err != nil {
				t.Fatal(err)
			}
			b.home = network.Home
			continue
		}
		r := bruteRegion{name: name}
		if err := yaml.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		for _, p := range slices.Concat(r.Serves.Networks, r.Avoid.Networks) {
			b.networks[p] = netip.MustParsePrefix(p)
		}
		b.regions = append(b.regions, r)
	}
	f, err := os.Open(points)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		lat, _ := strconv.ParseFloat(row[2], 64)
		lon, _ := strconv.ParseFloat(row[3], 64)
		b.countries[row[0]] = [2]float64{lat, lon}
	}
	data, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	if b.database, err = maxminddb.OpenBytes(data); err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(`0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24
		192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
		::/3 4000::/2 8000::/1 2001::/23 2001:db8::/32 2002::/16 3fff::/20`) {
		b.special = append(b.special, netip.MustParsePrefix(p))
	}
	return b
}

func (b *brute) country(client netip.Addr) string {
	for _, p := range b.special {
		if p.Contains(client) {
			return ""
		}
	}
	var record map[string]any
	if err := b.database.Lookup(client).Decode(&record); err != nil {
		return ""
	}
	code, _ := record["country_code"].(string)
	if _, known := b.countries[code]; !known {
		return ""
	}
	return code
}

// matches is 0 for no rule, and larger the more specific the rule is.
func (b *brute) matches(r bruteRules, client netip.Addr, country string) int {
	best := 0
	if slices.Contains(r.Continents, b.continents[country]) {
		best = 1
	}
	if slices.Contains(r.Countries, country) {
		best = 2
	}
	for _, text := range r.Networks {
		if p := b.networks[text]; p.Contains(client) {
			best = max(best, 10+p.Bits())
		}
	}
	return best
}

// angle between two places as seen from the centre of the Earth.
func angle(a, b [2]float64) float64 {
	vector := func(p [2]float64) [3]float64 {
		lat, lon := p[0]/180*math.Pi, p[1]/180*math.Pi
		return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
	}
	u, v := vector(a), vector(b)
	cross := [3]float64{u[1]*v[2] - u[2]*v[1], u[2]*v[0] - u[0]*v[2], u[0]*v[1] - u[1]*v[0]}
	dot := u[0]*v[0] + u[1]*v[1] + u[2]*v[2]
	return math.Atan2(math.Hypot(math.Hypot(cross[0], cross[1]), cross[2]), dot)
}

// nearest is the region of a client when all serve, as one at self sees it.
func (b *brute) nearest(client netip.Addr, country, self string) string {
	best, bestRule, bestFar := "", -1, 0.0
	for _, r := range b.regions {
		if r.State == "draining" || r.State == "retired" || b.matches(r.Avoid, client, country) > 0 {
			continue
		}
		rule := b.matches(r.Serves, client, country)
		far := 0.0
		if at, known := b.countries[country]; known {
			far = angle(at, [2]float64{r.Location.Lat, r.Location.Lon})
		} else if r.name == b.home { // of unknown place: home, then self, then by name
			far = -2
		} else if r.name == self {
			far = -1
		}
		if rule > bestRule || rule == bestRule && far < bestFar {
			best, bestRule, bestFar = r.name, rule, far
		}
	}
	return best
}

// sharedGeo finds a file of the reference data beside the repository.
func sharedGeo(t testing.TB, name string) string {
	dir := os.Getenv("MIRRORNET_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	path := filepath.Join(dir, "geo", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the reference data is not here: %v (MIRRORNET_SHARED names its folder)", err)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// bruteFiles writes region files with every kind of rule that a country database
// can meet.
func bruteFiles(t *testing.T, dir string) {
	for name, text := range map[string]string{
		"network":   "canonical: [https://rest.example.org]\nhome: london\n",
		"london":    "location: {lat: 51.51, lon: -0.13}\nserves: {continents: [EU]}\n",
		"frankfurt": "location: {lat: 50.11, lon: 8.68}\nserves: {continents: [EU], countries: [PL, CZ, AT, CH]}\navoid: {countries: [RU]}\n",
		"moscow":    "location: {lat: 55.75, lon: 37.62}\nserves: {countries: [RU, BY, KZ]}\n",
		"ashburn":   "location: {lat: 39.04, lon: -77.49}\nserves: {continents: [NA], networks: [3.0.0.0/8, \"2600::/12\"]}\n",
		"oregon":    "location: {lat: 45.84, lon: -119.7}\nserves: {networks: [3.0.0.0/10, 4.0.0.0/6, \"2600:1f00::/24\"]}\n",
		"saopaulo":  "location: {lat: -23.55, lon: -46.63}\nserves: {continents: [SA]}\navoid: {networks: [200.0.0.0/8, \"2800::/16\"]}\n",
		"singapore": "location: {lat: 1.35, lon: 103.82}\nserves: {continents: [AS, OC]}\n",
		"mumbai":    "location: {lat: 19.08, lon: 72.88}\nserves: {continents: [AS], countries: [IN, LK, BD]}\n",
		"tokyo":     "location: {lat: 35.69, lon: 139.69}\nserves: {countries: [JP, KR, TW]}\navoid: {countries: [CN]}\n",
		"sydney":    "location: {lat: -33.87, lon: 151.21}\nserves: {countries: [AU, NZ]}\n",
		"nairobi":   "location: {lat: -1.29, lon: 36.82}\n",
		"cape":      "location: {lat: -33.92, lon: 18.42}\nstate: draining\n",
		"dakar":     "location: {lat: 14.69, lon: -17.45}\nserves: {networks: [102.0.0.0/8]}\n",
		"cairo":     "location: {lat: 30.04, lon: 31.24}\nstate: retired\nserves: {countries: [EG]}\n",
		"lima":      "location: {lat: -12.05, lon: -77.04}\n",
		"anycast":   "location: {lat: 0, lon: 0}\nserves: {networks: [0.0.0.0/1]}\navoid: {networks: [0.0.0.0/2, 100.0.0.0/8]}\n",
	} {
		if name != "network" {
			text = "url: https://" + name + ".example.org\n" + text
		}
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// raced: the race detector makes a million too many.
var raced bool

// Acceptance 4: `edge route` over the real country database names the region of
// the brute-force check for every one of a million random addresses.
func TestRouteMillion(t *testing.T) {
	database, points := sharedGeo(t, "geo-whois-asn-country.mmdb"), sharedGeo(t, "country_points.csv")
	n := 1_000_000
	if testing.Short() || raced {
		n = 30_000
	}
	dir := t.TempDir()
	bruteFiles(t, dir)
	b := newBrute(t, dir, database, points)

	// Networks of the database, so that IPv6 addresses are found in it, too.
	var networks []netip.Prefix
	for result := range b.database.Networks() {
		if p := result.Prefix(); p.Addr().Is6() && !p.Addr().Is4In6() && p.Bits() > 8 {
			networks = append(networks, p)
		}
	}
	random := rand.New(rand.NewPCG(2026, 11))
	file := filepath.Join(dir, "addresses")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	addrs := make([]netip.Addr, n)
	for i := range addrs {
		var a16 [16]byte
		for j := range a16 {
			a16[j] = byte(random.Uint32())
		}
		switch i % 4 {
		case 0, 1:
			addrs[i] = netip.AddrFrom4([4]byte(a16[:4]))
		case 2:
			a16[0] = a16[0]&0x1f | 0x20
			addrs[i] = netip.AddrFrom16(a16)
		case 3:
			p := networks[random.IntN(len(networks))]
			first := p.Addr().As16()
			for bit := range p.Bits() {
				mask := byte(0x80) >> (bit % 8)
				a16[bit/8] = a16[bit/8]&^mask | first[bit/8]&mask
			}
			addrs[i] = netip.AddrFrom16(a16)
		}
		fmt.Fprintln(w, addrs[i])
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	f.Close()

	config := filepath.Join(dir, "edge.conf") // not *.yaml: the folder is that of the regions, too
	text := "node: nairobi-1\nregion: nairobi\nregions: .\nlisten: {http: 127.0.0.1:8080}\norigins: [http://127.0.0.1:8000]\ngeo: {database: " + database + "}\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var stderr strings.Builder
	if code := run([]string{"route", "--file", file, "--config", config, "--admin-listen=", "--navigate", "-o", "json"}, out, &stderr); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	if _, err := out.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	answers, wrong := json.NewDecoder(out), 0
	regions, countries := map[string]int{}, map[string]int{}
	for _, a := range addrs {
		var got status.Routed
		if err := answers.Decode(&got); err != nil {
			t.Fatal(err)
		}
		country := b.country(a)
		want, action := b.nearest(a, country, "nairobi"), "redirect"
		if want == "nairobi" {
			action = "serve"
		}
		if got.Client != a.String() || got.Country != country || string(got.Region) != want || string(got.Nearest) != want || got.Action != action {
			if wrong++; wrong <= 10 {
				t.Errorf("%s of %q: %+v, want %s %s", a, country, got, action, want)
			}
		}
		regions[want]++
		countries[country]++
	}
	t.Logf("%d addresses of %d countries (%d of none), %d wrong; by region: %v", n, len(countries), countries[""], wrong, regions)
	if len(regions) != 14 || len(countries) < 200 {
		t.Errorf("regions %v: each but the draining and the retired should have clients", regions)
	}
}

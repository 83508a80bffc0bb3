package geoip

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"go.uber.org/goleak"

	"mirrornet/pkg/geo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type records map[string]mmdbtype.Map

// make writes a database; reserved networks may be in it, as they are in the
// field.
func makeDB(t testing.TB, dbType string, rs records) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: dbType, IncludeReservedNetworks: true, DisableIPv4Aliasing: true, RecordSize: 24, BuildEpoch: 1_700_000_000})
	if err != nil {
		t.Fatal(err)
	}
	for network, record := range rs {
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(n, record); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func code(key, iso string) mmdbtype.Map {
	return mmdbtype.Map{mmdbtype.String(key): mmdbtype.String(iso)}
}

func cityRecord(country, continent, city string, lat, lon float64, km uint16) mmdbtype.Map {
	return mmdbtype.Map{
		"country": code("iso_code", country), "continent": code("code", continent),
		"city":     mmdbtype.Map{"names": code("en", city)},
		"location": mmdbtype.Map{"latitude": mmdbtype.Float64(lat), "longitude": mmdbtype.Float64(lon), "accuracy_radius": mmdbtype.Uint16(km)},
	}
}

var cities = records{
	"193.62.192.0/21": cityRecord("GB", "EU", "Hinxton", 52.0797, 0.1863, 5),
	"133.0.0.0/8":     cityRecord("JP", "AS", "Tokyo", 35.69, 139.69, 20),
	"2001:200::/32":   cityRecord("JP", "AS", "Tokyo", 35.69, 139.69, 20),
	"8.0.0.0/16":      {"country": code("iso_code", "US")},
	"8.1.0.0/16":      {"registered_country": code("iso_code", "AU")},
	"8.2.0.0/16":      cityRecord("FR", "EU", "", 0, 0, 0),
	"8.3.0.0/16":      cityRecord("EU", "EU", "", 200, 0, 10),
	"8.4.0.0/16":      {"continent": code("code", "AS"), "country": code("iso_code", "AP")},
	"8.5.0.0/16":      {"city": mmdbtype.Map{"names": code("de", "Irgendwo")}},
	"8.6.0.0/16":      cityRecord("TR", "EU", "Istanbul", 41, 29, 50),
	// What must never be answered.
	"10.0.0.0/8": cityRecord("US", "NA", "Trap", 1, 1, 1), "0.0.0.0/8": cityRecord("US", "NA", "Trap", 1, 1, 1),
	"100.64.0.0/10": cityRecord("US", "NA", "Trap", 1, 1, 1), "127.0.0.0/8": cityRecord("US", "NA", "Trap", 1, 1, 1),
	"169.254.0.0/16": cityRecord("US", "NA", "Trap", 1, 1, 1), "172.16.0.0/12": cityRecord("US", "NA", "Trap", 1, 1, 1),
	"192.0.0.0/16": cityRecord("US", "NA", "Trap", 1, 1, 1), "192.88.99.0/24": cityRecord("US", "NA", "Trap", 1, 1, 1),
	"192.168.0.0/16": cityRecord("US", "NA", "Trap", 1, 1, 1), "198.18.0.0/15": cityRecord("US", "NA", "Trap", 1, 1, 1),
	"198.51.100.0/24": cityRecord("US", "NA", "Trap", 1, 1, 1), "203.0.113.0/24": cityRecord("US", "NA", "Trap", 1, 1, 1),
	"224.0.0.0/3": cityRecord("US", "NA", "Trap", 1, 1, 1), "64:ff9b::/96": cityRecord("US", "NA", "Trap", 1, 1, 1),
	"100::/64": cityRecord("US", "NA", "Trap", 1, 1, 1), "2001::/23": cityRecord("US", "NA", "Trap", 1, 1, 1),
	"2001:db8::/32": cityRecord("US", "NA", "Trap", 1, 1, 1), "2002::/16": cityRecord("US", "NA", "Trap", 1, 1, 1),
	"3fff::/20": cityRecord("US", "NA", "Trap", 1, 1, 1), "5f00::/16": cityRecord("US", "NA", "Trap", 1, 1, 1),
	"fc00::/7": cityRecord("US", "NA", "Trap", 1, 1, 1), "fe80::/10": cityRecord("US", "NA", "Trap", 1, 1, 1), "ff00::/8": cityRecord("US", "NA", "Trap", 1, 1, 1),
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	temp := path + ".tmp"
	if err := os.WriteFile(temp, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, path); err != nil {
		t.Fatal(err)
	}
}

func openDB(t testing.TB, data []byte) *Locator {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db.mmdb")
	write(t, path, data)
	l, err := Open(Config{Database: path})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func at(t testing.TB, lat, lon float64) geo.Point {
	t.Helper()
	p, err := geo.At(lat, lon)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func country(code string) geo.Place {
	p, _ := geo.CountryPoint(code)
	return geo.Place{Country: code, Continent: geo.ContinentOf(code), Point: p, AccuracyKm: 1000}
}

func TestCity(t *testing.T) {
	l := openDB(t, makeDB(t, "GeoLite2-City", cities))
	tokyo := geo.Place{Country: "JP", Continent: "AS", City: "Tokyo", Point: at(t, 35.69, 139.69), AccuracyKm: 20}
	for addr, want := range map[string]geo.Place{
		"133.39.1.1":        tokyo,
		"::ffff:133.39.1.1": tokyo,
		"2001:200::1":       tokyo,
		"2001:200::1%eth0":  tokyo,
		"193.62.193.80":     {Country: "GB", Continent: "EU", City: "Hinxton", Point: at(t, 52.0797, 0.1863), AccuracyKm: 5},
		"8.0.0.1":           country("US"),
		"8.1.0.1":           country("AU"), // registered there
		"8.2.0.1":           country("FR"), // 0°, 0° is no point
		"8.3.0.1":           {Continent: "EU"},
		"8.4.0.1":           {Continent: "AS"},
		"8.5.0.1":           {},
		"8.6.0.1":           {Country: "TR", Continent: "EU", City: "Istanbul", Point: at(t, 41, 29), AccuracyKm: 50},
		"9.9.9.9":           {}, // not in it
		"2400::1":           {},
		"::133.39.1.1":      {}, // the IPv4 tree by its other name
		"2002:8527:101::1":  {},
		"64:ff9b::8527:101": {},
		"::ffff:10.0.0.1":   {},
		"2001:1ff:ffff::1":  {},
		"2001:db8:ffff::1":  {},
		"3fff:fff:ffff::1":  {},
		"fd00::1":           {},
		"fe80::1%eth0":      {},
		"::1":               {},
		"::":                {},
		"192.0.1.1":         {Country: "US", Continent: "NA", City: "Trap", Point: at(t, 1, 1), AccuracyKm: 1}, // between two special ones
		"192.0.0.1":         {},
		"192.0.2.255":       {},
		"0.0.0.0":           {},
		"10.255.255.255":    {},
		"100.127.255.255":   {},
		"127.0.0.1":         {},
		"169.254.1.1":       {},
		"172.31.255.255":    {},
		"192.88.99.1":       {},
		"192.168.0.1":       {},
		"198.19.255.255":    {},
		"198.51.100.1":      {},
		"203.0.113.9":       {},
		"224.0.0.1":         {},
		"240.0.0.1":         {},
		"255.255.255.255":   {},
		"ff02::1":           {},
		"5f00::1":           {},
		"100::1":            {},
	} {
		for range 2 { // decoded, then kept
			if got := l.Locate(netip.MustParseAddr(addr)); got != want {
				t.Errorf("%s is at %+v, want %+v", addr, got, want)
			}
		}
	}
	if got := l.Locate(netip.Addr{}); got != (geo.Place{}) {
		t.Errorf("no address is at %+v", got)
	}
	info := l.Info()
	if info.Type != "GeoLite2-City" || info.Built.Unix() != 1_700_000_000 || info.Loaded.IsZero() || info.Err != "" || !strings.HasSuffix(info.Path, "db.mmdb") {
		t.Errorf("info %+v", info)
	}
}

func TestCountryDatabases(t *testing.T) {
	for dbType, record := range map[string]mmdbtype.Map{
		"GeoLite2-Country":   {"country": code("iso_code", "JP"), "continent": code("code", "AS")},
		"GeoIP2-Country":     {"country": code("iso_code", "JP")},
		"country ipvAll":     code("country_code", "JP"),
		"lower case and odd": code("country_code", "jp"),
	} {
		l := openDB(t, makeDB(t, dbType, records{"133.0.0.0/8": record, "2400::/12": record}))
		for _, a := range []string{"133.39.1.1", "2400::1"} {
			if got, want := l.Locate(netip.MustParseAddr(a)), country("JP"); got != want {
				t.Errorf("%s: %s is at %+v, want %+v", dbType, a, got, want)
			}
		}
	}
}

func TestNoDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := Open(Config{})
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Locate(netip.MustParseAddr("133.39.1.1")); got.Known() {
			t.Errorf("a place from nowhere: %+v", got)
		}
		if l.Info() != (Info{}) {
			t.Errorf("info %+v", l.Info())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := l.Run(ctx); err != nil || ctx.Err() == nil {
			t.Errorf("Run ended early: %v", err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	good := makeDB(t, "GeoLite2-City", cities)
	for want, data := range map[string][]byte{
		"not a MaxMind database":     []byte("hello"),
		"db.mmdb: not a MaxMind":     {},
		"City or Country database":   makeDB(t, "GeoLite2-ASN", records{"8.0.0.0/8": {"autonomous_system_number": mmdbtype.Uint32(15169)}}),
		"no place in the first 1 re": makeDB(t, "somebody's own", records{"8.0.0.0/8": code("name", "x")}),
		"no place in the first 0 re": makeDB(t, "GeoLite2-City", nil),
		"record of 8.0.0.0/8":        makeDB(t, "country", records{"8.0.0.0/8": {"country_code": mmdbtype.Uint32(1)}}),
		"not a MaxMind":              good[:len(good)-200],
	} {
		path := filepath.Join(t.TempDir(), "db.mmdb")
		write(t, path, data)
		if _, err := Open(Config{Database: path}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v, want %q and the path", err, want)
		}
	}
	if _, err := Open(Config{Database: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Open(Config{Database: filepath.Join(t.TempDir(), "none.mmdb")}); !os.IsNotExist(errorsUnwrapAll(err)) {
		t.Errorf("no file: %v", err)
	}
}

func errorsUnwrapAll(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok || os.IsNotExist(err) {
			return err
		}
		err = u.Unwrap()
	}
}

// A log that is read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// The whole life of a file under a running Locator, on simulated time.
func TestHotSwap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db.mmdb")
	databases := map[string][]byte{}
	for _, iso := range []string{"JP", "FR", "BR", "ZA"} {
		databases[iso] = makeDB(t, "GeoLite2-Country", records{"133.0.0.0/8": {"country": code("iso_code", iso)}})
	}
	write(t, path, databases["JP"])
	client := netip.MustParseAddr("133.39.1.1")
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		var changes atomic.Int32
		l, err := Open(Config{Database: path, CheckEvery: 5 * time.Second, Logger: slog.New(slog.NewTextHandler(log, nil)),
			OnChange: func() { changes.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		// Lookups never stop while files come and go.
		var lookups sync.WaitGroup
		lookups.Go(func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					if !l.Locate(client).Known() {
						t.Error("a lookup failed")
					}
				}
			}
		})
		expect := func(when, iso, failed string, logged int) {
			t.Helper()
			<-time.After(11 * time.Second) // simulated: two checks
			synctest.Wait()
			if got := l.Locate(client).Country; got != iso {
				t.Errorf("%s: in %s, want %s", when, got, iso)
			}
			if got := l.Info().Err; failed == "" && got != "" || !strings.Contains(got, failed) {
				t.Errorf("%s: Err %q, want %q", when, got, failed)
			}
			if got := strings.Count(log.String(), "\n"); got != logged {
				t.Errorf("%s: %d lines logged, want %d\n%s", when, got, logged, log)
			}
		}
		expect("nothing happened", "JP", "", 0)
		loaded := l.Info().Loaded
		write(t, path, databases["FR"])
		expect("renamed over", "FR", "", 1)
		if !l.Info().Loaded.After(loaded) {
			t.Error("Loaded did not move")
		}
		// In place, same size: the time tells.
		if err := os.WriteFile(path, databases["BR"], 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Unix(1_800_000_000, 0)); err != nil {
			t.Fatal(err)
		}
		expect("written in place", "BR", "", 2)
		write(t, path, databases["ZA"][:500])
		expect("half a file", "BR", "not a MaxMind database", 3)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		expect("removed", "BR", "no such file", 4)
		write(t, path, databases["ZA"])
		expect("put back", "ZA", "", 5)
		// The same time and size under another name.
		same := path + ".same"
		if err := os.WriteFile(same, databases["JP"], 0o644); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(same, time.Time{}, info.ModTime()); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(same, path); err != nil {
			t.Fatal(err)
		}
		expect("renamed with the old time", "JP", "", 6)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if n := changes.Load(); n != 4 {
			t.Errorf("%d changes were told of, want 4", n)
		}
		lookups.Wait()
	})
}

// shared finds a file of the reference data beside the repository.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("MIRRORNET_SHARED")
	if dir == "" {
		root, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for ; ; root = filepath.Dir(root) {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			if root == filepath.Dir(root) {
				t.Fatal("no go.mod above the working directory")
			}
		}
		dir = filepath.Join(root, "..", "shared")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the reference data is not here: %v (MIRRORNET_SHARED names its folder)", err)
	}
	return path
}

func TestRealDatabase(t *testing.T) {
	l, err := Open(Config{Database: shared(t, "geo/geo-whois-asn-country.mmdb")})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"133.39.1.1": "JP", "193.62.193.80": "GB", "130.14.29.110": "US", "200.160.2.3": "BR", "196.216.2.1": "ZA",
		"2400:8500::1": "JP", "2001:630::1": "GB", "10.0.0.1": "", "203.0.113.9": "", "2001:db8::1": "",
	} {
		got := l.Locate(netip.MustParseAddr(addr))
		if got.Country != want || want != "" && (!got.Point.Valid() || got.AccuracyKm != 1000 || got.Continent == "") {
			t.Errorf("%s is at %+v, want %q", addr, got, want)
		}
	}
	// Every code of the database is one that geo knows, or not a country's.
	unknown := map[string]int{}
	for result := range l.places.current.Load().reader.Networks() {
		var record struct {
			Code string `maxminddb:"country_code"`
		}
		if err := result.Decode(&record); err != nil {
			t.Fatal(err)
		}
		if !geo.KnownCountry(record.Code) {
			unknown[record.Code]++
		}
	}
	delete(unknown, "EU")
	delete(unknown, "AP")
	delete(unknown, "ZZ")
	delete(unknown, "")
	if len(unknown) > 0 {
		t.Errorf("codes that geo does not know: %v", unknown)
	}
}

// A file cut or flipped anywhere is refused or gives places, and never panics.
func FuzzOpen(f *testing.F) {
	for _, dbType := range []string{"GeoLite2-City", "country"} {
		f.Add(makeDB(f, dbType, records{"133.0.0.0/8": cityRecord("JP", "AS", "Tokyo", 35.69, 139.69, 20)}))
		f.Add(makeDB(f, dbType, records{"133.0.0.0/8": code("country_code", "JP")}))
	}
	clients := []netip.Addr{netip.MustParseAddr("133.39.1.1"), netip.MustParseAddr("2400::1"), netip.MustParseAddr("8.8.8.8")}
	f.Fuzz(func(t *testing.T, data []byte) {
		db, err := open(data, places)
		if err != nil {
			return
		}
		for _, a := range clients {
			p := db.locate(a)
			if p.Country != "" && !geo.KnownCountry(p.Country) || p.AccuracyKm < 0 || p.AccuracyKm > 0 && !p.Point.Valid() {
				t.Errorf("%s at %+v", a, p)
			}
		}
	})
}

// A search tree that leads back into itself has more paths than can be walked.
func TestCyclicTree(t *testing.T) {
	data := makeDB(t, "GeoLite2-City", records{"133.0.0.0/8": cityRecord("JP", "AS", "Tokyo", 35.69, 139.69, 20)})
	// 24-bit records: six bytes a node, two node numbers.
	nodes := bytes.Index(data, make([]byte, 16)) / 6
	for i := range nodes * 2 {
		next := i/2 + 1
		if next >= nodes {
			next = 0
		}
		data[3*i], data[3*i+1], data[3*i+2] = byte(next>>16), byte(next>>8), byte(next)
	}
	if db, err := open(data, places); err == nil {
		t.Errorf("was opened: %+v", db.info)
	}
}

// Every single byte of a small database broken in turn.
func TestBrokenBytes(t *testing.T) {
	data := makeDB(t, "GeoLite2-City", records{"133.0.0.0/8": cityRecord("JP", "AS", "Tokyo", 35.69, 139.69, 20)})
	client := netip.MustParseAddr("133.39.1.1")
	refused := 0
	for i := range data {
		broken := bytes.Clone(data)
		broken[i] ^= 0xff
		if db, err := open(broken, places); err != nil {
			refused++
		} else {
			db.locate(client)
		}
	}
	if refused < 50 {
		t.Errorf("only %d of %d broken files were refused", refused, len(data))
	}
}

func BenchmarkLocate(b *testing.B) {
	var clients []netip.Addr
	for i := range 1000 {
		clients = append(clients, netip.AddrFrom4([4]byte{133, byte(i), byte(i >> 4), 1}))
	}
	many := records{}
	for i := range 1000 {
		many[fmt.Sprintf("133.%d.%d.0/24", byte(i), byte(i>>4))] = cityRecord("JP", "AS", fmt.Sprint("City ", i), 35, float64(i)/10, 20)
	}
	l := openDB(b, makeDB(b, "GeoLite2-City", many))
	b.Run("kept", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			l.Locate(clients[i%len(clients)])
		}
	})
	b.Run("decoded", func(b *testing.B) {
		b.ReportAllocs()
		db := l.places.current.Load()
		for i := 0; b.Loop(); i++ {
			db.decode(db.reader.Lookup(clients[i%len(clients)]), clients[i%len(clients)])
		}
	})
}

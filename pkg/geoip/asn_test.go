package geoip

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"mirrornet/pkg/geo"
)

func asn(n uint32) mmdbtype.Map {
	return mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(n), "autonomous_system_organization": mmdbtype.String("somebody")}
}

func put(t testing.TB, data []byte) string {
	path := filepath.Join(t.TempDir(), "db.mmdb")
	write(t, path, data)
	return path
}

func TestASN(t *testing.T) {
	numbers := put(t, makeDB(t, "GeoLite2-ASN", records{"133.39.0.0/16": asn(2500), "2001:200::/32": asn(2500), "9.9.9.0/24": asn(19281), "10.0.0.0/8": asn(1)}))
	l, err := Open(Config{Database: put(t, makeDB(t, "GeoLite2-City", cities)), ASN: numbers})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]struct {
		country string
		asn     uint32
	}{"133.39.1.1": {"JP", 2500}, "::ffff:133.39.1.1": {"JP", 2500}, "133.40.1.1": {"JP", 0}, "2001:200::1": {"JP", 2500}, "9.9.9.9": {"", 19281}, "10.0.0.1": {"", 0}, "8.8.8.8": {"", 0}} {
		for range 2 {
			if got := l.Locate(netip.MustParseAddr(addr)); got.Country != want.country || got.ASN != want.asn {
				t.Errorf("%s is at %+v, want %+v", addr, got, want)
			}
		}
	}
	if info := l.ASNInfo(); info.Type != "GeoLite2-ASN" || info.Path != numbers {
		t.Errorf("info %+v", info)
	}
	// What is the same for a whole network must be so in both databases.
	if got := l.Network(netip.MustParseAddr("133.39.1.1")); got != netip.MustParsePrefix("133.39.0.0/16") {
		t.Errorf("network %s", got)
	}

	alone, err := Open(Config{ASN: numbers})
	if err != nil {
		t.Fatal(err)
	}
	if got := alone.Locate(netip.MustParseAddr("133.39.1.1")); got != (geo.Place{ASN: 2500}) {
		t.Errorf("without places: %+v", got)
	}
	for want, path := range map[string]string{
		"no ASN in the first": put(t, makeDB(t, "GeoLite2-City", cities)), "use an ASN database": put(t, makeDB(t, "GeoLite2-ASN", records{"8.0.0.0/8": {"autonomous_system_number": mmdbtype.String("x")}})),
		"not a MaxMind": put(t, []byte("hello")),
	} {
		if _, err := Open(Config{ASN: path}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v, want %q and the path", err, want)
		}
	}
}

// Swaps of the file's folder by a symbolic link, and files that are good ones of
// something else.
func TestSwapByLink(t *testing.T) {
	dir := t.TempDir()
	whole := records{}
	for _, network := range []string{"1.0.0.0/8", "2.0.0.0/8", "133.0.0.0/8", "200.0.0.0/8"} {
		whole[network] = mmdbtype.Map{"country": code("iso_code", "JP")}
	}
	moved := records{}
	for network := range whole {
		moved[network] = mmdbtype.Map{"country": code("iso_code", "FR")}
	}
	for name, data := range map[string][]byte{
		"1": makeDB(t, "GeoLite2-Country", whole), "2": makeDB(t, "GeoLite2-Country", moved),
		"small": makeDB(t, "GeoLite2-Country", records{"133.0.0.0/16": {"country": code("iso_code", "BR")}}),
		"asn":   makeDB(t, "GeoLite2-ASN", records{"133.0.0.0/8": asn(2500)}),
	} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "db.mmdb"), data)
	}
	link := func(name string) {
		t.Helper()
		if err := os.Symlink(name, filepath.Join(dir, "new")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "now")); err != nil {
			t.Fatal(err)
		}
	}
	link("1")
	synctest.Test(t, func(t *testing.T) {
		l, err := Open(Config{Database: filepath.Join(dir, "now", "db.mmdb"), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		for _, step := range []struct{ to, country, err string }{
			{"2", "FR", ""}, {"small", "FR", "of a sample of addresses, of which the one in use knows"}, {"1", "JP", ""},
			{"asn", "JP", "City or Country database"}, {"missing", "JP", "no such file"}, {"2", "FR", ""},
		} {
			link(step.to)
			<-time.After(11 * time.Second)
			synctest.Wait()
			got := l.Locate(netip.MustParseAddr("133.0.1.1")).Country
			if info := l.Info(); got != step.country || step.err == "" && info.Err != "" || !strings.Contains(info.Err, step.err) {
				t.Errorf("%s: in %s, want %s; Err %q, want %q", step.to, got, step.country, info.Err, step.err)
			}
		}
		cancel()
		<-done
	})
}

func TestOldDatabase(t *testing.T) {
	path := put(t, makeDB(t, "GeoLite2-Country", records{"133.0.0.0/8": {"country": code("iso_code", "JP")}}))
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		l, err := Open(Config{Database: path, CheckEvery: time.Hour, Logger: slog.New(slog.NewTextHandler(log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Until(l.Info().Built.Add(43*24*time.Hour + time.Minute))) // simulated: 43 days old
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		for day, want := range []int{0, 0, 1, 2, 3} { // it is 43, 44, 45 … days old
			synctest.Wait()
			if got := strings.Count(log.String(), "GeoIP database is old"); got != want {
				t.Errorf("day %d: warned %d times, want %d\n%s", 43+day, got, want, log)
			}
			<-time.After(24 * time.Hour)
		}
		cancel()
		<-done
	})
}

// Records that share a slot do not push each other out.
func TestKept(t *testing.T) {
	many := records{}
	for i := range 250 {
		many[netip.PrefixFrom(netip.AddrFrom4([4]byte{133, byte(i), 0, 0}), 16).String()] = cityRecord("JP", "AS", "City "+string(rune('A'+i%26))+string(rune('A'+i/26)), 35, float64(i)/10, 20)
	}
	l := openDB(t, makeDB(t, "GeoLite2-City", many))
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{133, byte(i % 250), 1, 1}) }
	for i := range 250 {
		l.Locate(at(i))
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() { l.Locate(at(i)); i++ }); n != 0 {
		t.Errorf("%v allocations a place that is kept", n)
	}
}

// The middle of a country, of which a database does not say how vague it is.
func TestCentroidWithoutRadius(t *testing.T) {
	record := cityRecord("US", "NA", "", 37.751, -97.822, 0)
	delete(record, "city")
	state := cityRecord("US", "NA", "", 37.5, -98, 0)
	delete(state, "city")
	state["subdivisions"] = mmdbtype.Slice{code("iso_code", "KS")}
	l := openDB(t, makeDB(t, "DBIP-City-Lite", records{"8.0.0.0/16": record, "8.1.0.0/16": state, "8.2.0.0/16": cityRecord("US", "NA", "Wichita", 37.69, -97.34, 0)}))
	for addr, want := range map[string]int{"8.0.0.1": 1000, "8.1.0.1": 0, "8.2.0.1": 0} {
		if got := l.Locate(netip.MustParseAddr(addr)); got.AccuracyKm != want || !got.Point.Valid() {
			t.Errorf("%s is at %+v, want an accuracy of %d km", addr, got, want)
		}
	}
}

package gossip

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mirrornet/pkg/region"
)

func TestNewRefuses(t *testing.T) {
	ok := Config{Node: "a", Region: "europe", Advertise: "http://127.0.0.1:8080", Listen: loopback}
	for _, tc := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"plaintext off loopback", func(c *Config) { c.Listen = netip.MustParseAddrPort("0.0.0.0:0") },
			[]string{"no keys", "0.0.0.0", "openssl rand -base64 32", "gossip.key_file", "127.0.0.1"}},
		{"plaintext by default", func(c *Config) { c.Listen = netip.AddrPort{} }, []string{"no keys"}},
		{"plaintext advertised", func(c *Config) { c.AdvertiseAddr = netip.MustParseAddrPort("198.51.100.7:7946") },
			[]string{"no keys", "198.51.100.7"}},
		{"no name", func(c *Config) { c.Node = "" }, []string{"node name"}},
		{"long name", func(c *Config) { c.Node = strings.Repeat("a", maxName+1) }, []string{"node name"}},
		{"bad region", func(c *Config) { c.Region = "Europe" }, []string{`region "Europe"`}},
		{"bad URL", func(c *Config) { c.Advertise = "127.0.0.1:8080" }, []string{"advertise"}},
		{"long URL", func(c *Config) { c.Advertise = "http://" + strings.Repeat("a", 500) }, []string{"507 bytes: write at most"}},
		{"short key", func(c *Config) { c.Keys = [][]byte{key(1), key(2)[:31]} }, []string{"key 2 has 31 bytes"}},
		{"long label", func(c *Config) { c.Label = strings.Repeat("a", 256) }, []string{"label of 256 bytes"}},
		{"not allowed itself", func(c *Config) { c.Allowed = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} },
			[]string{"own address 127.0.0.1: add it"}},
		{"no prefix", func(c *Config) { c.Allowed = []netip.Prefix{{}} }, []string{"is no network"}},
		{"bad join", func(c *Config) { c.Join = []string{"a:b:c", "x:0"} }, []string{`join "a:b:c"`, `join "x:0"`}},
		{"several", func(c *Config) { c.Node, c.Region = "", "" }, []string{"node name", "region"}},
	} {
		c := ok
		tc.change(&c)
		g, err := New(c)
		if err == nil {
			t.Errorf("%s: accepted", tc.name)
			g.transport.abandon()
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q", tc.name, err, want)
			}
		}
	}
}

// The longest URL that New takes fits a meta with all else at its longest.
func TestLongestMeta(t *testing.T) {
	c := Config{Node: strings.Repeat("n", maxName), Region: region.Name("r" + strings.Repeat("x", 31)), Listen: loopback}
	var n int
	for n = maxMeta; n > 0; n-- {
		c.Advertise = "http://" + strings.Repeat("a", n)
		if c.check() == nil {
			break
		}
	}
	if n < 300 {
		t.Errorf("at most %d bytes of host", n)
	}
	p := start(t, c.Node, func(d *Config) { d.Region, d.Advertise = c.Region, c.Advertise })
	other := start(t, "other", nil, p)
	p.until("other", "alive", func(n Node) bool { return n.State == Alive })
	p.say(strings.Repeat("long", 100))
	p.Update()
	got := other.until(c.Node, "with its revision", func(n Node) bool { return len(n.Revision) == maxRevision })
	if got.Advertise != c.Advertise || got.Region != c.Region {
		t.Errorf("%+v", got)
	}
	p.stop() // the leaving flag fits too
	other.untilState(c.Node, Left)
}

func TestPortTaken(t *testing.T) {
	p := start(t, "a", nil)
	_, err := New(Config{Node: "b", Region: "europe", Listen: p.Addr()})
	if err == nil || !strings.Contains(err.Error(), p.Addr().String()) {
		t.Errorf("a port that is taken: %v", err)
	}
}

func TestSplitJoin(t *testing.T) {
	for _, tc := range []struct {
		in, host string
		port     uint16
	}{
		{"europe-1", "europe-1", 7946},
		{"europe-1:7000", "europe-1", 7000},
		{"192.0.2.1", "192.0.2.1", 7946},
		{"192.0.2.1:7000", "192.0.2.1", 7000},
		{"2001:db8::1", "2001:db8::1", 7946},
		{"[2001:db8::1]:7000", "2001:db8::1", 7000},
		{"", "", 0}, {":7946", "", 0}, {"a:", "", 0}, {"a:0", "", 0}, {"a:65536", "", 0}, {"a:http", "", 0}, {"[::1", "", 0},
	} {
		host, port, err := splitJoin(tc.in)
		if host != tc.host || port != tc.port || (err == nil) != (tc.host != "") {
			t.Errorf("%q: %q %d %v", tc.in, host, port, err)
		}
	}
}

func TestChooseAddr(t *testing.T) {
	nets := func(all ...string) (out []net.Addr) {
		for _, s := range all {
			ip, n, err := net.ParseCIDR(s)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, &net.IPNet{IP: ip, Mask: n.Mask})
		}
		return out
	}
	for _, tc := range []struct {
		in     []net.Addr
		v4only bool
		want   string
	}{
		{nets("127.0.0.1/8", "::1/128", "fe80::1/64"), false, "invalid IP"},
		{nets("127.0.0.1/8", "203.0.113.9/24", "10.1.2.3/8", "172.17.0.1/16"), true, "10.1.2.3"},
		{nets("203.0.113.9/24", "2001:db8::1/64"), true, "203.0.113.9"},
		{nets("2001:db8::1/64"), true, "invalid IP"},
		{nets("2001:db8::1/64", "fd00::1/64"), false, "fd00::1"},
		{nets("fe80::1/64", "2001:db8::1/64", "192.168.1.1/24"), false, "192.168.1.1"},
	} {
		if got := chooseAddr(tc.in, tc.v4only); got.String() != tc.want {
			t.Errorf("%v: %v, want %s", tc.in, got, tc.want)
		}
	}
}

func TestIPNet(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "::ffff:10.0.0.0/104": "10.0.0.0/8", "2001:db8::/32": "2001:db8::/32",
	} {
		if got := ipNet(netip.MustParsePrefix(in)); got.String() != want {
			t.Errorf("%s: %v, want %s", in, got.String(), want)
		}
	}
}

func TestLineLog(t *testing.T) {
	out := &logBuffer{}
	var suspects []string
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	l := &lineLog{
		to:      slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})),
		suspect: func(s string) { suspects = append(suspects, s) },
		now:     func() time.Time { return now },
	}
	log := l.logger()
	log.Printf("[DEBUG] memberlist: quiet")
	log.Printf("[INFO] memberlist: Suspect asia-1 has failed, no acks received")
	log.Printf("Err: without a level")
	log.Printf("[")
	log.Printf("")
	if got := out.String(); strings.Contains(got, "WARN") || !strings.Contains(got, `level=DEBUG msg="gossip: quiet"`) {
		t.Errorf("log:\n%s", got)
	}
	if len(suspects) != 1 || suspects[0] != "asia-1" {
		t.Errorf("suspects %q", suspects)
	}
	for range maxWarnings + 30 {
		log.Printf("[ERR] memberlist: Decrypt packet failed")
	}
	if n := strings.Count(out.String(), "level=WARN"); n != maxWarnings {
		t.Errorf("%d warnings logged, want %d", n, maxWarnings)
	}
	now = now.Add(warningsTime)
	log.Printf("[WARN] memberlist: later")
	if got := out.String(); !strings.Contains(got, "dropped=30") || !strings.Contains(got, "gossip: later") {
		t.Errorf("log:\n%s", got)
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mirrornet/pkg/edge"
	"mirrornet/pkg/region"
)

const (
	networkFile = "canonical: [http://rest.example.test]\nhome: europe\nannounced: {urls: [\"http://*.example.test\"]}\n"
	europeFile  = "url: http://europe.example.test\nlocation: {lat: 52, lon: 0.2, country: GB}\n"
	asiaFile    = "url: http://asia.example.test\nlocation: {lat: 1.35, lon: 103.8, country: SG}\n"
	africaFile  = "url: http://africa.example.test\nlocation: {lat: -33.92, lon: 18.42, country: ZA}\nserves: {continents: [AF]}\n"
)

// running is an edge in this process, with its own folders.
type running struct {
	t      *testing.T
	config config
	log    *lockedBuffer
	stop   func()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fleet is the edges of a test, one origin for all.
type fleet struct {
	origin  *url.URL
	join    []string
	keyFile string // of gossip; "": none
	nodes   []*running
	ports   int // tried so far
}

func newFleet(t *testing.T) *fleet {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "hello")
	}))
	t.Cleanup(origin.Close)
	base, err := url.Parse(origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &fleet{origin: base}
}

// free is an address on loopback that nobody listens on, for TCP and UDP. It is
// below the ports that outgoing connections get, so it stays free while an edge
// restarts, and above those of mirrortest.
func (f *fleet) free(t *testing.T) string {
	t.Helper()
	for ; f.ports < 7800; f.ports++ {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(24200+(os.Getpid()*97+f.ports)%7800))
		l, err := net.Listen("tcp", at.String())
		if err != nil {
			continue
		}
		l.Close()
		u, err := net.ListenPacket("udp", at.String())
		if err != nil {
			continue
		}
		u.Close()
		f.ports++
		return at.String()
	}
	t.Fatal("no free port on loopback")
	return ""
}

// start runs an edge whose regions folder holds files; it serves on return.
func (f *fleet) start(t *testing.T, name region.Name, files map[string]string) *running {
	t.Helper()
	dir := t.TempDir()
	r := &running{t: t, log: &lockedBuffer{}}
	f.nodes = append(f.nodes, r)
	gossip := f.free(t)
	r.config = config{node: string(name) + "-1", region: name, regions: filepath.Join(dir, "regions"), state: filepath.Join(dir, "state"), listen: f.free(t), admin: f.free(t),
		origins: []*url.URL{f.origin}, catalogue: edge.None, memory: 8 << 20, gossip: netip.MustParseAddrPort(gossip), join: slices.Clone(f.join),
		keyFile: f.keyFile, trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	r.config.advertise = "http://" + r.config.listen
	f.join = append(f.join, gossip)
	if err := os.Mkdir(r.config.regions, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range files {
		r.write(file, text)
	}
	r.run()
	return r
}

func (r *running) run() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, r.config, slog.New(slog.NewTextHandler(r.log, nil))) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("%s: %v", r.config.node, err)
		}
	})
	r.t.Cleanup(r.stop)
	r.within(10*time.Second, "it serves", func() error {
		select {
		case err := <-ended:
			ended <- err
			return err
		default:
		}
		_, err := http.Get("http://" + r.config.listen + "/-/healthz")
		return err
	})
}

// write puts a whole file in its place at once.
func (r *running) write(file, text string) {
	r.t.Helper()
	at := filepath.Join(r.config.regions, file)
	if err := os.WriteFile(at+".new", []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(at+".new", at); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) within(limit time.Duration, what string, try func() error) time.Duration {
	r.t.Helper()
	begin := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return time.Since(begin)
		}
		if time.Since(begin) > limit {
			r.t.Fatalf("%s: %s: not within %s: %v", r.config.node, what, limit, err)
		}
		<-tick.C
	}
}

// command runs edge with that node's admin listener, and gives its output.
func (r *running) command(args ...string) string {
	r.t.Helper()
	var out, stderr bytes.Buffer
	if code := run(append(args, "--admin", r.config.admin), &out, &stderr); code != 0 {
		return fmt.Sprintf("exit %d: %s%s", code, out.String(), stderr.String())
	}
	return out.String()
}

func (r *running) status() (o operators) {
	r.t.Helper()
	text := r.get(r.config.admin, "/status.json")
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		r.t.Fatalf("%v: %s", err, text)
	}
	return o
}

func (r *running) get(at, path string) string {
	resp, err := http.Get("http://" + at + path)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// routes says where a client would be sent.
func (r *running) routes(client string) string {
	var x struct{ Nearest string }
	json.Unmarshal([]byte(r.get(r.config.listen, "/-/route?navigate=1&addr="+client)), &x)
	return x.Nearest
}

// contains is an error unless want is a part of s.
func contains(s, want string) error {
	if !strings.Contains(s, want) {
		return fmt.Errorf("no %q in\n%s", want, s)
	}
	return nil
}

// A region of which only its own node has a file is there for all; its file's
// changes too; what it must not claim changes nothing, and is shown.
func TestAnnouncedRegions(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: three edges that wait for each other")
	}
	f := newFleet(t)
	defer func() {
		if t.Failed() {
			for _, n := range f.nodes {
				t.Logf("%s said at last:\n%s", n.config.node, tailOf(n.log.String()))
			}
		}
	}()
	base := map[string]string{"network.yaml": networkFile, "europe.yaml": europeFile, "asia.yaml": asiaFile}
	europe, asia := f.start(t, "europe", base), f.start(t, "asia", base)
	joining := time.Now()
	africa := f.start(t, "africa", map[string]string{"network.yaml": networkFile, "europe.yaml": europeFile, "asia.yaml": asiaFile, "africa.yaml": africaFile})
	for _, n := range []*running{europe, asia} {
		n.within(10*time.Second, "africa is there", func() error {
			return contains(n.command("regions"), "africa  serving  1      http://africa.example.test  announced")
		})
	}
	t.Logf("a new region: served by all's word %d ms after its node was started", time.Since(joining).Milliseconds())
	for _, r := range europe.status().Regions {
		if r.Announced != (r.Name == "africa") {
			t.Errorf("%s is announced: %v", r.Name, r.Announced)
		}
	}
	// Files and announcements make the same map, so all nodes run one revision.
	europe.within(5*time.Second, "one revision", func() error {
		return contains(europe.command("regions"), "All 3 nodes run revision "+europe.status().Revision)
	})

	// A change of its own file is routed by everywhere within 2 s.
	for i := range 3 {
		title := fmt.Sprint("Africa ", i)
		africa.write("africa.yaml", africaFile+"title: "+title+"\n")
		begin := time.Now()
		for _, n := range []*running{europe, asia} {
			n.within(2*time.Second, title, func() error { return contains(n.get(n.config.listen, "/.well-known/mirrors.json"), title) })
		}
		t.Logf("a new file of africa's own: everywhere after %d ms", time.Since(begin).Milliseconds())
	}

	for what, text := range map[string][2]string{
		"the whole Internet":   {africaFile + "title: claims\nserves: {networks: [0.0.0.0/0]}\n", "serves claims the whole Internet, 0.0.0.0/0"},
		"a foreign URL":        {strings.Replace(africaFile, "africa.example.test", "africa.evil.test", 1), "url http://africa.evil.test matches none of announced.urls"},
		"another's hostname":   {strings.Replace(africaFile, "africa.example.test", "asia.example.test", 1), "hostname asia.example.test is already that of region asia"},
		"a canonical hostname": {strings.Replace(africaFile, "africa.example.test", "rest.example.test", 1), "hostname rest.example.test is a canonical one"},
	} {
		text[0] = strings.Replace(text[0], "serves: {continents: [AF]}\ntitle: claims\n", "title: claims\n", 1)
		africa.write("africa.yaml", text[0])
		if what == "another's hostname" || what == "a canonical hostname" {
			// Its own folder would refuse that, unless it has other names for the others.
			africa.write("asia.yaml", strings.Replace(asiaFile, "asia.example.test", "asia2.example.test", 1))
			africa.write("network.yaml", strings.Replace(networkFile, "rest.example.test", "rest2.example.test", 1))
		}
		for _, n := range []*running{europe, asia} {
			n.within(5*time.Second, what, func() error {
				regions := n.command("regions")
				if got := n.status().Regions; len(got) != 2 {
					return fmt.Errorf("it is still there: %v", got)
				}
				if err := contains(regions, text[1]); err != nil {
					return err
				}
				if err := contains(n.get(n.config.admin, "/metrics"), `use="refused"} 1`); err != nil {
					return err
				}
				return contains(n.log.String(), text[1])
			})
			if got := n.routes("196.216.2.1"); got != "europe" {
				t.Errorf("%s: clients of unknown place go to %q, not home", what, got)
			}
		}
		africa.write("asia.yaml", asiaFile)
		africa.write("network.yaml", networkFile)
		africa.write("africa.yaml", africaFile)
		for _, n := range []*running{europe, asia} {
			n.within(5*time.Second, "africa is back", func() error { return contains(n.command("regions"), "http://africa.example.test  announced") })
		}
	}

	// It takes itself out for all, by its own file.
	africa.write("africa.yaml", africaFile+"state: draining\n")
	asia.within(5*time.Second, "draining", func() error { return contains(asia.command("regions"), "africa  draining") })
}

func tailOf(log string) string { return log[max(0, len(log)-4000):] }

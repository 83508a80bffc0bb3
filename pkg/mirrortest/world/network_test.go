//go:build linux

package world

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mirrornet/pkg/mirrortest"
	"mirrornet/pkg/status"
)

// A host is an endpoint with what runs there.
type host struct {
	*endpoint
	ns     *namespace
	region string // of nodes

	mu   sync.Mutex // guards edge
	edge *process   // or the origin
}

// World is the running network: five regions with two nodes each, two origins,
// and a client on every continent, each in a namespace of its own.
type World struct {
	t       testing.TB
	dir     string
	bin     string
	fw      *forwarder
	nodes   []*host
	origins []*host
	clients []*host
	added   *host  // oceania's node, not running at first
	keys    string // content of all key files
	token   string // of the operators
	local   *http.Client
}

// process is a program that was started in a namespace.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

func (p *process) kill(s syscall.Signal) {
	p.cmd.Process.Signal(s)
	<-p.done
}

// newWorld makes the namespaces, starts everything, and returns when each node
// sees all others serving. All ends with the test.
func newWorld(t testing.TB) *World {
	t.Helper()
	w := &World{t: t, dir: *dir, bin: t.TempDir(), keys: newKey() + "\n", token: newKey()}
	if w.dir == "" {
		w.dir = t.TempDir()
	}
	build := exec.Command("go", "build", "-o", w.bin+"/", "./cmd/edge", "./cmd/origin")
	build.Dir = mirrortest.Root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	var ends []*endpoint
	add := func(name, addr string, lat, lon float64) *host {
		ns, err := newNamespace(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(ns.end)
		e := &endpoint{name: name, addr: netip.MustParseAddr(addr), at: at(lat, lon)}
		if e.wire, err = ns.tun(e.addr); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, e)
		return &host{endpoint: e, ns: ns}
	}
	for _, s := range append(sites[:len(sites):len(sites)], oceania) {
		for i, addr := range s.nodes {
			if addr == "" {
				continue
			}
			h := add(fmt.Sprintf("%s-%d", s.region, i+1), addr, s.lat, s.lon)
			if h.region = s.region; s.region == oceania.region {
				w.added = h
			} else {
				w.nodes = append(w.nodes, h)
			}
		}
	}
	for _, o := range origins {
		s := siteOf(o.beside)
		w.origins = append(w.origins, add(o.name, o.addr, s.lat, s.lon))
	}
	for _, h := range homes {
		w.clients = append(w.clients, add("client-"+h.continent, h.addr, h.lat, h.lon))
	}
	w.fw = newForwarder(ends)
	t.Cleanup(w.fw.end)
	w.local = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DialContext: w.dialLocal, MaxIdleConnsPerHost: 4}}
	t.Cleanup(w.local.CloseIdleConnections)
	t.Cleanup(w.end)
	w.start()
	return w
}

func siteOf(region string) site {
	for _, s := range append(sites[:len(sites):len(sites)], oceania) {
		if s.region == region {
			return s
		}
	}
	return site{}
}

func newKey() string {
	key := make([]byte, 32)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

// dialLocal connects to a host from within it: the world's delays and effects
// are not in the way. Names of hosts are the addresses.
func (w *World) dialLocal(ctx context.Context, network, addr string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	for _, h := range append(w.nodes[:len(w.nodes):len(w.nodes)], w.added) {
		if h.name == name {
			return h.ns.dial(ctx, network, "127.0.0.1:"+port)
		}
	}
	return nil, fmt.Errorf("no node %s", name)
}

func (w *World) start() {
	w.t.Helper()
	for i, o := range w.origins {
		w.run(o, "origin", filepath.Join(w.bin, "origin"), "serve", "--listen", origins[i].addr+":8000")
	}
	for _, h := range w.nodes {
		w.write(h, sites)
		w.memcached(h)
	}
	for _, o := range w.origins {
		w.within(60*time.Second, o.name+" answers", func() error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			c, err := o.ns.dial(ctx, "tcp", o.addr.String()+":8000")
			if err == nil {
				c.Close()
			}
			return err
		})
	}
	for _, h := range w.nodes {
		w.startEdge(h)
	}
	w.settled(60 * time.Second)
}

// within asks until try gives no error.
func (w *World) within(limit time.Duration, what string, try func() error) time.Duration {
	w.t.Helper()
	took, err := until(limit, try)
	if err != nil {
		w.t.Fatalf("%s: not within %s: %v", what, limit, err)
	}
	return took
}

// until asks every 50 ms until try gives no error, for limit at most.
func until(limit time.Duration, try func() error) (time.Duration, error) {
	begin := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if took := time.Since(begin); err == nil || took > limit {
			return took, err
		}
		<-tick.C
	}
}

// settled waits until every running node sees every region serving with both
// its nodes.
func (w *World) settled(limit time.Duration) time.Duration {
	w.t.Helper()
	return w.within(limit, "every node sees all nodes serving", func() error {
		for _, h := range w.nodes {
			r, err := w.report(h)
			if err != nil {
				return err
			}
			if r.Catalogue == nil {
				return fmt.Errorf("%s has no catalogue", h.name)
			}
			for _, g := range r.Regions {
				if g.Name != "oceania" && (g.State != "serving" || g.Nodes != 2) {
					return fmt.Errorf("%s sees %s %s, with %d nodes: %s", h.name, g.Name, g.State, g.Nodes, g.Why)
				}
			}
		}
		return nil
	})
}

// report is a node's own status.
func (w *World) report(h *host) (r status.Report, err error) {
	return r, w.ask(h, "/status.json", &r)
}

// ask GETs JSON from a node's admin listener.
func (w *World) ask(h *host, path string, v any) error {
	req, err := http.NewRequest(http.MethodGet, "http://"+h.name+":9080"+path, nil)
	if err != nil {
		return err
	}
	req.Host = "127.0.0.1:9080" // the listener answers to no other name
	resp, err := w.local.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	if err != nil {
		return fmt.Errorf("%s%s: %w", h.name, path, err)
	}
	return json.Unmarshal(body, v)
}

func (w *World) at(h *host, name string) string { return filepath.Join(w.dir, h.name, name) }

const edgeFile = `node: %[1]s
region: %[2]s
regions: ./regions
state: ./state
listen: {http: 0.0.0.0:80, dns: {listen: 0.0.0.0:53, ttl: 1s}}
admin: {listen: 127.0.0.1:9080, token_file: ./token}
advertise: http://%[3]s
addresses: [%[3]s]
origins: [%[4]s]
catalogue: auto
cache: {memory: 32MiB, memcached: [./memcached.sock]}
geo: {database: ./city.mmdb}
gossip: {listen: %[3]s:7946, join: [%[5]s], key_file: ./gossip.keys}
access_log: true
`

// write writes a node's folder: what it is told of the network is the region
// files of known, and its own.
func (w *World) write(h *host, known []site) {
	w.t.Helper()
	w.put(h, "regions/network.yaml", networkFile)
	for _, s := range known {
		w.put(h, "regions/"+s.region+".yaml", s.file())
	}
	var join, from []string
	for _, s := range sites {
		join = append(join, s.nodes[0]+":7946")
	}
	list := w.origins
	if oneWay(h.endpoint, list[0].endpoint) > oneWay(h.endpoint, list[1].endpoint) {
		list = []*host{list[1], list[0]}
	}
	for _, o := range list {
		from = append(from, "http://"+o.addr.String()+":8000")
	}
	w.put(h, "edge.yaml", fmt.Sprintf(edgeFile, h.name, h.region, h.addr, strings.Join(from, ", "), strings.Join(join, ", ")))
	w.put(h, "gossip.keys", w.keys)
	w.put(h, "token", w.token+"\n")
	w.put(h, "city.mmdb", string(geoDatabase(w.t, homes)))
}

// put replaces a file of a node as a whole.
func (w *World) put(h *host, name, text string) {
	w.t.Helper()
	file := w.at(h, name)
	part := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".new")
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = os.WriteFile(part, []byte(text), 0o600)
	}
	if err == nil {
		err = os.Rename(part, file)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// Command demo runs a whole mirror network on this machine: an origin, and an
// edge in each of three regions, as separate processes on loopback, joined by
// gossip, each with a memcached of its own where that is installed. It is what
// "make run" starts; "demo edge REGION" joins one more edge to it.
//
// Everything that it writes stands in one folder (run/): the region files that
// the edges watch, their edge.yaml, a small GeoIP database, logs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	d := demo{out: os.Stdout}
	flag.StringVar(&d.bin, "bin", "bin", "folder of the programs edge and origin")
	flag.StringVar(&d.dir, "dir", "run", "folder to write to")
	flag.StringVar(&d.regions, "regions", "regions", "folder of the region files to copy")
	flag.StringVar(&d.upstream, "upstream", "", "URL of an API to serve instead of the sample genome")
	flag.IntVar(&d.offset, "offset", 0, "added to every port, to run beside another network")
	flag.StringVar(&d.db, "db", "", "database file, made by origin load, to serve instead of the sample genome")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: demo [flags]              the whole network\n       demo [flags] edge REGION  one more edge")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch args := flag.Args(); {
	case len(args) == 0:
		err = d.network(ctx)
	case len(args) == 2 && args[0] == "edge":
		err = d.oneEdge(ctx, args[1])
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is one run.
type demo struct {
	bin, dir, regions, upstream, db string
	offset                          int
	out                             io.Writer
	processes                       processes
}

func (d *demo) origin() string { return fmt.Sprintf("127.0.0.1:%d", 8000+d.offset) }

// three are the regions that always run; asia's hostname is asia.localhost, and so on.
func (d *demo) three() []place {
	return []place{{"europe", 8081 + d.offset}, {"asia", 8082 + d.offset}, {"useast", 8083 + d.offset}}
}

// place is where a region's edge listens on loopback.
type place struct {
	region string
	port   int
}

func (p place) http() string   { return fmt.Sprintf("127.0.0.1:%d", p.port) }
func (p place) admin() string  { return fmt.Sprintf("127.0.0.1:%d", p.port+1000) }
func (p place) gossip() string { return fmt.Sprintf("127.0.0.1:%d", p.port-140) }
func (p place) dns() string    { return fmt.Sprintf("127.0.0.1:%d", p.port+1400) }
func (p place) url() string    { return fmt.Sprintf("http://%s.localhost:%d", p.region, p.port) }

// network runs everything until ctx ends.
func (d *demo) network(ctx context.Context) error {
	for _, addr := range d.addresses() {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("%s is in use: %v; end the program that listens there, perhaps an earlier make run", addr, err)
		}
		l.Close()
	}
	if err := d.writeRegions(); err != nil {
		return err
	}
	if err := writeGeo(filepath.Join(d.dir, "demo-city.mmdb")); err != nil {
		return err
	}
	defer d.processes.end()
	if err := d.startOrigin(); err != nil {
		return err
	}
	if err := d.waitFor(ctx, "http://"+d.origin()+"/-/healthz", 60*time.Second, is200); err != nil {
		return err
	}
	for _, p := range d.three() {
		if err := d.startEdge(p); err != nil {
			return err
		}
	}
	for _, p := range d.three() {
		// each sees all three regions serving, and knows the endpoint catalogue
		if err := d.waitFor(ctx, "http://"+p.http()+"/-/status.json", 30*time.Second, d.complete); err != nil {
			return err
		}
	}
	d.table()
	fmt.Fprintln(d.out, "ready")
	return d.processes.wait(ctx, func(p *process) {
		fmt.Fprintf(d.out, "%s ended (%v); start it again with: %s\n", p.name, p.err, p.again)
	})
}

// oneEdge runs the edge of one region, until ctx ends.
func (d *demo) oneEdge(ctx context.Context, region string) error {
	p, err := d.placeOf(region)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(d.dir, "demo-city.mmdb")); err != nil {
		return errors.New("the network does not run here; start it with make run")
	}
	defer d.processes.end()
	if err := d.startEdge(p); err != nil {
		return err
	}
	if err := d.waitFor(ctx, "http://"+p.http()+"/-/healthz", 30*time.Second, is200); err != nil {
		return err
	}
	d.rows([]place{p})
	fmt.Fprintln(d.out, "ready")
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	d.processes.wait(ctx, func(q *process) {
		if q.name == "edge "+region {
			stop(fmt.Errorf("%s ended (%v); its log is %s", q.name, q.err, q.log))
		}
	})
	return context.Cause(ctx)
}

func (d *demo) addresses() []string {
	list := []string{d.origin()}
	for _, p := range d.three() {
		list = append(list, p.http(), p.admin(), p.gossip(), p.dns())
	}
	return list
}

func (d *demo) startOrigin() error {
	args := []string{"serve", "--listen", d.origin(), "--site", fmt.Sprintf("http://127.0.0.1:%d", 8081+d.offset)}
	switch {
	case d.upstream != "":
		args = append(args, "--upstream", d.upstream)
	case d.db != "":
		args = append(args, "--db", d.db)
	}
	program := filepath.Join(d.bin, "origin")
	return d.processes.start(&process{name: "origin", log: d.log("origin"), again: program + " " + strings.Join(args, " ")}, program, args...)
}

// startEdge starts the edge of a region, and its memcached unless that runs
// already.
func (d *demo) startEdge(p place) error {
	socket, err := d.startMemcached(p.region)
	if err != nil {
		return err
	}
	file, err := d.writeEdge(p, socket)
	if err != nil {
		return err
	}
	return d.processes.start(&process{name: "edge " + p.region, log: d.log("edge-" + p.region), again: d.againEdge(p.region)},
		filepath.Join(d.bin, "edge"), "serve", "--config", file)
}

// againEdge is the command that starts a region's edge again.
func (d *demo) againEdge(region string) string {
	if d.offset == 0 {
		return "make edge REGION=" + region
	}
	return fmt.Sprintf("bin/demo -offset %d edge %s", d.offset, region)
}

func (d *demo) startMemcached(region string) (socket string, err error) {
	program, err := exec.LookPath("memcached")
	if err != nil {
		return "", nil // the table says so
	}
	if socket, err = d.socket(region); err != nil {
		return "", err
	}
	if c, err := net.Dial("unix", socket); err == nil {
		c.Close()
		return socket, nil
	}
	os.Remove(socket)
	args := []string{"-s", socket, "-m", "64", "-t", "2"}
	if os.Geteuid() == 0 {
		args = append(args, "-u", "root")
	}
	p := &process{name: "memcached " + region, log: d.log("memcached-" + region), again: program + " " + strings.Join(args, " ")}
	return socket, d.processes.start(p, program, args...)
}

// socket is where a region's memcached listens. A socket's path may have 107
// bytes at most, so a long folder gets its sockets elsewhere.
func (d *demo) socket(region string) (string, error) {
	dir, err := filepath.Abs(d.dir)
	if err != nil {
		return "", err
	}
	s := filepath.Join(dir, "memcached-"+region+".sock")
	if len(s) <= 107 {
		return s, nil
	}
	short := filepath.Join(os.TempDir(), fmt.Sprintf("mirrornet-%d", os.Getuid()))
	if err := os.MkdirAll(short, 0o700); err != nil {
		return "", err
	}
	return filepath.Join(short, "memcached-"+region+".sock"), nil
}

func (d *demo) log(name string) string { return filepath.Join(d.dir, "log", name+".log") }

// rows lists what this demo started, with the addresses of the edges.
func (d *demo) rows(edges []place) {
	fmt.Fprintf(d.out, "\n%-18s %-30s %-24s %s\n", "", "URL", "ADMIN", "PID")
	for _, p := range d.processes.list() {
		url, admin := "", ""
		if p.name == "origin" {
			url = "http://" + d.origin()
		}
		for _, e := range edges {
			if p.name == "edge "+e.region {
				url, admin = e.url(), "http://"+e.admin()
			}
		}
		fmt.Fprintf(d.out, "%-18s %-30s %-24s %d\n", p.name, url, admin, p.pid())
	}
}

// table says what runs, and what to try.
func (d *demo) table() {
	d.rows(d.three())
	if _, err := exec.LookPath("memcached"); err != nil {
		fmt.Fprintln(d.out, "\nmemcached is not installed: each edge keeps its answers in memory alone.")
	}
	target := "/lookup/id/ENSG00000157764"
	if d.upstream != "" || d.db != "" {
		target = "/info/species"
	}
	fmt.Fprintf(d.out, `
Canonical name: http://rest.localhost:%[4]d (on any edge's port). X-Forwarded-For plays a client's place.
Region files: %[1]s (they are watched). Logs: %[2]s. Map: http://europe.localhost:%[4]d/network

Try:
  curl -si http://asia.localhost:%[5]d%[3]s
  curl -si -H 'Host: rest.localhost' -H 'X-Forwarded-For: 133.39.1.1' -H 'Accept: text/html' -H 'Sec-Fetch-Mode: navigate' http://127.0.0.1:%[4]d/
  %[6]s route 133.39.1.1 --admin %[7]s
  dig @127.0.0.1 -p %[8]d rest.localhost +subnet=133.39.1.0/24    # 192.0.2.%[9]d stands for asia

`, filepath.Join(d.dir, "regions"), filepath.Join(d.dir, "log"), target, d.three()[0].port, d.three()[1].port, filepath.Join(d.bin, "edge"), d.three()[0].admin(),
		d.three()[0].port+1400, d.three()[1].port%100)
}

// waitFor asks url until good says yes.
func (d *demo) waitFor(ctx context.Context, url string, limit time.Duration, good func(*http.Response) bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			ok := good(resp)
			resp.Body.Close()
			if ok {
				return nil
			}
		}
		if p := d.processes.ended(); p != nil {
			return fmt.Errorf("%s ended (%v):\n%s", p.name, p.err, tail(p.log))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return fmt.Errorf("%s was not ready after %s; look at %s", url, limit, filepath.Join(d.dir, "log"))
		}
	}
}

func is200(r *http.Response) bool { return r.StatusCode == http.StatusOK }

func tail(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	if len(b) > 2000 {
		b = b[len(b)-2000:]
	}
	return string(b)
}

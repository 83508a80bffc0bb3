//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// theEdge is the name of the server that the others are compared with.
const theEdge = "edge"

// program is a server that can be measured.
type program struct {
	binary, debian string   // program, and the package it is in
	version        []string // arguments that make it say its version
	start          func(context.Context, *rig, *server) error
}

func programs() map[string]program {
	return map[string]program{
		theEdge:         {version: []string{"version"}, start: startEdge},
		"haproxy":       {"haproxy", "haproxy", []string{"-v"}, startHAProxy},
		"nginx":         {"nginx", "nginx-light", []string{"-v"}, startNginx},
		"varnish":       {"varnishd", "varnish", []string{"-V"}, startVarnish},
		"trafficserver": {"traffic_server", "trafficserver", []string{"-V"}, startTrafficServer},
		constant:        {start: startConstant},
		bare:            {start: startConstant},
		"memcached":     {"memcached", "memcached", []string{"-V"}, nil},
	}
}

var versionText = regexp.MustCompile(`\d+\.\d+(\.\d+)*|\b[0-9a-f]{7,}\S*`)

// versionIn finds the version in what a program says of itself: a number with
// dots, or a revision.
func versionIn(said string) string {
	if v := versionText.FindString(said); v != "" {
		return v
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return first
}

// server is one that runs. Its exported fields and setup's are what the
// templates of configurations use.
type server struct {
	name string
	setup
	Dir        string
	Addr       string
	Host, Port string
	// Of the edge.
	Node, Region, Admin   string
	Gossip, Join          string // addresses; empty: none
	OtherAddr, OtherAdmin string // of the edge of another region
	other                 *process
	Socket                string // of its memcached
	Origin                string
	OriginHost            string
	OriginPort            string
	Root                  bool
	Files                 uint64 // that it may have open
	KeptOpen              uint64 // of those, files of its cache

	processes []*process
	pids      []int
	folders   []string // whose files are in memory too
}

// startServer starts a server for a row. It is ended by stopServer, also when
// this failed.
func (r *rig) startServer(ctx context.Context, name string, row row) (*server, error) {
	s := &server{name: name, setup: row.setup, Node: "bench-1", Region: "bench", Origin: r.origin, Dir: filepath.Join(r.dir, row.name+"-"+name), Root: os.Geteuid() == 0}
	err := os.Mkdir(s.Dir, 0o755)
	addresses := []*string{&s.Addr, &s.Admin}
	if s.Redirects {
		addresses = append(addresses, &s.Gossip, &s.Join, &s.OtherAddr, &s.OtherAdmin)
	}
	for _, a := range addresses {
		if err == nil {
			*a, err = freeAddr()
		}
	}
	if err != nil {
		return s, err
	}
	s.Host, s.Port, _ = net.SplitHostPort(s.Addr)
	s.OriginHost, s.OriginPort, _ = net.SplitHostPort(s.Origin)
	s.Socket = filepath.Join(s.Dir, "memcached.sock")
	if s.Files, err = mayOpen(); err != nil {
		return s, err
	}
	s.KeptOpen = s.Files - min(s.Files/2, 13000) // the rest are for connections
	if s.Memcached {
		if err := s.startMemcached(ctx, r); err != nil {
			return s, err
		}
	}
	if err := programs()[name].start(ctx, r, s); err != nil {
		return s, err
	}
	if err := untilListening(ctx, "tcp", s.Addr, s.processes[len(s.processes)-1]); err != nil {
		return s, err
	}
	if name == "varnish" && s.Logs {
		if err := s.run(r, "varnishncsa", "-n", filepath.Join(s.Dir, "work"), "-w", filepath.Join(s.Dir, "access.log")); err != nil {
			return s, err
		}
	}
	return s, nil
}

// mayOpen is how many files a server may open. The limit is raised where that
// is allowed: nginx holds a cache's files open.
func mayOpen() (uint64, error) {
	want := syscall.Rlimit{Cur: 250_000, Max: 250_000}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &want) == nil {
		return want.Max, nil
	}
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &want)
	return want.Max, err
}

func (r *rig) stopServer(s *server) {
	r.end(s.processes...)
	if s.other != nil {
		r.end(s.other)
	}
	if !r.o.keep {
		os.RemoveAll(s.Dir)
	}
}

// run starts one of the server's processes, on the server's core.
func (s *server) run(r *rig, name string, args ...string) error {
	p, err := r.start(r.o.serverCore, s.Dir, name, args...)
	if err == nil {
		s.processes = append(s.processes, p)
	}
	return err
}

// count finds the server's processes anew: workers may have started.
func (s *server) count() error {
	var roots []int
	for _, p := range s.processes {
		if err := p.fault(); err != nil {
			return err
		}
		roots = append(roots, p.cmd.Process.Pid)
	}
	s.pids = family(roots)
	return nil
}

func (s *server) startMemcached(ctx context.Context, r *rig) error {
	args := []string{"-s", s.Socket, "-m", strconv.Itoa(s.CacheMB), "-t", "1", "-c", "4096"}
	if s.Root {
		args = append(args, "-u", "root")
	}
	if err := s.run(r, "memcached", args...); err != nil {
		return err
	}
	return untilListening(ctx, "unix", s.Socket, s.processes[0])
}

func startEdge(_ context.Context, r *rig, s *server) error {
	for file, name := range map[string]string{"edge.yaml": "edge.yaml", "regions/network.yaml": "network.yaml", "regions/bench.yaml": "region.yaml", "regions/other.yaml": "other.yaml"} {
		if name == "other.yaml" && !s.Redirects {
			continue
		}
		if err := write(filepath.Join(s.Dir, file), name, s); err != nil {
			return err
		}
	}
	if s.Redirects {
		if err := s.startOther(r); err != nil {
			return err
		}
	}
	return s.run(r, r.o.edge, "serve", "--config", filepath.Join(s.Dir, "edge.yaml"))
}

func startHAProxy(_ context.Context, r *rig, s *server) error {
	file := filepath.Join(s.Dir, "haproxy.cfg")
	if err := write(file, "haproxy.cfg", s); err != nil {
		return err
	}
	return s.run(r, "haproxy", "-db", "-f", file) // its access log is its output
}

func startNginx(_ context.Context, r *rig, s *server) error {
	file := filepath.Join(s.Dir, "nginx.conf")
	if err := write(file, "nginx.conf", s); err != nil {
		return err
	}
	s.folders = append(s.folders, filepath.Join(s.Dir, "cache"))
	return s.run(r, "nginx", "-p", s.Dir, "-c", file)
}

func startVarnish(ctx context.Context, r *rig, s *server) error {
	file := filepath.Join(s.Dir, "default.vcl")
	if err := write(file, "varnish.vcl", s); err != nil {
		return err
	}
	args := []string{"-F", "-j", "none", "-n", filepath.Join(s.Dir, "work"), "-a", s.Addr, "-T", "none", "-f", file,
		"-s", fmt.Sprintf("malloc,%dm", s.CacheMB), "-p", "thread_pools=1", "-p", "thread_pool_min=200", "-p", "thread_pool_max=2000",
		"-p", "listen_depth=4096", "-p", "timeout_idle=300"}
	if !s.Logs { // without its log in shared memory, which has no single switch
		doc, err := exec.CommandContext(ctx, "varnishd", "-x", "vsl").Output()
		if err != nil {
			return fmt.Errorf("varnishd -x vsl: %w", err)
		}
		args = append(args, "-p", "vsl_mask=-"+strings.Join(headings(string(doc)), ",-"))
	}
	return s.run(r, "varnishd", args...)
}

// headings finds the underlined lines of a text.
func headings(text string) (list []string) {
	lines := strings.Split(text, "\n")
	for i := 1; i < len(lines); i++ {
		if above := lines[i-1]; above != "" && lines[i] == strings.Repeat("-", len(above)) {
			list = append(list, above)
		}
	}
	return list
}

func startTrafficServer(_ context.Context, r *rig, s *server) error {
	root := filepath.Join(s.Dir, "root")
	var layout strings.Builder
	fmt.Fprintf(&layout, "prefix: %[1]s\nexec_prefix: %[1]s\nbindir: /usr/bin\nsbindir: /usr/sbin\nlibdir: /usr/lib/trafficserver\nlibexecdir: /usr/lib/trafficserver/modules\n", root)
	for key, sub := range map[string]string{"sysconfdir": "etc", "datadir": "data", "includedir": "include", "localstatedir": "var",
		"runtimedir": "runtime", "logdir": "log", "cachedir": "cache"} {
		if err := os.MkdirAll(filepath.Join(root, sub), 0o755); err != nil {
			return err
		}
		fmt.Fprintf(&layout, "%s: %s\n", key, filepath.Join(root, sub))
	}
	etc := filepath.Join(root, "etc")
	err := os.CopyFS(etc, os.DirFS("/etc/trafficserver"))
	for file, text := range map[string]string{
		filepath.Join(root, "runroot.yaml"):  layout.String(),
		filepath.Join(etc, "remap.config"):   "map / http://" + s.Origin + "/\n",
		filepath.Join(etc, "storage.config"): fmt.Sprintf("%s %dM\n", filepath.Join(root, "cache"), s.CacheMB),
	} {
		err = errors.Join(err, os.WriteFile(file, []byte(text), 0o644))
	}
	if err = errors.Join(err, write(filepath.Join(etc, "records.config"), "trafficserver.config", s)); err != nil {
		return err
	}
	s.folders = append(s.folders, filepath.Join(root, "cache"))
	return s.run(r, "traffic_server", "--run-root="+root)
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	startTime = 20 * time.Second // a program may take until it answers
	runTime   = 5 * time.Minute  // all tests may take
	endTime   = 5 * time.Second  // a program may take to end
)

// bench is an origin, an edge before it, and what the edge stores in.
type bench struct {
	dir       string
	edge      string // host:port
	processes []*exec.Cmd
}

const edgeFile = `node: conformance
region: here
regions: ./regions
state: ""
listen: {http: %[1]q}
admin: {listen: ""}
advertise: "http://%[1]s"
origins: ["http://%[2]s"]
catalogue: none
cache: {memory: %[3]q, memcached: [%[4]s]}
`

// startBench starts the programs on free ports of loopback. The origin listens
// on all addresses, as the tests' own server does.
func startBench(ctx context.Context, s *suite, edge, store string, ports [2]int) (b *bench, err error) {
	b = &bench{}
	defer func() {
		if err != nil {
			b.stop()
		}
	}()
	if b.dir, err = os.MkdirTemp("", "conformance-"); err != nil {
		return b, err
	}
	b.edge = "127.0.0.1:" + strconv.Itoa(ports[0])
	origin := "127.0.0.1:" + strconv.Itoa(ports[1])

	server := exec.Command("node", s.program(filepath.Join("server", "server.mjs")))
	server.Dir = b.dir
	server.Env = append(os.Environ(), "npm_config_protocol=http", "npm_config_port="+strconv.Itoa(ports[1]), "npm_config_pidfile="+filepath.Join(b.dir, "server.pid"))
	if err := b.start("origin", server, "tcp", origin); err != nil {
		return b, err
	}

	memory, memcached := "64MiB", ""
	switch store {
	case "memory":
	case "memcached", "memcached-only":
		socket := filepath.Join(b.dir, "memcached.sock")
		args := []string{"-s", socket, "-m", "64", "-t", "1"}
		if os.Geteuid() == 0 {
			args = append(args, "-u", "root")
		}
		if err := b.start("memcached", exec.Command("memcached", args...), "unix", socket); err != nil {
			return b, err
		}
		memcached = strconv.Quote(socket)
		if store == "memcached-only" {
			memory = "0"
		}
	default:
		return b, fmt.Errorf("no store %q; there are memory, memcached and memcached-only", store)
	}

	config := fmt.Sprintf(edgeFile, b.edge, origin, memory, memcached)
	for name, text := range map[string]string{
		"edge.yaml":            config,
		"regions/here.yaml":    "title: Here\nurl: http://" + b.edge + "\nlocation: {lat: 52.08, lon: 0.19, country: GB}\n",
		"regions/network.yaml": "canonical: [\"http://rest.localhost:1\"]\nhome: here\n",
	} {
		file := filepath.Join(b.dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			return b, err
		}
	}
	return b, b.start("edge", exec.CommandContext(ctx, edge, "serve", "--config", filepath.Join(b.dir, "edge.yaml")), "tcp", b.edge)
}

// start starts a program and waits until it listens.
func (b *bench) start(name string, cmd *exec.Cmd, network, address string) error {
	log, err := os.Create(filepath.Join(b.dir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.processes = append(b.processes, cmd)
	for deadline := time.Now().Add(startTime); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial(network, address); err == nil {
			return c.Close()
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("%s does not listen on %s: %s", name, address, text)
		}
	}
}

// stop ends the programs, the last started first.
func (b *bench) stop() {
	for i := len(b.processes) - 1; i >= 0; i-- {
		p := b.processes[i]
		p.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(endTime, func() { p.Process.Kill() })
		p.Wait()
		kill.Stop()
	}
	os.RemoveAll(b.dir)
}

// tests runs the suite's client against the edge.
func (b *bench) tests(ctx context.Context, s *suite) (results, error) {
	ctx, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	cli := exec.CommandContext(ctx, "node", "--no-warnings", s.program("cli.mjs"))
	cli.Dir = s.dir
	cli.Env = append(os.Environ(), "npm_config_base=http://"+b.edge, "npm_config_id=", "npm_package_config_id=")
	var errs bytes.Buffer
	cli.Stderr = &errs
	out, err := cli.Output()
	if err != nil {
		return nil, fmt.Errorf("the tests' client: %w: %s", err, errs.Bytes())
	}
	var r results
	if i := bytes.Index(out, []byte("\n{")); i >= 0 { // it may say something before
		out = out[i:]
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return nil, fmt.Errorf("the tests' client wrote %.200q: %w", out, err)
	}
	return r, nil
}

// freePorts finds ports that nobody listens on, below those that the system
// hands out to clients.
func freePorts(n int) (ports []int, err error) {
	for port := 20000 + os.Getpid()%8000; len(ports) < n && port < 32000; port++ {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		defer l.Close() // at the end, so that no port comes twice
		ports = append(ports, port)
	}
	if len(ports) < n {
		return nil, errors.New("no free ports on loopback")
	}
	return ports, nil
}

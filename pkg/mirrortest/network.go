// Package mirrortest runs whole networks for tests: the real programs, as
// "make run" starts them, in a folder and on ports of their own.
package mirrortest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Network is a running network of the three regions of "make run".
type Network struct {
	Root string // of the repository
	Dir  string // what make run calls run/
	Bin  string // folder of the programs

	t      testing.TB
	offset int // added to the ports of make run
	demo   *exec.Cmd
	done   chan struct{}
	output lockedBuffer

	mu    sync.Mutex // guards the fields below
	pids  map[string]int
	edges map[string]chan struct{} // of Edge, by region; closed when it ended
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

// Root finds the repository's root.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, serr := os.Stat(filepath.Join(dir, "go.mod")); serr == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			err = errors.New("no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal(err)
	return ""
}

// Build builds the programs, once per test binary and kept by the go command.
func Build(t testing.TB, root, bin string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", bin+string(filepath.Separator), "./cmd/edge", "./cmd/origin", "./pkg/demo")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}

// Start builds the programs and starts a network; it is ready on return, and
// ended with the test, which fails if a process is left then. args are
// further flags of the demo.
func Start(t testing.TB, args ...string) *Network {
	t.Helper()
	n := &Network{Root: Root(t), Dir: t.TempDir(), Bin: t.TempDir(), t: t, pids: map[string]int{}, edges: map[string]chan struct{}{}, done: make(chan struct{})}
	Build(t, n.Root, n.Bin)
	n.offset = freeOffset(t)
	n.demo = n.command(args...)
	out, err := n.demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	n.demo.Stderr = &n.output
	if err := n.demo.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan bool)
	go func() {
		defer close(n.done)
		n.read(out, ready)
		n.demo.Wait()
	}()
	t.Cleanup(n.end)
	select {
	case ok := <-ready:
		if !ok {
			t.Fatalf("the network did not start:\n%s", n.output.String())
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("the network was not ready in time:\n%s", n.output.String())
	}
	return n
}

func (n *Network) command(args ...string) *exec.Cmd {
	all := append([]string{"-bin", n.Bin, "-dir", n.Dir, "-regions", filepath.Join(n.Root, "regions"), "-offset", strconv.Itoa(n.offset)}, args...)
	cmd := exec.Command(filepath.Join(n.Bin, "demo"), all...)
	cmd.Dir = n.Root
	return cmd
}

// read follows what the demo prints: the table with the process ids, then
// "ready".
func (n *Network) read(out io.Reader, ready chan<- bool) {
	told := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Fprintln(&n.output, lines.Text())
		fields := strings.Fields(lines.Text())
		if len(fields) > 1 {
			name := fields[0]
			if name == "edge" || name == "memcached" {
				name += " " + fields[1]
			}
			if pid, err := strconv.Atoi(fields[len(fields)-1]); err == nil {
				n.mu.Lock()
				n.pids[name] = pid
				n.mu.Unlock()
			}
		}
		if lines.Text() == "ready" && !told {
			told = true
			ready <- true
		}
	}
	if !told {
		ready <- false
	}
}

func (n *Network) end() {
	n.demo.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.done:
	case <-time.After(30 * time.Second):
		n.demo.Process.Kill()
		n.t.Error("the network did not end within 30 s of SIGTERM")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, pid := range n.pids {
		if err := syscall.Kill(pid, 0); err == nil && !zombie(pid) {
			n.t.Errorf("%s (pid %d) is still there", name, pid)
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	if n.t.Failed() {
		n.t.Logf("the network said:\n%s", n.output.String())
		logs, _ := filepath.Glob(filepath.Join(n.Dir, "log", "edge-*.log"))
		for _, l := range logs {
			if b, err := os.ReadFile(l); err == nil {
				n.t.Logf("%s (its end):\n%s", filepath.Base(l), b[max(0, len(b)-3000):])
			}
		}
	}
}

// zombie reports whether a process ended and only waits to be noticed.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(b), ") Z ")
}

// freeOffset finds ports that nobody uses.
func freeOffset(t testing.TB) int {
	t.Helper()
	for offset := 10000 + os.Getpid()%100*100; offset < 23000; offset += 100 { // below the ephemeral ports
		free := true
		for _, port := range []int{8000, 8081, 8082, 8083, 8084, 9081, 9082, 9083, 9084, 7941, 7942, 7943, 7944, 9481, 9482, 9483, 9484} {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+offset))
			if err != nil {
				free = false
				break
			}
			l.Close()
		}
		if free {
			return offset
		}
	}
	t.Fatal("no free ports on loopback")
	return 0
}

// Port is the port that stands for one of make run's.
func (n *Network) Port(p int) int { return p + n.offset }

// Signal sends a signal to a process: "origin", "edge asia", "memcached asia".
func (n *Network) Signal(name string, s syscall.Signal) {
	n.t.Helper()
	n.mu.Lock()
	pid, ok := n.pids[name]
	n.mu.Unlock()
	if !ok {
		n.t.Fatalf("no process %q", name)
	}
	if err := syscall.Kill(pid, s); err != nil {
		n.t.Fatalf("%s: %v", name, err)
	}
}

// Has reports whether a process was started.
func (n *Network) Has(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.pids[name]
	return ok
}

// Edge starts the edge of one region, as "make edge" does; it is ready on
// return.
func (n *Network) Edge(region string) {
	n.t.Helper()
	cmd := n.command("edge", region)
	out, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	cmd.Stderr = &n.output
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	ready, done := make(chan bool, 1), make(chan struct{})
	n.mu.Lock()
	n.edges[region] = done
	n.mu.Unlock()
	go func() {
		defer close(done)
		n.read(out, ready)
		cmd.Wait()
	}()
	n.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			cmd.Process.Kill()
			n.t.Errorf("the edge of %s did not end within 30 s of SIGTERM", region)
		}
	})
	if !<-ready {
		n.t.Fatalf("make edge REGION=%s failed:\n%s", region, n.output.String())
	}
}

// RestartEdge kills an edge that Edge started, and starts it again.
func (n *Network) RestartEdge(region string) {
	n.t.Helper()
	n.Signal("edge "+region, syscall.SIGKILL)
	n.mu.Lock()
	done := n.edges[region]
	n.mu.Unlock()
	<-done
	n.Edge(region)
}

// Process starts a further program of this network, and ends it with the test.
func (n *Network) Process(program string, args ...string) {
	n.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &n.output, &n.output
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
}

// Reply is an answer, read whole.
type Reply struct {
	*http.Response
	Text string
	Took time.Duration
}

// CacheStatus is the Cache-Status field.
func (r *Reply) CacheStatus() string { return r.Header.Get("Cache-Status") }

var client = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	Timeout:       30 * time.Second,
}

// Ask makes a request to the port of make run that is given. fields are
// alternating names and values; Host is one of them.
func (n *Network) Ask(method string, port int, target, body string, fields ...string) (*Reply, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, fmt.Sprintf("http://127.0.0.1:%d%s", n.Port(port), target), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "Host" {
			req.Host = fields[i+1]
		} else {
			req.Header.Set(fields[i], fields[i+1])
		}
	}
	begin := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return &Reply{resp, string(text), time.Since(begin)}, nil
}

// Get is Ask for a GET that must be answered.
func (n *Network) Get(port int, target string, fields ...string) *Reply {
	n.t.Helper()
	r, err := n.Ask(http.MethodGet, port, target, "", fields...)
	if err != nil {
		n.t.Fatal(err)
	}
	return r
}

// OriginCount is how many API requests the origin was asked.
func (n *Network) OriginCount() int {
	n.t.Helper()
	var s struct{ Requests int }
	if err := json.Unmarshal([]byte(n.Get(8000, "/-/status.json").Text), &s); err != nil {
		n.t.Fatal(err)
	}
	return s.Requests
}

// Within asks again and again until try gives no error, and fails the test
// after limit. It returns how long it took.
func Within(t testing.TB, limit time.Duration, what string, try func() error) time.Duration {
	t.Helper()
	begin := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if took := time.Since(begin); err == nil {
			t.Logf("%s: %d ms", what, took.Milliseconds())
			return took
		} else if took > limit {
			t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
		<-tick.C
	}
}

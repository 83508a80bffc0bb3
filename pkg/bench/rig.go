//go:build linux

package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"
)

//go:embed conf
var conf embed.FS

// endTime is how long a process may take to end by itself.
const endTime = 5 * time.Second

// rig is where a run takes place: a folder in memory, the origin, and what is
// running.
type rig struct {
	o         options
	out       io.Writer
	self, wrk string // programs
	dir       string
	origin    string            // address
	there     []string          // servers that are installed, the edge first
	versions  map[string]string // of what is installed
	running   []*process
	zipf      map[string]string // files of targets, by row
}

func newRig(ctx context.Context, o options, out io.Writer) (*rig, error) {
	r := &rig{o: o, out: out, versions: map[string]string{}, zipf: map[string]string{}}
	var err error
	if r.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if r.o.edge, err = filepath.Abs(o.edge); err != nil {
		return nil, err
	}
	for name, hint := range map[string]string{"wrk": "apt-get install wrk", "taskset": "apt-get install util-linux"} {
		if _, err := exec.LookPath(name); err != nil {
			return nil, fmt.Errorf("%s is not installed; on Debian and Ubuntu: %s", name, hint)
		}
	}
	if r.wrk, err = exec.LookPath("wrk"); err != nil {
		return nil, err
	}
	for _, core := range []int{o.serverCore, o.loadCore} {
		if _, err := coreTime(core); err != nil {
			return nil, fmt.Errorf("%w; see -server-core and -load-core", err)
		}
	}
	all := programs()
	var missing []string
	for _, name := range append([]string{theEdge, "memcached"}, o.peers...) {
		p := all[name]
		binary := p.binary
		if name == theEdge {
			binary = r.o.edge
		}
		said, err := exec.CommandContext(ctx, binary, p.version...).CombinedOutput()
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			if name == theEdge {
				return nil, fmt.Errorf("%s is not there; make build makes it", o.edge)
			}
			missing = append(missing, p.debian)
			continue
		}
		r.versions[name] = versionIn(string(said))
		if p.start != nil {
			r.there = append(r.there, name)
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(out, "not installed, and left out: %[1]s. On Debian and Ubuntu: apt-get install --no-install-recommends %[1]s\n", strings.Join(missing, " "))
	}
	base := "/dev/shm" // caches on disk are meant to be in memory here
	if i, err := os.Stat(base); err != nil || !i.IsDir() {
		base = ""
	}
	r.dir, err = os.MkdirTemp(base, "bench")
	if err == nil {
		err = os.Chmod(r.dir, 0o755) // servers may run as other users
	}
	return r, err
}

func (r *rig) close() {
	r.end(r.running...)
	if r.o.keep {
		fmt.Fprintln(r.out, "left:", r.dir)
		return
	}
	os.RemoveAll(r.dir)
}

// process is one program that was started.
type process struct {
	name, log string
	cmd       *exec.Cmd
	done      chan struct{} // closed when it ended
	err       error         // how; read it after done
}

// start runs a program on a core. It is put into a process group of its own,
// and ends with this process.
func (r *rig) start(core int, dir, name string, args ...string) (*process, error) {
	p := &process{name: filepath.Base(name), log: filepath.Join(dir, filepath.Base(name)+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = pinned(context.Background(), core, name, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	r.running = append(r.running, p)
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// pinned is a command on one core. taskset becomes the command: its process id
// is the command's.
func pinned(ctx context.Context, core int, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "taskset", append([]string{"-c", strconv.Itoa(core), name}, args...)...)
}

// end ends processes, the last started first.
func (r *rig) end(list ...*process) {
	list = slices.Clone(list)
	slices.Reverse(list)
	for _, p := range list {
		p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(endTime):
			syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // its workers too
			<-p.done
		}
		r.running = slices.DeleteFunc(r.running, func(q *process) bool { return q == p })
	}
}

// fault is what a process that ended said, or nil while it runs.
func (p *process) fault() error {
	select {
	case <-p.done:
		text, _ := os.ReadFile(p.log)
		return fmt.Errorf("%s ended (%v): %s", p.name, p.err, text[max(0, len(text)-1000):])
	default:
		return nil
	}
}

func (r *rig) startOrigin(ctx context.Context) error {
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	r.origin = addr
	p, err := r.start(r.o.loadCore, r.dir, r.self, "origin", "-listen", addr)
	if err != nil {
		return err
	}
	return untilListening(ctx, "tcp", addr, p)
}

// untilListening waits for a server's socket.
func untilListening(ctx context.Context, network, addr string, p *process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, fmt.Errorf("%s does not listen at %s", p.name, addr))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := net.Dial(network, addr); err == nil {
			return c.Close()
		}
		if err := p.fault(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// freeAddr finds a port on loopback below those that connections get.
func freeAddr() (string, error) {
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(20000))
		if l, err := net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", errors.New("no free port on loopback")
}

// write makes a configuration file from its template.
func write(file, name string, data any) error {
	t, err := template.ParseFS(conf, "conf/"+name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := t.Execute(f, data); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

package storetest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Daemon is a memcached process on a unix socket of its own. It ends with the
// test.
type Daemon struct {
	Socket string // or, of [MemcachedTCP], its address
	t      testing.TB
	path   string
	args   []string
	cmd    *exec.Cmd
}

// Memcached starts one, with further arguments, or skips the test where the
// program is not installed.
func Memcached(t testing.TB, args ...string) *Daemon {
	t.Helper()
	path, err := exec.LookPath("memcached")
	if err != nil {
		t.Skip("no memcached program here (Debian, Ubuntu: apt-get install memcached)")
	}
	// Not t.TempDir: a socket's path is short, at most 107 bytes.
	dir, err := os.MkdirTemp("", "mc")
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{Socket: filepath.Join(dir, "s"), t: t, path: path, args: args}
	t.Cleanup(func() {
		d.Kill()
		os.RemoveAll(dir)
	})
	d.Start()
	return d
}

// MemcachedTCP starts one on a port of loopback.
func MemcachedTCP(t testing.TB) *Daemon {
	t.Helper()
	path, err := exec.LookPath("memcached")
	if err != nil {
		t.Skip("no memcached program here (Debian, Ubuntu: apt-get install memcached)")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{Socket: free.Addr().String(), t: t, path: path}
	free.Close()
	t.Cleanup(d.Kill)
	d.Start()
	return d
}

// Start starts it (again), empty, and waits until it listens.
func (d *Daemon) Start() {
	d.t.Helper()
	network, at := "unix", []string{"-s", d.Socket}
	if host, port, err := net.SplitHostPort(d.Socket); err == nil {
		network, at = "tcp", []string{"-l", host, "-p", port, "-U", "0"}
	} else {
		os.Remove(d.Socket)
	}
	args := slices.Concat(at, []string{"-m", "128", "-c", "1024"}, d.args)
	if os.Geteuid() == 0 {
		args = append(args, "-u", "root")
	}
	d.cmd = exec.Command(d.path, args...)
	d.cmd.Stderr = os.Stderr
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		if c, err := net.Dial(network, d.Socket); err == nil {
			c.Close()
			return
		}
	}
	d.t.Fatalf("memcached does not listen on %s", d.Socket)
}

// Pid is the process, for those who measure it.
func (d *Daemon) Pid() int { return d.cmd.Process.Pid }

// Pause stops the process without ending it (SIGSTOP): connections stay open
// and nothing answers.
func (d *Daemon) Pause() { d.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (d *Daemon) Resume() { d.cmd.Process.Signal(syscall.SIGCONT) }

// Kill ends the process at once. It may be called twice.
func (d *Daemon) Kill() {
	if d.cmd == nil || d.cmd.Process == nil {
		return
	}
	d.cmd.Process.Kill()
	d.cmd.Wait()
	d.cmd = nil
}

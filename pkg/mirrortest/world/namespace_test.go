//go:build linux

package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// A namespace is a network of its own: a loopback, and one TUN device whose
// other end the forwarder holds. It has no name anywhere: it lasts as long as
// a thread or a descriptor of this process, or one of the processes started in
// it, so that nothing of it can be left behind.
type namespace struct {
	name string
	fd   int         // keeps it, and is what setns takes
	home int         // the namespace that this process began in
	work chan func() // run on a thread that lives in it
}

// newNamespace makes a namespace with a thread in it. The thread stays until
// end, since what it starts is killed when it ends (Pdeathsig).
func newNamespace(name string) (*namespace, error) {
	n := &namespace{name: name, work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		err := n.enter()
		ready <- err
		if err != nil {
			return
		}
		for f := range n.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("namespace of %s: %w", name, err)
	}
	return n, nil
}

func (n *namespace) enter() (err error) {
	const own = "/proc/thread-self/ns/net"
	if n.home, err = unix.Open(own, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if n.fd, err = unix.Open(own, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	return up("lo", netip.Addr{})
}

// do runs f on the namespace's thread.
func (n *namespace) do(f func() error) error {
	done := make(chan error, 1)
	n.work <- func() { done <- f() }
	return <-done
}

// end lets the namespace go, and kills what still runs in it.
func (n *namespace) end() {
	close(n.work)
	unix.Close(n.fd)
	unix.Close(n.home)
}

// start starts a program in the namespace, killed with this process.
func (n *namespace) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return n.do(cmd.Start)
}

// visit runs f on a thread that is in the namespace for that time, beside
// other visits. f may block.
func (n *namespace) visit(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Setns(n.fd, unix.CLONE_NEWNET) == nil {
			f()
		}
		if unix.Setns(n.home, unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread() // else the thread ends here
		}
	}()
	<-done
}

// dial connects from the namespace to a literal address: its socket is made
// there, and stays there.
func (n *namespace) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var c net.Conn
	err := fmt.Errorf("setns to %s failed", n.name)
	n.visit(func() { c, err = (&net.Dialer{}).DialContext(ctx, network, addr) })
	return c, err
}

const (
	mtu = 1500
	// All addresses of the world stand in 128.0.0.0/1, so that this mask alone
	// makes the TUN device the way to all of them.
	mask = "\x80\x00\x00\x00"
)

// tun makes the namespace's device with its address, and returns the other end:
// each Read is a packet that the namespace sent, each Write one that it gets.
func (n *namespace) tun(addr netip.Addr) (*os.File, error) {
	var file *os.File
	err := n.do(func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		ifr, err := unix.NewIfreq("world")
		if err == nil {
			ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
			err = unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr)
		}
		if err != nil {
			unix.Close(fd)
			return fmt.Errorf("TUNSETIFF: %w", err)
		}
		// Not before: a descriptor without its device cannot be polled.
		file = os.NewFile(uintptr(fd), "tun of "+n.name)
		return up("world", addr)
	})
	if err != nil {
		return nil, fmt.Errorf("tun of %s: %w", n.name, err)
	}
	return file, nil
}

// up gives a device of this thread's namespace an address, unless that is
// zero, and switches it on.
func up(device string, addr netip.Addr) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	var errs []error
	set := func(request uint, fill func(*unix.Ifreq)) {
		ifr, err := unix.NewIfreq(device)
		if err == nil {
			fill(ifr)
			err = unix.IoctlIfreq(s, request, ifr)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("ioctl %#x of %s: %w", request, device, err))
		}
	}
	if addr.IsValid() {
		set(unix.SIOCSIFADDR, func(r *unix.Ifreq) { r.SetInet4Addr(addr.AsSlice()) })
		set(unix.SIOCSIFNETMASK, func(r *unix.Ifreq) { r.SetInet4Addr([]byte(mask)) })
		set(unix.SIOCSIFMTU, func(r *unix.Ifreq) { r.SetUint32(mtu) })
	}
	set(unix.SIOCSIFFLAGS, func(r *unix.Ifreq) { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING) })
	return errors.Join(errs...)
}

// able says why this machine cannot make namespaces and devices, if so.
func able() string {
	if os.Geteuid() != 0 {
		return "not root: network namespaces and TUN devices want it"
	}
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return fmt.Sprintf("no TUN devices: %v", err)
	}
	f.Close()
	n, err := newNamespace("a trial")
	if err != nil {
		return err.Error()
	}
	defer n.end()
	t, err := n.tun(netip.MustParseAddr("192.0.2.1"))
	if err != nil {
		return err.Error()
	}
	t.Close()
	if _, err := exec.LookPath("memcached"); err != nil {
		return "memcached is not installed"
	}
	return ""
}

package lane

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// tcpInq is TCP_INQ of linux/tcp.h, as a socket option and as the type of the
// control message behind it: how many bytes are still to be read, where the end
// of what the client sends counts as one.
const tcpInq = 36

// platform is what a connection needs to wait without a system call that finds
// nothing.
type platform struct {
	raw  syscall.RawConn
	step func(fd uintptr) bool
	inq  bool // the kernel says what is still queued
	err  error
}

// receive reads and answers within one wait of the runtime's poller. Its edges
// are not lost meanwhile, so that after a read that left nothing, the next step
// is to wait. It gives nil where received has said what is to be done.
func (c *conn) receive() error {
	if c.step == nil {
		raw, err := c.TCPConn.SyscallConn()
		if err != nil {
			return err
		}
		raw.Control(func(fd uintptr) {
			c.inq = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpInq, 1) == nil
		})
		c.raw, c.step = raw, c.readable
	}
	c.err = nil
	err := c.raw.Read(c.step)
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		op.Op = "read" // to net/http another word would be a fault worth a 400
	}
	if err == nil {
		err = c.err
	}
	return err
}

// readable reads until nothing is left, and reports whether receive is done.
func (c *conn) readable(fd uintptr) bool {
	for {
		n, more, errno := c.recv(fd, c.p[c.n:])
		switch {
		case errno == syscall.EINTR:
			continue
		case errno == syscall.EAGAIN:
			return false
		case errno != 0:
			c.err = &net.OpError{Op: "read", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("read", errno)}
			return true
		case n == 0:
			c.err = io.EOF
			return true
		}
		if c.received(fd, n) {
			return true
		}
		if !more {
			return false
		}
	}
}

// recv reads once, without waiting. more is false only where nothing is queued
// behind what was read, not even the end.
func (c *conn) recv(fd uintptr, b []byte) (n int, more bool, errno syscall.Errno) {
	var control struct { // one message of type int, aligned
		syscall.Cmsghdr
		queued int32
		_      int32
	}
	iov := syscall.Iovec{Base: &b[0]}
	iov.SetLen(len(b))
	msg := syscall.Msghdr{Iov: &iov, Iovlen: 1}
	if c.inq {
		msg.Control = (*byte)(unsafe.Pointer(&control))
		msg.SetControllen(int(unsafe.Sizeof(control)))
	}
	r, _, errno := syscall.RawSyscall(syscall.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&msg)), syscall.MSG_DONTWAIT)
	if errno != 0 {
		return 0, true, errno
	}
	told := c.inq && msg.Controllen > 0 && control.Level == syscall.IPPROTO_TCP && control.Type == tcpInq
	return int(r), !told || control.queued != 0, 0
}

// sendNow writes as much of the head and the body as the client takes at once.
func sendNow(fd uintptr, head, body []byte) (int, error) {
	const flags = syscall.MSG_DONTWAIT | syscall.MSG_NOSIGNAL
	for {
		var n uintptr
		var errno syscall.Errno
		if len(body) == 0 {
			n, _, errno = syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(&head[0])), uintptr(len(head)), flags, 0, 0)
		} else {
			iov := [2]syscall.Iovec{{Base: &head[0]}, {Base: &body[0]}}
			iov[0].SetLen(len(head))
			iov[1].SetLen(len(body))
			msg := syscall.Msghdr{Iov: &iov[0], Iovlen: 2}
			n, _, errno = syscall.RawSyscall(syscall.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&msg)), flags)
		}
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, os.NewSyscallError("write", errno)
		}
	}
}

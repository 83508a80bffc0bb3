package lane

import (
	"net"
	"syscall"
	"unsafe"
)

// unread is how many bytes the kernel holds for a connection.
func unread(c *net.TCPConn) (n int32) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	raw.Control(func(fd uintptr) {
		syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&n)))
	})
	return n
}

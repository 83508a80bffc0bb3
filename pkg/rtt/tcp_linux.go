package rtt

import (
	"net"
	"syscall"
	"time"
	"unsafe"
)

// Of is the least round trip that the kernel has measured on a connection which
// is still open; 0: none.
func Of(c *net.TCPConn) (trip time.Duration) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	raw.Control(func(fd uintptr) { trip = ofSocket(fd) })
	return trip
}

// Places in linux/tcp.h's struct tcp_info, which only ever grows at its end.
const (
	infoRTT    = 68 // smoothed, in µs
	infoMinRTT = 148
	infoBytes  = 152
)

func ofSocket(fd uintptr) time.Duration {
	var info [infoBytes]byte
	length := uint32(len(info))
	_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.IPPROTO_TCP, syscall.TCP_INFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return 0
	}
	micros := func(at int) time.Duration {
		return time.Duration(*(*uint32)(unsafe.Pointer(&info[at]))) * time.Microsecond
	}
	if least := micros(infoMinRTT); length >= infoBytes && least > 0 && least < time.Minute { // without a sample it is as large as can be
		return least
	}
	if length >= infoRTT+4 && micros(infoRTT) < time.Minute {
		return micros(infoRTT)
	}
	return 0
}

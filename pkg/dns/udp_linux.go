package dns

import (
	"context"
	"net"
	"syscall"
	"unsafe"
)

// controlLen holds one control message of either family.
const controlLen = 64

// listenUDP listens. On a wildcard address each packet comes with the address
// that it was sent to, so that the answer can leave from there: resolvers drop
// answers from elsewhere.
func listenUDP(a *net.UDPAddr) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if a.IP != nil && !a.IP.IsUnspecified() {
			return nil
		}
		cerr := c.Control(func(fd uintptr) {
			// A socket of both families tells IPv4 addresses in IPv6 form.
			if err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_RECVPKTINFO, 1); err != nil {
				err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_PKTINFO, 1)
			}
		})
		if cerr != nil {
			return cerr
		}
		return err
	}}
	c, err := lc.ListenPacket(context.Background(), "udp", a.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

// reverse turns the control message of a packet into that of its answer, in
// place: from the address that the packet was sent to, by whatever interface
// leads back.
func reverse(control []byte) []byte {
	data := syscall.CmsgLen(0)
	if len(control) < data {
		return nil
	}
	switch h := (*syscall.Cmsghdr)(unsafe.Pointer(&control[0])); {
	case h.Level == syscall.IPPROTO_IP && h.Type == syscall.IP_PKTINFO && len(control) >= syscall.CmsgSpace(syscall.SizeofInet4Pktinfo):
		clear(control[data : data+4]) // the interface
		return control[:syscall.CmsgSpace(syscall.SizeofInet4Pktinfo)]
	case h.Level == syscall.IPPROTO_IPV6 && h.Type == syscall.IPV6_PKTINFO && len(control) >= syscall.CmsgSpace(syscall.SizeofInet6Pktinfo):
		if info := control[data:]; info[0] != 0xfe || info[1]&0xc0 != 0x80 { // a link-local address needs its interface
			clear(info[16:20])
		}
		return control[:syscall.CmsgSpace(syscall.SizeofInet6Pktinfo)]
	}
	return nil
}

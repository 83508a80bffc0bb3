package dns

import (
	"errors"
	"net"
	"time"
)

// serveUDP answers packets until the socket is closed. Several do so beside
// each other.
func (s *Server) serveUDP(c *counts) error {
	w := s.worker(c)
	packet, control := make([]byte, 4096), make([]byte, controlLen)
	for faults := 0; ; {
		n, cn, _, from, err := s.udp.ReadMsgUDPAddrPort(packet, control)
		if err != nil {
			// Of single packets, by ICMP; a socket that only fails is another thing.
			if faults++; errors.Is(err, net.ErrClosed) || faults > 1000 {
				return err
			}
			continue
		}
		faults = 0
		out := w.safely(packet[:n], from.Addr().Unmap().WithZone(""), false, time.Now())
		if out == nil {
			continue
		}
		// A failed write is the client's loss; it asks again.
		_, _, _ = s.udp.WriteMsgUDPAddrPort(out, reverse(control[:cn]), from)
	}
}

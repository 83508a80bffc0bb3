package dns

import "time"

// serveUDP answers packets until the socket is closed. Several do so beside
// each other.
func (s *Server) serveUDP(c *counts) {
	w := s.worker(c)
	packet, control := make([]byte, 4096), make([]byte, controlLen)
	for faults := 0; ; {
		n, cn, _, from, err := s.udp.ReadMsgUDPAddrPort(packet, control)
		if err != nil {
			if faults++; !s.pause(err, faults) {
				return
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

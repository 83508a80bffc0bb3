//go:build !linux

package dns

import "net"

// controlLen: nothing is asked of the system beside the packets.
const controlLen = 0

// listenUDP listens. On a machine with several addresses name one of them: the
// answer to a packet leaves from the one that routing prefers.
func listenUDP(a *net.UDPAddr) (*net.UDPConn, error) { return net.ListenUDP("udp", a) }

func reverse([]byte) []byte { return nil }

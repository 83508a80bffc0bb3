package dns

import (
	"encoding/binary"
	"net/netip"

	"github.com/miekg/dns"
)

const (
	headerLen = 12
	maxName   = 255 // bytes of a name on the wire, RFC 1035 §2.3.4
	maxLabel  = 63
)

// A query is one message as it was read. Its slices are parts of the packet.
type query struct {
	id       uint16
	opcode   int
	rd       bool
	question []byte // name, type and class as sent, to be sent back; nil: none
	name     []byte // of the question, in wire form with the root label
	labels   int    // of name, without the root
	qtype    uint16
	class    uint16

	edns    bool
	version byte
	size    int // of a UDP answer that the client takes, at least 512
	do      bool
	subnet  subnet
	cookie  []byte // 8 bytes of the client's, or 16 to 40 with the server's; nil: none
	nsid    bool
}

// A subnet is the client subnet option of a query (RFC 7871 §6).
type subnet struct {
	sent   bool
	family uint16 // 1 IPv4, 2 IPv6; 0 with no bits
	bits   byte   // source prefix length
	bytes  []byte // of the address, as few as hold the bits
	addr   netip.Addr
}

// parse reads a packet. reply is false for what must not be answered at all:
// half a header, and answers (else two servers could be made to talk to each
// other). rcode is not 0 if the query goes no further; q then holds what was
// good in front of the fault.
func (q *query) parse(packet []byte) (rcode int, reply bool) {
	*q = query{}
	if len(packet) < headerLen || packet[2]&0x80 != 0 {
		return 0, false
	}
	q.id = binary.BigEndian.Uint16(packet)
	q.opcode = int(packet[2]>>3) & 0xf
	q.rd = packet[2]&1 != 0
	q.size = dns.MinMsgSize
	var counts [4]int // questions, answers, authority, additional
	for i := range counts {
		counts[i] = int(binary.BigEndian.Uint16(packet[4+2*i:]))
	}
	// One question, RFC 9619; none at all is how a client asks for a cookie
	// alone (RFC 7873 §5.4).
	if counts[0] > 1 {
		return q.known(dns.RcodeFormatError), true
	}
	off := headerLen
	if counts[0] == 1 {
		end, labels := skipName(packet, off, false)
		if end < 0 || len(packet) < end+4 {
			return q.known(dns.RcodeFormatError), true
		}
		q.name, q.labels, q.question = packet[off:end], labels, packet[off:end+4]
		q.qtype, q.class = binary.BigEndian.Uint16(packet[end:]), binary.BigEndian.Uint16(packet[end+2:])
		off = end + 4
	}
	if q.opcode != dns.OpcodeQuery {
		return dns.RcodeNotImplemented, true
	}
	if q.qtype == dns.TypeAXFR || q.qtype == dns.TypeIXFR { // an IXFR has an authority section
		return dns.RcodeRefused, true
	}
	if counts[1] != 0 || counts[2] != 0 {
		return dns.RcodeFormatError, true
	}
	for range counts[3] {
		if off, rcode = q.additional(packet, off); rcode != 0 {
			return rcode, true
		}
	}
	if off != len(packet) || counts[0] == 0 && q.cookie == nil {
		return dns.RcodeFormatError, true
	}
	if q.version != 0 {
		return dns.RcodeBadVers, true
	}
	return 0, true
}

// known is rcode, but NOTIMP for what is not understood to begin with.
func (q *query) known(rcode int) int {
	if q.opcode != dns.OpcodeQuery {
		return dns.RcodeNotImplemented
	}
	return rcode
}

// additional reads one record of the additional section, of which only OPT
// (RFC 6891 §6.1) is looked at.
func (q *query) additional(packet []byte, off int) (end, rcode int) {
	name := off
	if off, _ = skipName(packet, off, true); off < 0 || len(packet) < off+10 {
		return 0, dns.RcodeFormatError
	}
	rr := packet[off : off+10] // type, class, TTL, length
	off += 10
	if end = off + int(binary.BigEndian.Uint16(rr[8:])); end > len(packet) {
		return 0, dns.RcodeFormatError
	}
	if binary.BigEndian.Uint16(rr) != dns.TypeOPT {
		return end, 0
	}
	if q.edns || packet[name] != 0 {
		return 0, dns.RcodeFormatError
	}
	q.edns = true
	q.size = max(dns.MinMsgSize, int(binary.BigEndian.Uint16(rr[2:])))
	q.version, q.do = rr[5], rr[6]&0x80 != 0
	if q.version != 0 {
		return end, 0 // its options may mean something else
	}
	for data := packet[off:end]; len(data) > 0; {
		if len(data) < 4 {
			return 0, dns.RcodeFormatError
		}
		code, length := binary.BigEndian.Uint16(data), int(binary.BigEndian.Uint16(data[2:]))
		if data = data[4:]; length > len(data) {
			return 0, dns.RcodeFormatError
		}
		good := true
		switch value := data[:length]; code {
		case dns.EDNS0SUBNET:
			good = !q.subnet.sent && q.subnet.read(value)
		case dns.EDNS0COOKIE:
			// RFC 7873 §5.2.2; of several the first counts (§5.2).
			if good = len(value) == 8 || len(value) >= 16 && len(value) <= 40; good && q.cookie == nil {
				q.cookie = value
			}
		case dns.EDNS0NSID:
			q.nsid = true
		}
		if !good {
			return 0, dns.RcodeFormatError
		}
		data = data[length:]
	}
	return end, 0
}

// read takes the option apart; false if it is malformed: RFC 7871 §6 and §7.1.2
// want that to be an error rather than a guess.
func (s *subnet) read(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	family, bits, scope, address := binary.BigEndian.Uint16(b), b[2], b[3], b[4:]
	if scope != 0 || len(address) != (int(bits)+7)/8 {
		return false
	}
	var full [16]byte
	switch {
	case family == 0 && bits == 0: // nothing is said of nothing: some clients' way to opt out
	case family == 1 && bits <= 32:
		copy(full[:4], address)
		s.addr = netip.AddrFrom4([4]byte(full[:4]))
	case family == 2 && bits <= 128:
		copy(full[:], address)
		s.addr = netip.AddrFrom16(full)
	default:
		return false
	}
	if n := int(bits) % 8; n != 0 && address[len(address)-1]<<n != 0 {
		return false // bits beyond the prefix
	}
	s.sent, s.family, s.bits, s.bytes = true, family, bits, address
	return true
}

// skipName finds the end of a name; -1 if there is none. A pointer is good only
// where compressed is: in a question there is nothing to point to.
func skipName(packet []byte, off int, compressed bool) (end, labels int) {
	start := off
	for off < len(packet) {
		switch n := int(packet[off]); {
		case n == 0:
			if off++; off-start > maxName {
				return -1, 0
			}
			return off, labels
		case n <= maxLabel:
			off += 1 + n
			labels++
		case n >= 0xc0 && compressed && off+2 <= len(packet):
			return off + 2, labels
		default:
			return -1, 0
		}
	}
	return -1, 0
}

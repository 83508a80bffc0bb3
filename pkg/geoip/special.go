package geoip

import "net/netip"

// public reports whether an address can be a client's on the public internet.
func public(a netip.Addr) bool {
	list := special4[:]
	if !a.Is4() {
		if !globalUnicast.Contains(a) {
			return false // the invalid address, too
		}
		list = special6[:]
	}
	for _, p := range list {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

func v4(a, b, c byte, bits int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{a, b, c, 0}), bits)
}

func v6(a, b uint16, bits int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{byte(a >> 8), byte(a), byte(b >> 8), byte(b)}), bits)
}

// The special-purpose registries of RFC 6890, and what is not unicast.
var (
	special4 = [...]netip.Prefix{
		v4(0, 0, 0, 8),       // this network, RFC 791
		v4(10, 0, 0, 8),      // private, RFC 1918
		v4(100, 64, 0, 10),   // carriers' NAT, RFC 6598
		v4(127, 0, 0, 8),     // loopback
		v4(169, 254, 0, 16),  // link local, RFC 3927
		v4(172, 16, 0, 12),   // private
		v4(192, 0, 0, 24),    // protocol assignments
		v4(192, 0, 2, 24),    // documentation, RFC 5737
		v4(192, 88, 99, 24),  // 6to4 relays, RFC 7526
		v4(192, 168, 0, 16),  // private
		v4(198, 18, 0, 15),   // benchmarking, RFC 2544
		v4(198, 51, 100, 24), // documentation
		v4(203, 0, 113, 24),  // documentation
		v4(224, 0, 0, 3),     // multicast and reserved
	}
	globalUnicast = v6(0x2000, 0, 3)
	special6      = [...]netip.Prefix{
		v6(0x2001, 0, 23),     // protocol assignments: Teredo, ORCHID, benchmarking
		v6(0x2001, 0xdb8, 32), // documentation, RFC 3849
		v6(0x2002, 0, 16),     // 6to4, RFC 3056
		v6(0x3fff, 0, 20),     // documentation, RFC 9637
	}
)

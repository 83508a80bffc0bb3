package dns

import (
	"net/netip"
	"slices"

	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

// scopes say how many bits of a client's address an answer depends on, apart
// from the place of the address.
type scopes struct {
	// bounds are the first addresses of the networks that rules name, and the
	// first behind each: between two of them every address matches the same.
	bounds []netip.Addr
	draws  bool // route draws by the client's network, or knows its round trips
}

func compileScopes(w route.World) (s scopes) {
	s.draws = w.Clients != nil
	for _, r := range w.Map.Regions() {
		s.draws = s.draws || r.State == region.Canary || w.Status[r.Name].Spill > 0
		for _, list := range [][]netip.Prefix{r.Serves.Networks, r.Avoid.Networks} {
			for _, p := range list {
				s.bounds = append(s.bounds, p.Addr())
				if next := last(p).Next(); next.IsValid() {
					s.bounds = append(s.bounds, next)
				}
			}
		}
	}
	slices.SortFunc(s.bounds, netip.Addr.Compare)
	s.bounds = slices.Compact(s.bounds)
	return s
}

// last is the last address of a network.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().As16()
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	for i := bits; i < 128; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	if a := netip.AddrFrom16(b); !p.Addr().Is4() {
		return a
	} else {
		return a.Unmap()
	}
}

// of is the scope of an answer to client: every address with the same bits in
// front gets the same. place is the network around client that is known to be
// in one place; invalid: the world.
func (s *scopes) of(client netip.Addr, place netip.Prefix) int {
	bits := 0
	if place.IsValid() && place.Addr().Is4() == client.Is4() {
		bits = place.Bits()
	}
	if s.draws && client.Is4() {
		bits = max(bits, 24)
	} else if s.draws {
		bits = max(bits, 48)
	}
	// The widest network that reaches neither past the bound above nor below
	// the one beneath.
	i, found := slices.BinarySearchFunc(s.bounds, client, netip.Addr.Compare)
	if found {
		i++
	}
	if i < len(s.bounds) {
		bits = max(bits, parting(client, s.bounds[i]))
	}
	if i > 0 {
		if below := s.bounds[i-1].Prev(); below.IsValid() {
			bits = max(bits, parting(client, below))
		}
	}
	return bits
}

// parting is the least number of bits that tell two addresses apart; 0 if their
// families do.
func parting(a, b netip.Addr) int {
	if a.Is4() != b.Is4() {
		return 0
	}
	x, y := a.As16(), b.As16()
	for i := range x {
		if d := x[i] ^ y[i]; d != 0 {
			n := 8*i + 1
			for ; d&0x80 == 0; d <<= 1 {
				n++
			}
			if a.Is4() {
				n -= 96
			}
			return n
		}
	}
	return a.BitLen()
}

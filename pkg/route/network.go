package route

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"mirrornet/pkg/region"
)

// networks finds the networks of the rules that an address is in. Networks nest
// or are apart, so their ends cut the addresses of a family into stretches, each
// with one innermost network; finding that is one binary search.
type networks struct {
	list   []network
	v4, v6 stretches
}

// A network is one that a rule names.
type network struct {
	prefix netip.Prefix
	outer  int32   // the next network around it; -1 none
	serves []int32 // regions with a serves rule of it
	avoids []int32
}

// stretches are in order, each up to the start of the next.
type stretches struct {
	starts []u128
	inner  []int32 // innermost network; -1 none
}

// u128 is an address as a number.
type u128 struct{ hi, lo uint64 }

func (a u128) less(b u128) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func number(a netip.Addr) u128 {
	if a.Is4() {
		b := a.As4()
		return u128{lo: uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return u128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// behind is the number after the last of a network; false if there is none.
func behind(p netip.Prefix) (u128, bool) {
	n, size := number(p.Addr()), p.Addr().BitLen()-p.Bits()
	switch {
	case size >= 64:
		hi := n.hi + 1<<(size-64) // size 128: a shift by 64 gives 0
		return u128{hi: hi}, hi > n.hi
	case p.Addr().Is4():
		lo := n.lo + 1<<size
		return u128{lo: lo}, lo <= 1<<32-1
	}
	lo := n.lo + 1<<size
	if lo > n.lo {
		return u128{n.hi, lo}, true
	}
	return u128{hi: n.hi + 1}, n.hi+1 != 0
}

func compileNetworks(regions []region.Region) (n networks) {
	named := map[netip.Prefix]*network{}
	note := func(p netip.Prefix) *network {
		p = p.Masked()
		if named[p] == nil {
			named[p] = &network{prefix: p}
		}
		return named[p]
	}
	for i := range regions {
		for _, p := range regions[i].Serves.Networks {
			of := note(p)
			of.serves = append(of.serves, int32(i))
		}
		for _, p := range regions[i].Avoid.Networks {
			of := note(p)
			of.avoids = append(of.avoids, int32(i))
		}
	}
	for _, of := range named {
		n.list = append(n.list, *of)
	}
	// A network stands in front of those inside it.
	slices.SortFunc(n.list, func(a, b network) int {
		if c := a.prefix.Addr().Compare(b.prefix.Addr()); c != 0 {
			return c
		}
		return a.prefix.Bits() - b.prefix.Bits()
	})
	n.v4, n.v6 = n.cut(true), n.cut(false)
	return n
}

// cut makes the stretches of one family and fills outer.
func (n *networks) cut(v4 bool) (s stretches) {
	begin := func(at u128, inner int32) {
		if i := len(s.starts) - 1; i >= 0 && s.starts[i] == at {
			s.inner[i] = inner // the one before it is empty
			return
		}
		s.starts, s.inner = append(s.starts, at), append(s.inner, inner)
	}
	open := int32(-1) // the innermost network that has not ended
	end := func() {
		after, ok := behind(n.list[open].prefix)
		if open = n.list[open].outer; ok {
			begin(after, open)
		}
	}
	for i := range n.list {
		p := n.list[i].prefix
		if p.Addr().Is4() != v4 {
			continue
		}
		for open >= 0 && !n.list[open].prefix.Contains(p.Addr()) {
			end()
		}
		n.list[i].outer = open
		open = int32(i)
		begin(number(p.Addr()), open)
	}
	for open >= 0 {
		end()
	}
	return s
}

// find is the innermost network around an address without zone, not 4in6; -1 if
// there is none.
func (n *networks) find(a netip.Addr) int32 {
	s := &n.v6
	if a.Is4() {
		s = &n.v4
	} else if !a.IsValid() {
		return -1
	}
	if len(s.starts) == 0 {
		return -1
	}
	at, low, high := number(a), 0, len(s.starts)
	for low < high { // the first that starts behind at
		if mid := (low + high) / 2; at.less(s.starts[mid]) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	if low == 0 {
		return -1
	}
	return s.inner[low-1]
}

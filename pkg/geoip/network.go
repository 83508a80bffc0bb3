package geoip

import "net/netip"

// Network is the network around an address in which every address has the same
// place by the same record; the zero Prefix, without a database, is the whole
// world.
func (l *Locator) Network(client netip.Addr) netip.Prefix {
	places, asns := l.places.current.Load(), l.asns.current.Load()
	client = client.Unmap().WithZone("")
	if places == nil && asns == nil || !client.IsValid() {
		return netip.Prefix{}
	}
	special := special4[:]
	if !client.Is4() {
		special = special6[:]
		if !globalUnicast.Contains(client) {
			return around(client, globalUnicast.Bits())
		}
	}
	bits := 0
	for _, db := range []*database{places, asns} {
		if db == nil {
			continue
		}
		if p := db.reader.Lookup(client).Prefix(); p.Addr().Is4() == client.Is4() {
			bits = max(bits, p.Bits())
		}
	}
	if !client.Is4() {
		bits = max(bits, globalUnicast.Bits())
	}
	for _, p := range special {
		if p.Contains(client) {
			return p // whatever the database says of parts of it
		}
		// As wide as it gets without the first address of p, which it is not in.
		for around(client, bits).Contains(p.Addr()) {
			bits++
		}
	}
	return around(client, bits)
}

func around(a netip.Addr, bits int) netip.Prefix {
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.PrefixFrom(a, a.BitLen())
	}
	return p
}

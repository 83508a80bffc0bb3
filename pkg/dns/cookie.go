package dns

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"time"
)

// cookies makes and checks server cookies (RFC 7873) in the form of RFC 9018:
// whoever sends one back has received an answer of ours at the address that it
// claims.
type cookies struct {
	k0, k1 uint64
}

const (
	clientCookie = 8
	serverCookie = 16

	// RFC 9018 §4.3: what is older is not believed; a clock may be a little ahead.
	cookieAge    = time.Hour
	cookieFuture = 5 * time.Minute
)

func newCookies(secret [16]byte) cookies {
	return cookies{binary.LittleEndian.Uint64(secret[:8]), binary.LittleEndian.Uint64(secret[8:])}
}

// append writes the client's cookie and a server's behind it.
func (c cookies) append(out, client []byte, from netip.Addr, now time.Time) []byte {
	var head [serverCookie]byte // version 1, reserved, time, hash
	head[0] = 1
	binary.BigEndian.PutUint32(head[4:], uint32(now.Unix()))
	binary.LittleEndian.PutUint64(head[8:], c.hash(client[:clientCookie], head[:8], from))
	out = append(out, client[:clientCookie]...)
	return append(out, head[:]...)
}

// good reports whether cookie holds one that was made here for that address,
// not long ago.
func (c cookies) good(cookie []byte, from netip.Addr, now time.Time) bool {
	if len(cookie) != clientCookie+serverCookie || cookie[clientCookie] != 1 {
		return false
	}
	head, sum := cookie[clientCookie:clientCookie+8], cookie[clientCookie+8:]
	// Serial number arithmetic: the clock may have wrapped.
	age := time.Duration(int32(uint32(now.Unix())-binary.BigEndian.Uint32(head[4:]))) * time.Second
	return age <= cookieAge && age >= -cookieFuture &&
		binary.LittleEndian.Uint64(sum) == c.hash(cookie[:clientCookie], head, from)
}

// hash is over client cookie, the head of the server's, and the client's
// address.
func (c cookies) hash(client, head []byte, from netip.Addr) uint64 {
	var b [clientCookie + 8 + 16]byte
	copy(b[:], client)
	copy(b[clientCookie:], head)
	n := clientCookie + 8
	if from.Is4() {
		a := from.As4()
		n += copy(b[n:], a[:])
	} else {
		a := from.As16()
		n += copy(b[n:], a[:])
	}
	return c.siphash(b[:n])
}

// siphash is SipHash-2-4 (Aumasson and Bernstein, 2012).
func (c cookies) siphash(b []byte) uint64 {
	v0, v1 := c.k0^0x736f6d6570736575, c.k1^0x646f72616e646f6d
	v2, v3 := c.k0^0x6c7967656e657261, c.k1^0x7465646279746573
	round := func() {
		v0 += v1
		v2 += v3
		v1, v3 = bits.RotateLeft64(v1, 13)^v0, bits.RotateLeft64(v3, 16)^v2
		v0 = bits.RotateLeft64(v0, 32)
		v2 += v1
		v0 += v3
		v1, v3 = bits.RotateLeft64(v1, 17)^v2, bits.RotateLeft64(v3, 21)^v0
		v2 = bits.RotateLeft64(v2, 32)
	}
	last := uint64(len(b)) << 56
	for ; len(b) >= 8; b = b[8:] {
		m := binary.LittleEndian.Uint64(b)
		v3 ^= m
		round()
		round()
		v0 ^= m
	}
	for i, x := range b {
		last |= uint64(x) << (8 * i)
	}
	v3 ^= last
	round()
	round()
	v0 ^= last
	v2 ^= 0xff
	for range 4 {
		round()
	}
	return v0 ^ v1 ^ v2 ^ v3
}

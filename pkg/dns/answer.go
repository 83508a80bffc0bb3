package dns

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"mirrornet/pkg/geo"
)

const (
	// maxUDP is what fits every path without fragments (DNS flag day 2020).
	maxUDP = 1232
	// maxAddresses bounds the addresses of an answer, and with them what a
	// query can be amplified to.
	maxAddresses = 4
	// serverTTL is that of NS records: the servers change by hand.
	serverTTL = time.Hour
)

// A worker answers one packet at a time, in memory of its own. Its answers are
// good until the next.
type worker struct {
	*Server
	counts *counts
	query  query
	lower  [maxName + 1]byte
	out    []byte
}

func (s *Server) worker(c *counts) *worker {
	return &worker{Server: s, counts: c, out: make([]byte, 0, 2048)}
}

// A reply is an answer that is being written.
type reply struct {
	q     *query
	out   []byte
	rcode int
	aa    bool
	tc    bool
	an    uint16 // records in the answer section
	ns    uint16 // in the authority section
	scope int
}

// answer answers a packet; nil: not at all. from is whoever sent it, as the
// packet says; only over TCP, or with a cookie, is that known to be true.
func (w *worker) answer(packet []byte, from netip.Addr, tcp bool, now time.Time) []byte {
	q := &w.query
	rcode, ok := q.parse(packet)
	if !ok {
		w.counts.ignored.Add(1)
		return nil
	}
	r := reply{q: q, out: append(w.out[:0], make([]byte, headerLen)...), rcode: rcode}
	r.out = append(r.out, q.question...)
	known := tcp || q.cookie != nil && w.cookies.good(q.cookie, from, now)
	switch {
	case !known && !w.limit.take(from, now):
		// Every second one is told to come over TCP, where nobody can speak for
		// others; the rest is dropped.
		if q.id%2 == 0 {
			w.counts.dropped.Add(1)
			return nil
		}
		w.counts.slipped.Add(1)
		r.rcode, r.tc = rcode, true
	case rcode == 0:
		w.resolve(&r, from)
	}
	w.finish(&r, from, tcp, now)
	w.counts.query(q.qtype, q.question != nil, r.rcode, tcp)
	if w.Logger.Enabled(context.Background(), slog.LevelDebug) {
		w.log(&r, from, tcp)
	}
	w.out = r.out[:0]
	return r.out
}

// resolve finds what is asked for.
func (w *worker) resolve(r *reply, from netip.Addr) {
	q, s := r.q, w.current.Load()
	switch {
	case q.question == nil:
		return // for a cookie alone
	case q.class != dns.ClassINET:
		r.rcode = dns.RcodeRefused
		return
	case q.qtype == dns.TypeOPT || q.qtype == dns.TypeTSIG || q.qtype == dns.TypeNone:
		r.rcode = dns.RcodeFormatError
		return
	case q.qtype == dns.TypeTKEY || q.qtype == dns.TypeMAILA || q.qtype == dns.TypeMAILB:
		r.rcode = dns.RcodeNotImplemented
		return
	}
	lower := w.lower[:copy(w.lower[:], q.name)]
	for i, c := range lower { // the lengths of labels are below 'A'
		if c >= 'A' && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	n := s.names[string(lower)]
	if n == nil {
		z := s.zoneAbove(lower, q.labels)
		if z == nil {
			r.rcode = dns.RcodeRefused
			return
		}
		r.aa, r.rcode = true, dns.RcodeNameError
		w.soa(r, z, &r.ns)
		return
	}
	r.aa = true
	switch {
	case n.kind == empty:
	case q.qtype == dns.TypeA || q.qtype == dns.TypeAAAA:
		w.addresses(r, s, n, from)
	case q.qtype == dns.TypeANY:
		w.any(r)
	case q.qtype == dns.TypeSOA && n.kind == apex:
		w.soa(r, n.zone, &r.an)
	case q.qtype == dns.TypeNS && n.kind == apex:
		for _, server := range n.zone.servers {
			w.record(r, headerLen, dns.TypeNS, serverTTL, &r.an, func() { r.name(server) })
		}
	}
	if r.an == 0 && r.rcode == 0 { // there is nothing of that type
		z := n.zone
		if q.qtype == dns.TypeDS && n.kind == apex { // speaks of a zone, and is in the one above (RFC 4035 §3.1.4.1)
			if above := s.zoneAbove(lower[1+int(lower[0]):], q.labels-1); above != nil {
				z = above
			}
		}
		w.soa(r, z, &r.ns)
	}
}

// addresses answers A and AAAA for the client: the subnet of the option, else
// whoever asks.
func (w *worker) addresses(r *reply, s *snapshot, n *node, from netip.Addr) {
	client, option := from, r.q.subnet.bits > 0
	if option {
		client = r.q.subnet.addr.Unmap()
	}
	var place geo.Place
	if w.Locator != nil {
		place = w.Locator.Locate(client)
	}
	f, other := &s.families[0], &s.families[1]
	if r.q.qtype == dns.TypeAAAA {
		f, other = other, f
	}
	var h *hosts
	byClient := true
	if n.kind == own {
		h, byClient = f.ofRegion(n.region, client, place, n.zone.host)
	} else {
		h = f.choose(client, place, n.zone.host)
	}
	if byClient && option {
		var network netip.Prefix
		if w.Locator != nil {
			network = w.Locator.Network(client)
		}
		r.scope = s.scopes.of(client, network)
	}
	if h == nil {
		if other.last == nil { // nothing to say of any address; another server may know more
			r.aa, r.rcode = false, dns.RcodeServerFailure
		}
		return
	}
	count := h.len()
	for i := range min(count, maxAddresses) {
		at := (int(r.q.id) + i) % count * h.size // the id is drawn by the client: every address comes first as often
		w.record(r, headerLen, r.q.qtype, w.TTL, &r.an, func() { r.out = append(r.out, h.bytes[at:at+h.size]...) })
	}
}

// any answers ANY with the least there is (RFC 8482 §4.2).
func (w *worker) any(r *reply) {
	w.record(r, headerLen, dns.TypeHINFO, w.TTL, &r.an, func() { r.out = append(r.out, "\x07RFC8482\x00"...) })
}

func (w *worker) soa(r *reply, z *zone, section *uint16) {
	w.record(r, headerLen+len(r.q.name)-len(z.apex), dns.TypeSOA, w.TTL, section, func() {
		r.name(z.servers[0])
		r.name(z.contact)
		r.out = binary.BigEndian.AppendUint32(r.out, z.serial)
		for _, d := range []time.Duration{2 * time.Hour, 15 * time.Minute, 14 * 24 * time.Hour, w.TTL} { // refresh, retry, expire; negative answers
			r.out = binary.BigEndian.AppendUint32(r.out, uint32(d/time.Second))
		}
	})
}

// record writes one record. owner is where its name stands in the answer: the
// question, or its end.
func (w *worker) record(r *reply, owner int, rrtype uint16, ttl time.Duration, section *uint16, data func()) {
	r.out = binary.BigEndian.AppendUint16(r.out, 0xc000|uint16(owner))
	r.out = binary.BigEndian.AppendUint16(r.out, rrtype)
	r.out = binary.BigEndian.AppendUint16(r.out, dns.ClassINET)
	r.out = binary.BigEndian.AppendUint32(r.out, uint32(ttl/time.Second))
	r.out = append(r.out, 0, 0)
	start := len(r.out)
	data()
	binary.BigEndian.PutUint16(r.out[start-2:], uint16(len(r.out)-start))
	*section++
}

func (r *reply) name(n name) {
	if r.out = append(r.out, n.head...); n.shared > 0 {
		r.out = binary.BigEndian.AppendUint16(r.out, 0xc000|uint16(headerLen+len(r.q.name)-1-n.shared))
	}
}

// finish writes OPT and header, and cuts what is too long.
func (w *worker) finish(r *reply, from netip.Addr, tcp bool, now time.Time) {
	q, limit := r.q, dns.MaxMsgSize
	if !tcp {
		limit = min(q.size, maxUDP)
	}
	body := len(r.out)
	w.opt(r, from, now)
	if len(r.out) > limit {
		// The client comes back over TCP: what is cut is of no use to it.
		opt := r.out[body:]
		r.out = append(r.out[:headerLen+len(q.question)], opt...)
		r.an, r.ns, r.tc = 0, 0, true
		w.counts.truncated.Add(1)
	}
	h := r.out[:headerLen]
	clear(h)
	binary.BigEndian.PutUint16(h, q.id)
	h[2] = 0x80 | byte(q.opcode)<<3
	if r.aa {
		h[2] |= 4
	}
	if r.tc {
		h[2] |= 2
	}
	if q.rd {
		h[2] |= 1
	}
	h[3] = byte(r.rcode & 0xf)
	if q.question != nil {
		h[5] = 1
	}
	binary.BigEndian.PutUint16(h[6:], r.an)
	binary.BigEndian.PutUint16(h[8:], r.ns)
	if q.edns {
		h[11] = 1
	}
}

// opt writes the OPT record, to clients that sent one.
func (w *worker) opt(r *reply, from netip.Addr, now time.Time) {
	q := r.q
	if !q.edns {
		return
	}
	var do byte
	if q.do {
		do = 0x80
	}
	r.out = append(r.out, 0, 0, byte(dns.TypeOPT), maxUDP>>8, maxUDP&0xff, byte(r.rcode>>4), 0, do, 0, 0, 0)
	start := len(r.out)
	if r.rcode == dns.RcodeFormatError || r.rcode == dns.RcodeBadVers {
		return // its options were not read to the end
	}
	option := func(code uint16, data func()) {
		r.out = binary.BigEndian.AppendUint16(r.out, code)
		r.out = append(r.out, 0, 0)
		at := len(r.out)
		data()
		binary.BigEndian.PutUint16(r.out[at-2:], uint16(len(r.out)-at))
	}
	if q.cookie != nil {
		option(dns.EDNS0COOKIE, func() { r.out = w.cookies.append(r.out, q.cookie, from, now) })
	}
	if q.subnet.sent {
		option(dns.EDNS0SUBNET, func() {
			r.out = binary.BigEndian.AppendUint16(r.out, q.subnet.family)
			r.out = append(append(r.out, q.subnet.bits, byte(r.scope)), q.subnet.bytes...)
		})
	}
	if q.nsid && !r.tc {
		option(dns.EDNS0NSID, func() { r.out = append(r.out, w.Node...) })
	}
	binary.BigEndian.PutUint16(r.out[start-2:], uint16(len(r.out)-start))
}

// zoneAbove is the zone that a name of so many labels stands in; nil: in none.
func (s *snapshot) zoneAbove(lower []byte, n int) *zone {
	for ; n > 0; n-- {
		if n <= s.deepest {
			if z := s.zones[string(lower)]; z != nil {
				return z
			}
		}
		lower = lower[1+int(lower[0]):]
	}
	return nil
}

func (w *worker) log(r *reply, from netip.Addr, tcp bool) {
	name, _, err := dns.UnpackDomainName(r.out[:headerLen+len(r.q.question)], headerLen)
	if err != nil {
		name = ""
	}
	attrs := []slog.Attr{slog.String("client", from.String()), slog.String("name", name), slog.String("type", dns.Type(r.q.qtype).String()),
		slog.String("rcode", rcodeName(r.rcode)), slog.Bool("tcp", tcp), slog.Int("bytes", len(r.out))}
	if s := r.q.subnet; s.bits > 0 {
		attrs = append(attrs, slog.String("subnet", netip.PrefixFrom(s.addr, int(s.bits)).String()), slog.Int("scope", r.scope))
	}
	w.Logger.LogAttrs(context.Background(), slog.LevelDebug, "dns query", attrs...)
}

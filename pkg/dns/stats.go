package dns

import (
	"sync/atomic"

	"github.com/miekg/dns"
)

// counts are those of one worker; each has its own, so that counting is no
// meeting place of cores.
type counts struct {
	queries   [len(types) + 1][2]atomic.Uint64 // by type; over UDP, TCP
	answers   [len(rcodes) + 1]atomic.Uint64
	ignored   atomic.Uint64
	slipped   atomic.Uint64
	dropped   atomic.Uint64
	truncated atomic.Uint64
	panics    atomic.Uint64
	_         [64]byte
}

// What is told apart in metrics; all else is "other".
var (
	types  = [...]uint16{dns.TypeA, dns.TypeAAAA, dns.TypeNS, dns.TypeSOA, dns.TypeANY, dns.TypeHTTPS, dns.TypeTXT, dns.TypeCAA}
	rcodes = [...]int{dns.RcodeSuccess, dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeNameError, dns.RcodeNotImplemented, dns.RcodeRefused, dns.RcodeBadVers}
)

func (c *counts) query(qtype uint16, asked bool, rcode int, tcp bool) {
	i, over := len(types), 0
	for j, t := range types {
		if asked && t == qtype {
			i = j
		}
	}
	if tcp {
		over = 1
	}
	c.queries[i][over].Add(1)
	i = len(rcodes)
	for j, r := range rcodes {
		if r == rcode {
			i = j
		}
	}
	c.answers[i].Add(1)
}

// Counters is where a Server publishes its counters: name, help, constant
// labels, and a function that gives the value when it is asked for.
type Counters interface {
	Counter(name, help string, labels map[string]string, value func() float64)
	Gauge(name, help string, labels map[string]string, value func() float64)
}

// Publish makes the Server's counters known.
func (s *Server) Publish(to Counters) {
	sum := func(of func(*counts) *atomic.Uint64) func() float64 {
		return func() (n float64) {
			for i := range s.counts {
				n += float64(of(&s.counts[i]).Load())
			}
			return n
		}
	}
	for i := range len(types) + 1 {
		for over, transport := range [2]string{"udp", "tcp"} {
			label := "other"
			if i < len(types) {
				label = dns.TypeToString[types[i]]
			}
			to.Counter("mirrornet_dns_queries_total", "DNS queries that were answered, by type.", map[string]string{"type": label, "transport": transport},
				sum(func(c *counts) *atomic.Uint64 { return &c.queries[i][over] }))
		}
	}
	for i := range len(rcodes) + 1 {
		label := "other"
		if i < len(rcodes) {
			label = rcodeName(rcodes[i])
		}
		to.Counter("mirrornet_dns_answers_total", "DNS answers, by response code.", map[string]string{"rcode": label},
			sum(func(c *counts) *atomic.Uint64 { return &c.answers[i] }))
	}
	const limited = "DNS queries over the limit of their network: told to come over TCP, or not answered."
	to.Counter("mirrornet_dns_limited_total", limited, map[string]string{"result": "tcp"}, sum(func(c *counts) *atomic.Uint64 { return &c.slipped }))
	to.Counter("mirrornet_dns_limited_total", limited, map[string]string{"result": "none"}, sum(func(c *counts) *atomic.Uint64 { return &c.dropped }))
	to.Counter("mirrornet_dns_truncated_total", "DNS answers over UDP that were too long.", nil, sum(func(c *counts) *atomic.Uint64 { return &c.truncated }))
	to.Counter("mirrornet_dns_ignored_total", "Packets that were no DNS query.", nil, sum(func(c *counts) *atomic.Uint64 { return &c.ignored }))
	to.Counter("mirrornet_dns_panics_total", "Queries that met a fault of this program.", nil, sum(func(c *counts) *atomic.Uint64 { return &c.panics }))
	to.Gauge("mirrornet_dns_connections", "DNS clients connected over TCP.", nil, func() float64 { return float64(s.connections.Load()) })
}

// rcodeName: 16 is BADVERS in answers, and BADSIG in records that are not made
// here.
func rcodeName(rcode int) string {
	if rcode == dns.RcodeBadVers {
		return "BADVERS"
	}
	return dns.RcodeToString[rcode]
}

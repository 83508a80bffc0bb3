package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"mirrornet/pkg/dns"
	"mirrornet/pkg/edge"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

// dnsSettings are listen.dns of edge.yaml as written.
type dnsSettings struct {
	Listen string   `yaml:"listen"`
	Names  []string `yaml:"names"`
	TTL    string   `yaml:"ttl"`
	Limit  string   `yaml:"limit"`
}

func (d *dnsSettings) all() []setting {
	return []setting{
		{"listen.dns.listen", &d.Listen, false, "address of the DNS server for the canonical names, UDP and TCP; empty: none"},
		{"listen.dns.names", &d.Names, false, "hostnames of the network's DNS servers; empty: the regions' hostnames"},
		{"listen.dns.ttl", &d.TTL, false, "how long DNS answers hold; empty: 20s"},
		{"listen.dns.limit", &d.Limit, false, "DNS answers a second over UDP to one client network, a /24 or a /56; 0: any number; empty: 500"},
	}
}

// dnsConfig is what they mean.
type dnsConfig struct {
	listen string // empty: none
	names  []string
	ttl    time.Duration
	limit  int // -1: none
}

var serverName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?$`)

func (s *settings) dns(c *config, wrong func(field, format string, args ...any)) {
	d := s.Listen.DNS
	for i, a := range s.Addresses {
		addr, err := netip.ParseAddr(a)
		if err != nil || addr.Zone() != "" || addr.IsUnspecified() || addr.IsMulticast() {
			wrong(fmt.Sprintf("addresses[%d]", i), "%q is no IP address of a node; write one like 198.51.100.7", a)
			continue
		}
		c.addresses = append(c.addresses, addr.Unmap())
	}
	if len(s.Addresses) > edge.MaxAddresses {
		wrong("addresses", "%d are more than the %d of a node that others believe; leave some out", len(s.Addresses), edge.MaxAddresses)
	}
	c.dns = dnsConfig{listen: d.Listen, names: d.Names, ttl: 20 * time.Second, limit: 500}
	var err error
	if d.TTL == "" {
	} else if c.dns.ttl, err = time.ParseDuration(d.TTL); err != nil || c.dns.ttl < time.Second || c.dns.ttl > 24*time.Hour || c.dns.ttl%time.Second != 0 {
		wrong("listen.dns.ttl", "%q is no time of whole seconds up to a day; write one like 20s", d.TTL)
	}
	if d.Limit == "" {
	} else if c.dns.limit, err = strconv.Atoi(d.Limit); err != nil || c.dns.limit < 0 || c.dns.limit > 1_000_000 {
		wrong("listen.dns.limit", "%q is no number up to 1000000; write one like 500, or 0 for none", d.Limit)
	} else if c.dns.limit == 0 {
		c.dns.limit = -1
	}
	for i, n := range d.Names {
		if len(n) > 253 || !serverName.MatchString(n) {
			wrong(fmt.Sprintf("listen.dns.names[%d]", i), "%q is no hostname; write one like ns1.example.org", n)
		}
	}
	if d.Listen == "" {
		if len(d.Names) > 0 {
			wrong("listen.dns.listen", "is required with listen.dns.names; write an address like 0.0.0.0:53")
		}
		return
	}
	if _, port, err := net.SplitHostPort(d.Listen); err != nil || !goodPort(port) {
		wrong("listen.dns.listen", "%q is no address with a port; write one like 0.0.0.0:53", d.Listen)
	}
	if len(s.Addresses) == 0 {
		wrong("addresses", "is required with listen.dns.listen, or no DNS answer would lead to this node; write its public addresses, like [198.51.100.7]")
	}
}

// dnsText is the listener for people.
func (c config) dnsText() string {
	if c.dns.listen == "" {
		return ""
	}
	return ", dns " + c.dns.listen
}

// dnsSettle is what it takes to join and to probe everybody, with room.
const dnsSettle = 5 * time.Second

// openDNS listens. The server answers while its Run runs.
func (n *node) openDNS() (*dns.Server, error) {
	c, settle := n.config.dns, time.Duration(0)
	if n.gossip != nil {
		settle = dnsSettle
	}
	s, err := dns.New(dns.Config{Listen: c.listen, Node: n.config.node, Names: c.names, TTL: c.ttl, Limit: c.limit,
		Settle: settle, Network: dnsNetwork{n}, Locator: n.geo, Logger: n.logger})
	switch {
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("listen.dns.listen: %w; ports below 1024 are for root and for programs with the capability CAP_NET_BIND_SERVICE", err)
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen.dns.listen: %w; where a resolver of the machine's own has the port, write this node's address instead of 0.0.0.0", err)
	case err != nil:
		return nil, fmt.Errorf("listen.dns.listen: %w", err)
	}
	s.Publish(n.metrics)
	return s, nil
}

// dnsNetwork is the network as the DNS server sees it.
type dnsNetwork struct{ *node }

func (d dnsNetwork) World() route.World { return d.edge.World() }

func (d dnsNetwork) Addresses() map[region.Name][]dns.Address {
	all := map[region.Name][]dns.Address{}
	for name, list := range d.edge.Addresses() {
		for _, a := range list {
			all[name] = append(all[name], dns.Address{Addr: a.Addr, Serving: a.Serving})
		}
	}
	return all
}

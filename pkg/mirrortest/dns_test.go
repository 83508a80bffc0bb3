package mirrortest

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// resolve asks the edge on a port of make run for the addresses of the
// canonical name, as a resolver of that subnet's clients does.
func (n *Network) resolve(port int, qtype uint16, subnet string) ([]string, error) {
	q := &dns.Msg{}
	q.SetQuestion("rest.localhost.", qtype)
	q.SetEdns0(1232, false)
	opt := q.IsEdns0()
	ip, network, err := net.ParseCIDR(subnet)
	if err != nil {
		return nil, err
	}
	o := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 2, Address: ip}
	if ip.To4() != nil {
		o.Family = 1
	}
	bits, _ := network.Mask.Size()
	o.SourceNetmask = uint8(bits)
	opt.Option = append(opt.Option, o)
	client := &dns.Client{Timeout: 2 * time.Second}
	a, _, err := client.Exchange(q, fmt.Sprintf("127.0.0.1:%d", n.Port(port)))
	if err != nil {
		return nil, err
	}
	if a.Rcode != dns.RcodeSuccess {
		return nil, fmt.Errorf("%s", dns.RcodeToString[a.Rcode])
	}
	var out []string
	for _, rr := range a.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			out = append(out, rr.A.String())
		case *dns.AAAA:
			out = append(out, rr.AAAA.String())
		}
	}
	return out, nil
}

// Every edge answers DNS with the addresses of all of them, learned by gossip;
// a region that is killed is in no answer after 3 s, and back when it is.
func TestDNS(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts seven processes")
	}
	n := Start(t)
	const europe, asia, useast = 9481, 9482, 9483
	leads := func(port int, qtype uint16, subnet, want string) func() error {
		return func() error {
			got, err := n.resolve(port, qtype, subnet)
			if err == nil && !slices.Equal(got, strings.Fields(want)) {
				err = fmt.Errorf("%v", got)
			}
			return err
		}
	}
	all := []int{europe, asia, useast}
	for _, port := range all {
		for subnet, last := range map[string]string{"133.39.1.0/24": "82", "130.14.29.0/24": "83", "193.62.192.0/24": "81", "2001:200::/48": "82"} {
			Within(t, 5*time.Second, fmt.Sprintf("%d leads %s to .%s", port, subnet, last), leads(port, dns.TypeA, subnet, "192.0.2."+last))
			Within(t, 5*time.Second, "and by IPv6", leads(port, dns.TypeAAAA, subnet, "2001:db8::"+last))
		}
	}
	n.Signal("edge asia", syscall.SIGKILL)
	for _, port := range []int{europe, useast} {
		if took := Within(t, 10*time.Second, fmt.Sprintf("%d leads nobody to asia", port), leads(port, dns.TypeA, "133.39.1.0/24", "192.0.2.81")); took > 3*time.Second {
			t.Errorf("a killed region was in the answers of %d for %s", port, took)
		}
	}
	n.Edge("asia")
	for _, port := range all {
		Within(t, 15*time.Second, fmt.Sprintf("%d leads to asia again", port), leads(port, dns.TypeA, "133.39.1.0/24", "192.0.2.82"))
	}
	metrics := n.Get(9081, "/metrics").Text
	if !strings.Contains(metrics, `mirrornet_dns_answers_total{rcode="NOERROR"}`) {
		t.Error("the metrics say nothing of DNS")
	}
}

package dns_test

import (
	"context"
	"fmt"
	"net/netip"

	wire "github.com/miekg/dns"

	"mirrornet/pkg/dns"
	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

// two is a network of two regions.
type two struct{ m *region.Map }

func (t two) World() route.World {
	return route.World{Map: t.m, Self: "asia", Status: map[region.Name]route.Status{"asia": {Serving: true}, "europe": {Serving: true}}}
}

func (two) Addresses() map[region.Name][]dns.Address {
	return map[region.Name][]dns.Address{
		"asia":   {{Addr: netip.MustParseAddr("203.0.113.1"), Serving: true}},
		"europe": {{Addr: netip.MustParseAddr("198.51.100.1"), Serving: true}, {Addr: netip.MustParseAddr("198.51.100.2")}},
	}
}

func ExampleServer() {
	point := func(lat, lon float64) geo.Point { p, _ := geo.At(lat, lon); return p }
	m, err := region.NewMap(region.Network{Canonical: []string{"https://rest.example.org"}, Home: "europe"},
		region.Region{Name: "asia", URL: "https://asia.example.org", Location: point(1.35, 103.8), Serves: region.Rules{Networks: []netip.Prefix{netip.MustParsePrefix("133.39.0.0/16")}}},
		region.Region{Name: "europe", URL: "https://europe.example.org", Location: point(52.1, 0.2)})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := dns.New(dns.Config{Listen: "127.0.0.1:0", Network: two{m}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()

	for _, subnet := range []string{"133.39.1.0", "193.62.192.0"} {
		q := new(wire.Msg)
		q.SetQuestion("rest.example.org.", wire.TypeA)
		q.SetEdns0(1232, false)
		q.IsEdns0().Option = []wire.EDNS0{&wire.EDNS0_SUBNET{Code: wire.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: netip.MustParseAddr(subnet).AsSlice()}}
		a, err := wire.Exchange(q, s.Addr().String())
		if err != nil {
			fmt.Println(err)
			continue
		}
		scope := a.IsEdns0().Option[0].(*wire.EDNS0_SUBNET).SourceScope
		fmt.Printf("%s: %s, and so is all of its /%d\n", subnet, a.Answer[0].(*wire.A).A, scope)
	}
	cancel()
	fmt.Println(<-ended)
	// Output:
	// 133.39.1.0: 203.0.113.1, and so is all of its /16
	// 193.62.192.0: 198.51.100.1, and so is all of its /2
	// <nil>
}

package route_test

import (
	"fmt"
	"net/netip"

	"mirrornet/pkg/geo"
	"mirrornet/pkg/region"
	"mirrornet/pkg/route"
)

func Example() {
	regions, err := region.Load("testdata/regions")
	if err != nil {
		fmt.Println(err)
		return
	}
	world := route.World{Map: regions, Self: "europe", Status: map[region.Name]route.Status{
		"asia":   {Serving: true},
		"europe": {Serving: true},
	}}
	d := route.Compile(world).Explain(route.Query{
		Client: netip.MustParseAddr("133.39.1.1"), Place: geo.Place{Country: "JP"},
		Host: "rest.example.org", Method: "GET", Navigation: true,
	})
	fmt.Println(d.Action, d.URL)
	for _, c := range d.Candidates {
		fmt.Printf("%s: %s\n", c.Region, c.Reason)
	}
	// Output:
	// redirect https://asia.example.org:8443
	// asia: chosen by its rule continent AS
	// europe: no rule of its own matches, and asia has continent AS
	// useast: not confirmed serving
}

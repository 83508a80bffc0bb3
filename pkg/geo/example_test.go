package geo_test

import (
	"fmt"

	"mirrornet/pkg/geo"
)

func Example() {
	hinxton, _ := geo.At(52.0797, 0.1863)
	singapore, _ := geo.At(1.3521, 103.8198)
	japan, _ := geo.CountryPoint("JP")
	fmt.Printf("Japan (%s): %.0f km to Hinxton, %.0f km to Singapore\n",
		geo.ContinentOf("JP"), japan.DistanceKm(hinxton), japan.DistanceKm(singapore))
	// Output: Japan (AS): 9331 km to Hinxton, 5254 km to Singapore
}

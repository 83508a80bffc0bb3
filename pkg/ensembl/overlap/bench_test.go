package overlap_test

import (
	"testing"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/goldentest"
	"mirrornet/pkg/ensembl/overlap"
	"mirrornet/pkg/origin"
)

// BenchmarkRegion asks for a megabase of the reference's test databases.
func BenchmarkRegion(b *testing.B) {
	h, err := origin.New(origin.Config{Modules: []ensembl.Module{overlap.Module()}, Genome: goldentest.Genome(b), Limits: goldentest.Limits()})
	if err != nil {
		b.Fatal(err)
	}
	const at = "/overlap/region/homo_sapiens/6:1000000-2000000?"
	for name, query := range map[string]string{
		"genes+transcripts": "feature=gene;feature=transcript",
		"exons":             "feature=exon;feature=cds",
		"repeats":           "feature=repeat",
		"contig":            "coord_system=contig;feature=gene",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if w := get(h, at+query, "application/json"); w.Code >= 500 {
					b.Fatal(w.Body)
				}
			}
		})
	}
}

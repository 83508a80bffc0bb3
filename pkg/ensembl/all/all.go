// Package all lists the modules of the API: one line adds one.
package all

import (
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/archive"
	"mirrornet/pkg/ensembl/info"
	"mirrornet/pkg/ensembl/lookup"
	"mirrornet/pkg/ensembl/mapping"
	"mirrornet/pkg/ensembl/ontology"
	"mirrornet/pkg/ensembl/overlap"
	"mirrornet/pkg/ensembl/sequence"
	"mirrornet/pkg/ensembl/taxonomy"
	"mirrornet/pkg/ensembl/xrefs"
)

// Modules are all modules, in the order of the documentation.
func Modules() []ensembl.Module {
	return []ensembl.Module{
		archive.Module(),
		xrefs.Module(),
		info.Module(),
		lookup.Module(),
		mapping.Module(),
		overlap.Module(),
		ontology.Module(),
		taxonomy.Module(),
		sequence.Module(),
	}
}

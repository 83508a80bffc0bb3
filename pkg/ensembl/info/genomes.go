package info

import (
	"context"
	"net/url"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
)

// genomes are the endpoints over Ensembl's metadata database, which is not
// among the dumps that can be loaded. They are stated so that an origin in
// front of another server gives them freshness and keys; from a genome file
// they say what the reference says without that database.
func genomes() []ensembl.Endpoint {
	expand := apispec.Param{Name: "expand", In: apispec.InQuery, Type: apispec.Boolean, Description: "Add the genomes' sequences; can be very large"}
	by := func(id, path, param, description, sample, summary string) ensembl.Endpoint {
		return get(id, path, summary, noMetadata, nil, func(e *apispec.Endpoint) {
			e.Params = []apispec.Param{{Name: param, In: apispec.InPath, Type: apispec.String, Required: true,
				Description: description, Examples: []string{sample}}, expand}
			e.Examples = example(strings.ReplaceAll(path, "{"+param+"}", url.PathEscape(sample)))
		})
	}
	list := []ensembl.Endpoint{
		get("info_eg_version", "/info/eg_version", "Version of the Ensembl Genomes databases", noMetadata, nil, func(e *apispec.Endpoint) { e.Examples = example("/info/eg_version") }),
		get("info_divisions", "/info/divisions", "Divisions of Ensembl that genomes are known of", noMetadata, nil, func(e *apispec.Endpoint) { e.Examples = example("/info/divisions") }),
		by("info_genome", "/info/genomes/{genome_name}", "genome_name", "Production name of a genome", "homo_sapiens", "A genome by its name"),
		by("info_genomes_division", "/info/genomes/division/{division_name}", "division_name", "Name of a division", "EnsemblPlants", "All genomes of a division"),
		by("info_genomes_assembly", "/info/genomes/assembly/{assembly_id}", "assembly_id", "INSDC identifier of an assembly", "GCA_000005005.6", "The genome with an assembly"),
		by("info_genomes_accession", "/info/genomes/accession/{accession}", "accession", "INSDC accession of a sequence", "U00096", "Genomes that hold a sequence"),
		by("info_genomes_taxonomy", "/info/genomes/taxonomy/{taxon_name}", "taxon_name", "Name or NCBI number of a taxon", "Homo sapiens", "All genomes under a taxon"),
	}
	for i := range list {
		list[i].Unserved = true
	}
	return list
}

func noMetadata(context.Context, ensembl.Call) (ensembl.Answer, error) {
	return ensembl.Answer{}, ensembl.BadRequest("Could not get genome info adaptor")
}

package info

import (
	"context"
	"regexp"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/holdings"
)

// comparative are the endpoints about comparative genomics' analyses.
func comparative() []ensembl.Endpoint {
	compara := apispec.Param{Name: "compara", In: apispec.InQuery, Type: apispec.String, Default: "vertebrates", CaseBlind: true,
		Description: "Database of comparative genomics, as /info/comparas names it"}
	return []ensembl.Endpoint{
		get("info_compara_methods", "/info/compara/methods", "Methods of comparative genomics, by class of their results", methods, map[string][]string{}, func(e *apispec.Endpoint) {
			e.Params = []apispec.Param{{Name: "class", In: apispec.InQuery, Type: apispec.String,
				Description: "Only classes that match this regular expression", Examples: []string{"GenomicAlign"}}, compara}
			e.Examples = example("/info/compara/methods", "/info/compara/methods?class=Homology")
		}),
		get("info_compara_species_sets", "/info/compara/species_sets/{method}", "Sets of species that a method was run on", speciesSets, new([]speciesSet), func(e *apispec.Endpoint) {
			e.Params = []apispec.Param{{Name: "method", In: apispec.InPath, Type: apispec.String, Required: true, CaseBlind: true,
				Description: "Method, as /info/compara/methods names it", Examples: []string{"EPO"}}, compara}
			e.Examples = example("/info/compara/species_sets/EPO")
		}),
	}
}

// comparaOf finds the database that the request names.
func comparaOf(c ensembl.Call) (*genomedb.Database, error) {
	name := c.Value("compara")
	owner := name
	if owner == "" || strings.EqualFold(owner, "vertebrates") {
		owner = "multi"
	}
	if db, ok := c.Genome.Owned(owner, "compara"); ok {
		return db, nil
	}
	return nil, ensembl.BadRequest("Can not find internal name for species '%s'", name)
}

func methods(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	db, err := comparaOf(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	class, err := regexp.Compile(c.Query.Get("class"))
	if err != nil {
		return ensembl.Answer{}, ensembl.BadRequest("class '%s' is not a regular expression", c.Query.Get("class"))
	}
	types := map[string][]string{}
	all, err := holdings.Methods(ctx, db)
	for _, m := range all {
		if class.MatchString(m.Class) {
			types[m.Class] = append(types[m.Class], m.Type)
		}
	}
	return ensembl.Answer{Value: types}, err
}

type speciesSet struct {
	Name    string   `json:"name"`
	Method  string   `json:"method"`
	Group   string   `json:"species_set_group"`
	Species []string `json:"species_set"`
}

func speciesSets(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	db, err := comparaOf(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	sets, err := holdings.SpeciesSets(ctx, db, c.Path["method"])
	list := []speciesSet{}
	for _, s := range sets {
		list = append(list, speciesSet(*s))
	}
	return ensembl.Answer{Value: list}, err
}

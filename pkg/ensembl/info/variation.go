package info

import (
	"context"
	"slices"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	model "mirrornet/pkg/genomedb/variation"
)

// variation are the endpoints about variants' sources, the populations that
// they were found in, and what they can do.
func variation() []ensembl.Endpoint {
	filter := func(description string, examples ...string) apispec.Param {
		return apispec.Param{Name: "filter", In: apispec.InQuery, Type: apispec.String, Description: description, Examples: examples}
	}
	list := []ensembl.Endpoint{
		get("info_variation", "/info/variation/{species}", "Sources of a species' variants", variationSources, []source{}, func(e *apispec.Endpoint) {
			e.Params = []apispec.Param{filter("Only the source of this name", "dbSNP")}
			ofSpecies(e)
			e.Examples = example("/info/variation/homo_sapiens", "/info/variation/homo_sapiens?filter=dbSNP")
		}),
		get("info_variation_consequence_types", "/info/variation/consequence_types", "Everything that a variant can do to a feature", consequenceTypes, []consequence{}, func(e *apispec.Endpoint) {
			e.Params = []apispec.Param{{Name: "rank", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
				Description: "Add how severe each is; 1 is the most severe"}}
			e.Examples = example("/info/variation/consequence_types?rank=1")
		}),
		get("info_variation_populations", "/info/variation/populations/{species}", "Populations in which a species' variants were looked for", populations, []peoples{}, func(e *apispec.Endpoint) {
			p := filter("LD: only populations that linkage disequilibrium is worked out for", "LD")
			p.Allowed = []string{"LD"}
			e.Params = []apispec.Param{p}
			ofSpecies(e)
			e.Examples = example("/info/variation/populations/homo_sapiens?filter=LD")
		}),
		get("info_variation_population_name", "/info/variation/populations/{species}/{population_name}", "A population with its individuals", population, []peoples{}, func(e *apispec.Endpoint) {
			e.Params = []apispec.Param{{Name: "population_name", In: apispec.InPath, Type: apispec.String, Required: true,
				Description: "Name of a population", Examples: []string{"1000GENOMES:phase_3:ASW"}}}
			ofSpecies(e)
			e.Examples = example("/info/variation/populations/homo_sapiens/1000GENOMES:phase_3:ASW")
		}),
	}
	list[3].Elsewhere = example("/info/variation/populations/homo_sapiens/BUSHMAN:BANTU")
	return list
}

// variationOf finds the variation database of the path's species; ok is false
// where the species has none.
func variationOf(c ensembl.Call) (s *genomedb.Species, db *genomedb.Database, ok bool, err error) {
	name := c.Path["species"]
	if s, ok = c.Genome.Resolve(name); !ok {
		if !ownsAny(c.Genome, name) {
			return nil, nil, false, ensembl.BadRequest("Can not find internal name for species '%s'", name)
		}
		return nil, nil, false, nil
	}
	db, ok = s.Database("variation")
	return s, db, ok, nil
}

type source struct {
	Name        string    `json:"name"`
	Version     *string   `json:"version,omitempty"`
	Description *string   `json:"description"`
	URL         *string   `json:"url"`
	Type        *string   `json:"type,omitempty"`
	Somatic     *string   `json:"somatic_status,omitempty"`
	DataTypes   []*string `json:"data_types,omitempty"`
}

func variationSources(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	s, db, ok, err := variationOf(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	if !ok {
		return ensembl.Answer{}, ensembl.BadRequest("Variation sources not found for %s", c.Path["species"])
	}
	sources, err := model.Sources(ctx, db, optional(c, "filter"))
	if err != nil {
		return ensembl.Answer{}, err
	}
	if c.Query.Has("filter") {
		if len(sources) == 0 {
			return ensembl.Answer{}, ensembl.BadRequest("Variation source '%s' not found for %s", c.Query.Get("filter"), c.Path["species"])
		}
		sources = sources[:1]
	}
	list := []source{}
	for _, s := range sources {
		list = append(list, source{s.Name, s.Version, s.Description, s.URL, s.Kind, s.Somatic, s.DataTypes})
	}
	return tagged(s, list), nil
}

// optional is a parameter that means something when it is empty, too.
func optional(c ensembl.Call, name string) *string {
	if !c.Query.Has(name) {
		return nil
	}
	v := c.Query.Get(name)
	return &v
}

type consequence struct {
	Accession   string `json:"SO_accession"`
	Term        string `json:"SO_term"`
	Label       string `json:"label"`
	Description string `json:"description"`
	Rank        string `json:"consequence_ranking,omitempty"`
}

func consequenceTypes(_ context.Context, c ensembl.Call) (ensembl.Answer, error) {
	list := []consequence{}
	for _, x := range model.Consequences() {
		if !c.Query.Bool("rank") {
			x.Rank = ""
		}
		list = append(list, consequence{x.Accession, x.Term, x.Label, x.Description, x.Rank})
	}
	return ensembl.Answer{Value: list}, nil
}

type individual struct {
	Name   *string `json:"name"`
	Gender *string `json:"gender,omitempty"`
}

type peoples struct {
	Name        *string      `json:"name"`
	Description *string      `json:"description"`
	Size        *int64       `json:"size"`
	Individuals []individual `json:"individuals,omitempty"`
}

func populationsOf(c ensembl.Call) (*genomedb.Species, *genomedb.Database, error) {
	s, db, ok, err := variationOf(c)
	if err == nil && !ok {
		err = ensembl.BadRequest("Species %s does not have population data.", c.Path["species"])
	}
	return s, db, err
}

func populations(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	s, db, err := populationsOf(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	var found []model.Population
	switch f := optional(c, "filter"); {
	case f == nil:
		found, err = model.Populations(ctx, db)
	case *f == "LD":
		found, err = model.LDPopulations(ctx, db)
	default:
		err = ensembl.BadRequest("Unknown filter option '%s'", *f)
	}
	if err != nil {
		return ensembl.Answer{}, err
	}
	list := []peoples{}
	for _, p := range found {
		list = append(list, peoples{Name: p.Name, Description: p.Description, Size: p.Size})
	}
	return tagged(s, list), nil
}

func population(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	s, db, err := populationsOf(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	p, ok, err := model.PopulationNamed(ctx, db, c.Path["population_name"])
	if err == nil && !ok {
		err = ensembl.BadRequest("Population '%s' not found.", c.Path["population_name"])
	}
	if err != nil {
		return ensembl.Answer{}, err
	}
	people, err := model.Individuals(ctx, db, p.ID)
	if err != nil {
		return ensembl.Answer{}, err
	}
	out := peoples{Name: p.Name, Description: p.Description, Size: p.Size}
	for _, i := range people {
		out.Individuals = append(out.Individuals, individual{i.Name, i.Gender})
	}
	return tagged(s, []peoples{out}), nil
}

// ownsAny says whether a database belongs to that name, which is no species'.
func ownsAny(r *genomedb.Registry, name string) bool {
	return slices.ContainsFunc(r.Databases(), func(db *genomedb.Database) bool { return strings.EqualFold(db.Owner, name) })
}

package info

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/holdings"
)

// features are the tables that an external database's entries can stand in.
var features = []string{"dna_align_feature", "protein_align_feature", "unmapped_object", "xref", "seq_region_synonym"}

// contents are the endpoints that list what the databases hold.
func contents() []ensembl.Endpoint {
	return []ensembl.Endpoint{
		get("info_species", "/info/species", "Species, their aliases, and the kinds of data held for each", listSpecies, map[string][]held{}, func(e *apispec.Endpoint) {
			e.Params = []apispec.Param{
				{Name: "division", In: apispec.InQuery, Type: apispec.String, Default: "EnsemblVertebrates", CaseBlind: true,
					Description: "Only species of this division", Examples: []string{"EnsemblVertebrates"}},
				{Name: "hide_strain_info", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
					Description: "Leave strain and strain_collection out"},
				{Name: "strain_collection", In: apispec.InQuery, Type: apispec.String, CaseBlind: true,
					Description: "Only species of this collection of strains", Examples: []string{"mouse"}},
			}
			e.Canaries = []string{"/info/species?content-type=application/json"}
			e.Examples = append(example("/info/species"), apispec.Example{Target: "/info/species", ContentType: apispec.XML})
		}),
		get("info_analysis", "/info/analysis/{species}", "Analyses that made the species' data, with the databases that hold their results", analyses, map[string][]string{},
			func(e *apispec.Endpoint) { ofSpecies(e); e.Examples = example("/info/analysis/homo_sapiens") }),
		get("info_external_dbs", "/info/external_dbs/{species}", "Outside sources that the species' data refer to", externalDBs, []externalDB{}, func(e *apispec.Endpoint) {
			ofSpecies(e)
			e.Params = append(e.Params,
				apispec.Param{Name: "feature", In: apispec.InQuery, Type: apispec.String, Allowed: features,
					Description: "Only sources that this kind of entry refers to"},
				apispec.Param{Name: "filter", In: apispec.InQuery, Type: apispec.String,
					Description: "Only sources of this name; % stands for any text", Examples: []string{"HGNC", "GO%"}})
			e.Examples = example("/info/external_dbs/homo_sapiens", "/info/external_dbs/homo_sapiens?filter=GO%25",
				"/info/external_dbs/homo_sapiens?feature=seq_region_synonym")
		}),
		get("info_comparas", "/info/comparas", "Databases of comparative genomics and their releases", comparas, map[string][]compara{},
			func(e *apispec.Endpoint) { e.Examples = example("/info/comparas") }),
	}
}

// held is what is said of a species.
type held struct {
	Name             string   `json:"name"`
	DisplayName      *string  `json:"display_name"`
	CommonName       *string  `json:"common_name"`
	TaxonID          *string  `json:"taxon_id"`
	Assembly         *string  `json:"assembly"`
	Accession        *string  `json:"accession"`
	Division         string   `json:"division"`
	Release          int      `json:"release"`
	Aliases          []string `json:"aliases"`
	Groups           []string `json:"groups"`
	Strain           **string `json:"strain,omitempty"` // hidden, or null
	StrainCollection **string `json:"strain_collection,omitempty"`
}

func listSpecies(_ context.Context, c ensembl.Call) (ensembl.Answer, error) {
	division, collection := "EnsemblVertebrates", c.Query.Get("strain_collection")
	if c.Query.Has("division") {
		division = c.Query.Get("division")
	}
	n, _ := strconv.ParseFloat(c.Query.Get("hide_strain_info"), 64)
	hide := n > 0
	list := []held{}
	for _, s := range c.Genome.Species() {
		switch {
		case division != "" && !strings.EqualFold(division, s.Division):
			continue
		case collection != "" && (hide || !strings.EqualFold(collection, s.StrainCollection)):
			continue // what is hidden is not matched either, as in the reference
		}
		one := held{Name: s.Name, DisplayName: orNil(s.DisplayName), CommonName: orNil(s.CommonName),
			TaxonID: orNil(s.TaxonID), Assembly: orNil(s.Assembly), Accession: orNil(s.Accession),
			Division: s.Division, Release: s.Release, Aliases: orEmpty(s.Aliases), Groups: orEmpty(s.Groups)}
		if !hide {
			strain, collection := orNil(s.Strain), orNil(s.StrainCollection)
			one.Strain, one.StrainCollection = &strain, &collection
		}
		list = append(list, one)
	}
	return ensembl.Answer{Value: map[string][]held{"species": list}}, nil
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// analysisKinds are the kinds of database whose analyses are listed.
var analysisKinds = []string{"core", "cdna", "otherfeatures", "rnaseq", "funcgen"}

func analyses(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	names := map[string][]string{}
	s, ok := c.Genome.Resolve(c.Path["species"])
	if !ok {
		for _, db := range c.Genome.Databases() {
			if strings.EqualFold(db.Owner, c.Path["species"]) {
				return ensembl.Answer{}, ensembl.BadRequest("'%s' is no species, but the owner of the database %s", c.Path["species"], db.Name)
			}
		}
		// the reference knows no wrong species here
		return ensembl.Answer{Value: names}, nil
	}
	for _, kind := range analysisKinds {
		db, ok := s.Database(kind)
		if !ok {
			continue
		}
		made, err := holdings.Analyses(ctx, db)
		if err != nil {
			return ensembl.Answer{}, err
		}
		for _, name := range made {
			names[name] = append(names[name], kind)
		}
	}
	return tagged(s, names), nil
}

type externalDB struct {
	Name        string  `json:"name"`
	Release     *string `json:"release"`
	DisplayName string  `json:"display_name"`
	Description *string `json:"description"`
}

func externalDBs(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	s, core, err := resolveAdaptor(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	filter := c.Query.Get("filter")
	if filter == "" {
		filter = "%"
	}
	feature := ""
	if c.Query.Has("feature") {
		feature = c.Query.Get("feature")
		if !slices.Contains(features, feature) {
			return ensembl.Answer{}, ensembl.BadRequest("No external db entries for feature '%s'", feature)
		}
		refers, err := holdings.Refers(ctx, core, feature)
		if err != nil {
			return ensembl.Answer{}, err
		}
		if !refers { // the reference fails here
			return ensembl.Answer{}, ensembl.BadRequest("The database of %s has no entries of the kind '%s'", c.Path["species"], feature)
		}
	}
	found, err := holdings.ExternalDBs(ctx, core, filter, feature)
	list := []externalDB{}
	for _, x := range found {
		list = append(list, externalDB{x.Name, x.Release, x.DisplayName, x.Description})
	}
	return tagged(s, list), err
}

type compara struct {
	Name    string `json:"name"`
	Release int    `json:"release"`
}

func comparas(_ context.Context, c ensembl.Call) (ensembl.Answer, error) {
	list := []compara{}
	for _, db := range c.Genome.Databases() {
		if db.Kind != "compara" {
			continue
		}
		if db.Owner == "multi" { // the reference's name for it, and its first
			list = slices.Insert(list, 0, compara{"vertebrates", db.SchemaVersion})
			continue
		}
		list = append(list, compara{db.Owner, db.SchemaVersion})
	}
	return ensembl.Answer{Value: map[string][]compara{"comparas": list}}, nil
}

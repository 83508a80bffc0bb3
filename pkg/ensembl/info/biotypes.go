package info

import (
	"context"
	"sort"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/holdings"
)

// biotypes are the endpoints about the classes of genes and transcripts. Their
// names are found in any case, and yet are not stated as case-blind: what is
// not found is named as it was written.
func biotypes() []ensembl.Endpoint {
	objectType := apispec.Param{Name: "object_type", In: apispec.InPath, Type: apispec.String,
		Description: "gene or transcript", Examples: []string{"gene"}}
	rest := apispec.Param{Name: "rest", In: apispec.InPath, Type: apispec.String, Description: "Passed over"}
	return []ensembl.Endpoint{
		get("info_biotypes", "/info/biotypes/{species}", "Biotypes of the species' genes and transcripts", speciesBiotypes, []speciesBiotype{},
			func(e *apispec.Endpoint) { ofSpecies(e); e.Examples = example("/info/biotypes/homo_sapiens") }),
		get("info_biotypes_groups", "/info/biotypes/groups/{group}/{object_type}",
			"Groups of biotypes; with a group, the biotypes in it", biotypeGroups, ensembl.Either{[]biotype{}, []string{}}, func(e *apispec.Endpoint) {
				e.Aliases = []string{"/info/biotypes/groups/{group}", "/info/biotypes/groups", "/info/biotypes/groups/{group}/{object_type}/{rest...}"}
				e.Params = []apispec.Param{{Name: "group", In: apispec.InPath, Type: apispec.String,
					Description: "Group of biotypes", Examples: []string{"coding"}}, objectType, rest}
				e.Examples = example("/info/biotypes/groups", "/info/biotypes/groups/coding", "/info/biotypes/groups/coding/gene")
			}),
		get("info_biotypes_name", "/info/biotypes/name/{name}/{object_type}",
			"Properties of the biotypes of a name", biotypeName, []biotype{}, func(e *apispec.Endpoint) {
				e.Aliases = []string{"/info/biotypes/name/{name}", "/info/biotypes/name", "/info/biotypes/name/{name}/{object_type}/{rest...}"}
				e.Params = []apispec.Param{{Name: "name", In: apispec.InPath, Type: apispec.String,
					Description: "Name of a biotype", Examples: []string{"protein_coding"}}, objectType, rest}
				e.Examples = example("/info/biotypes/name/protein_coding", "/info/biotypes/name/protein_coding/gene")
			}),
	}
}

// geneKinds are the kinds of database that hold genes.
var geneKinds = []string{"core", "cdna", "otherfeatures", "rnaseq"}

type speciesBiotype struct {
	Biotype string   `json:"biotype"`
	Groups  []string `json:"groups"`
	Objects []string `json:"objects"`
}

func speciesBiotypes(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	s, _, err := resolveAdaptor(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	groups, objects := map[string]map[string]bool{}, map[string]map[string]bool{}
	for _, kind := range geneKinds {
		db, ok := s.Database(kind)
		if !ok {
			continue
		}
		for _, object := range []string{"gene", "transcript"} {
			names, err := holdings.Biotypes(ctx, db, object)
			if err != nil {
				return ensembl.Answer{}, err
			}
			for _, name := range names {
				if groups[name] == nil {
					groups[name], objects[name] = map[string]bool{}, map[string]bool{}
				}
				groups[name][kind], objects[name][object] = true, true
			}
		}
	}
	list := []speciesBiotype{}
	for _, name := range keys(groups) {
		list = append(list, speciesBiotype{name, keys(groups[name]), keys(objects[name])})
	}
	return tagged(s, list), nil
}

func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}

type biotype struct {
	Name       string  `json:"name"`
	Group      *string `json:"biotype_group"`
	ObjectType string  `json:"object_type"`
	SOAcc      *string `json:"so_acc"`
	SOTerm     *string `json:"so_term"`
}

// biotypeDB is where the reference keeps the biotypes of all species: human.
// Where there is no human, the first species will do.
func biotypeDB(r *genomedb.Registry) (*genomedb.Database, bool) {
	list := r.Species()
	if s, ok := r.Resolve("homo_sapiens"); ok {
		list = append([]*genomedb.Species{s}, list...)
	}
	for _, s := range list {
		if db, ok := s.Database("core"); ok && db.HasTable("biotype") {
			return db, true
		}
	}
	return nil, false
}

// findBiotypes gives the biotypes of a name or a group; see
// [holdings.BiotypesWhere].
func findBiotypes(ctx context.Context, c ensembl.Call, name, group string) ([]biotype, error) {
	list := []biotype{}
	db, ok := biotypeDB(c.Genome)
	if !ok {
		return list, nil
	}
	found, err := holdings.BiotypesWhere(ctx, db, name, group, c.Path["object_type"])
	for _, b := range found {
		list = append(list, biotype{b.Name, b.Group, b.ObjectType, b.Accession, b.Term})
	}
	return list, err
}

func biotypeGroups(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	group := c.Path["group"]
	if group == "" {
		if c.Path["object_type"] != "" {
			return ensembl.Answer{}, ensembl.BadRequest("Missing argument ':group' for endpoint info/biotypes/groups/:group/:object_type")
		}
		all, err := findBiotypes(ctx, c, "", "")
		names := map[string]bool{}
		for _, b := range all {
			if b.Group != nil && *b.Group != "" {
				names[*b.Group] = true
			}
		}
		return ensembl.Answer{Value: keys(names)}, err
	}
	list, err := findBiotypes(ctx, c, "", group)
	if err == nil && len(list) == 0 {
		return ensembl.Answer{}, ensembl.NotFound("biotypes not found for group %s%s", group, andObjectType(c))
	}
	return ensembl.Answer{Value: list}, err
}

func biotypeName(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	name := c.Path["name"]
	if name == "" {
		return ensembl.Answer{}, ensembl.BadRequest("Missing mandatory argument ':name' for endpoint info/biotypes/name/:name/:object_type")
	}
	list, err := findBiotypes(ctx, c, name, "")
	if err == nil && len(list) == 0 {
		return ensembl.Answer{}, ensembl.NotFound("biotypes not found for name %s%s", name, andObjectType(c))
	}
	return ensembl.Answer{Value: list}, err
}

func andObjectType(c ensembl.Call) string {
	if t := c.Path["object_type"]; t != "" {
		return " and object_type " + t
	}
	return ""
}

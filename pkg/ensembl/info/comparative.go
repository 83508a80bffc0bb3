package info

import (
	"context"
	"database/sql"
	"regexp"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
)

// comparative are the endpoints about comparative genomics' analyses.
func comparative() []ensembl.Endpoint {
	compara := apispec.Param{Name: "compara", In: apispec.InQuery, Type: apispec.String, Default: "vertebrates", CaseBlind: true,
		Description: "Database of comparative genomics, as /info/comparas names it"}
	return []ensembl.Endpoint{
		get("info_compara_methods", "/info/compara/methods", "Methods of comparative genomics, by class of their results", methods, func(e *apispec.Endpoint) {
			e.Params = []apispec.Param{{Name: "class", In: apispec.InQuery, Type: apispec.String,
				Description: "Only classes that match this regular expression", Examples: []string{"GenomicAlign"}}, compara}
			e.Examples = example("/info/compara/methods", "/info/compara/methods?class=Homology")
		}),
		get("info_compara_species_sets", "/info/compara/species_sets/{method}", "Sets of species that a method was run on", speciesSets, func(e *apispec.Endpoint) {
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
	err = each(ctx, db, "SELECT type, class FROM {method_link} ORDER BY method_link_id", nil, func(rows *sql.Rows) error {
		var t, cl string
		if err := rows.Scan(&t, &cl); err != nil || !class.MatchString(cl) {
			return err
		}
		types[cl] = append(types[cl], t)
		return nil
	})
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
	list, at := []*speciesSet{}, map[int64]*speciesSet{}
	err = each(ctx, db, `SELECT l.method_link_species_set_id, l.name, m.type, COALESCE(h.name, ''), g.name
		FROM {method_link} m JOIN {method_link_species_set} l ON l.method_link_id = m.method_link_id
		LEFT JOIN {species_set_header} h ON h.species_set_id = l.species_set_id
		JOIN {species_set} s ON s.species_set_id = l.species_set_id
		JOIN {genome_db} g ON g.genome_db_id = s.genome_db_id
		WHERE m.type = ? ORDER BY l.method_link_species_set_id, g.genome_db_id`,
		[]any{c.Path["method"]}, func(rows *sql.Rows) error {
			var id int64
			var s speciesSet
			var member string
			if err := rows.Scan(&id, &s.Name, &s.Method, &s.Group, &member); err != nil {
				return err
			}
			if at[id] == nil {
				at[id] = &s
				list = append(list, &s)
			}
			at[id].Species = append(at[id].Species, member)
			return nil
		})
	return ensembl.Answer{Value: list}, err
}

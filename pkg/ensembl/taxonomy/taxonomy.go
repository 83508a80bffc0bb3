// Package taxonomy answers /taxonomy: taxa of the NCBI taxonomy by number and
// by name, what stands above and below them, and their classification.
//
// # Decisions
//
// 2026-11-25: in a classification the taxa above the one that was asked for
// have one child each, the one that the way leads through, as a fresh server
// of the reference says.
package taxonomy

import (
	"context"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/taxonomy"
)

const group = "Ontologies and Taxonomy"

var formats = []string{apispec.JSON, apispec.XML, apispec.JSONP, apispec.HTML}

// fresh: these answers change with a release alone, which invalidates them by
// tag. An old copy is better than none.
var fresh = apispec.Freshness{MaxAge: 86_400, StaleWhileRevalidate: 86_400, StaleIfError: 7 * 86_400, Negative: 300}

var (
	pathID = apispec.Param{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Number of a taxon at NCBI, or a name", Examples: []string{"9606", "Homo sapiens"}}
	pathName = apispec.Param{Name: "name", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "A name of taxa, scientific or not; % stands for any text, _ for any character", Examples: []string{"human", "Homo%"}}
	simple = apispec.Param{Name: "simple", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
		Description: "Leaves parents and children out"}
)

// Module states the endpoints.
func Module() ensembl.Module {
	get := func(id, path, summary string, h handle, answer any, params []apispec.Param, canaries []string, examples ...string) ensembl.Endpoint {
		e := apispec.Endpoint{ID: id, Group: group, Method: "GET", Path: path, Summary: summary, Params: params,
			Formats: formats, Freshness: fresh, Tags: []string{"taxonomy", "id:{id}"}, Canaries: canaries}
		for _, x := range examples {
			e.Examples = append(e.Examples, apispec.Example{Target: x, ContentType: apispec.JSON})
		}
		return ensembl.Endpoint{Spec: e, Handle: h, Answer: answer}
	}
	return ensembl.Module{Name: "taxonomy", Endpoints: []ensembl.Endpoint{
		get("taxonomy_id", "/taxonomy/id/{id}", "Gives a taxon with its parent and children", byID, entry{}, []apispec.Param{pathID, simple},
			[]string{"/taxonomy/id/9606?content-type=application/json"}, "/taxonomy/id/9606", "/taxonomy/id/Homo%20sapiens?simple=1"),
		get("taxonomy_name", "/taxonomy/name/{name}", "Finds taxa by any of their names", byName, []entry{}, []apispec.Param{pathName, simple}, nil,
			"/taxonomy/name/human?simple=1", "/taxonomy/name/Homo%25"),
		get("taxonomy_classification", "/taxonomy/classification/{id}", "Gives the taxa from one up to the root", classification, []entry{}, []apispec.Param{pathID}, nil,
			"/taxonomy/classification/9606", "/taxonomy/classification/Homo%20sapiens"),
	}}
}

type handle = func(context.Context, ensembl.Call) (ensembl.Answer, error)

// entry is what is said of a taxon.
type entry struct {
	ID             int64               `json:"id,string"`
	ScientificName *string             `json:"scientific_name"`
	Name           *string             `json:"name"`
	Leaf           int                 `json:"leaf"`
	Tags           map[string][]string `json:"tags"`
	Parent         *entry              `json:"parent,omitempty"`
	Children       []*entry            `json:"children,omitempty"`
}

func describe(t *taxonomy.Taxon) *entry {
	e := &entry{ID: t.ID, ScientificName: t.Name(), Name: t.Name(), Tags: map[string][]string{}}
	if t.Leaf {
		e.Leaf = 1
	}
	for class, names := range t.Names {
		e.Tags[strings.ReplaceAll(class, " ", "_")] = names
	}
	if name := t.Name(); name != nil {
		e.Tags["name"] = []string{*name}
	}
	return e
}

// related describes a taxon with those next to it.
func related(t *taxonomy.Taxon, parent *taxonomy.Taxon, children ...*taxonomy.Taxon) *entry {
	e := describe(t)
	if parent != nil {
		e.Parent = describe(parent)
	}
	for _, c := range children {
		e.Children = append(e.Children, describe(c))
	}
	return e
}

// found opens the taxonomy and finds the taxon of the path.
func found(ctx context.Context, c ensembl.Call) (*taxonomy.Reader, *taxonomy.Taxon, error) {
	r, err := taxonomy.Open(c.Genome)
	if err != nil {
		return nil, nil, err
	}
	t, err := r.Find(ctx, c.Path["id"])
	return r, t, err
}

func byID(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	r, t, err := found(ctx, c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	list, err := all(ctx, c, r, []*taxonomy.Taxon{t})
	if err != nil {
		return ensembl.Answer{}, err
	}
	return ensembl.Answer{Value: list[0]}, nil
}

// all describes taxa with what is next to them, unless the call wants none.
func all(ctx context.Context, c ensembl.Call, r *taxonomy.Reader, taxa []*taxonomy.Taxon) ([]*entry, error) {
	list := make([]*entry, len(taxa))
	if c.Query.Bool("simple") {
		for i, t := range taxa {
			list[i] = describe(t)
		}
		return list, nil
	}
	relatives, err := r.Relatives(ctx, taxa)
	if err != nil {
		return nil, err
	}
	for i, t := range taxa {
		list[i] = related(t, relatives[t.ID].Parent, relatives[t.ID].Children...)
	}
	return list, nil
}

func byName(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	r, err := taxonomy.Open(c.Genome)
	if err != nil {
		return ensembl.Answer{}, err
	}
	name := c.Path["name"]
	taxa, err := r.Named(ctx, name)
	if err != nil {
		return ensembl.Answer{}, err
	}
	if len(taxa) == 0 {
		return ensembl.Answer{}, ensembl.BadRequest("No taxons found with given name '%s'", name)
	}
	list, err := all(ctx, c, r, taxa)
	return ensembl.Answer{Value: list}, err
}

func classification(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	r, t, err := found(ctx, c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	way, err := r.Ancestry(ctx, t)
	if err != nil {
		return ensembl.Answer{}, err
	}
	relatives, err := r.Relatives(ctx, []*taxonomy.Taxon{t})
	if err != nil {
		return ensembl.Answer{}, err
	}
	list := []*entry{}
	for i, t := range way {
		if name := t.Name(); name != nil && *name == "root" {
			return ensembl.Answer{Value: list}, nil
		}
		if t.Hidden || t.Rank == "subgenus" {
			continue
		}
		var parent *taxonomy.Taxon
		if i+1 < len(way) {
			parent = way[i+1]
		}
		if i == 0 {
			list = append(list, related(t, parent, relatives[t.ID].Children...))
		} else {
			list = append(list, related(t, parent, way[i-1]))
		}
	}
	return ensembl.Answer{}, ensembl.BadRequest("The way from '%s' does not end at the taxonomy's root", c.Path["id"])
}

// Package ontology answers /ontology: terms of the ontologies that annotations
// use, what stands next to them, and what lies above and below.
//
// # Decisions
//
// 2026-11-25: /ontology/ancestors gives what descends from a term and
// /ontology/descendants what it descends from, as in the reference: clients
// have got used to it.
//
// 2026-11-25: closest_terms is stated, not the closest_term of the reference's
// documentation: the latter has never had an effect.
package ontology

import (
	"context"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/ontology"
)

const group = "Ontologies and Taxonomy"

var formats = []string{apispec.JSON, apispec.XML, apispec.JSONP, apispec.HTML}

// fresh: these answers change with a release alone, which invalidates them by
// tag. An old copy is better than none.
var fresh = apispec.Freshness{MaxAge: 86_400, StaleWhileRevalidate: 86_400, StaleIfError: 7 * 86_400, Negative: 300}

var (
	pathID = apispec.Param{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Accession of a term", Examples: []string{"SO:0000704"}}
	pathName = apispec.Param{Name: "name", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Name or synonym of terms; % stands for any text, _ for any character", Examples: []string{"gene", "gene%"}}
	only = apispec.Param{Name: "ontology", In: apispec.InQuery, Type: apispec.String,
		Description: "Only terms of this ontology; needed where ontologies share terms", Examples: []string{"SO", "GO"}}
	relation = apispec.Param{Name: "relation", In: apispec.InQuery, Type: apispec.String,
		Description: "Only parents and children by this kind of relation", Examples: []string{"is_a", "part_of"}}
	simple = apispec.Param{Name: "simple", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
		Description: "Leaves parents and children out"}
	subset = apispec.Param{Name: "subset", In: apispec.InQuery, Type: apispec.String,
		Description: "Only terms of this subset; with a % the pattern of a term's list of subsets", Examples: []string{"SOFA", "goslim_generic"}}
	closest = apispec.Param{Name: "closest_terms", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
		Description: "Only the terms nearest to the one asked for"}
	zero = apispec.Param{Name: "zero_distance", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
		Description: "Adds the term itself"}
)

// Module states the endpoints.
func Module() ensembl.Module {
	get := func(id, path, summary string, h handle, answer any, canaries, examples []string, params ...apispec.Param) ensembl.Endpoint {
		e := apispec.Endpoint{ID: id, Group: group, Method: "GET", Path: path, Summary: summary, Params: params,
			Formats: formats, Freshness: fresh, Tags: []string{"ontology", "id:{id}"}, Canaries: canaries}
		for _, x := range examples {
			e.Examples = append(e.Examples, apispec.Example{Target: x, ContentType: apispec.JSON})
		}
		return ensembl.Endpoint{Spec: e, Handle: h, Answer: answer}
	}
	return ensembl.Module{Name: "ontology", Endpoints: []ensembl.Endpoint{
		get("ontology_id", "/ontology/id/{id}", "Gives a term with its parents and children", byID, entry{},
			[]string{"/ontology/id/SO:0000704?content-type=application/json"},
			[]string{"/ontology/id/SO:0000704", "/ontology/id/SO:0000704?relation=is_a"}, pathID, relation, simple),
		get("ontology_name", "/ontology/name/{name}", "Finds terms by name or synonym", byName, []entry{}, nil,
			[]string{"/ontology/name/gene?simple=1", "/ontology/name/gene%25?ontology=SO"}, pathName, only, relation, simple),
		get("ontology_ancestors", "/ontology/ancestors/{id}", "Gives all terms that descend from a term, as the original API does under this name", ancestors, []entry{}, nil,
			[]string{"/ontology/ancestors/SO:0000704"}, pathID, only),
		get("ontology_ancestors_chart", "/ontology/ancestors/chart/{id}", "Gives all ways from a term up to the roots of its ontology", chart, map[string]map[string]any{}, nil,
			[]string{"/ontology/ancestors/chart/SO:0000704"}, pathID, only),
		get("ontology_descendants", "/ontology/descendants/{id}", "Gives all terms that a term descends from, as the original API does under this name", descendants, []entry{}, nil,
			[]string{"/ontology/descendants/SO:0001217", "/ontology/descendants/SO:0001217?closest_terms=1"}, pathID, closest, only, subset, zero),
	}}
}

type handle = func(context.Context, ensembl.Call) (ensembl.Answer, error)

// entry is what is said of a term.
type entry struct {
	Accession  string   `json:"accession"`
	Name       string   `json:"name"`
	Ontology   string   `json:"ontology"`
	Namespace  string   `json:"namespace"`
	Definition *string  `json:"definition"`
	Synonyms   []string `json:"synonyms"`
	Subsets    []string `json:"subsets"`
	Parents    []entry  `json:"parents,omitzero"`
	Children   []entry  `json:"children,omitzero"`
}

func describe(t *ontology.Term) entry {
	return entry{Accession: t.Accession, Name: t.Name, Ontology: t.Ontology, Namespace: t.Namespace,
		Definition: t.Definition, Synonyms: t.Synonyms, Subsets: t.Subsets}
}

func describeAll(terms []*ontology.Term) []entry {
	out := make([]entry, len(terms))
	for i, t := range terms {
		out[i] = describe(t)
	}
	return out
}

// enhanced describes terms with parents and children, unless the call wants
// none.
func enhanced(ctx context.Context, c ensembl.Call, r *ontology.Reader, terms []*ontology.Term) ([]entry, error) {
	out := describeAll(terms)
	if c.Query.Bool("simple") {
		return out, nil
	}
	kind := c.Query.Get("relation")
	if kind == "0" { // as good as none, in the reference
		kind = ""
	}
	relatives, err := r.Relatives(ctx, terms, kind)
	if err != nil {
		return nil, err
	}
	for i, t := range terms {
		out[i].Parents, out[i].Children = describeAll(relatives[t].Parents), describeAll(relatives[t].Children)
	}
	return out, nil
}

// optional is a parameter that means something when it is empty, too.
func optional(c ensembl.Call, name string) *string {
	if !c.Query.Has(name) {
		return nil
	}
	v := c.Query.Get(name)
	return &v
}

// found opens the database and finds the term of the path.
func found(ctx context.Context, c ensembl.Call) (*ontology.Reader, *ontology.Term, error) {
	r, err := ontology.Open(c.Genome)
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
	entries, err := enhanced(ctx, c, r, []*ontology.Term{t})
	if err != nil {
		return ensembl.Answer{}, err
	}
	return ensembl.Answer{Value: entries[0]}, nil
}

func byName(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	r, err := ontology.Open(c.Genome)
	if err != nil {
		return ensembl.Answer{}, err
	}
	terms, err := r.Named(ctx, c.Path["name"], optional(c, "ontology"))
	if err != nil {
		return ensembl.Answer{}, err
	}
	if len(terms) == 0 {
		return ensembl.Answer{}, ensembl.BadRequest("No valid terms found for ontology name %s", c.Path["name"])
	}
	entries, err := enhanced(ctx, c, r, terms)
	return ensembl.Answer{Value: entries}, err
}

func ancestors(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	r, t, err := found(ctx, c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	terms, err := r.Ancestors(ctx, t, optional(c, "ontology"))
	return ensembl.Answer{Value: describeAll(terms)}, err
}

func descendants(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	r, t, err := found(ctx, c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	terms, err := r.Descendants(ctx, t, ontology.Ascent{Subset: optional(c, "subset"), Closest: c.Query.Bool("closest_terms"),
		Itself: c.Query.Bool("zero_distance"), Ontology: optional(c, "ontology")})
	return ensembl.Answer{Value: describeAll(terms)}, err
}

func chart(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	r, t, err := found(ctx, c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	links, err := r.Chart(ctx, t, optional(c, "ontology"))
	if err != nil {
		return ensembl.Answer{}, err
	}
	out := make(map[string]map[string]any, len(links))
	for accession, l := range links {
		out[accession] = map[string]any{"term": describe(l.Term)}
		for kind, terms := range l.Relations {
			out[accession][kind] = describeAll(terms)
		}
	}
	return ensembl.Answer{Value: out}, nil
}

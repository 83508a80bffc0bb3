package lookup

import (
	"context"
	"slices"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/batch"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/feature"
)

const group = "Lookup"

var formats = []string{apispec.JSON, apispec.XML, apispec.JSONP, apispec.HTML}

// fresh: these answers change with a release alone, which invalidates them by
// tag. An old copy is better than none.
var fresh = apispec.Freshness{MaxAge: 86_400, StaleWhileRevalidate: 86_400, StaleIfError: 7 * 86_400, Negative: 300}

var (
	expand = apispec.Param{Name: "expand", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
		Description: "Adds what belongs to the object: to a gene its transcripts, to a transcript its exons and translation"}
	format = apispec.Param{Name: "format", In: apispec.InQuery, Type: apispec.Enum, Default: "full", Allowed: []string{"full", "condensed"},
		Description: "How much is said of each object: everything, or what identifies it"}
	dbType = apispec.Param{Name: "db_type", In: apispec.InQuery, Type: apispec.String,
		Description: "Kind of database to search", Examples: []string{"core", "otherfeatures"}}
	objectType = apispec.Param{Name: "object_type", In: apispec.InQuery, Type: apispec.String,
		Description: "Only objects of this type", Examples: []string{"gene", "transcript"}}
	species = apispec.Param{Name: "species", In: apispec.InQuery, Type: apispec.String,
		Description: "Only objects of this species: a name or an alias", Examples: []string{"homo_sapiens", "human"}}
	utr = apispec.Param{Name: "utr", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
		Description: "With expand: adds the untranslated regions of transcripts"}
	mane = apispec.Param{Name: "mane", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
		Description: "With expand: adds the MANE records of transcripts"}
	phenotypes = apispec.Param{Name: "phenotypes", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
		Description: "Adds the phenotypes of a gene"}

	pathID = apispec.Param{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Stable id of a gene, transcript, translation or exon; a version may follow", Examples: []string{"ENSG00000157764"}}
	pathSpecies = apispec.Param{Name: "species", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Name of the species, or an alias", Examples: []string{"homo_sapiens", "human"}}
	pathSymbol = apispec.Param{Name: "symbol", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Name of a gene, such as HGNC gives them", Examples: []string{"BRAF"}}
	// pathRest is what the reference passes over behind a whole path.
	pathRest = apispec.Param{Name: "rest", In: apispec.InPath, Type: apispec.String, Description: "Passed over"}
)

// Module states the endpoints.
func Module() ensembl.Module {
	m := &module{}
	return ensembl.Module{Name: "lookup", Endpoints: []ensembl.Endpoint{
		{Spec: getID, Handle: m.getID, Answer: entry{}, Elsewhere: slices.Concat(
			ensembl.Examples(apispec.JSON, "/lookup/id/ENSG00000176515?expand=1", "/lookup/id/ENST00000314040", "/lookup/id/ENSP00000320396"),
			ensembl.Examples(apispec.XML, "/lookup/id/ENSG00000176515?db_type=core;format=condensed"))},
		{Spec: postID, Handle: m.postID, Answer: map[string]*entry{}, Elsewhere: ensembl.Batch("/lookup/id", `{"ids": ["ENSG00000176515", "ENST00000314040"]}`)},
		{Spec: getSymbol, Handle: m.getSymbol, Answer: entry{}, Elsewhere: slices.Concat(
			ensembl.Examples(apispec.JSON, "/lookup/symbol/homo_sapiens/FOXC1?expand=1"),
			ensembl.Examples(apispec.XML, "/lookup/symbol/homo_sapiens/FOXC1?format=condensed"))},
		{Spec: postSymbol, Handle: m.postSymbol, Answer: map[string]*entry{}, Elsewhere: ensembl.Batch("/lookup/symbol/homo_sapiens", `{"symbols": ["FOXC1", "FOXF2"]}`)},
	}}
}

var (
	getID = apispec.Endpoint{
		ID: "lookup_id", Group: group, Method: "GET", Path: "/lookup/id/{id}",
		Summary: "Says what a stable id names and where that lies",
		Aliases: []string{"/lookup/{id}", "/lookup/id", "/lookup/id/{id}/{rest...}"},
		Params:  []apispec.Param{pathID, pathRest, dbType, expand, format, mane, objectType, phenotypes, species, utr},
		Formats: formats, Freshness: fresh, Tags: []string{"lookup", "id:{id}"},
		Canaries: []string{"/lookup/id/ENSG00000157764?content-type=application/json"},
		Examples: []apispec.Example{
			{Target: "/lookup/id/ENSG00000157764?expand=1", ContentType: apispec.JSON},
			{Target: "/lookup/id/ENST00000288602", ContentType: apispec.JSON},
			{Target: "/lookup/id/ENSP00000288602", ContentType: apispec.JSON},
			{Target: "/lookup/id/ENSG00000157764?db_type=core;format=condensed", ContentType: apispec.XML},
		},
	}
	postID = apispec.Endpoint{
		ID: "lookup_id_post", Group: group, Method: "POST", Path: "/lookup/id",
		Summary: "Says what each of many stable ids names; those that are not found are null",
		Aliases: []string{"/lookup/id/{rest...}"},
		Params:  []apispec.Param{pathRest, dbType, expand, format, mane, objectType, phenotypes, species, utr},
		Body: &apispec.Body{ListOf: "ids", MaxItems: 1000, Safe: true, Fields: []apispec.Param{
			{Name: "ids", Type: apispec.String, Required: true, Repeated: true, Description: "Stable ids"},
			dbType, expand, format, phenotypes, species, utr}},
		Formats: formats, Freshness: fresh, Tags: []string{"lookup"},
		Examples: []apispec.Example{{Target: "/lookup/id", ContentType: apispec.JSON,
			Body: `{"ids": ["ENSG00000157764", "ENST00000288602"]}`}},
	}
	getSymbol = apispec.Endpoint{
		ID: "lookup_symbol", Group: group, Method: "GET", Path: "/lookup/symbol/{species}/{symbol}",
		Summary: "Finds the gene of a name, and says where it lies",
		Aliases: []string{"/lookup/symbol/{species}", "/lookup/symbol", "/lookup/symbol/{species}/{symbol}/{rest...}"},
		Params:  []apispec.Param{pathSpecies, pathSymbol, pathRest, expand, format, mane, utr},
		Formats: formats, Freshness: fresh, Tags: []string{"lookup", "species:{species}"},
		Examples: []apispec.Example{
			{Target: "/lookup/symbol/homo_sapiens/BRAF?expand=1", ContentType: apispec.JSON},
			{Target: "/lookup/symbol/homo_sapiens/BRAF?format=condensed", ContentType: apispec.XML},
		},
	}
	postSymbol = apispec.Endpoint{
		ID: "lookup_symbol_post", Group: group, Method: "POST", Path: "/lookup/symbol/{species}",
		Summary: "Finds the genes of many names; those that are not found are missing",
		Aliases: []string{"/lookup/symbol/{species}/{rest...}", "/lookup/symbol"},
		Params:  []apispec.Param{pathSpecies, pathRest, expand, format, mane, utr},
		Body: &apispec.Body{ListOf: "symbols", MaxItems: 1000, Safe: true, Fields: []apispec.Param{
			{Name: "symbols", Type: apispec.String, Required: true, Repeated: true, Description: "Names of genes"},
			expand, format, utr}},
		Formats: formats, Freshness: fresh, Tags: []string{"lookup", "species:{species}"},
		Examples: []apispec.Example{{Target: "/lookup/symbol/homo_sapiens", ContentType: apispec.JSON,
			Body: `{"symbols": ["BRAF"]}`}},
	}
)

// module holds what the handlers share: the assemblies of the registry served.
type module struct{ assemblies assembly.Cache }

func (m *module) finder(c ensembl.Call) *feature.Finder {
	return &feature.Finder{Genome: c.Genome, Assemblies: &m.assemblies}
}

// options are the parameters that shape an answer.
type options struct {
	expand, utr, mane, phenotypes bool
	full                          bool
	filter                        feature.Filter
}

// read takes options from the query, and from a POST body where that has them.
func read(c ensembl.Call) options {
	o := options{
		expand: batch.Flag(c, "expand"), utr: batch.Flag(c, "utr"), mane: c.Query.Bool("mane"), phenotypes: batch.Flag(c, "phenotypes"),
		filter: feature.NewFilter(batch.Option(c, "species"), batch.Option(c, "db_type"), c.Query.Get("object_type"), c.Query.Has("object_type")),
	}
	f := batch.Option(c, "format")
	o.full = f == "" || f == "0" || f == "full"
	return o
}

// list reads the batch of a POST as far as the first empty element, where the
// reference stops. ok is false where the body has no such field.
func list(c ensembl.Call, name string) (items []string, ok bool, err error) {
	items, ok, err = batch.List(c, name, c.Limits.WithDefaults().Post)
	if i := slices.IndexFunc(items, func(s string) bool { return s == "" || s == "0" }); i >= 0 {
		items = items[:i]
	}
	return items, ok, err
}

func (m *module) getID(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	id, ok := c.Path["id"]
	if !ok {
		return ensembl.Answer{}, ensembl.BadRequest("Id must be provided as part of the URL.")
	}
	o := read(c)
	found, failed, err := m.finder(c).Find(ctx, []string{id}, o.filter)
	if err != nil {
		return ensembl.Answer{}, err
	}
	if e := failed[id]; e != nil {
		return ensembl.Answer{}, e
	}
	entries, failed, err := describe(ctx, c.Genome, []string{id}, found, o)
	if err != nil {
		return ensembl.Answer{}, err
	}
	if e := failed[id]; e != nil {
		return ensembl.Answer{}, e
	}
	return ensembl.Answer{Value: entries[id], Tags: feature.Tags(found)}, nil
}

func (m *module) postID(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	ids, _, err := list(c, "ids")
	if err != nil {
		return ensembl.Answer{}, err
	}
	o := read(c)
	out := make(map[string]*entry, len(ids))
	for _, id := range ids {
		out[id] = nil
	}
	ids = ids[:0]
	for id := range out { // each once
		ids = append(ids, id)
	}
	found, _, err := m.finder(c).Find(ctx, ids, o.filter)
	if err != nil {
		return ensembl.Answer{}, err
	}
	entries, _, err := describe(ctx, c.Genome, ids, found, o)
	if err != nil {
		return ensembl.Answer{}, err
	}
	for id, e := range entries {
		out[id] = e
	}
	return ensembl.Answer{Value: out, Tags: feature.Tags(found)}, nil
}

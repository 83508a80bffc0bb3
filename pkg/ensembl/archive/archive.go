package archive

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/archive"
	"mirrornet/pkg/genomedb/feature"
)

const group = "Archive"

var formats = []string{apispec.JSON, apispec.XML, apispec.JSONP, apispec.HTML}

// fresh: these answers change with a release alone, which invalidates them by
// tag. An old copy is better than none.
var fresh = apispec.Freshness{MaxAge: 86_400, StaleWhileRevalidate: 86_400, StaleIfError: 7 * 86_400, Negative: 300}

var (
	pathID = apispec.Param{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Stable id of a gene, transcript, translation or exon of any release; a version may follow", Examples: []string{"ENSG00000157764"}}
	// pathRest is what the reference passes over behind a whole path.
	pathRest = apispec.Param{Name: "rest", In: apispec.InPath, Type: apispec.String, Description: "Passed over"}
	options  = []apispec.Param{
		{Name: "db_type", In: apispec.InQuery, Type: apispec.String, Description: "Kind of database to search", Examples: []string{"core"}},
		{Name: "object_type", In: apispec.InQuery, Type: apispec.String, Description: "Only objects of this type", Examples: []string{"gene", "transcript"}},
		{Name: "species", In: apispec.InQuery, Type: apispec.String, Description: "Only objects of this species: a name or an alias", Examples: []string{"homo_sapiens"}},
	}
)

// Module states the endpoints.
func Module() ensembl.Module {
	return ensembl.Module{Name: "archive", Endpoints: []ensembl.Endpoint{
		{Spec: getID, Handle: answerGet, Answer: record{},
			Elsewhere: slices.Concat(ensembl.Examples(apispec.JSON, "/archive/id/ENSG00000054598", "/archive/id/ENSG00000054598.4"), ensembl.Examples(apispec.XML, "/archive/id/ENSP00000370275"))},
		{Spec: postID, Handle: answerPost, Answer: new([]record), Elsewhere: ensembl.Batch("/archive/id", `{"id": ["ENSG00000176515", "ENSG00000137273"]}`)},
	}}
}

var (
	getID = apispec.Endpoint{
		ID: "archive_id_get", Group: group, Method: "GET", Path: "/archive/id/{id}",
		Summary: "Says in which release a stable id was last seen, and what took its place",
		Aliases: []string{"/archive/id", "/archive/id/{id}/{rest...}"},
		Params:  append([]apispec.Param{pathID, pathRest}, options...),
		Formats: formats, Freshness: fresh, Tags: []string{"archive", "id:{id}"},
		Canaries: []string{"/archive/id/ENSG00000157764?content-type=application/json"},
		Examples: []apispec.Example{
			{Target: "/archive/id/ENSG00000157764", ContentType: apispec.JSON},
			{Target: "/archive/id/ENSG00000157764.13", ContentType: apispec.JSON},
			{Target: "/archive/id/ENSP00000423456", ContentType: apispec.XML},
		},
	}
	postID = apispec.Endpoint{
		ID: "archive_id_post", Group: group, Method: "POST", Path: "/archive/id",
		Summary: "Says in which release each of many stable ids was last seen, and what took its place; those that are not found are missing",
		Aliases: []string{"/archive/id/{rest...}"},
		Params:  append([]apispec.Param{pathRest}, options...),
		Body: &apispec.Body{ListOf: "id", MaxItems: 1000, Safe: true, Fields: []apispec.Param{
			{Name: "id", Type: apispec.String, Required: true, Repeated: true, Description: "Stable ids"}}},
		Formats: formats, Freshness: fresh, Tags: []string{"archive"},
		Examples: []apispec.Example{{Target: "/archive/id", ContentType: apispec.JSON,
			Body: `{"id": ["ENSG00000157764", "ENSG00000248378"]}`}},
	}
)

// record is what is said of one id.
type record struct {
	ID           string        `json:"id"`
	Version      any           `json:"version"` // a number, or the text that was asked for
	Release      string        `json:"release"`
	IsCurrent    string        `json:"is_current"` // "1" or ""
	Assembly     string        `json:"assembly"`
	Type         string        `json:"type"`
	Replacements []replacement `json:"possible_replacement"`
	Latest       string        `json:"latest"`
	Peptide      *string       `json:"peptide"`
}

type replacement struct {
	StableID string  `json:"stable_id"`
	Score    float64 `json:"score"`
}

func encode(r *archive.Record) record {
	out := record{ID: r.StableID, Version: r.Version, Release: r.Release, Assembly: r.Assembly, Type: r.Type,
		Replacements: make([]replacement, len(r.Replacements)), Latest: r.Latest, Peptide: r.Peptide}
	if !r.Asked {
		out.Version = json.Number(r.Version)
	}
	if r.Current {
		out.IsCurrent = "1"
	}
	for i, p := range r.Replacements {
		out.Replacements[i] = replacement{p.StableID, p.Score}
	}
	return out
}

func answerGet(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	id := c.Path["id"]
	records, failed, tags, err := find(ctx, c, []string{id})
	if err != nil {
		return ensembl.Answer{}, err
	}
	if e := failed[id]; e != nil {
		return ensembl.Answer{}, e
	}
	return ensembl.Answer{Value: encode(records[id]), Tags: tags}, nil
}

func answerPost(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	ids, err := list(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	records, _, tags, err := find(ctx, c, ids)
	if err != nil {
		return ensembl.Answer{}, err
	}
	var out []record // null where nothing is found
	for _, id := range ids {
		if r := records[id]; r != nil {
			out = append(out, encode(r))
		}
	}
	return ensembl.Answer{Value: out, Tags: tags}, nil
}

// list reads the ids of a POST. Elements that are no texts or numbers are
// passed over.
func list(c ensembl.Call) (ids []string, err error) {
	raw, ok := c.Body["id"]
	if !ok || string(raw) == "null" {
		return nil, nil
	}
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return nil, ensembl.BadRequest("POST body must contain 'id' key with array of values")
	}
	if limit := c.Limits.WithDefaults().Post; len(elements) > limit {
		return nil, ensembl.BadRequest("POST message too large. You have submitted %d elements but a limit of %d is in place. Request smaller regions or lists of IDs", len(elements), limit)
	}
	for _, e := range elements {
		var text string
		switch {
		case e[0] == '{' || e[0] == '[':
		case json.Unmarshal(e, &text) == nil && text != "":
			ids = append(ids, text)
		case e[0] == '-' || e[0] >= '0' && e[0] <= '9':
			ids = append(ids, string(e))
		}
	}
	return ids, nil
}

// find looks ids up, in the databases that are said to have them. Each is in
// records, or in failed with what the API says of it.
func find(ctx context.Context, c ensembl.Call, ids []string) (records map[string]*archive.Record, failed map[string]*ensembl.Error, tags []string, err error) {
	filter := feature.NewFilter(c.Query.Get("species"), c.Query.Get("db_type"), c.Query.Get("object_type"), c.Query.Has("object_type"))
	filter.Archived = true
	located, err := (&feature.Finder{Genome: c.Genome}).Locate(ctx, ids, filter)
	if err != nil {
		return nil, nil, nil, err
	}
	records, failed = map[string]*archive.Record{}, map[string]*ensembl.Error{}
	byDatabase, order := map[*genomedb.Database][]archive.Query{}, []*genomedb.Database{}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		at, ok := located[id]
		if !ok || id == "" {
			failed[id] = ensembl.BadRequest("No object found for %s", id)
			continue
		}
		db, ok := core(c.Genome, at.Species)
		if !ok {
			failed[id] = ensembl.BadRequest("Can not find internal name for species '%s'", at.Species)
			continue
		}
		if byDatabase[db] == nil {
			order = append(order, db)
		}
		byDatabase[db] = append(byDatabase[db], archive.Query{ID: id, Type: at.Type})
	}
	for _, db := range order {
		queries := byDatabase[db]
		found, refused, err := archive.Reader{DB: db}.Find(ctx, queries)
		if err != nil {
			return nil, nil, nil, err
		}
		for i, q := range queries {
			if found[i] != nil {
				records[q.ID] = found[i]
			} else {
				failed[q.ID] = refused[i]
			}
		}
		tags = append(tags, "species:"+db.Owner)
	}
	slices.Sort(tags)
	return records, failed, tags, nil
}

// core is a species' core database, which has the history of all.
func core(reg *genomedb.Registry, species string) (*genomedb.Database, bool) {
	s, ok := reg.Resolve(strings.TrimSpace(species))
	if !ok {
		return nil, false
	}
	return s.Database("core")
}

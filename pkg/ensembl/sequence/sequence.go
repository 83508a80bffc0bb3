package sequence

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/ensembl/batch"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/feature"
)

const group = "Sequence"

// SeqXML is the media type of SeqXML 0.4.
const SeqXML = "text/x-seqxml+xml"

var formats = []string{apispec.JSON, apispec.FASTA, apispec.Plain, SeqXML, apispec.XML, apispec.JSONP, apispec.HTML}

// fresh: these answers change with a release alone, which invalidates them by
// tag. An old copy is better than none.
var fresh = apispec.Freshness{MaxAge: 86_400, StaleWhileRevalidate: 86_400, StaleIfError: 7 * 86_400, Negative: 300}

var (
	kind = apispec.Param{Name: "type", In: apispec.InQuery, Type: apispec.Enum, Default: "genomic", Lenient: true,
		Allowed:     []string{"genomic", "cds", "cdna", "protein"},
		Description: "Which sequence: the genome's, the spliced transcript's with (cdna) or without (cds) untranslated regions, or the protein's"}
	start = apispec.Param{Name: "start", In: apispec.InQuery, Type: apispec.Integer, Lenient: true,
		Description: "First base or residue to give, counted on the sequence asked for; not together with expand"}
	end = apispec.Param{Name: "end", In: apispec.InQuery, Type: apispec.Integer, Lenient: true,
		Description: "Last base or residue to give, counted on the sequence asked for; not together with expand"}
	five = apispec.Param{Name: "expand_5prime", In: apispec.InQuery, Type: apispec.Integer, Lenient: true,
		Description: "Bases to add before a genomic sequence", Examples: []string{"1000"}}
	three = apispec.Param{Name: "expand_3prime", In: apispec.InQuery, Type: apispec.Integer, Lenient: true,
		Description: "Bases to add behind a genomic sequence", Examples: []string{"1000"}}
	mask = apispec.Param{Name: "mask", In: apispec.InQuery, Type: apispec.String, Examples: []string{"hard", "soft"},
		Description: "Marks repeats in a genomic sequence: hard writes N, soft lower case"}
	maskFeature = apispec.Param{Name: "mask_feature", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
		Description: "Lower case for introns in a genomic sequence, for untranslated regions in cdna; not together with mask"}
	multiple = apispec.Param{Name: "multiple_sequences", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
		Description: "Allows more than one sequence per id, and answers with a list: a gene may have many proteins"}
	layout = apispec.Param{Name: "format", In: apispec.InQuery, Type: apispec.String,
		Description: "Has no effect; the media type says the format", Examples: []string{"fasta"}}
	species = apispec.Param{Name: "species", In: apispec.InQuery, Type: apispec.String,
		Description: "Only objects of this species: a name or an alias", Examples: []string{"homo_sapiens"}}
	dbType = apispec.Param{Name: "db_type", In: apispec.InQuery, Type: apispec.String,
		Description: "Kind of database to search", Examples: []string{"core"}}
	objectType = apispec.Param{Name: "object_type", In: apispec.InQuery, Type: apispec.String,
		Description: "Only objects of this type", Examples: []string{"gene"}}
	system = apispec.Param{Name: "coord_system", In: apispec.InQuery, Type: apispec.String,
		Description: "Coordinate system of the region", Examples: []string{"contig", "seqlevel"}}
	systemVersion = apispec.Param{Name: "coord_system_version", In: apispec.InQuery, Type: apispec.String,
		Description: "Version of the coordinate system of the region", Examples: []string{"GRCh38"}}

	pathID = apispec.Param{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Stable id of a gene, transcript, translation or exon; a version may follow", Examples: []string{"ENSG00000157764"}}
	pathSpecies = apispec.Param{Name: "species", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Name of the species, or an alias", Examples: []string{"homo_sapiens", "human"}}
	pathRegion = apispec.Param{Name: "region", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Name of a sequence, its first and last base, and the strand", Examples: []string{"X:1000000..1000100:1", "X:1000000..1000100:-1"}}
	// pathRest is what the reference passes over behind a whole path.
	pathRest = apispec.Param{Name: "rest", In: apispec.InPath, Type: apispec.String, Description: "Passed over"}
)

// Module states the endpoints.
func Module() ensembl.Module {
	m := &module{}
	return ensembl.Module{Name: "sequence", Endpoints: []ensembl.Endpoint{
		{Spec: getID, Handle: m.getID, Answer: ensembl.Either{idValue{}, []idValue{}}, Elsewhere: slices.Concat(
			ensembl.Examples(apispec.Plain, "/sequence/id/ENSE00001271861"),
			ensembl.Examples(apispec.FASTA, "/sequence/id/ENST00000314040?type=cdna", "/sequence/id/ENST00000314040?type=cds"),
			ensembl.Examples(apispec.JSON, "/sequence/id/ENSP00000320396"),
			ensembl.Examples(SeqXML, "/sequence/id/ENSG00000112699?multiple_sequences=1;type=protein"))},
		{Spec: postID, Handle: m.postID, Answer: []idValue{}, Elsewhere: ensembl.Batch("/sequence/id", `{"ids": ["ENSE00001271861", "ENSG00000238438"]}`)},
		{Spec: getRegion, Handle: m.getRegion, Answer: regionValue{}, Elsewhere: slices.Concat(
			ensembl.Examples(apispec.Plain, "/sequence/region/human/6:1000000..1000100:1"),
			ensembl.Examples(apispec.FASTA, "/sequence/region/human/6:1000000..1000100:1?expand_3prime=60;expand_5prime=60", "/sequence/region/human/6:1080164..1080464:-1?mask=soft"),
			ensembl.Examples(apispec.JSON, "/sequence/region/human/6:1000000..1000100:1"))},
		{Spec: postRegion, Handle: m.postRegion, Answer: []regionValue{}, Elsewhere: ensembl.Batch("/sequence/region/human", `{"regions": ["6:1000000..1000100:1", "6:1507557..1507851:1"]}`)},
	}}
}

var (
	getID = apispec.Endpoint{
		ID: "sequence_id", Group: group, Method: "GET", Path: "/sequence/id/{id}",
		Summary: "Gives the sequence of what a stable id names",
		Aliases: []string{"/sequence/id", "/sequence/id/{id}/{rest...}"},
		Params: []apispec.Param{pathID, pathRest, dbType, end, three, five, layout, mask, maskFeature, multiple,
			objectType, species, start, kind},
		Formats: formats, Refuse415: true, Freshness: fresh, Tags: []string{"sequence", "id:{id}"},
		Canaries: []string{"/sequence/id/ENST00000288602?type=cds;content-type=text/plain"},
		Examples: []apispec.Example{
			{Target: "/sequence/id/ENSG00000157764", ContentType: apispec.Plain},
			{Target: "/sequence/id/ENST00000288602?type=cdna", ContentType: apispec.FASTA},
			{Target: "/sequence/id/ENST00000288602?type=cds", ContentType: apispec.FASTA},
			{Target: "/sequence/id/ENSP00000288602", ContentType: apispec.JSON},
			{Target: "/sequence/id/ENSG00000157764?multiple_sequences=1;type=protein", ContentType: SeqXML},
		},
	}
	postID = apispec.Endpoint{
		ID: "sequence_id_post", Group: group, Method: "POST", Path: "/sequence/id",
		Summary: "Gives the sequences of what many stable ids name; those that have none are left out",
		Aliases: []string{"/sequence/id/{rest...}"},
		Params: []apispec.Param{pathRest, dbType, end, three, five, layout, mask, maskFeature,
			objectType, species, start, kind},
		Body: &apispec.Body{ListOf: "ids", MaxItems: 50, Safe: true, Fields: []apispec.Param{
			{Name: "ids", Type: apispec.String, Required: true, Repeated: true, Description: "Stable ids"},
			end, three, five, mask, maskFeature, start, kind}},
		Formats: formats, Refuse415: true, Freshness: fresh, Tags: []string{"sequence"},
		Examples: []apispec.Example{{Target: "/sequence/id", ContentType: apispec.JSON,
			Body: `{"ids": ["ENSG00000157764", "ENST00000288602"]}`}},
	}
	getRegion = apispec.Endpoint{
		ID: "sequence_region", Group: group, Method: "GET", Path: "/sequence/region/{species}/{region}",
		Summary: "Gives the genomic sequence of a region",
		Aliases: []string{"/sequence/region/{species}", "/sequence/region/{species}/{region}/{rest...}"},
		Params:  []apispec.Param{pathSpecies, pathRegion, pathRest, system, systemVersion, three, five, layout, mask, maskFeature},
		Formats: formats, Refuse415: true, Freshness: fresh, Tags: []string{"sequence", "species:{species}"},
		Examples: []apispec.Example{
			{Target: "/sequence/region/human/X:1000000..1000100:1", ContentType: apispec.Plain},
			{Target: "/sequence/region/human/X:1000000..1000100:1?expand_3prime=60;expand_5prime=60", ContentType: apispec.FASTA},
			{Target: "/sequence/region/human/X:1000000..1000100:-1?mask=soft", ContentType: apispec.FASTA},
			{Target: "/sequence/region/human/X:1000000..1000100:1", ContentType: apispec.JSON},
		},
	}
	postRegion = apispec.Endpoint{
		ID: "sequence_region_post", Group: group, Method: "POST", Path: "/sequence/region/{species}",
		Summary: "Gives the genomic sequences of many regions; those that are not found are left out",
		Aliases: []string{"/sequence/region/{species}/{rest...}"},
		Params:  []apispec.Param{pathSpecies, pathRest, system, systemVersion, three, five, layout, mask, maskFeature},
		Body: &apispec.Body{ListOf: "regions", MaxItems: 50, Safe: true, Fields: []apispec.Param{
			{Name: "regions", Type: apispec.String, Required: true, Repeated: true, Description: "Regions"},
			three, five, mask, maskFeature}},
		Formats: formats, Refuse415: true, Freshness: fresh, Tags: []string{"sequence", "species:{species}"},
		Examples: []apispec.Example{{Target: "/sequence/region/human", ContentType: apispec.JSON,
			Body: `{"regions": ["X:1000000..1000100:1", "7:100000-100100"]}`}},
	}
)

// module holds what the handlers share: the assemblies of the registry served.
type module struct{ assemblies assembly.Cache }

func (m *module) finder(c ensembl.Call) *feature.Finder {
	return &feature.Finder{Genome: c.Genome, Assemblies: &m.assemblies}
}

func (m *module) getID(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	w, err := newWorker(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	id := c.Path["id"]
	found, failed, err := m.finder(c).Find(ctx, []string{id}, w.filter)
	if err != nil {
		return ensembl.Answer{}, err
	}
	if e := failed[id]; e != nil {
		return ensembl.Answer{}, e
	}
	o := found[id]
	transcripts, err := w.transcripts(ctx, found)
	if err != nil {
		return ensembl.Answer{}, err
	}
	pieces, err := w.object(ctx, id, o, transcripts)
	if err != nil {
		return ensembl.Answer{}, err
	}
	return answer(ctx, c, pieces, w.multiple, feature.Tags(found)...)
}

func (m *module) postID(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	w, err := newWorker(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	w.multiple = true
	ids, _, err := batch.List(c, "ids", c.Limits.WithDefaults().PostSequence)
	if err != nil {
		return ensembl.Answer{}, err
	}
	unique := slices.Clone(ids)
	slices.Sort(unique)
	found, _, err := m.finder(c).Find(ctx, slices.Compact(unique), w.filter)
	if err != nil {
		return ensembl.Answer{}, err
	}
	transcripts, err := w.transcripts(ctx, found)
	if err != nil {
		return ensembl.Answer{}, err
	}
	return collect(ctx, c, feature.Tags(found), ids, func(id string) ([]piece, error) {
		if found[id] == nil {
			return nil, nil
		}
		return w.object(ctx, id, found[id], transcripts)
	})
}

func (m *module) getRegion(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	w, err := newWorker(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	r, err := m.finder(c).Reader(ctx, c.Path["species"], "core")
	if err != nil {
		return ensembl.Answer{}, err
	}
	p, err := w.region(ctx, r, c.Path["region"])
	if err != nil {
		return ensembl.Answer{}, err
	}
	return answer(ctx, c, []piece{p}, c.Query.Bool("multiple_sequences"), "species:"+r.DB.Owner)
}

func (m *module) postRegion(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	w, err := newWorker(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	regions, _, err := batch.List(c, "regions", c.Limits.WithDefaults().PostSequence)
	if err != nil {
		return ensembl.Answer{}, err
	}
	r, err := m.finder(c).Reader(ctx, c.Path["species"], "core")
	var refused *ensembl.Error
	if err != nil && !errors.As(err, &refused) {
		return ensembl.Answer{}, err
	}
	var tags []string
	if r != nil {
		tags = []string{"species:" + r.DB.Owner}
	}
	return collect(ctx, c, tags, regions, func(region string) ([]piece, error) {
		if refused != nil {
			return nil, refused
		}
		p, err := w.region(ctx, r, region)
		return []piece{p}, err
	})
}

// loud is a refusal that a batch shows: it would meet every element.
type loud struct{ refusal *ensembl.Error }

func (l loud) Error() string { return l.refusal.Message }
func (l loud) Unwrap() error { return l.refusal }

// collect answers a batch. Elements that are refused are left out.
func collect(ctx context.Context, c ensembl.Call, tags, items []string, one func(string) ([]piece, error)) (ensembl.Answer, error) {
	if c.Format == SeqXML {
		return ensembl.Answer{}, ensembl.BadRequest("SeqXML is given for GET alone; ask for %s or %s", apispec.JSON, apispec.FASTA)
	}
	var all []piece
	var shown *ensembl.Error
	for _, item := range items {
		pieces, err := one(item)
		var refused *ensembl.Error
		var l loud
		switch {
		case err == nil:
			all = append(all, pieces...)
		case errors.As(err, &l) && shown == nil: // the first
			shown = l.refusal
		case errors.As(err, &l):
		case !errors.As(err, &refused):
			return ensembl.Answer{}, err
		}
	}
	switch {
	case shown != nil && len(all) > 0: // as the reference has it
		return ensembl.Answer{}, &ensembl.Error{Status: http.StatusOK, Message: shown.Message}
	case shown != nil:
		return ensembl.Answer{}, &ensembl.Error{Status: http.StatusNotFound, Message: shown.Message}
	case len(all) == 0:
		return ensembl.Answer{}, ensembl.NotFound("No results found")
	}
	return answer(ctx, c, all, true, tags...)
}

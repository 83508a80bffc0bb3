package mapping

import (
	"context"
	"regexp"
	"strconv"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/feature"
)

const group = "Mapping"

var formats = []string{apispec.JSON, apispec.XML, apispec.JSONP, apispec.HTML}

// fresh: these answers change with a release alone, which invalidates them by
// tag. An old copy is better than none.
var fresh = apispec.Freshness{MaxAge: 86_400, StaleWhileRevalidate: 86_400, StaleIfError: 7 * 86_400, Negative: 300}

var (
	transcriptID = apispec.Param{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Stable id of a transcript; a version may follow", Examples: []string{"ENST00000288602"}}
	proteinID = apispec.Param{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Stable id of a translation; a version may follow", Examples: []string{"ENSP00000288602"}}
	stretch = apispec.Param{Name: "region", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "First and last base or residue, counted from 1", Examples: []string{"100..300", "1-50"}}
	include = apispec.Param{Name: "include_original_region", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
		Description: "Gives with each mapping the stretch that it is of"}
	species = apispec.Param{Name: "species", In: apispec.InQuery, Type: apispec.String,
		Description: "Only objects of this species: a name or an alias", Examples: []string{"homo_sapiens", "human"}}
	dbType = apispec.Param{Name: "db_type", In: apispec.InQuery, Type: apispec.String,
		Description: "Kind of database to search", Examples: []string{"core", "otherfeatures"}}

	pathSpecies = apispec.Param{Name: "species", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Name of the species, or an alias", Examples: []string{"homo_sapiens", "human"}}
	from = apispec.Param{Name: "asm_one", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Version of the assembly that the region is of", Examples: []string{"GRCh37"}}
	to = apispec.Param{Name: "asm_two", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Version of the assembly wanted", Examples: []string{"GRCh38"}}
	region = apispec.Param{Name: "region", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Name of a sequence, its first and last base, and the strand", Examples: []string{"X:1000000..1000100:1", "X:1000000..1000100:-1"}}
	system = apispec.Param{Name: "coord_system", In: apispec.InQuery, Type: apispec.String, Default: "chromosome",
		Description: "Coordinate system that the region is of", Examples: []string{"chromosome", "contig"}}
	target = apispec.Param{Name: "target_coord_system", In: apispec.InQuery, Type: apispec.String, Default: "chromosome",
		Description: "Coordinate system wanted", Examples: []string{"chromosome", "contig"}}
	// pathRest is what the reference passes over behind a whole path.
	pathRest = apispec.Param{Name: "rest", In: apispec.InPath, Type: apispec.String, Description: "Passed over"}
)

// Module states the endpoints.
func Module() ensembl.Module {
	m := &module{}
	return ensembl.Module{Name: "mapping", Endpoints: []ensembl.Endpoint{
		{Spec: regions, Handle: m.regions, Answer: mappings[conversion]{}, Elsewhere: ensembl.Examples(apispec.JSON, "/map/human/GRCh37/6:1000000..1000100:1/NCBI36", "/map/human/GRCh37/6:1000000..1000100:1/GRCh37")},
		{Spec: cds, Handle: m.cds, Answer: ensembl.Either{mappings[*place]{}, mappings[pair]{}}, Elsewhere: ensembl.Examples(apispec.JSON, "/map/cds/ENST00000314040/1..1000")},
		{Spec: cdna, Handle: m.cdna, Answer: ensembl.Either{mappings[*place]{}, mappings[pair]{}}, Elsewhere: ensembl.Examples(apispec.JSON, "/map/cdna/ENST00000314040/100..300")},
		{Spec: translation, Handle: m.translation, Answer: mappings[*place]{}, Elsewhere: ensembl.Examples(apispec.JSON, "/map/translation/ENSP00000320396/1..20")},
	}}
}

var (
	regions = apispec.Endpoint{
		ID: "assembly_map", Group: group, Method: "GET", Path: "/map/{species}/{asm_one}/{region}/{asm_two}",
		Summary: "Says where a region lies in another assembly",
		Aliases: []string{"/map", "/map/{species}", "/map/{species}/{asm_one}", "/map/{species}/{asm_one}/{region}",
			"/map/{species}/{asm_one}/{region}/{asm_two}/{rest...}"},
		Params:  []apispec.Param{pathSpecies, from, region, to, pathRest, system, target},
		Formats: formats, Freshness: fresh, Tags: []string{"map", "species:{species}"},
		Examples: []apispec.Example{{Target: "/map/human/GRCh37/X:1000000..1000100:1/GRCh38", ContentType: apispec.JSON}},
	}
	cds = apispec.Endpoint{
		ID: "assembly_cds", Group: group, Method: "GET", Path: "/map/cds/{id}/{region}",
		Summary: "Says where a stretch of a transcript's coding sequence lies on the genome",
		Params:  []apispec.Param{transcriptID, stretch, dbType, include, species},
		Formats: formats, Freshness: fresh, Tags: []string{"map", "id:{id}"},
		Examples: []apispec.Example{{Target: "/map/cds/ENST00000288602/1..1000", ContentType: apispec.JSON}},
	}
	cdna = apispec.Endpoint{
		ID: "assembly_cdna", Group: group, Method: "GET", Path: "/map/cdna/{id}/{region}",
		Summary: "Says where a stretch of a spliced transcript lies on the genome",
		Params:  []apispec.Param{transcriptID, stretch, dbType, include, species},
		Formats: formats, Freshness: fresh, Tags: []string{"map", "id:{id}"},
		Canaries: []string{"/map/cdna/ENST00000288602/100..300?content-type=application/json"},
		Examples: []apispec.Example{{Target: "/map/cdna/ENST00000288602/100..300", ContentType: apispec.JSON}},
	}
	translation = apispec.Endpoint{
		ID: "assembly_translation", Group: group, Method: "GET", Path: "/map/translation/{id}/{region}",
		Summary: "Says where a stretch of a protein lies on the genome",
		Params:  []apispec.Param{proteinID, stretch, dbType, species},
		Formats: formats, Freshness: fresh, Tags: []string{"map", "id:{id}"},
		Examples: []apispec.Example{{Target: "/map/translation/ENSP00000288602/100..300", ContentType: apispec.JSON}},
	}
)

// module holds what the handlers share: the assemblies of the registry served.
type module struct{ assemblies assembly.Cache }

func (m *module) finder(c ensembl.Call) *feature.Finder {
	return &feature.Finder{Genome: c.Genome, Assemblies: &m.assemblies}
}

func (m *module) cdna(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	return m.object(ctx, c, "transcript", func(o *feature.Object, from, to int64) ([]pair, error) {
		parts, err := o.Transcript.FromCDNA(from, to)
		return pairs(parts, o.Transcript, "cdna"), err
	})
}

func (m *module) cds(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	return m.object(ctx, c, "transcript", func(o *feature.Object, from, to int64) ([]pair, error) {
		parts, ok, err := o.Transcript.FromCDS(from, to)
		switch {
		case err != nil:
			return nil, err
		case ok:
			return pairs(parts, o.Transcript, "cds"), nil
		case c.Query.Bool(include.Name):
			return []pair{{}}, nil // the reference names nothing twice
		}
		return nil, ensembl.BadRequest("%d is greater than the length of the coding sequence of %s", from, c.Path["id"])
	})
}

func (m *module) translation(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	return m.object(ctx, c, "translation", func(o *feature.Object, from, to int64) ([]pair, error) {
		parts, err := o.Protein.Transcript.FromProtein(from, to)
		return pairs(parts, o.Protein.Transcript, ""), err
	})
}

// A region may stand on any line of the text, as in the reference.
var bounds = regexp.MustCompile(`(?m)^([0-9]+)(?:\.\.|-)([0-9]+)$`)

// object finds the id's object and maps the region with f.
func (m *module) object(ctx context.Context, c ensembl.Call, kind string, f func(o *feature.Object, from, to int64) ([]pair, error)) (ensembl.Answer, error) {
	id := c.Path["id"]
	found, failed, err := m.finder(c).Find(ctx, []string{id},
		feature.NewFilter(c.Query.Get("species"), c.Query.Get("db_type"), kind, true))
	if err != nil {
		return ensembl.Answer{}, err
	}
	if e := failed[id]; e != nil {
		return ensembl.Answer{}, e
	}
	o := found[id]
	b := bounds.FindStringSubmatch(c.Path["region"])
	if b == nil || b[1] == "0" {
		return ensembl.Answer{}, ensembl.BadRequest("Region did not correctly parse. Please check documentation")
	}
	const most = 1 << 60 // three times that fit
	from, err1 := strconv.ParseInt(b[1], 10, 64)
	to, err2 := strconv.ParseInt(b[2], 10, 64)
	if err1 != nil || err2 != nil || from > most || to > most {
		return ensembl.Answer{}, ensembl.BadRequest("Region is beyond any sequence: positions may go up to %d", int64(most))
	}
	all, err := f(o, from, to)
	if err != nil {
		return ensembl.Answer{}, err
	}
	answer := ensembl.Answer{Tags: feature.Tags(found)}
	if c.Query.Bool(include.Name) && kind == "transcript" {
		for _, p := range all {
			if p.Mapped.place != nil && p.Mapped.Gap == 1 {
				p.Mapped.Start, p.Mapped.End = p.Original.Start, p.Original.End
			}
		}
		answer.Value = mappings[pair]{orEmpty(all)}
		return answer, nil
	}
	alone := make([]*place, len(all))
	for i, p := range all {
		alone[i] = p.Mapped.place
	}
	answer.Value = mappings[*place]{alone}
	return answer, nil
}

// mappings is an answer.
type mappings[T any] struct {
	Mappings []T `json:"mappings"`
}

func orEmpty[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// place is a stretch and where it lies, or what lies nowhere.
type place struct {
	Assembly *string `json:"assembly_name,omitempty"`
	System   string  `json:"coord_system"`
	End      int64   `json:"end"`
	Gap      int     `json:"gap"`
	Rank     int     `json:"rank"` // always 0
	Sequence string  `json:"seq_region_name,omitempty"`
	Start    int64   `json:"start"`
	Strand   int64   `json:"strand"`
}

// pair is a mapped stretch and the one that it is of.
type pair struct {
	Mapped   maybe `json:"mapped"`
	Original maybe `json:"original"`
}

// maybe is a place, or an empty object.
type maybe struct{ *place }

func (m maybe) MarshalJSON() ([]byte, error) {
	if m.place == nil {
		return []byte("{}"), nil
	}
	return marshal(m.place)
}

func pairs(parts []feature.Mapping, t *feature.Transcript, kind string) []pair {
	out := make([]pair, len(parts))
	for i, p := range parts {
		there := &place{Assembly: &t.At.On.System.Version, System: t.At.On.System.Name, Sequence: t.At.On.Name,
			Start: p.Mapped.Start, End: p.Mapped.End, Strand: p.Mapped.Strand}
		here := &place{System: kind, Start: p.Original.Start, End: p.Original.End, Strand: p.Original.Strand}
		if p.Gap {
			there.Gap, here.Gap = 1, 1
		}
		out[i] = pair{maybe{there}, maybe{here}}
	}
	return out
}

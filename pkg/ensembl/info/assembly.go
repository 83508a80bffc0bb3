package info

import (
	"context"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	model "mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/holdings"
)

// assembly are the endpoints about a species' assembly and its sequences.
func assembly() []ensembl.Endpoint {
	options := []apispec.Param{
		{Name: "bands", In: apispec.InQuery, Type: apispec.Boolean, Default: "0", Description: "Add the karyotype's bands, where they are known"},
		{Name: "synonyms", In: apispec.InQuery, Type: apispec.Boolean, Default: "0", Description: "Add the sequences' other names"},
	}
	return []ensembl.Endpoint{
		get("info_assembly", "/info/assembly/{species}", "A species' assembly: names, dates, top-level sequences and karyotype", assemblyInfo, whole{}, func(e *apispec.Endpoint) {
			e.Formats = assemblyFormats
			e.Params = options
			ofSpecies(e)
			e.Examples = append(example("/info/assembly/homo_sapiens", "/info/assembly/homo_sapiens?bands=1"),
				apispec.Example{Target: "/info/assembly/human", ContentType: apispec.XML})
		}),
		get("info_assembly_region", "/info/assembly/{species}/{region_name}", "One sequence of a species' assembly", (&regions{}).info, nil, func(e *apispec.Endpoint) {
			e.Formats = assemblyFormats
			e.Params = append([]apispec.Param{{Name: "region_name", In: apispec.InPath, Type: apispec.String, Required: true,
				Description: "Name of a sequence, such as a chromosome's", Examples: []string{"X"}},
				{Name: "coord_system", In: apispec.InQuery, Type: apispec.String, Description: "Coordinate system of the sequence", Examples: []string{"contig"}},
				{Name: "coord_system_version", In: apispec.InQuery, Type: apispec.String, Description: "Version of the coordinate system of the sequence", Examples: []string{"GRCh38"}},
			}, options...)
			ofSpecies(e)
			e.Examples = example("/info/assembly/homo_sapiens/X", "/info/assembly/homo_sapiens/X?synonyms=1")
		}),
	}
}

type band struct {
	ID       string  `json:"id"`
	Stain    *string `json:"stain"`
	Assembly string  `json:"assembly_name"`
	Sequence string  `json:"seq_region_name"`
	Start    int64   `json:"start"`
	End      int64   `json:"end"`
	Strand   int     `json:"strand"`
}

type synonym struct {
	Name   string  `json:"name"`
	DBName *string `json:"dbname"`
}

type topLevel struct {
	CoordSystem string    `json:"coord_system"`
	Name        string    `json:"name"`
	Length      int64     `json:"length"`
	Bands       []band    `json:"bands,omitempty"`
	Synonyms    []synonym `json:"synonyms,omitempty"`
}

// whole is what is said of an assembly.
type whole struct {
	Name           *string    `json:"assembly_name"`
	Date           *string    `json:"assembly_date"`
	Accession      *string    `json:"assembly_accession"`
	Started        *string    `json:"genebuild_start_date"`
	Method         *string    `json:"genebuild_method"`
	InitialRelease *string    `json:"genebuild_initial_release_date"`
	LastUpdate     *string    `json:"genebuild_last_geneset_update"`
	Default        *string    `json:"default_coord_system_version"`
	Versions       []string   `json:"coord_system_versions"`
	GoldenPath     any        `json:"golden_path"` // a number, or null
	Karyotype      []string   `json:"karyotype"`
	TopLevel       []topLevel `json:"top_level_region"`
}

func assemblyInfo(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	s, core, err := resolve(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	karyotype, err := holdings.Karyotype(ctx, core)
	if err != nil {
		return ensembl.Answer{}, err
	}
	names, chromosome := []string{}, map[int64]bool{}
	for _, q := range karyotype {
		names = append(names, q.Name)
		chromosome[q.ID] = true
	}
	sequences, err := holdings.WithAttribute(ctx, core, "toplevel")
	if err != nil {
		return ensembl.Answer{}, err
	}
	nonRef, err := holdings.WithAttribute(ctx, core, "non_ref")
	if err != nil {
		return ensembl.Answer{}, err
	}
	hidden := map[int64]bool{}
	for _, q := range nonRef {
		hidden[q.ID] = true
	}
	var bandsBy map[int64][]holdings.Band
	var synonymsBy map[int64][]holdings.Synonym
	if c.Query.Bool("bands") {
		if bandsBy, err = holdings.Bands(ctx, core); err != nil {
			return ensembl.Answer{}, err
		}
	}
	if c.Query.Bool("synonyms") {
		if synonymsBy, err = holdings.Synonyms(ctx, core, 0); err != nil {
			return ensembl.Answer{}, err
		}
	}
	top := []topLevel{}
	for _, q := range sequences {
		if hidden[q.ID] {
			continue
		}
		t := topLevel{CoordSystem: q.System, Name: q.Name, Length: q.Length, Synonyms: synonyms(synonymsBy[q.ID])}
		if chromosome[q.ID] {
			t.Bands = bands(bandsBy[q.ID], q.Name, q.Version)
		}
		top = append(top, t)
	}
	versions, err := holdings.AssemblyVersions(ctx, core)
	if err != nil {
		return ensembl.Answer{}, err
	}
	if len(versions) == 0 {
		return ensembl.Answer{}, ensembl.BadRequest("No versions found")
	}
	length, err := holdings.ReferenceLength(ctx, core)
	if err != nil {
		return ensembl.Answer{}, err
	}
	var goldenPath any
	if length != "" {
		goldenPath = numberOrText(length)
	}
	meta := func(key string) *string { return orNil(core.MetaFirst(key)) }
	return tagged(s, whole{
		Name: meta("assembly.name"), Date: meta("assembly.date"), Accession: meta("assembly.accession"),
		Started: meta("genebuild.start_date"), Method: meta("genebuild.method"),
		InitialRelease: meta("genebuild.initial_release_date"), LastUpdate: meta("genebuild.last_geneset_update"),
		Default: orNil(s.Assembly), Versions: versions, GoldenPath: goldenPath, Karyotype: names, TopLevel: top,
	}), nil
}

// bands are those of one sequence.
func bands(list []holdings.Band, sequence, version string) (out []band) {
	for _, b := range list {
		out = append(out, band{ID: b.Name, Stain: b.Stain, Assembly: version, Sequence: sequence, Start: b.Start, End: b.End})
	}
	return out
}

func synonyms(list []holdings.Synonym) (out []synonym) {
	for _, y := range list {
		out = append(out, synonym(y))
	}
	return out
}

// regions answers for one sequence, or a part of one.
type regions struct{ assemblies model.Cache }

func (m *regions) info(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	s, core, err := resolve(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	a, err := m.assemblies.Of(ctx, c.Genome, core)
	if err != nil {
		return ensembl.Answer{}, err
	}
	name := c.Path["region_name"]
	l, ok, err := model.ReadLocation(name)
	if err != nil {
		return ensembl.Answer{}, err
	}
	if !ok {
		return ensembl.Answer{}, ensembl.BadRequest("No slice found for location %s", name)
	}
	at, err := a.SliceAt(ctx, l, model.System{Name: c.Query.Get("coord_system"), Version: c.Query.Get("coord_system_version")}, name)
	if err != nil {
		return ensembl.Answer{}, err
	}
	start, end := at.Start, at.End
	attributes, err := holdings.Attributes(ctx, core, at.On.ID)
	if err != nil {
		return ensembl.Answer{}, err
	}
	answer := map[string]any{
		"length": end - start + 1, "coordinate_system": at.On.System.Name, "assembly_name": at.On.System.Version,
		"is_chromosome": bit(attributes["karyotype_rank"]), "is_circular": bit(attributes["circular_seq"]),
		"assembly_exception_type": "REF",
	}
	if attributes["non_ref"] {
		if answer["assembly_exception_type"], err = holdings.ExceptionType(ctx, core, at.On.ID, start, end); err != nil {
			return ensembl.Answer{}, err
		}
	}
	if c.Query.Bool("bands") {
		list, err := holdings.BandsOn(ctx, core, a, at)
		if err != nil {
			return ensembl.Answer{}, err
		}
		if len(list) > 0 {
			answer["karyotype_band"] = bands(list, at.On.Name, at.On.System.Version)
		}
	}
	if c.Query.Bool("synonyms") {
		by, err := holdings.Synonyms(ctx, core, at.On.ID)
		if err != nil {
			return ensembl.Answer{}, err
		}
		if list := by[at.On.ID]; len(list) > 0 {
			answer["synonyms"] = synonyms(list)
		}
	}
	return tagged(s, answer), nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

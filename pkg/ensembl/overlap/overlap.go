package overlap

import (
	"context"
	"slices"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/feature"
	"mirrornet/pkg/genomedb/track"
)

const group = "Overlap"

var formats = []string{apispec.JSON, apispec.XML, apispec.JSONP, apispec.HTML, apispec.GFF3, apispec.BED}

// fresh: these answers change with a release alone, which invalidates them by
// tag. An old copy is better than none.
var fresh = apispec.Freshness{MaxAge: 86_400, StaleWhileRevalidate: 86_400, StaleIfError: 7 * 86_400, Negative: 300}

func text(name, description string, examples ...string) apispec.Param {
	return apispec.Param{Name: name, In: apispec.InQuery, Type: apispec.String, Description: description, Examples: examples}
}

func flag(name, description string) apispec.Param {
	return apispec.Param{Name: name, In: apispec.InQuery, Type: apispec.Boolean, Default: "0", Description: description}
}

var (
	kinds = apispec.Param{Name: "feature", In: apispec.InQuery, Type: apispec.String, Repeated: true, CaseBlind: true,
		Description: "Types of features wanted: band, gene, transcript, cds, exon, repeat, simple, misc, mane, variation, " +
			"somatic_variation, structural_variation, somatic_structural_variation, constrained, regulatory, motif",
		Examples: []string{"gene", "transcript"}}
	biotype = apispec.Param{Name: "biotype", In: apispec.InQuery, Type: apispec.String, Repeated: true,
		Description: "Only genes, and transcripts with their exons and coding parts, of these biotypes", Examples: []string{"protein_coding"}}
	from           = text("source", "Only genes of this source", "ensembl")
	dbType         = text("db_type", "Kind of database to look in", "core", "otherfeatures")
	logicName      = text("logic_name", "Only what this analysis made")
	miscSet        = text("misc_set", "Only miscellaneous features of this set", "cloneset_30k")
	soTerm         = apispec.Param{Name: "so_term", In: apispec.InQuery, Type: apispec.String, Repeated: true, Description: "Only variants with this consequence: a term of the Sequence Ontology, or its accession", Examples: []string{"SO:0001650"}}
	speciesSet     = text("species_set", "Set of species whose constrained elements are wanted", "mammals")
	variantSet     = text("variant_set", "Only variants of this set: its short name", "ClinVar")
	trimUpstream   = flag("trim_upstream", "Leaves out what reaches over the region's upstream end")
	trimDownstream = flag("trim_downstream", "Leaves out what reaches over the region's downstream end")
	objectType     = text("object_type", "Type of the object that the id names", "gene")
	species        = text("species", "Species of the object that the id names", "homo_sapiens")
	system         = text("coord_system", "Coordinate system of the region", "contig")
	systemVersion  = text("coord_system_version", "Version of the coordinate system of the region", "GRCh38")

	pathID = apispec.Param{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Stable id of a gene, transcript or exon; a version may follow", Examples: []string{"ENSG00000157764"}}
	pathSpecies = apispec.Param{Name: "species", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Name of the species, or an alias", Examples: []string{"homo_sapiens", "human"}}
	pathRegion = apispec.Param{Name: "region", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Name of a sequence, its first and last base, and the strand", Examples: []string{"X:1..1000:1", "X:1..1000:-1", "X:1..1000"}}
)

// Module states the endpoints.
func Module() ensembl.Module {
	m := &module{sources: sources(), onProteins: onProteins()}
	return ensembl.Module{Name: "overlap", Endpoints: []ensembl.Endpoint{
		{Spec: getID, Handle: m.getID, Answer: []summary{}, Elsewhere: slices.Concat(
			ensembl.Examples(apispec.JSON, "/overlap/id/ENSG00000176515?feature=gene"),
			ensembl.Examples(apispec.BED, "/overlap/id/ENSG00000176515?feature=transcript;feature=exon"))},
		{Spec: getRegion, Handle: m.getRegion, Answer: []summary{}, Elsewhere: slices.Concat(
			ensembl.Examples(apispec.JSON, "/overlap/region/human/6:1078245-1108340?feature=gene;feature=transcript;feature=cds;feature=exon"),
			ensembl.Examples(apispec.GFF3, "/overlap/region/human/6:1078245-1108340?feature=gene;feature=transcript;feature=cds;feature=exon"),
			ensembl.Examples(apispec.JSON, "/overlap/region/human/6:1000000-1003000?feature=variation;so_term=intergenic_variant"),
			ensembl.Examples(apispec.GFF3, "/overlap/region/human/1:76429380-76430144?feature=regulatory"))},
		{Spec: getTranslation, Handle: m.getTranslation, Answer: []residueSummary{}, Elsewhere: slices.Concat(
			ensembl.Examples(apispec.JSON, "/overlap/translation/ENSP00000371073?type=Superfamily",
				"/overlap/translation/ENSP00000371073?feature=transcript_variation;type=missense_variant",
				"/overlap/translation/ENSP00000371073?feature=somatic_transcript_variation"),
			ensembl.Examples(apispec.XML, "/overlap/translation/ENSP00000371073?feature=translation_exon;feature=residue_overlap"))},
	}}
}

var (
	getID = apispec.Endpoint{
		ID: "overlap_id", Group: group, Method: "GET", Path: "/overlap/id/{id}",
		Summary: "Lists the features on the place of what a stable id names",
		Params: []apispec.Param{pathID, kinds, biotype, dbType, logicName, miscSet, objectType, soTerm, from, species,
			speciesSet, trimDownstream, trimUpstream, variantSet},
		Formats: formats, Freshness: fresh, Tags: []string{"overlap", "id:{id}"},
		Examples: []apispec.Example{
			{Target: "/overlap/id/ENSG00000157764?feature=gene", ContentType: apispec.JSON},
			{Target: "/overlap/id/ENST00000288602?feature=transcript;feature=exon", ContentType: apispec.BED},
		},
	}
	getRegion = apispec.Endpoint{
		ID: "overlap_region", Group: group, Method: "GET", Path: "/overlap/region/{species}/{region}",
		Summary: "Lists the features on a region",
		Params: []apispec.Param{pathSpecies, pathRegion, kinds, biotype, system, systemVersion, dbType, logicName, miscSet,
			soTerm, from, speciesSet, trimDownstream, trimUpstream, variantSet},
		Formats: formats, Freshness: fresh, Tags: []string{"overlap", "species:{species}"},
		Canaries: []string{"/overlap/region/human/7:100000-130000?feature=gene;content-type=application/json"},
		Examples: []apispec.Example{
			{Target: "/overlap/region/human/7:100000-130000?feature=gene;feature=transcript;feature=cds;feature=exon", ContentType: apispec.JSON},
			{Target: "/overlap/region/human/7:100000-130000?feature=gene;feature=transcript;feature=cds;feature=exon", ContentType: apispec.GFF3},
			{Target: "/overlap/region/human/7:100000-200000?feature=variation;so_term=missense_variant", ContentType: apispec.JSON},
			{Target: "/overlap/region/human/7:100000-200000?feature=regulatory;feature=motif", ContentType: apispec.GFF3},
		},
	}
)

// module holds what the handlers share.
type module struct {
	assemblies assembly.Cache
	tracks     track.Cache
	sources    map[string]source
	onProteins map[string]onProtein
}

func (m *module) finder(c ensembl.Call) *feature.Finder {
	return &feature.Finder{Genome: c.Genome, Assemblies: &m.assemblies}
}

func (m *module) getID(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	id := c.Path["id"]
	f := m.finder(c)
	filter := feature.NewFilter(c.Query.Get("species"), c.Query.Get("db_type"), c.Query.Get("object_type"), c.Query.Has("object_type"))
	found, failed, err := f.Find(ctx, []string{id}, filter)
	if err != nil {
		return ensembl.Answer{}, err
	}
	if e := failed[id]; e != nil {
		return ensembl.Answer{}, e
	}
	o := found[id]
	at, ok := lies(o)
	if !ok {
		return ensembl.Answer{}, ensembl.BadRequest("%s", id)
	}
	at.Strand = 1
	q := &query{Call: c, Core: o.Reader, Slice: at, finder: f, tracks: &m.tracks}
	q.Species, _ = c.Genome.Resolve(o.Species)
	return m.answer(ctx, q)
}

// lies is where an object lies; ok is false for proteins.
func lies(o *feature.Object) (at assembly.Slice, ok bool) {
	switch {
	case o.Gene != nil:
		return o.Gene.At, true
	case o.Transcript != nil:
		return o.Transcript.At, true
	case o.Exon != nil:
		return o.Exon.At, true
	}
	return at, false
}

func (m *module) getRegion(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	f := m.finder(c)
	name := c.Path["species"]
	if _, ok := c.Genome.Resolve(name); !ok && owns(c.Genome, name) {
		return ensembl.Answer{}, ensembl.BadRequest("Do not know anything about the species %s and core database", name)
	}
	r, err := f.Reader(ctx, name, "core")
	if err != nil {
		return ensembl.Answer{}, err
	}
	at, err := r.Assembly.Slice(ctx, c.Path["region"], assembly.System{
		Name: c.Query.Get("coord_system"), Version: c.Query.Get("coord_system_version")})
	if err != nil {
		return ensembl.Answer{}, err
	}
	if most := c.Limits.WithDefaults().Overlap; at.Length() > most {
		return ensembl.Answer{}, ensembl.BadRequest("%d is greater than the maximum allowed length of %d. Request smaller regions of sequence", at.Length(), most)
	}
	q := &query{Call: c, Core: r, Slice: at, finder: f, tracks: &m.tracks}
	q.Species, _ = c.Genome.Resolve(name)
	return m.answer(ctx, q)
}

// owns says whether there are databases of that name, such as multi.
func owns(reg *genomedb.Registry, name string) bool {
	return slices.ContainsFunc(reg.Databases(), func(d *genomedb.Database) bool { return strings.EqualFold(d.Owner, name) })
}

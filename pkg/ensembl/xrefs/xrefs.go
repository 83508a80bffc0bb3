package xrefs

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/feature"
	"mirrornet/pkg/genomedb/xref"
)

const group = "Cross References"

var formats = []string{apispec.JSON, apispec.XML, apispec.JSONP, apispec.HTML}

// fresh: these answers change with a release alone, which invalidates them by
// tag. An old copy is better than none.
var fresh = apispec.Freshness{MaxAge: 86_400, StaleWhileRevalidate: 86_400, StaleIfError: 7 * 86_400, Negative: 300}

var (
	allLevels = apispec.Param{Name: "all_levels", In: apispec.InQuery, Type: apispec.Boolean, Default: "0",
		Description: "Adds the references of what belongs to the object: to a gene those of its transcripts, to a transcript those of its translation"}
	dbType = apispec.Param{Name: "db_type", In: apispec.InQuery, Type: apispec.String,
		Description: "Kind of database to search", Examples: []string{"core", "otherfeatures"}}
	objectType = apispec.Param{Name: "object_type", In: apispec.InQuery, Type: apispec.String,
		Description: "Only objects of this type", Examples: []string{"gene", "transcript"}}
	species = apispec.Param{Name: "species", In: apispec.InQuery, Type: apispec.String,
		Description: "Only objects of this species: a name or an alias", Examples: []string{"homo_sapiens", "human"}}
	externalDB = apispec.Param{Name: "external_db", In: apispec.InQuery, Type: apispec.String,
		Description: "Only references to this external database", Examples: []string{"HGNC"}}

	pathID = apispec.Param{Name: "id", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Stable id of a gene, transcript or translation; a version may follow", Examples: []string{"ENSG00000157764"}}
	pathSpecies = apispec.Param{Name: "species", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Name of the species, or an alias", Examples: []string{"homo_sapiens", "human"}}
	pathName = apispec.Param{Name: "name", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Accession or label in an external database", Examples: []string{"BRCA2"}}
	pathSymbol = apispec.Param{Name: "symbol", In: apispec.InPath, Type: apispec.String, Required: true,
		Description: "Accession, label or synonym in an external database; % stands for any text and _ for any letter", Examples: []string{"BRCA2"}}
)

// described is a parameter with other words.
func described(p apispec.Param, description string, examples ...string) apispec.Param {
	p.Description, p.Examples = description, examples
	return p
}

// repeated is a parameter that may come several times.
func repeated(p apispec.Param) apispec.Param {
	p.Repeated = true
	return p
}

// Module states the endpoints.
func Module() ensembl.Module {
	m := &module{}
	return ensembl.Module{Name: "xrefs", Endpoints: []ensembl.Endpoint{
		{Spec: getID, Handle: m.getID, Answer: []entry{}, Elsewhere: slices.Concat(
			ensembl.Examples(apispec.JSON, "/xrefs/id/ENSG00000176515", "/xrefs/id/ENSG00000176515?all_levels=1;external_db=UniProt%25"),
			ensembl.Examples(apispec.XML, "/xrefs/id/ENSG00000176515"))},
		{Spec: getName, Handle: getNamed, Answer: []entry{}, Elsewhere: ensembl.Examples(apispec.JSON, "/xrefs/name/human/FOXC1")},
		{Spec: getSymbol, Handle: m.getSymbol, Answer: []hit{}, Elsewhere: slices.Concat(
			ensembl.Examples(apispec.JSON, "/xrefs/symbol/homo_sapiens/FOXC1", "/xrefs/symbol/homo_sapiens/FOXC1?external_db=HGNC"),
			ensembl.Examples(apispec.XML, "/xrefs/symbol/homo_sapiens/FOXC1"))},
	}}
}

var (
	getID = apispec.Endpoint{
		ID: "xref_id", Group: group, Method: "GET", Path: "/xrefs/id/{id}",
		Summary: "Lists what other databases call an object",
		Params: []apispec.Param{pathID, allLevels, dbType,
			described(externalDB, "Only references to this external database; % stands for any text", "HGNC", "UniProt%"), objectType, species},
		Formats: formats, Freshness: fresh, Tags: []string{"xrefs", "id:{id}"},
		Canaries: []string{"/xrefs/id/ENSG00000157764?content-type=application/json"},
		Examples: []apispec.Example{
			{Target: "/xrefs/id/ENSG00000157764", ContentType: apispec.JSON},
			{Target: "/xrefs/id/ENST00000288602?all_levels=1;external_db=PDB", ContentType: apispec.JSON},
			{Target: "/xrefs/id/ENSG00000157764", ContentType: apispec.XML},
		},
	}
	getName = apispec.Endpoint{
		ID: "xref_name", Group: group, Method: "GET", Path: "/xrefs/name/{species}/{name}",
		Summary: "Says what is known of an accession or label of another database",
		Params:  []apispec.Param{pathSpecies, pathName, dbType, externalDB},
		Formats: formats, Freshness: fresh, Tags: []string{"xrefs", "species:{species}"},
		Examples: []apispec.Example{{Target: "/xrefs/name/human/BRCA2", ContentType: apispec.JSON}},
	}
	getSymbol = apispec.Endpoint{
		ID: "xref_external", Group: group, Method: "GET", Path: "/xrefs/symbol/{species}/{symbol}",
		Summary: "Finds the genes, transcripts and translations that a name of another database leads to",
		Params: []apispec.Param{pathSpecies, pathSymbol, dbType,
			described(externalDB, "Only names of external databases that begin so", "HGNC"), repeated(objectType)},
		Formats: formats, Freshness: fresh, Tags: []string{"xrefs", "species:{species}"},
		Examples: []apispec.Example{
			{Target: "/xrefs/symbol/homo_sapiens/BRCA2", ContentType: apispec.JSON},
			{Target: "/xrefs/symbol/homo_sapiens/BRCA2?external_db=HGNC", ContentType: apispec.JSON},
			{Target: "/xrefs/symbol/homo_sapiens/BRCA2", ContentType: apispec.XML},
		},
	}
)

// module holds what the handlers share: the assemblies of the registry served.
type module struct{ assemblies assembly.Cache }

func (m *module) finder(c ensembl.Call) *feature.Finder {
	return &feature.Finder{Genome: c.Genome, Assemblies: &m.assemblies}
}

func (m *module) getID(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	id := c.Path["id"]
	filter := feature.NewFilter(c.Query.Get("species"), c.Query.Get("db_type"), c.Query.Get("object_type"), c.Query.Has("object_type"))
	found, err := m.finder(c).Locate(ctx, []string{id}, filter)
	if err != nil {
		return ensembl.Answer{}, err
	}
	at, ok := found[id]
	if !ok {
		return ensembl.Answer{}, ensembl.BadRequest("ID '%s' not found", id)
	}
	if !xref.Has(at.Type) || c.Query.Bool("all_levels") && strings.HasPrefix(strings.ToLower(at.Type), "operon") {
		return m.without(ctx, c, id, at, filter)
	}
	db, err := database(c.Genome, at.Species, at.Kind)
	if err != nil {
		return ensembl.Answer{}, err
	}
	r := xref.Reader{DB: db}
	object, ok, err := r.Find(ctx, at.Type, id)
	if err != nil {
		return ensembl.Answer{}, err
	}
	if !ok {
		return ensembl.Answer{}, ensembl.BadRequest("No object found for ID %s", id)
	}
	entries, err := entriesOf(ctx, r, object, c)
	return ensembl.Answer{Value: encode(entries), Tags: []string{"species:" + db.Owner}}, err
}

// comparative are the objects that comparative genomics has, by table.
var comparative = map[string]string{"genetree": "gene_tree_root", "family": "family"}

// classes are what the API's sentence calls objects without references.
var classes = map[string]string{"exon": "Exon", "operon": "Operon", "operontranscript": "OperonTranscript",
	"genetree": "Compara::GeneTree", "family": "Compara::Family"}

// without answers for an object that has no references.
func (m *module) without(ctx context.Context, c ensembl.Call, id string, at feature.Location, filter feature.Filter) (ensembl.Answer, error) {
	kind := strings.ToLower(at.Type)
	switch {
	case comparative[kind] != "":
		known := false
		if db, ok := c.Genome.Owned(at.Species, at.Kind); ok {
			var err error
			if known, err = (xref.Reader{DB: db}).Knows(ctx, comparative[kind], id); err != nil {
				return ensembl.Answer{}, err
			}
		}
		if !known {
			return ensembl.Answer{}, ensembl.BadRequest("No object found for ID %s", id)
		}
	case !xref.Has(kind): // an exon, or a predicted transcript
		objects, failed, err := m.finder(c).Find(ctx, []string{id}, filter)
		if err != nil {
			return ensembl.Answer{}, err
		}
		if e := failed[id]; e != nil {
			return ensembl.Answer{}, e
		}
		if kind != "exon" {
			return ensembl.Answer{Value: encode(nil), Tags: feature.Tags(objects)}, nil
		}
	}
	return ensembl.Answer{}, ensembl.BadRequest(`The object type "Bio::EnsEMBL::%s" for ID "%s" cannot respond to the given request for Xrefs. Are you sure it has them?`,
		classes[kind], id)
}

// entriesOf lists an object's entries, and with all_levels those of what
// belongs to it: a transcript's and its translation's by rank.
func entriesOf(ctx context.Context, r xref.Reader, o xref.Object, c ensembl.Call) ([]*xref.Entry, error) {
	var f xref.Filter
	if names := c.Query.All("external_db"); len(names) > 0 && names[0] != "" && names[0] != "0" {
		if f.Database = &names[0]; len(names) > 1 {
			f.Type = &names[1]
		}
	}
	own, err := r.Of(ctx, o.Kind, []int64{o.ID}, f)
	if err != nil || !c.Query.Bool("all_levels") || o.Kind != "Gene" && o.Kind != "Transcript" {
		return own[o.ID], err
	}
	below, err := r.Below(ctx, o)
	if err != nil {
		return nil, err
	}
	var transcripts, translations []int64
	for _, b := range below {
		transcripts = append(transcripts, b[0])
		if b[1] != 0 {
			translations = append(translations, b[1])
		}
	}
	ofTranslations, err := r.Of(ctx, "Translation", translations, f)
	if err != nil {
		return nil, err
	}
	var all []*xref.Entry
	ofTranscripts := own
	if o.Kind == "Gene" {
		all = own[o.ID]
		if ofTranscripts, err = r.Of(ctx, "Transcript", transcripts, f); err != nil {
			return nil, err
		}
	}
	for _, b := range below {
		both := slices.Concat(ofTranscripts[b[0]], ofTranslations[b[1]])
		slices.SortStableFunc(both, rank)
		all = append(all, both...)
	}
	return all, nil
}

// getNamed answers for a name of other databases.
func getNamed(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	db, err := database(c.Genome, c.Path["species"], kind(c))
	if err != nil {
		return ensembl.Answer{}, err
	}
	var external *string
	if c.Query.Has("external_db") {
		name := c.Query.Get("external_db")
		external = &name
	}
	entries, err := xref.Reader{DB: db}.Named(ctx, c.Path["name"], external)
	if err != nil {
		return ensembl.Answer{}, err
	}
	out := encode(entries)
	for i := range out {
		if out[i].Version == nil {
			out[i].Version = 0
		}
	}
	return ensembl.Answer{Value: out, Tags: []string{"species:" + db.Owner}}, nil
}

// hit is an object that a symbol leads to.
type hit struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// searched are the types of object that are found by symbol.
var searched = map[string]bool{"gene": true, "transcript": true, "translation": true, "rnaproduct": true}

func (m *module) getSymbol(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	kinds := []string{"gene", "transcript", "translation"}
	if c.Query.Bool("object_type") {
		kinds = nil
		for _, k := range c.Query.All("object_type") {
			if kinds = append(kinds, strings.ToLower(k)); !searched[kinds[len(kinds)-1]] {
				return ensembl.Answer{}, ensembl.BadRequest("The object_type '%s' is not understood by this service", k)
			}
		}
	}
	r, err := m.finder(c).Reader(ctx, c.Path["species"], kind(c))
	if err != nil {
		return ensembl.Answer{}, err
	}
	s := xref.Searcher{Reader: xref.Reader{DB: r.DB}, Assembly: r.Assembly}
	var external *string
	if c.Query.Has("external_db") {
		name := c.Query.Get("external_db")
		external = &name
	}
	symbol := c.Path["symbol"]
	found, err := s.Search(ctx, symbol, external, kinds...)
	if err == nil && len(found) == 0 && (!c.Query.Has("object_type") || c.Query.Get("object_type") == "gene") {
		found, err = s.Labelled(ctx, symbol)
	}
	if err != nil {
		return ensembl.Answer{}, err
	}
	out := make([]hit, len(found))
	for i, h := range found {
		out[i] = hit{h.Kind, h.StableID}
	}
	return ensembl.Answer{Value: out, Tags: []string{"species:" + r.DB.Owner}}, nil
}

// option is a parameter's value; "0" is none, as in the reference.
func option(c ensembl.Call, name string) string {
	if !c.Query.Bool(name) {
		return ""
	}
	return c.Query.Get(name)
}

// kind is the kind of database asked for.
func kind(c ensembl.Call) string {
	return canonical(cmp.Or(option(c, "db_type"), "core"))
}

// canonical is a kind of database under its own name.
func canonical(kind string) string {
	if strings.EqualFold(kind, "regulation") {
		return "funcgen"
	}
	return kind
}

func database(reg *genomedb.Registry, species, kind string) (*genomedb.Database, error) {
	s, ok := reg.Resolve(species)
	if !ok {
		return nil, genomedb.Refuse("Can not find internal name for species '%s'", species)
	}
	db, ok := s.Database(canonical(kind))
	if !ok {
		return nil, genomedb.Refuse("There is no %s database of species '%s'", kind, species)
	}
	return db, nil
}

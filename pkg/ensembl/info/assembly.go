package info

import (
	"context"
	"database/sql"
	"errors"

	"mirrornet/pkg/apispec"
	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb"
	model "mirrornet/pkg/genomedb/assembly"
)

// assembly are the endpoints about a species' assembly and its sequences.
func assembly() []ensembl.Endpoint {
	options := []apispec.Param{
		{Name: "bands", In: apispec.InQuery, Type: apispec.Boolean, Default: "0", Description: "Add the karyotype's bands, where they are known"},
		{Name: "synonyms", In: apispec.InQuery, Type: apispec.Boolean, Default: "0", Description: "Add the sequences' other names"},
	}
	return []ensembl.Endpoint{
		get("info_assembly", "/info/assembly/{species}", "A species' assembly: names, dates, top-level sequences and karyotype", assemblyInfo, func(e *apispec.Endpoint) {
			e.Formats = assemblyFormats
			e.Params = options
			ofSpecies(e)
			e.Examples = append(example("/info/assembly/homo_sapiens", "/info/assembly/homo_sapiens?bands=1"),
				apispec.Example{Target: "/info/assembly/human", ContentType: apispec.XML})
		}),
		get("info_assembly_region", "/info/assembly/{species}/{region_name}", "One sequence of a species' assembly", (&regions{}).info, func(e *apispec.Endpoint) {
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

// sequence is a row of seq_region with its coordinate system.
type sequence struct {
	id      int64
	name    string
	length  int64
	system  string
	version string
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

func assemblyInfo(ctx context.Context, c ensembl.Call) (ensembl.Answer, error) {
	s, core, err := resolve(c)
	if err != nil {
		return ensembl.Answer{}, err
	}
	bands, synonyms := c.Query.Bool("bands"), c.Query.Bool("synonyms")
	karyotype, err := withAttribute(ctx, core, "karyotype_rank", "a.value + 0, r.seq_region_id")
	if err != nil {
		return ensembl.Answer{}, err
	}
	names, chromosome := []string{}, map[int64]bool{}
	for _, q := range karyotype {
		names = append(names, q.name)
		chromosome[q.id] = true
	}
	sequences, err := withAttribute(ctx, core, "toplevel", "r.seq_region_id")
	if err != nil {
		return ensembl.Answer{}, err
	}
	nonRef, err := withAttribute(ctx, core, "non_ref", "r.seq_region_id")
	if err != nil {
		return ensembl.Answer{}, err
	}
	hidden := map[int64]bool{}
	for _, q := range nonRef {
		hidden[q.id] = true
	}
	top := []topLevel{}
	for _, q := range sequences {
		if hidden[q.id] {
			continue
		}
		t := topLevel{CoordSystem: q.system, Name: q.name, Length: q.length}
		if bands && chromosome[q.id] {
			if t.Bands, err = bandsOf(ctx, core, q, 1, q.length); err != nil {
				return ensembl.Answer{}, err
			}
		}
		if synonyms {
			if t.Synonyms, err = synonymsOf(ctx, core, q); err != nil {
				return ensembl.Answer{}, err
			}
		}
		top = append(top, t)
	}
	versions, err := coordSystemVersions(ctx, core)
	if err != nil {
		return ensembl.Answer{}, err
	}
	if len(versions) == 0 {
		return ensembl.Answer{}, ensembl.BadRequest("No versions found")
	}
	goldenPath, err := referenceLength(ctx, core)
	if err != nil {
		return ensembl.Answer{}, err
	}
	meta := func(key string) *string { return orNil(core.MetaFirst(key)) }
	return tagged(s, map[string]any{
		"assembly_name":                  meta("assembly.name"),
		"assembly_date":                  meta("assembly.date"),
		"assembly_accession":             meta("assembly.accession"),
		"genebuild_start_date":           meta("genebuild.start_date"),
		"genebuild_method":               meta("genebuild.method"),
		"genebuild_initial_release_date": meta("genebuild.initial_release_date"),
		"genebuild_last_geneset_update":  meta("genebuild.last_geneset_update"),
		"default_coord_system_version":   orNil(s.Assembly),
		"coord_system_versions":          versions,
		"golden_path":                    goldenPath,
		"karyotype":                      names,
		"top_level_region":               top,
	}), nil
}

// withAttribute lists the sequences with an attribute.
func withAttribute(ctx context.Context, db *genomedb.Database, code, order string) (list []sequence, err error) {
	err = each(ctx, db, `SELECT r.seq_region_id, r.name, r.length, cs.name, COALESCE(cs.version, '')
		FROM {attrib_type} t JOIN {seq_region_attrib} a ON a.attrib_type_id = t.attrib_type_id
		JOIN {seq_region} r ON r.seq_region_id = a.seq_region_id
		JOIN {coord_system} cs ON cs.coord_system_id = r.coord_system_id
		WHERE t.code = ? ORDER BY `+order, []any{code}, func(rows *sql.Rows) error {
		var q sequence
		err := rows.Scan(&q.id, &q.name, &q.length, &q.system, &q.version)
		list = append(list, q)
		return err
	})
	return list, err
}

func coordSystemVersions(ctx context.Context, db *genomedb.Database) ([]string, error) {
	list, seen := []string{}, map[string]bool{}
	err := each(ctx, db, "SELECT version FROM {coord_system} WHERE version <> '' ORDER BY rank", nil, func(rows *sql.Rows) error {
		var v string
		if err := rows.Scan(&v); err != nil || seen[v] {
			return err
		}
		seen[v] = true
		list = append(list, v)
		return nil
	})
	return list, err
}

// referenceLength is the length of the golden path, nil where it is not known.
func referenceLength(ctx context.Context, db *genomedb.Database) (any, error) {
	if !db.HasTable("genome_statistics") {
		return nil, nil
	}
	var v string
	err := db.QueryRow(ctx, "SELECT value FROM {genome_statistics} WHERE statistic = 'ref_length' LIMIT 1").Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return numberOrText(v), err
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
	q := sequence{at.On.ID, at.On.Name, at.On.Length, at.On.System.Name, at.On.System.Version}
	start, end := at.Start, at.End
	attributes, err := attributesOf(ctx, core, q)
	if err != nil {
		return ensembl.Answer{}, err
	}
	answer := map[string]any{
		"length": end - start + 1, "coordinate_system": q.system, "assembly_name": q.version,
		"is_chromosome": bit(attributes["karyotype_rank"]), "is_circular": bit(attributes["circular_seq"]),
		"assembly_exception_type": "REF",
	}
	if attributes["non_ref"] {
		if answer["assembly_exception_type"], err = exceptionType(ctx, core, q, start, end); err != nil {
			return ensembl.Answer{}, err
		}
	}
	if c.Query.Bool("bands") {
		bands, err := bandsOn(ctx, core, a, at)
		if err != nil {
			return ensembl.Answer{}, err
		}
		if len(bands) > 0 {
			answer["karyotype_band"] = bands
		}
	}
	if c.Query.Bool("synonyms") {
		synonyms, err := synonymsOf(ctx, core, q)
		if err != nil {
			return ensembl.Answer{}, err
		}
		if len(synonyms) > 0 {
			answer["synonyms"] = synonyms
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

// attributesOf are the codes of a sequence's attributes.
func attributesOf(ctx context.Context, db *genomedb.Database, q sequence) (map[string]bool, error) {
	codes := map[string]bool{}
	err := each(ctx, db, `SELECT t.code FROM {seq_region_attrib} a JOIN {attrib_type} t ON t.attrib_type_id = a.attrib_type_id
		WHERE a.seq_region_id = ?`, []any{q.id}, func(rows *sql.Rows) error {
		var code string
		err := rows.Scan(&code)
		codes[code] = true
		return err
	})
	return codes, err
}

// exceptionType says what a sequence outside the reference is to it. As in the
// reference server, a coordinate system that meta_coord does not list for
// assembly_exception has none.
func exceptionType(ctx context.Context, db *genomedb.Database, q sequence, start, end int64) (string, error) {
	var t string
	err := db.QueryRow(ctx, `SELECT x.exc_type FROM {assembly_exception} x JOIN {seq_region} other ON other.seq_region_id = x.exc_seq_region_id
		JOIN {meta_coord} m ON m.coord_system_id = other.coord_system_id AND m.table_name = 'assembly_exception'
		WHERE x.seq_region_id = ? AND x.seq_region_start <= ? AND x.seq_region_end >= ?
		ORDER BY x.assembly_exception_id LIMIT 1`, q.id, end, start).Scan(&t)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return t, err
}

func bandsOf(ctx context.Context, db *genomedb.Database, q sequence, start, end int64) (list []band, err error) {
	err = each(ctx, db, `SELECT band, stain, seq_region_start, seq_region_end FROM {karyotype}
		WHERE seq_region_id = ? AND seq_region_start <= ? AND seq_region_end >= ? ORDER BY seq_region_start, karyotype_id`,
		[]any{q.id, end, start}, func(rows *sql.Rows) error {
			b := band{Assembly: q.version, Sequence: q.name}
			err := rows.Scan(&b.ID, &b.Stain, &b.Start, &b.End)
			list = append(list, b)
			return err
		})
	return list, err
}

// bandsOn are the bands on a slice, which may be of another coordinate system.
func bandsOn(ctx context.Context, db *genomedb.Database, a *model.Assembly, s model.Slice) (list []band, err error) {
	places, err := a.Places(ctx, s, db, "karyotype")
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		err := each(ctx, db, "SELECT x.band, x.stain, x.seq_region_start, x.seq_region_end FROM {karyotype} x WHERE "+p.Where()+
			"ORDER BY x.seq_region_start, x.karyotype_id", p.Args(), func(rows *sql.Rows) error {
			b := band{Assembly: s.On.System.Version, Sequence: s.On.Name}
			if err := rows.Scan(&b.ID, &b.Stain, &b.Start, &b.End); err != nil {
				return err
			}
			if at, ok := p.Carry(b.Start, b.End, 0); ok {
				b.Start, b.End = at.Start, at.End
				list = append(list, b)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func synonymsOf(ctx context.Context, db *genomedb.Database, q sequence) (list []synonym, err error) {
	if !db.HasTable("seq_region_synonym") {
		return nil, nil
	}
	err = each(ctx, db, `SELECT y.synonym, e.db_name FROM {seq_region_synonym} y
		LEFT JOIN {external_db} e ON e.external_db_id = y.external_db_id
		WHERE y.seq_region_id = ? ORDER BY y.seq_region_synonym_id`, []any{q.id}, func(rows *sql.Rows) error {
		var y synonym
		err := rows.Scan(&y.Name, &y.DBName)
		list = append(list, y)
		return err
	})
	return list, err
}

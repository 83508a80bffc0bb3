package xref

import (
	"context"
	"slices"

	"mirrornet/pkg/genomedb"
)

// Entry is a record of another database.
type Entry struct {
	ID          int64 // xref_id; 0 for one that the database has no record of
	Primary     string
	Display     string
	Version     *string
	Database    string
	Displayed   *string // the database's name for people
	Description *string
	InfoType    *string
	InfoText    *string
	Synonyms    []string
	Priority    int64 // of the database; higher is better

	// Of an object's entries only; at most one is set.
	Identity *Identity
	Ontology *Ontology
}

// Identity says how well an entry's sequence aligns with the object's. What is
// not known is 0.
type Identity struct {
	Entry, Ensembl           int64 // percent of each that is identical
	EntryStart, EntryEnd     int64
	EnsemblStart, EnsemblEnd int64
	Cigar                    string
	Score                    float64
	EValue                   *float64
}

// Ontology says on what evidence an object has a term: codes such as IEA.
type Ontology struct{ Evidence []string }

// columns are those of every entry: xref x, external_db d.
const columns = `x.xref_id, x.dbprimary_acc, x.display_label, x.version, x.description, x.info_type, x.info_text,
	d.db_name, d.db_display_name, d.priority`

func (e *Entry) targets() []any {
	return []any{&e.ID, &e.Primary, &e.Display, &e.Version, &e.Description, &e.InfoType, &e.InfoText,
		&e.Database, &e.Displayed, &e.Priority}
}

// Reader reads entries of one database. It is safe for concurrent use.
type Reader struct{ DB *genomedb.Database }

// Named finds the entries whose accession or label is name, of any external
// database or of that one.
func (r Reader) Named(ctx context.Context, name string, database *string) ([]*Entry, error) {
	if !r.DB.HasTable("xref") || !r.DB.HasTable("external_db") {
		return nil, genomedb.Refuse("There are no external references in the %s database of species '%s'", r.DB.Kind, r.DB.Owner)
	}
	text, args := "SELECT "+columns+` FROM {xref} x JOIN {external_db} d ON d.external_db_id = x.external_db_id
		WHERE (x.dbprimary_acc = ? OR x.display_label = ?)`, []any{trim(name), trim(name)}
	if database != nil {
		text, args = text+" AND d.db_name = ?", append(args, trim(*database))
	}
	var out []*Entry
	err := r.DB.Each(ctx, text+" ORDER BY x.xref_id", args, func(scan func(...any) error) error {
		e := &Entry{}
		out = append(out, e)
		return scan(e.targets()...)
	})
	if err != nil {
		return nil, err
	}
	if len(out) == 0 && database != nil && fold(*database) == "interpro" && r.DB.HasTable("interpro") {
		return r.interpro(ctx, name)
	}
	return out, r.synonyms(ctx, out)
}

// interpro finds a domain of which the database has no entry, but features.
func (r Reader) interpro(ctx context.Context, name string) (out []*Entry, err error) {
	err = r.DB.Each(ctx, "SELECT interpro_ac, id FROM {interpro} WHERE interpro_ac = ? ORDER BY id", []any{trim(name)},
		func(scan func(...any) error) error {
			e := &Entry{Database: "Interpro"}
			if err := scan(&e.Primary, &e.Display); err != nil {
				return err
			}
			if len(out) == 0 {
				out = append(out, e)
			}
			return nil
		})
	return out, err
}

// synonyms fills in the synonyms of entries.
func (r Reader) synonyms(ctx context.Context, entries []*Entry) error {
	byID, ids := map[int64][]*Entry{}, []int64{}
	for _, e := range entries {
		if byID[e.ID] == nil {
			ids = append(ids, e.ID)
		}
		byID[e.ID] = append(byID[e.ID], e)
	}
	if !r.DB.HasTable("external_synonym") {
		return nil
	}
	return genomedb.EachOf(ctx, r.DB, "SELECT xref_id, synonym FROM {external_synonym} WHERE xref_id IN (%s) ORDER BY xref_id, synonym", nil, ids,
		func(scan func(...any) error) error {
			var id int64
			var s string
			if err := scan(&id, &s); err != nil {
				return err
			}
			for _, e := range byID[id] {
				e.Synonyms = append(e.Synonyms, s)
			}
			return nil
		})
}

// Filter narrows an object's entries by the name and type of their database.
// nil does not; a pattern is one that has a "%".
type Filter struct{ Database, Type *string }

// Of finds the entries of objects of one type, in the database's order.
func (r Reader) Of(ctx context.Context, kind string, ids []int64, f Filter) (map[int64][]*Entry, error) {
	text := "SELECT o.ensembl_id, " + columns + `, i.xref_identity, i.ensembl_identity, i.xref_start, i.xref_end,
		i.ensembl_start, i.ensembl_end, i.cigar_line, i.score, i.evalue, g.linkage_type
		FROM {object_xref} o JOIN {xref} x ON x.xref_id = o.xref_id
		JOIN {external_db} d ON d.external_db_id = x.external_db_id
		LEFT JOIN {identity_xref} i ON i.object_xref_id = o.object_xref_id
		LEFT JOIN {ontology_xref} g ON g.object_xref_id = o.object_xref_id
		WHERE o.ensembl_object_type = ?`
	args := []any{kind}
	for _, c := range []struct {
		column string
		value  *string
	}{{"d.db_name", f.Database}, {"d.type", f.Type}} {
		if c.value != nil {
			condition, arg := matching(c.column, *c.value, "%")
			text, args = text+" AND "+condition, append(args, arg)
		}
	}
	out, all := map[int64][]*Entry{}, []*Entry{}
	seen := map[[2]int64]*Entry{} // by object and entry
	err := genomedb.EachOf(ctx, r.DB, text+" AND o.ensembl_id IN (%s) ORDER BY o.object_xref_id, g.source_xref_id, g.linkage_type", args, ids,
		func(scan func(...any) error) error {
			e, row := &Entry{}, identityRow{}
			var object int64
			var evidence *string
			if err := scan(slices.Concat([]any{&object}, e.targets(), row.targets(), []any{&evidence})...); err != nil {
				return err
			}
			key := [2]int64{object, e.ID}
			if first := seen[key]; first != nil {
				first.addEvidence(evidence)
				return nil
			}
			seen[key] = e
			out[object], all = append(out[object], e), append(all, e)
			if e.Identity = row.identity(); e.Identity == nil && evidence != nil && *evidence != "" {
				e.Ontology = &Ontology{}
				e.addEvidence(evidence)
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	return out, r.synonyms(ctx, all)
}

// addEvidence adds a code to an ontology's term.
func (e *Entry) addEvidence(code *string) {
	if e.Ontology != nil && code != nil && *code != "" && !slices.Contains(e.Ontology.Evidence, *code) {
		e.Ontology.Evidence = append(e.Ontology.Evidence, *code)
	}
}

// identityRow is a row of identity_xref, or of nulls.
type identityRow struct {
	numbers [6]*int64
	cigar   *string
	score   *float64
	evalue  *float64
}

func (r *identityRow) targets() []any {
	n := &r.numbers
	return []any{&n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &r.cigar, &r.score, &r.evalue}
}

func (r *identityRow) identity() *Identity {
	if r.numbers[0] == nil {
		return nil
	}
	var n [6]int64
	for i, p := range r.numbers {
		if p != nil {
			n[i] = *p
		}
	}
	id := &Identity{Entry: n[0], Ensembl: n[1], EntryStart: n[2], EntryEnd: n[3], EnsemblStart: n[4], EnsemblEnd: n[5], EValue: r.evalue}
	if r.cigar != nil {
		id.Cigar = *r.cigar
	}
	if r.score != nil {
		id.Score = *r.score
	}
	return id
}

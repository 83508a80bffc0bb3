package xref

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
)

// Hit is an object that a name leads to.
type Hit struct{ Kind, StableID string } // Kind: gene, transcript, translation, rnaproduct

// Searcher finds objects by the names of their entries.
type Searcher struct {
	Reader
	Assembly *assembly.Assembly
}

// vague are patterns that would match a good part of all names: nothing is
// looked for. underscore is the sign in names such as NM_001, meant as it is.
var (
	vague      = regexp.MustCompile(`^.?%`)
	underscore = regexp.MustCompile(`^\w\w_`)
)

// named finds which objects have an entry with that accession, label or
// synonym. A name with one of "_%[" is a pattern. database is the beginning of
// the external database's name, or a pattern of it; nil is any.
func (s *Searcher) named(ctx context.Context, name string, database *string) (map[string][]int64, error) {
	if strings.ContainsAny(name, "_%[") {
		if vague.MatchString(name) {
			return nil, nil
		}
		if underscore.MatchString(name) {
			name = name[:2] + `\` + name[2:]
		}
	}
	condition, arg := matching("{}", name, "_%[")
	of := func(column string) string { return strings.Replace(condition, "{}", column, 1) }
	text := `SELECT DISTINCT o.ensembl_object_type, o.ensembl_id FROM (
		SELECT xref_id FROM {xref} WHERE ` + of("dbprimary_acc") + ` UNION SELECT xref_id FROM {xref} WHERE ` + of("display_label") + `
		UNION SELECT xref_id FROM {external_synonym} WHERE ` + of("synonym") + `) n JOIN {object_xref} o ON o.xref_id = n.xref_id `
	args := []any{arg, arg, arg}
	if database != nil {
		text += `JOIN {xref} x ON x.xref_id = n.xref_id JOIN {external_db} d ON d.external_db_id = x.external_db_id AND d.db_name LIKE ? ESCAPE '|' `
		args = append(args, genomedb.Like(*database+"%"))
	}
	out := map[string][]int64{}
	err := s.DB.Each(ctx, text+"ORDER BY o.ensembl_object_type, o.ensembl_id", args, func(scan func(...any) error) error {
		var kind string
		var id int64
		if err := scan(&kind, &id); err != nil {
			return err
		}
		out[kind] = append(out[kind], id)
		return nil
	})
	return out, err
}

// row is an object found, where it lies, and what it belongs to.
type row struct {
	id, gene, sequence int64
	stable             string
	current            bool
}

// Search finds the genes, transcripts and translations that a name leads to,
// those of the kinds asked for. What a translation has is its transcript's
// too, and what a transcript has, its gene's.
func (s *Searcher) Search(ctx context.Context, name string, database *string, kinds ...string) ([]Hit, error) {
	for _, table := range []string{"gene", "transcript", "translation"} {
		if !s.DB.HasColumn(table, "stable_id") || !s.DB.HasTable("object_xref") || !s.DB.HasTable("xref") {
			return nil, genomedb.Refuse("The %s database of species '%s' has no genes with external references", s.DB.Kind, s.DB.Owner)
		}
	}
	found, err := s.named(ctx, name, database)
	if err != nil {
		return nil, err
	}
	translations, err := s.rows(ctx, `SELECT t.transcript_id, coalesce(t.gene_id, 0), t.seq_region_id, coalesce(c.stable_id, ''), t.is_current
		FROM {translation} l JOIN {transcript} t ON t.transcript_id = l.transcript_id
		LEFT JOIN {translation} c ON c.translation_id = t.canonical_translation_id WHERE l.translation_id IN (%s) ORDER BY l.translation_id`, found["Translation"])
	if err != nil {
		return nil, err
	}
	translations = slices.DeleteFunc(translations, func(r row) bool { return !r.current })
	ids := slices.Clone(found["Transcript"])
	for _, r := range translations {
		ids = append(ids, r.id)
	}
	transcripts, err := s.rows(ctx, `SELECT transcript_id, coalesce(gene_id, 0), seq_region_id, coalesce(stable_id, ''), is_current
		FROM {transcript} WHERE transcript_id IN (%s) ORDER BY transcript_id`, unique(ids))
	if err != nil {
		return nil, err
	}
	transcripts = slices.DeleteFunc(transcripts, func(r row) bool { return !r.current })
	var out []Hit
	for _, kind := range kinds {
		rows := translations
		switch kind {
		case "rnaproduct":
			if rows, err = s.products(ctx, found["RNAProduct"]); err != nil {
				return nil, err
			}
		case "transcript":
			rows = transcripts
		case "gene":
			if rows, err = s.genes(ctx, found["Gene"], transcripts); err != nil {
				return nil, err
			}
		}
		hits, err := s.hits(ctx, kind, rows)
		if err != nil {
			return nil, err
		}
		out = append(out, hits...)
	}
	return out, nil
}

// genes are those found themselves, if current, and those of transcripts.
func (s *Searcher) genes(ctx context.Context, found []int64, transcripts []row) ([]row, error) {
	ids, through := slices.Clone(found), map[int64]bool{}
	for _, t := range transcripts {
		ids = append(ids, t.gene)
		through[t.gene] = true
	}
	rows, err := s.rows(ctx, `SELECT gene_id, 0, seq_region_id, coalesce(stable_id, ''), is_current FROM {gene}
		WHERE gene_id IN (%s) ORDER BY gene_id`, unique(ids))
	return slices.DeleteFunc(rows, func(r row) bool { return !r.current && !through[r.id] }), err
}

func (s *Searcher) products(ctx context.Context, found []int64) ([]row, error) {
	if len(found) == 0 || !s.DB.HasTable("rnaproduct") {
		return nil, nil
	}
	return s.rows(ctx, `SELECT p.rnaproduct_id, 0, t.seq_region_id, coalesce(p.stable_id, ''), 1 FROM {rnaproduct} p
		JOIN {transcript} t ON t.transcript_id = p.transcript_id WHERE p.rnaproduct_id IN (%s) ORDER BY p.rnaproduct_id`, found)
}

// Labelled finds the current genes that are shown under a name.
func (s *Searcher) Labelled(ctx context.Context, label string) ([]Hit, error) {
	var rows []row
	err := s.DB.Each(ctx, `SELECT g.gene_id, 0, g.seq_region_id, coalesce(g.stable_id, ''), 1 FROM {xref} x
		JOIN {gene} g ON g.display_xref_id = x.xref_id WHERE x.display_label = ? AND g.is_current = 1 ORDER BY g.gene_id`, []any{trim(label)}, read(&rows))
	if err != nil {
		return nil, err
	}
	out := make([]Hit, len(rows))
	for i, r := range rows {
		out[i] = Hit{"gene", r.stable}
	}
	return out, nil
}

func (s *Searcher) rows(ctx context.Context, text string, ids []int64) (rows []row, err error) {
	err = genomedb.EachOf(ctx, s.DB, text, nil, ids, read(&rows))
	return rows, err
}

func read(rows *[]row) func(scan func(...any) error) error {
	return func(scan func(...any) error) error {
		var r row
		if err := scan(&r.id, &r.gene, &r.sequence, &r.stable, &r.current); err != nil {
			return err
		}
		*rows = append(*rows, r)
		return nil
	}
}

// hits puts what lies on the reference assembly first.
func (s *Searcher) hits(ctx context.Context, kind string, rows []row) ([]Hit, error) {
	var first, then []Hit
	for _, r := range rows {
		at, err := s.Assembly.Sequence(ctx, r.sequence)
		if err != nil {
			return nil, err
		}
		if s.Assembly.Reference(at) {
			first = append(first, Hit{kind, r.stable})
		} else {
			then = append(then, Hit{kind, r.stable})
		}
	}
	return append(first, then...), nil
}

func unique(ids []int64) []int64 {
	slices.SortFunc(ids, cmp.Compare[int64])
	return slices.Compact(ids)
}

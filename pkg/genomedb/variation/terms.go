package variation

import (
	"context"
	"strings"

	"mirrornet/pkg/genomedb"
)

const (
	// longestTerm bounds what is taken for the name of a term.
	longestTerm = 255
	// mostTerms bounds what is asked for at once: each may have to be looked for
	// in the whole ontology, which has some forty consequences.
	mostTerms = 200
)

// FindTerms finds the consequences that users ask for: accessions of the
// Sequence Ontology, names, synonyms or SQL patterns of them, each with its
// descendants. No terms asked for is nil. A name that the ontology does not
// have finds nothing; such an accession is refused.
func FindTerms(ctx context.Context, ontology *genomedb.Database, asked []string) (Terms, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	names := make([]string, 0, min(len(asked), mostTerms))
	seen := map[string]bool{}
	for _, term := range asked {
		if seen[term] {
			continue
		}
		if seen[term] = true; len(seen) > mostTerms {
			return nil, genomedb.Refuse("No more than %d terms may be asked for at once", mostTerms)
		}
		if strings.HasPrefix(term, "SO:") {
			var err error
			if term, err = nameOf(ctx, ontology, term); err != nil {
				return nil, err
			}
		}
		names = append(names, term)
	}
	out := Terms{}
	for _, name := range names {
		if err := out.add(ctx, ontology, name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// nameOf is the name of a term by its accession, or a former one.
func nameOf(ctx context.Context, ontology *genomedb.Database, accession string) (name string, err error) {
	found, obsolete := false, false
	read := func(scan func(...any) error) error {
		found = true
		return scan(&name, &obsolete)
	}
	err = ontology.Each(ctx, `SELECT name, is_obsolete FROM {term} WHERE accession = ?`, []any{accession}, read)
	if err == nil && !found && ontology.HasTable("alt_id") {
		err = ontology.Each(ctx, `SELECT t.name, t.is_obsolete FROM {alt_id} a JOIN {term} t ON t.term_id = a.term_id
			WHERE a.accession = ? ORDER BY a.alt_id DESC`, []any{accession}, read)
	}
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", genomedb.Refuse("The SO accession '%s' could not be found in our ontology database", accession)
	case obsolete:
		return "", genomedb.Refuse("The SO accession '%s' is obsolete", accession)
	}
	return name, nil
}

// add adds the first term of a name, and its descendants.
func (t Terms) add(ctx context.Context, ontology *genomedb.Database, name string) error {
	if name == "" || len(name) > longestTerm {
		return nil
	}
	id := int64(0)
	first := func(scan func(...any) error) error {
		var found int64
		var full string
		if err := scan(&found, &full); err != nil || id != 0 {
			return err
		}
		id, t[full] = found, true
		return nil
	}
	// The name itself first: it has an index, a pattern does not.
	err := ontology.Each(ctx, `SELECT t.term_id, t.name FROM {term} t JOIN {ontology} o ON o.ontology_id = t.ontology_id
		WHERE t.name = ? AND o.name = 'SO' AND t.is_obsolete = 0 ORDER BY t.term_id`, []any{name}, first)
	if err == nil && id == 0 {
		err = ontology.Each(ctx, `SELECT t.term_id, t.name FROM {ontology} o JOIN {term} t ON t.ontology_id = o.ontology_id
			LEFT JOIN {synonym} s ON s.term_id = t.term_id
			WHERE (t.name LIKE ? ESCAPE '|' OR s.name LIKE ? ESCAPE '|') AND o.name = 'SO' AND t.is_obsolete = 0 ORDER BY t.term_id`,
			[]any{genomedb.Like(name), genomedb.Like(name)}, first)
	}
	if err != nil || id == 0 {
		return err
	}
	return ontology.Each(ctx, `SELECT t.name FROM {closure} c JOIN {term} t ON t.term_id = c.child_term_id
		WHERE c.parent_term_id = ? AND c.distance > 0 AND c.ontology_id = t.ontology_id`, []any{id},
		func(scan func(...any) error) error {
			var child string
			err := scan(&child)
			t[child] = true
			return err
		})
}

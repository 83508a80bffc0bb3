package ontology

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"mirrornet/pkg/genomedb"
)

// MaxFound is how many terms a search by name may find.
const MaxFound = 20_000

// Term is a term of an ontology.
type Term struct {
	ID         int64
	Accession  string
	Name       string
	Definition *string
	Subsets    []string
	Ontology   string
	Namespace  string
	Synonyms   []string

	obsolete bool
}

// Reader reads one ontology database. It is safe for concurrent use.
type Reader struct{ DB *genomedb.Database }

// Open gives the reader of a registry's ontology database.
func Open(r *genomedb.Registry) (*Reader, error) {
	db, ok := r.Database("ontology")
	if !ok || !db.HasTable("term") {
		return nil, genomedb.Refuse("There is no ontology database here")
	}
	return &Reader{db}, nil
}

// columns are what scan reads. An accession stands in front of them.
const columns = `, t.term_id, t.name, t.definition, t.subsets, t.is_obsolete, o.name, o.namespace `

func scan(row func(...any) error, more ...any) (*Term, error) {
	t := &Term{}
	var subsets sql.NullString
	err := row(append([]any{&t.Accession, &t.ID, &t.Name, &t.Definition, &subsets, &t.obsolete, &t.Ontology, &t.Namespace}, more...)...)
	t.Subsets = split(subsets.String)
	return t, err
}

// split cuts a list at its commas as Perl does: empty ends are left out.
func split(list string) []string {
	list = strings.TrimRight(list, ",")
	if list == "" || list == "0" {
		return []string{}
	}
	return strings.Split(list, ",")
}

// Find finds a term by its accession, or else by one that it had before.
func (r *Reader) Find(ctx context.Context, accession string) (*Term, error) {
	queries := []string{"SELECT t.accession" + columns + "FROM {term} t JOIN {ontology} o ON o.ontology_id = t.ontology_id WHERE t.accession = ? AND t.is_obsolete = 0"}
	if r.DB.HasTable("alt_id") {
		queries = append(queries, "SELECT a.accession"+columns+`FROM {alt_id} a JOIN {term} t ON t.term_id = a.term_id
			JOIN {ontology} o ON o.ontology_id = t.ontology_id WHERE a.accession = ? ORDER BY a.alt_id`)
	}
	for _, query := range queries {
		t, err := scan(r.DB.QueryRow(ctx, query, strings.TrimRight(accession, " ")).Scan)
		if err == nil {
			return t, r.addSynonyms(ctx, []*Term{t})
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
	}
	return nil, genomedb.Refuse("No ontology term found for '%s'", accession)
}

// Named finds the terms that are called so, or have a synonym that is; % and _
// stand for any text and any character. A nil ontology is any.
func (r *Reader) Named(ctx context.Context, pattern string, ontology *string) ([]*Term, error) {
	compare, arg := "= ?", pattern
	if genomedb.Wild(pattern) || strings.HasSuffix(pattern, " ") { // = would pass over blanks
		compare, arg = "LIKE ? ESCAPE '|'", genomedb.Like(pattern)
	}
	query := "SELECT t.accession" + columns + `FROM (SELECT term_id FROM {term} WHERE name ` + compare + ` UNION SELECT term_id FROM {synonym} WHERE name ` + compare + `) f
		JOIN {term} t ON t.term_id = f.term_id JOIN {ontology} o ON o.ontology_id = t.ontology_id WHERE t.is_obsolete = 0`
	args, order := []any{arg, arg}, " ORDER BY o.ontology_id, t.accession"
	if ontology != nil {
		query, args, order = query+" AND o.name = ?", append(args, strings.TrimRight(*ontology, " ")), " ORDER BY o.namespace, t.accession"
	}
	terms, err := r.list(ctx, query+order+" LIMIT 20001", args, nil)
	if len(terms) > MaxFound {
		return nil, genomedb.Refuse("More than %d terms are called '%s'. Ask for fewer", MaxFound, pattern)
	}
	return terms, err
}

// list reads terms, with their synonyms. keep, where it is not nil, says which
// of them count.
func (r *Reader) list(ctx context.Context, query string, args []any, keep func(*Term, int64) bool) (terms []*Term, err error) {
	err = r.DB.Each(ctx, query, args, func(row func(...any) error) error {
		if keep == nil {
			t, err := scan(row)
			terms = append(terms, t)
			return err
		}
		var distance int64
		t, err := scan(row, &distance)
		if err == nil && keep(t, distance) {
			terms = append(terms, t)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return terms, r.addSynonyms(ctx, terms)
}

func (r *Reader) addSynonyms(ctx context.Context, terms []*Term) error {
	by, ids := map[int64][]*Term{}, []int64{}
	for _, t := range terms {
		if t.Synonyms = []string{}; by[t.ID] == nil {
			ids = append(ids, t.ID)
		}
		by[t.ID] = append(by[t.ID], t)
	}
	return genomedb.EachOf(ctx, r.DB, "SELECT term_id, name FROM {synonym} WHERE term_id IN (%s) ORDER BY synonym_id", nil, ids, func(row func(...any) error) error {
		var id int64
		var name string
		if err := row(&id, &name); err != nil {
			return err
		}
		for _, t := range by[id] {
			t.Synonyms = append(t.Synonyms, name)
		}
		return nil
	})
}

package ontology

import (
	"context"
	"strings"

	"mirrornet/pkg/genomedb"
)

// Relatives are the terms next to one.
type Relatives struct{ Parents, Children []*Term }

// Relatives gives what stands next to each of the terms in its own ontology,
// by one kind of relation or, where that is empty, by any.
func (r *Reader) Relatives(ctx context.Context, terms []*Term, relation string) (map[*Term]*Relatives, error) {
	out := map[*Term]*Relatives{}
	for _, t := range terms {
		out[t] = &Relatives{Parents: []*Term{}, Children: []*Term{}}
	}
	err := r.related(ctx, terms, relation, "r.child_term_id", "r.parent_term_id", "",
		"r.parent_term_id, r.relation_type_id, r.intersection_of", func(of, t *Term) { out[of].Parents = append(out[of].Parents, t) })
	if err != nil {
		return nil, err
	}
	return out, r.related(ctx, terms, relation, "r.parent_term_id", "r.child_term_id", " AND t.is_obsolete = 0",
		"r.relation_id", func(of, t *Term) { out[of].Children = append(out[of].Children, t) })
}

// related reads the terms on the far side of relations. The orders are those
// of the indexes by which the reference's database reads them.
func (r *Reader) related(ctx context.Context, terms []*Term, relation, near, far, which, order string, add func(of, t *Term)) error {
	by, ids, all := map[int64][]*Term{}, []int64{}, []*Term{}
	for _, t := range terms {
		if by[t.ID] == nil {
			ids = append(ids, t.ID)
		}
		by[t.ID] = append(by[t.ID], t)
	}
	query := "SELECT t.accession" + columns + ", " + near + `, k.name FROM {relation} r
		JOIN {term} t ON t.term_id = ` + far + ` JOIN {relation_type} k ON k.relation_type_id = r.relation_type_id
		JOIN {ontology} o ON o.ontology_id = r.ontology_id
		WHERE ` + near + ` IN (%s)` + which + ` ORDER BY ` + near + ", " + order
	err := genomedb.EachOf(ctx, r.DB, query, nil, ids, func(row func(...any) error) error {
		var id int64
		var kind string
		t, err := scan(row, &id, &kind)
		if err != nil || relation != "" && relation != kind {
			return err
		}
		for _, of := range by[id] {
			if strings.EqualFold(of.Ontology, t.Ontology) {
				relative := *t
				relative.Ontology, relative.Namespace = of.Ontology, of.Namespace
				add(of, &relative)
				all = append(all, &relative)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.addSynonyms(ctx, all)
}

// within is the ontology that a walk keeps to: the term's own, or another.
func within(t *Term, ontology *string) string {
	if ontology == nil {
		return t.Ontology
	}
	return strings.TrimRight(*ontology, " ")
}

// closure begins a query for the terms on one side of a term, with distances.
func closure(side string) string {
	return "SELECT DISTINCT t.accession" + columns + ", c.distance FROM {closure} c JOIN {term} t ON t.term_id = c." + side + `
		JOIN {ontology} o ON o.ontology_id = c.ontology_id `
}

// Ancestors gives the terms that descend from t, nearest first.
func (r *Reader) Ancestors(ctx context.Context, t *Term, ontology *string) ([]*Term, error) {
	return r.list(ctx, closure("child_term_id")+`WHERE c.parent_term_id = ? AND c.distance > 0 AND c.ontology_id = t.ontology_id AND o.name = ?
		ORDER BY c.distance, t.accession`, []any{t.ID, within(t, ontology)}, t.lend)
}

// lend gives a term found from t the ontology and namespace of t.
func (t *Term) lend(found *Term, _ int64) bool {
	found.Ontology, found.Namespace = t.Ontology, t.Namespace
	return true
}

// Ascent says which of the terms that one descends from are wanted.
type Ascent struct {
	Subset   *string // only terms of this subset; with a % a pattern for all their subsets
	Closest  bool    // only the nearest
	Itself   bool    // the term, too
	Ontology *string
}

// Descendants gives the terms that t descends from, nearest first.
func (r *Reader) Descendants(ctx context.Context, t *Term, a Ascent) ([]*Term, error) {
	query := closure("parent_term_id") + "WHERE c.child_term_id = ? AND c.distance >= ? AND c.ontology_id = t.ontology_id AND o.name = ?"
	args := []any{t.ID, 1, within(t, a.Ontology)}
	if a.Itself {
		args[1] = 0
	}
	pattern := a.Subset != nil && strings.Contains(*a.Subset, "%")
	if pattern {
		query, args = query+" AND t.subsets LIKE ? ESCAPE '|'", append(args, genomedb.Like(*a.Subset))
	}
	nearest, done := int64(0), false
	return r.list(ctx, query+" ORDER BY c.distance, t.accession", args, func(found *Term, distance int64) bool {
		if a.Subset != nil && !pattern && !found.in(*a.Subset) {
			return false
		}
		if nearest == 0 { // so that the term itself and what is next to it are both nearest
			nearest = distance
		}
		if done = done || a.Closest && distance != nearest; done {
			return false
		}
		return t.lend(found, distance)
	})
}

// in says whether the term is of a subset.
func (t *Term) in(subset string) bool {
	for _, s := range t.Subsets {
		if strings.EqualFold(strings.TrimRight(s, " "), strings.TrimRight(subset, " ")) {
			return true
		}
	}
	return false
}

// Link is a term of a chart with the terms that it leads to, by the kind of
// relation.
type Link struct {
	*Term
	Relations map[string][]*Term
}

// Chart gives all ways from a term up to the roots, by accession.
func (r *Reader) Chart(ctx context.Context, t *Term, ontology *string) (map[string]Link, error) {
	type step struct {
		from, to int64
		relation string
	}
	var steps []step
	var ids []int64
	known := map[int64]*Term{}
	err := r.DB.Each(ctx, `SELECT c.subparent_term_id, c.parent_term_id, k.name FROM {closure} c
		JOIN {relation} r ON r.parent_term_id = c.parent_term_id AND r.child_term_id = c.subparent_term_id AND r.ontology_id = c.ontology_id
		JOIN {relation_type} k ON k.relation_type_id = r.relation_type_id
		JOIN {ontology} o ON o.ontology_id = c.ontology_id
		WHERE c.child_term_id = ? AND o.name = ? ORDER BY c.distance, c.parent_term_id, c.subparent_term_id, r.relation_id`,
		[]any{t.ID, within(t, ontology)}, func(row func(...any) error) error {
			var s step
			err := row(&s.from, &s.to, &s.relation)
			for _, id := range []int64{s.from, s.to} {
				if _, ok := known[id]; !ok {
					known[id] = nil
					ids = append(ids, id)
				}
			}
			steps = append(steps, s)
			return err
		})
	if err != nil {
		return nil, err
	}
	var terms []*Term
	err = genomedb.EachOf(ctx, r.DB, "SELECT t.accession"+columns+`FROM {term} t JOIN {ontology} o ON o.ontology_id = t.ontology_id
		WHERE t.term_id IN (%s) AND t.is_obsolete = 0`, nil, ids, func(row func(...any) error) error {
		found, err := scan(row)
		known[found.ID] = found
		terms = append(terms, found)
		return err
	})
	if err != nil {
		return nil, err
	}
	chart := map[string]Link{}
	for _, found := range terms {
		chart[found.Accession] = Link{found, map[string][]*Term{}}
	}
	for _, s := range steps {
		if from, to := known[s.from], known[s.to]; from != nil && to != nil { // neither is obsolete
			relations := chart[from.Accession].Relations
			relations[s.relation] = append(relations[s.relation], to)
		}
	}
	return chart, r.addSynonyms(ctx, terms)
}

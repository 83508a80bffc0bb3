package track

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
)

// Element is a stretch that changes less between species than others do.
type Element struct {
	ID         int64
	Sequence   string // the one that the element lies on
	Start, End int64
	Strand     int // on the sequence
	Score      float64
}

// longestElement bounds the length of elements where the database does not.
const longestElement = 20_000

// Constrained finds the constrained elements of a set of species on a slice of
// one of them: name and version are those of its genome. ok is false where the
// set's genomes do not have the slice's sequence.
func Constrained(ctx context.Context, compara *genomedb.Database, set, name, version string, segments []assembly.Segment) (found []Element, ok bool, err error) {
	method, longest, err := elementSet(ctx, compara, set)
	if err != nil {
		return nil, false, err
	}
	for _, s := range segments {
		var sequence int64
		err := compara.QueryRow(ctx, `SELECT d.dnafrag_id FROM {genome_db} g JOIN {dnafrag} d ON d.genome_db_id = g.genome_db_id
			WHERE g.name = ? AND g.assembly = ? AND d.name = ?`, name, version, s.To.On.Name).Scan(&sequence)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		ok = true
		err = compara.Each(ctx, `SELECT constrained_element_id, dnafrag_start, dnafrag_end, dnafrag_strand, score FROM {constrained_element}
			WHERE method_link_species_set_id = ? AND dnafrag_id = ? AND dnafrag_end >= ? AND dnafrag_start <= ? AND dnafrag_start >= ?
			ORDER BY dnafrag_start, dnafrag_end`, []any{method, sequence, s.To.Start, s.To.End, s.To.Start - longest},
			func(scan func(...any) error) error {
				e := Element{Sequence: s.To.On.Name}
				err := scan(&e.ID, &e.Start, &e.End, &e.Strand, &e.Score)
				e.Start += s.Start - 1
				e.End += s.Start - 1
				found = append(found, e)
				return err
			})
		if err != nil {
			return nil, false, err
		}
	}
	return found, ok || len(segments) == 0, nil
}

// elementSet finds the set's elements, by its name or its name as a collection.
func elementSet(ctx context.Context, compara *genomedb.Database, set string) (id, longest int64, err error) {
	other, ok := strings.CutPrefix(set, "collection-")
	if !ok {
		other = "collection-" + set
	}
	for _, name := range []string{set, other} {
		err := compara.QueryRow(ctx, `SELECT m.method_link_species_set_id FROM {species_set_header} s
			JOIN {method_link_species_set} m ON m.species_set_id = s.species_set_id JOIN {method_link} l ON l.method_link_id = m.method_link_id
			WHERE s.name = ? AND l.type = 'GERP_CONSTRAINED_ELEMENT' ORDER BY s.species_set_id`, name).Scan(&id)
		if err == nil {
			break
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return 0, 0, err
		}
	}
	if id == 0 {
		return 0, 0, genomedb.Refuse("The given reference for attribute mlss_obj was undef. Expected 'Bio::EnsEMBL::Compara::MethodLinkSpeciesSet'")
	}
	longest = longestElement
	err = compara.QueryRow(ctx, "SELECT value FROM {method_link_species_set_tag} WHERE method_link_species_set_id = ? AND tag = 'max_align'", id).Scan(&longest)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, longest, err
}

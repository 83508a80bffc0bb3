package regulation

import (
	"context"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
)

// Motif is a place where transcription factors bind.
type Motif struct {
	assembly.Located
	StableID string // "" where it has none
	Score    float64
	Matrix   *Matrix
	// Epigenomes are those where an experiment saw the binding.
	Epigenomes []string

	id, matrix int64
}

// Matrix is a binding matrix: what the sequences have in common that a factor
// binds to.
type Matrix struct {
	StableID string
	// Complexes are the factors, or complexes of them, that bind.
	Complexes []string
	Term      string // the Sequence Ontology's for such places
}

// Motifs finds the motifs on a slice, by position.
func (r *Reader) Motifs(ctx context.Context, s assembly.Slice) ([]*Motif, error) {
	places, err := r.Assembly.Places(ctx, s, r.DB, "motif_feature")
	if err != nil {
		return nil, err
	}
	var out []*Motif
	for _, p := range places {
		if p.Maps() {
			continue
		}
		err := r.DB.Each(ctx, `SELECT x.motif_feature_id, x.binding_matrix_id, x.seq_region_start, x.seq_region_end, x.seq_region_strand,
			x.score, COALESCE(x.stable_id, '') FROM {motif_feature} x WHERE `+p.Where()+`
			ORDER BY x.seq_region_start, x.seq_region_end, x.motif_feature_id`, p.Args(),
			func(scan func(...any) error) error {
				m := &Motif{}
				var start, end int64
				var strand int
				var score *float64
				if err := scan(&m.id, &m.matrix, &start, &end, &strand, &score, &m.StableID); err != nil {
					return err
				}
				if score == nil {
					return genomedb.Refuse("Must supply a -score parameter")
				}
				m.Score = *score
				var ok bool
				if m.Located, ok = p.Carry(start, end, strand); ok && m.Start <= s.End && m.End >= s.Start {
					out = append(out, m)
				}
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	matrices, err := r.matrices(ctx, out)
	if err != nil {
		return nil, err
	}
	for _, m := range out {
		if m.Matrix = matrices[m.matrix]; m.Matrix == nil {
			return nil, genomedb.Refuse("Must supply a -binding_matrix parameter")
		}
	}
	return out, r.epigenomes(ctx, out)
}

// matrices loads the matrices of motifs.
func (r *Reader) matrices(ctx context.Context, all []*Motif) (map[int64]*Matrix, error) {
	out := map[int64]*Matrix{}
	var ids []int64
	for _, m := range all {
		if _, seen := out[m.matrix]; !seen {
			out[m.matrix] = nil
			ids = append(ids, m.matrix)
		}
	}
	err := genomedb.EachOf(ctx, r.DB, "SELECT binding_matrix_id, stable_id FROM {binding_matrix} WHERE binding_matrix_id IN (%s)", nil, ids,
		func(scan func(...any) error) error {
			var id int64
			m := &Matrix{Term: "TF_binding_site"}
			err := scan(&id, &m.StableID)
			out[id] = m
			return err
		})
	if err != nil {
		return nil, err
	}
	err = genomedb.EachOf(ctx, r.DB, `SELECT l.binding_matrix_id, c.display_name FROM {binding_matrix_transcription_factor_complex} l
		JOIN {transcription_factor_complex} c ON c.transcription_factor_complex_id = l.transcription_factor_complex_id
		WHERE l.binding_matrix_id IN (%s) ORDER BY l.binding_matrix_id, c.transcription_factor_complex_id`, nil, ids,
		func(scan func(...any) error) error {
			var id int64
			var name string
			if err := scan(&id, &name); err != nil {
				return err
			}
			if m := out[id]; m != nil {
				m.Complexes = append(m.Complexes, name)
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	// Where the factors agree on a term, it is the matrix's.
	terms := map[int64]string{}
	err = genomedb.EachOf(ctx, r.DB, `SELECT DISTINCT l.binding_matrix_id, COALESCE(t.so_term, '') FROM {binding_matrix_transcription_factor_complex} l
		JOIN {transcription_factor_complex_composition} o ON o.transcription_factor_complex_id = l.transcription_factor_complex_id
		JOIN {transcription_factor} f ON f.transcription_factor_id = o.transcription_factor_id
		JOIN {feature_type} t ON t.feature_type_id = f.feature_type_id
		WHERE l.binding_matrix_id IN (%s)`, nil, ids,
		func(scan func(...any) error) error {
			var id int64
			var term string
			if err := scan(&id, &term); err != nil {
				return err
			}
			if was, seen := terms[id]; seen && was != term {
				term = "TF_binding_site"
			}
			terms[id] = term
			return nil
		})
	for id, term := range terms {
		if m := out[id]; m != nil && term != "" {
			m.Term = term
		}
	}
	return out, err
}

// epigenomes says where the binding was seen.
func (r *Reader) epigenomes(ctx context.Context, all []*Motif) error {
	if !r.DB.HasTable("motif_feature_regulatory_feature") {
		return nil
	}
	byID, ids := map[int64][]*Motif{}, []int64{}
	for _, m := range all {
		if byID[m.id] == nil {
			ids = append(ids, m.id)
		}
		byID[m.id] = append(byID[m.id], m)
	}
	return genomedb.EachOf(ctx, r.DB, `SELECT DISTINCT l.motif_feature_id, e.epigenome_id, e.short_name FROM {motif_feature_regulatory_feature} l
		JOIN {epigenome} e ON e.epigenome_id = l.epigenome_id
		WHERE l.motif_feature_id IN (%s) AND l.has_matching_Peak = 1 ORDER BY l.motif_feature_id, e.epigenome_id`, nil, ids,
		func(scan func(...any) error) error {
			var id, epigenome int64
			var name string
			if err := scan(&id, &epigenome, &name); err != nil {
				return err
			}
			for _, m := range byID[id] {
				m.Epigenomes = append(m.Epigenomes, name)
			}
			return nil
		})
}

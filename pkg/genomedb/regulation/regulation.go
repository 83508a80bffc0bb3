package regulation

import (
	"cmp"
	"context"
	"slices"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
)

// Reader reads one regulation database. It is safe for concurrent use.
type Reader struct {
	DB       *genomedb.Database
	Assembly *assembly.Assembly // of the species' core database
}

// Feature is a regulatory feature: a promoter, an enhancer …
type Feature struct {
	assembly.Located
	StableID string
	// The feature with what is bound around it.
	BoundStart, BoundEnd int64
	Type                 Type
	Analysis             string // that made it

	id int64
}

// Type is a type of regulatory features.
type Type struct {
	Name, Description string
	Term              string // the Sequence Ontology's
}

// Features finds the regulatory features of the current build on a slice.
func (r *Reader) Features(ctx context.Context, s assembly.Slice) ([]*Feature, error) {
	places, err := r.Assembly.Places(ctx, s, r.DB, "regulatory_feature")
	if err != nil {
		return nil, err
	}
	var out []*Feature
	for _, p := range places {
		if p.Maps() {
			continue
		}
		from := len(out)
		err := r.DB.Each(ctx, `SELECT x.regulatory_feature_id, x.seq_region_start, x.seq_region_end, x.seq_region_strand, COALESCE(x.stable_id, ''),
			x.bound_start_length, x.bound_end_length, COALESCE(t.name, ''), COALESCE(t.description, ''), COALESCE(t.so_term, ''),
			COALESCE(a.logic_name, '')
			FROM {regulatory_feature} x JOIN {regulatory_build} b ON b.regulatory_build_id = x.regulatory_build_id
			LEFT JOIN {feature_type} t ON t.feature_type_id = x.feature_type_id
			LEFT JOIN {analysis} a ON a.analysis_id = b.analysis_id
			WHERE `+p.Where()+`AND b.is_current <> 0`, p.Args(),
			func(scan func(...any) error) error {
				f := &Feature{}
				var start, end, before, behind int64
				var strand int
				err := scan(&f.id, &start, &end, &strand, &f.StableID, &before, &behind, &f.Type.Name, &f.Type.Description, &f.Type.Term, &f.Analysis)
				if err != nil {
					return err
				}
				var ok bool
				if f.Located, ok = p.Carry(start, end, strand); ok {
					f.BoundStart, f.BoundEnd = f.Start-before, f.End+behind
					out = append(out, f)
				}
				return nil
			})
		if err != nil {
			return nil, err
		}
		// Not in the query: the database would walk the table by its key.
		slices.SortFunc(out[from:], func(a, b *Feature) int { return cmp.Compare(a.id, b.id) })
	}
	return out, nil
}

package track

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"mirrornet/pkg/genomedb/assembly"
)

// Gene is a gene on a slice.
type Gene struct {
	assembly.Located
	ID          int64
	StableID    string
	Version     int64 // 0 for none
	Biotype     string
	Source      string
	Analysis    Analysis
	Description *string
	Name        string
	// Canonical is the canonical transcript's stable id and version, "" where
	// the database does not have it.
	Canonical string
}

// Filter narrows genes and transcripts.
type Filter struct {
	Logic    string   // logic_name; "" is any
	Source   *string  // nil is any
	Biotypes []string // nil is any
}

// Genes finds the current genes on the slice, by their ids in the database.
func (t *Track) Genes(ctx context.Context, f Filter) ([]*Gene, error) {
	more, args, ok := t.filter(f)
	if !ok {
		return nil, nil
	}
	places, err := t.Assembly.Places(ctx, t.Slice, t.DB, "gene")
	if err != nil {
		return nil, err
	}
	var out []*Gene
	for _, p := range places {
		from := len(out)
		err := query(ctx, t.DB, `SELECT x.seq_region_start, x.seq_region_end, x.seq_region_strand, x.gene_id, x.stable_id, COALESCE(x.version, 0),
			x.biotype, x.source, x.analysis_id, x.description, d.display_label, c.stable_id, c.version
			FROM {gene} x LEFT JOIN {xref} d ON d.xref_id = x.display_xref_id
			LEFT JOIN {transcript} c ON c.transcript_id = x.canonical_transcript_id WHERE`+p.Where()+"AND x.is_current = 1"+more,
			append(p.Args(), args...), func(scan func(...any) error) error {
				g := &Gene{}
				var stable, label, canonical *string
				var version *int64
				var analysis int64
				if err := scan(&g.Start, &g.End, &g.Strand, &g.ID, &stable, &g.Version, &g.Biotype, &g.Source, &analysis,
					&g.Description, &label, &canonical, &version); err != nil {
					return err
				}
				var ok bool
				if g.Located, ok = p.Carry(g.Start, g.End, g.Strand); !ok {
					return nil
				}
				g.StableID, g.Name, g.Analysis = value(stable), value(label), t.Words.Analysis(analysis)
				if canonical != nil {
					g.Canonical = *canonical + "."
					if version != nil {
						g.Canonical += strconv.FormatInt(*version, 10)
					}
				}
				out = append(out, g)
				return nil
			})
		if err != nil {
			return nil, err
		}
		slices.SortFunc(out[from:], func(a, b *Gene) int { return cmp.Compare(a.ID, b.ID) })
	}
	return out, nil
}

// filter is a Filter in SQL. ok is false where nothing can pass it.
func (t *Track) filter(f Filter) (more string, args []any, ok bool) {
	if f.Logic != "" {
		id, ok := t.Words.AnalysisID(f.Logic)
		if !ok {
			return "", nil, false
		}
		more += " AND x.analysis_id = ?"
		args = append(args, id)
	}
	if f.Source != nil {
		more += " AND x.source = ?"
		args = append(args, *f.Source)
	}
	if len(f.Biotypes) > 0 {
		more += " AND x.biotype IN (" + marks(len(f.Biotypes)) + ")"
		for _, b := range f.Biotypes {
			args = append(args, b)
		}
	}
	return more, args, true
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

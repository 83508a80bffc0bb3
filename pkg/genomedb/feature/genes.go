package feature

import (
	"context"
	"strconv"
	"strings"
)

const geneColumns = `SELECT g.gene_id, g.stable_id, g.version, g.seq_region_id, g.seq_region_start, g.seq_region_end,
	g.seq_region_strand, g.biotype, g.source, coalesce(a.logic_name, ''), g.description, coalesce(x.display_label, ''),
	coalesce(g.canonical_transcript_id, 0), t.stable_id, t.version `

const geneJoins = ` LEFT JOIN {analysis} a ON a.analysis_id = g.analysis_id
	LEFT JOIN {xref} x ON x.xref_id = g.display_xref_id
	LEFT JOIN {transcript} t ON t.transcript_id = g.canonical_transcript_id `

// GenesByID finds current genes by stable id, with or without version. The
// result is keyed by the ids as asked; those not found are missing.
func (r *Reader) GenesByID(ctx context.Context, ids []string) (map[string]*Gene, error) {
	found, at := map[string][]*Gene{}, places{}
	err := in(ctx, r.DB, geneColumns+"FROM {gene} g"+geneJoins+"WHERE g.stable_id IN (%s) AND g.is_current = 1 ORDER BY g.gene_id",
		candidates(ids), readGene(&at, func(g *Gene) { found[fold(g.StableID)] = append(found[fold(g.StableID)], g) }))
	if err != nil {
		return nil, err
	}
	if err := at.resolve(ctx, r.Assembly); err != nil {
		return nil, err
	}
	return match(ids, found, func(g *Gene) *int64 { return g.Version }), nil
}

// GenesByLabel finds a current gene for each display label. Of several, the
// first on the reference assembly is taken, else the first. Keys are the
// labels as asked.
func (r *Reader) GenesByLabel(ctx context.Context, labels []string) (map[string]*Gene, error) {
	found, at := map[string][]*Gene{}, places{}
	err := in(ctx, r.DB, geneColumns+"FROM {xref} l JOIN {gene} g ON g.display_xref_id = l.xref_id"+geneJoins+
		"WHERE l.display_label IN (%s) AND g.is_current = 1 ORDER BY g.gene_id", trimmed(labels),
		readGene(&at, func(g *Gene) { found[fold(g.Name)] = append(found[fold(g.Name)], g) }))
	if err != nil {
		return nil, err
	}
	if err := at.resolve(ctx, r.Assembly); err != nil {
		return nil, err
	}
	out := map[string]*Gene{}
	for _, label := range labels {
		for _, g := range found[fold(label)] {
			if out[label] == nil {
				out[label] = g
			}
			if r.Assembly.Reference(g.At.On) {
				out[label] = g
				break
			}
		}
	}
	return out, nil
}

// trimmed are labels as databases compare them: blanks at the end do not count.
func trimmed(labels []string) []string {
	out := make([]string, len(labels))
	for i, l := range labels {
		out[i] = strings.TrimRight(l, " ")
	}
	return out
}

// readGene reads one row of geneColumns.
func readGene(at *places, keep func(*Gene)) func(scan func(...any) error) error {
	return func(scan func(...any) error) error {
		g := &Gene{}
		var sequence int64
		var stable, canonical *string
		var version *int64
		err := scan(&g.ID, &stable, &g.Version, &sequence, &g.At.Start, &g.At.End, &g.At.Strand, &g.Biotype, &g.Source, &g.Logic,
			&g.Description, &g.Name, &g.canonicalID, &canonical, &version)
		if err != nil {
			return err
		}
		at.add(sequence, &g.At)
		g.StableID = text(stable)
		if canonical != nil {
			g.Canonical = *canonical + "."
			if version != nil {
				g.Canonical += strconv.FormatInt(*version, 10)
			}
		}
		keep(g)
		return nil
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

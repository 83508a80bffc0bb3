package track

import (
	"context"
	"strconv"
	"strings"
)

// Gene is a gene, as its row has it.
type Gene struct {
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
	// Havana is the gene that Havana's curators know, Parent the one that this
	// one was projected from.
	Havana *Curated
	Parent string

	start, end int64
	strand     int
	analysis   int64
}

// Curated names a Havana object.
type Curated struct {
	Label   string
	Version *string
}

func (g *Gene) span() (start, end int64) { return g.start, g.end }

func (*Gene) weight() int { return 1 }

// Genes finds the current genes on the slice, by their ids in the database.
func (t *Track) Genes(ctx context.Context, f Filter) ([]On[*Gene], error) {
	passes, ok := f.passes(t.Words)
	if !ok || !t.DB.HasTable("gene") {
		return nil, nil
	}
	return binned(ctx, t, &t.cache.genes, "gene", func(g *Gene) int64 { return g.ID }, func(g *Gene) int { return g.strand }, t.loadGenes,
		func(g *Gene) bool { return passes(g.analysis, g.Source, g.Biotype) })
}

func (t *Track) loadGenes(ctx context.Context, c condition) ([]*Gene, error) {
	var out []*Gene
	byID := map[int64]*Gene{}
	err := t.DB.Each(ctx, `SELECT x.gene_id, x.stable_id, COALESCE(x.version, 0), x.seq_region_start, x.seq_region_end, x.seq_region_strand,
		x.biotype, x.source, x.analysis_id, x.description, d.display_label, c.stable_id, c.version
		FROM {gene} x LEFT JOIN {xref} d ON d.xref_id = x.display_xref_id
		LEFT JOIN {transcript} c ON c.transcript_id = x.canonical_transcript_id WHERE`+c.text+"AND x.is_current = 1", c.args,
		func(scan func(...any) error) error {
			g := &Gene{}
			var stable, label, canonical *string
			var version *int64
			if err := scan(&g.ID, &stable, &g.Version, &g.start, &g.end, &g.strand, &g.Biotype, &g.Source, &g.analysis,
				&g.Description, &label, &canonical, &version); err != nil {
				return err
			}
			g.StableID, g.Name, g.Analysis = value(stable), value(label), t.Words.Analysis(g.analysis)
			if canonical != nil {
				g.Canonical = *canonical + "."
				if version != nil {
					g.Canonical += strconv.FormatInt(*version, 10)
				}
			}
			out = append(out, g)
			byID[g.ID] = g
			return nil
		})
	if err != nil || len(out) == 0 {
		return nil, err
	}
	err = t.attributes(ctx, "gene", c, []string{"proj_parent_g"}, func(id int64, _, value string) {
		if g := byID[id]; g != nil && g.Parent == "" {
			g.Parent = value
		}
	})
	if err != nil {
		return nil, err
	}
	return out, t.xrefs(ctx, "gene", c, []string{"Vega_gene"}, func(id int64, _ string, x Curated) {
		if g := byID[id]; g != nil && g.Havana == nil && strings.Contains(x.Label, "OTT") {
			g.Havana = &x
		}
	})
}

// attributes reads attributes of certain codes of the rows of a table.
func (t *Track) attributes(ctx context.Context, table string, c condition, codes []string, row func(id int64, code, value string)) error {
	var types []any
	for _, code := range codes {
		for _, id := range t.Words.attributes[code] {
			types = append(types, id)
		}
	}
	if len(types) == 0 || !t.DB.HasTable(table+"_attrib") {
		return nil
	}
	return t.DB.Each(ctx, "SELECT a."+table+"_id, a.attrib_type_id, a.value FROM {"+table+"} x JOIN {"+table+"_attrib} a ON a."+table+"_id = x."+table+
		"_id WHERE"+c.text+"AND a.attrib_type_id IN ("+marks(len(types))+") ORDER BY a."+table+"_id, a.attrib_type_id, a.value", append(append([]any{}, c.args...), types...),
		func(scan func(...any) error) error {
			var id, kind int64
			var value string
			if err := scan(&id, &kind, &value); err != nil {
				return err
			}
			row(id, t.Words.codes[kind], value)
			return nil
		})
}

// xrefs reads the references of the rows of a table to certain databases, in
// the order in which they were stored.
func (t *Track) xrefs(ctx context.Context, table string, c condition, names []string, row func(id int64, name string, x Curated)) error {
	var dbs []any
	for _, name := range names {
		for _, id := range t.Words.external[fold(name)] {
			dbs = append(dbs, id)
		}
	}
	if len(dbs) == 0 || !t.DB.HasTable("object_xref") {
		return nil
	}
	return t.DB.Each(ctx, `SELECT o.ensembl_id, r.external_db_id, r.display_label, r.version FROM {`+table+`} x
		JOIN {object_xref} o ON o.ensembl_id = x.`+table+`_id AND o.ensembl_object_type = ? JOIN {xref} r ON r.xref_id = o.xref_id
		WHERE`+c.text+"AND r.external_db_id IN ("+marks(len(dbs))+") ORDER BY o.object_xref_id",
		append(append([]any{strings.ToUpper(table[:1]) + table[1:]}, c.args...), dbs...),
		func(scan func(...any) error) error {
			var id, db int64
			var x Curated
			if err := scan(&id, &db, &x.Label, &x.Version); err != nil {
				return err
			}
			row(id, t.Words.names[db], x)
			return nil
		})
}

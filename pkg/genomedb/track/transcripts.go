package track

import (
	"context"
	"strings"
)

// Transcript is a transcript, as its row has it.
type Transcript struct {
	ID          int64
	StableID    string
	Version     int64 // 0 for none
	Biotype     string
	Source      string
	Analysis    Analysis
	Description *string
	Name        string
	Canonical   bool // of its gene
	Gene        Owner
	Havana      *Curated
	CCDS        string
	Parent      string // the transcript that this one was projected from
	// Support is the support level (TSL).
	Support string
	// Tags are its marks: gencode_basic, Ensembl_canonical …
	Tags []string
	// MANE is the attribute that makes it one: its code, and RefSeq's match.
	MANE, RefSeq string
	// CDSEnds counts the ends of the coding part that were not found.
	CDSEnds int
	// Spliced says that its exons come from several places (trans-splicing).
	Spliced bool

	start, end int64
	strand     int
	analysis   int64
}

// Owner is a transcript's gene.
type Owner struct{ StableID, Name, Biotype string }

func (x *Transcript) span() (start, end int64) { return x.start, x.end }

func (*Transcript) weight() int { return 1 }

// Transcripts finds the current transcripts on the slice, by their ids in the
// database.
func (t *Track) Transcripts(ctx context.Context, f Filter) ([]On[*Transcript], error) {
	biotypes := f.Biotypes
	f.Biotypes = nil // compared strictly here
	passes, ok := f.passes(t.Words)
	if !ok || !t.DB.HasTable("transcript") {
		return nil, nil
	}
	return binned(ctx, t, &t.cache.transcripts, "transcript", func(x *Transcript) int64 { return x.ID }, func(x *Transcript) int { return x.strand },
		t.loadTranscripts, func(x *Transcript) bool {
			return passes(x.analysis, x.Source, "") && (biotypes == nil || contains(biotypes, x.Biotype))
		})
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func (t *Track) loadTranscripts(ctx context.Context, c condition) ([]*Transcript, error) {
	var out []*Transcript
	byID := map[int64]*Transcript{}
	source := "'ensembl'"
	if t.DB.HasColumn("transcript", "source") {
		source = "x.source"
	}
	err := t.DB.Each(ctx, `SELECT x.transcript_id, x.stable_id, COALESCE(x.version, 0), x.seq_region_start, x.seq_region_end, x.seq_region_strand,
		x.biotype, `+source+`, x.analysis_id, x.description, d.display_label,
		g.stable_id, g.biotype, e.display_label, CASE WHEN g.canonical_transcript_id = x.transcript_id THEN 1 ELSE 0 END
		FROM {transcript} x LEFT JOIN {xref} d ON d.xref_id = x.display_xref_id
		LEFT JOIN {gene} g ON g.gene_id = x.gene_id LEFT JOIN {xref} e ON e.xref_id = g.display_xref_id
		WHERE`+c.text+"AND x.is_current = 1", c.args,
		func(scan func(...any) error) error {
			x := &Transcript{}
			var stable, label, gene, biotype, name *string
			if err := scan(&x.ID, &stable, &x.Version, &x.start, &x.end, &x.strand, &x.Biotype, &x.Source, &x.analysis,
				&x.Description, &label, &gene, &biotype, &name, &x.Canonical); err != nil {
				return err
			}
			x.StableID, x.Name, x.Analysis = value(stable), value(label), t.Words.Analysis(x.analysis)
			x.Gene = Owner{value(gene), value(name), value(biotype)}
			if x.Source == "" {
				x.Source = "ensembl"
			}
			out = append(out, x)
			byID[x.ID] = x
			return nil
		})
	if err != nil || len(out) == 0 {
		return nil, err
	}
	if err := t.describe(ctx, c, byID); err != nil {
		return nil, err
	}
	return out, t.xrefs(ctx, "transcript", c, []string{"Vega_transcript", "CCDS"}, func(id int64, name string, r Curated) {
		x := byID[id]
		switch {
		case x == nil:
		case same(name, "CCDS"):
			if x.CCDS == "" {
				x.CCDS = r.Label
			}
		case x.Havana == nil && strings.Contains(r.Label, "OTT"):
			x.Havana = &r
		}
	})
}

// describe adds what attributes say.
func (t *Track) describe(ctx context.Context, c condition, byID map[int64]*Transcript) error {
	codes := append([]string{"gencode_basic", "gencode_primary", "TSL", "proj_parent_t", "cds_start_NF", "cds_end_NF", "trans_spliced"}, t.Words.mane...)
	basic, primary, ends := map[int64]bool{}, map[int64]bool{}, map[int64]string{}
	err := t.attributes(ctx, "transcript", c, codes, func(id int64, code, value string) {
		x := byID[id]
		if x == nil {
			return
		}
		switch {
		case strings.Contains(code, "MANE"):
			if x.MANE == "" {
				x.MANE, x.RefSeq = code, value
			}
		case code == "gencode_basic":
			basic[id] = true
		case code == "gencode_primary":
			primary[id] = true
		case code == "TSL":
			if x.Support == "" {
				x.Support = strings.Replace(value, "tsl", "", 1)
			}
		case code == "proj_parent_t":
			if x.Parent == "" {
				x.Parent = value
			}
		case code == "trans_spliced":
			x.Spliced = true
		case ends[id] != code:
			ends[id] = code
			x.CDSEnds++
		}
	})
	for id, x := range byID {
		if basic[id] {
			x.Tags = append(x.Tags, "gencode_basic")
		}
		if x.Canonical {
			x.Tags = append(x.Tags, "Ensembl_canonical")
		}
		if primary[id] {
			x.Tags = append(x.Tags, "gencode_primary")
		}
		if x.MANE != "" {
			x.Tags = append(x.Tags, x.MANE)
		}
	}
	return err
}

package feature

import (
	"context"
)

const transcriptColumns = `SELECT t.transcript_id, t.stable_id, t.version, t.seq_region_id, t.seq_region_start, t.seq_region_end,
	t.seq_region_strand, t.biotype, t.source, coalesce(a.logic_name, ''), t.description, coalesce(x.display_label, ''),
	coalesce(g.stable_id, ''), coalesce(g.canonical_transcript_id = t.transcript_id, 0), coalesce(t.canonical_translation_id, 0), t.gene_id `

const transcriptJoins = ` LEFT JOIN {analysis} a ON a.analysis_id = t.analysis_id
	LEFT JOIN {xref} x ON x.xref_id = t.display_xref_id
	LEFT JOIN {gene} g ON g.gene_id = t.gene_id `

// TranscriptsByID finds current transcripts by stable id, with or without
// version, whole. Keys are the ids as asked.
func (r *Reader) TranscriptsByID(ctx context.Context, ids []string) (map[string]*Transcript, error) {
	found, all, at := map[string][]*Transcript{}, []*Transcript{}, places{}
	err := in(ctx, r.DB, transcriptColumns+"FROM {transcript} t"+transcriptJoins+
		"WHERE t.stable_id IN (%s) AND t.is_current = 1 ORDER BY t.transcript_id", candidates(ids),
		readTranscript(&at, func(t *Transcript, _ int64) {
			all = append(all, t)
			found[fold(t.StableID)] = append(found[fold(t.StableID)], t)
		}))
	if err != nil {
		return nil, err
	}
	if err := r.complete(ctx, all, at); err != nil {
		return nil, err
	}
	return match(ids, found, func(t *Transcript) *int64 { return t.Version }), nil
}

// TranscriptsOf loads all transcripts of genes, whole, by the gene's ID.
func (r *Reader) TranscriptsOf(ctx context.Context, genes []*Gene) (map[int64][]*Transcript, error) {
	ids := make([]int64, len(genes))
	for i, g := range genes {
		ids[i] = g.ID
	}
	out, all, at := map[int64][]*Transcript{}, []*Transcript{}, places{}
	err := in(ctx, r.DB, transcriptColumns+"FROM {transcript} t"+transcriptJoins+"WHERE t.gene_id IN (%s) ORDER BY t.transcript_id", ids,
		readTranscript(&at, func(t *Transcript, gene int64) {
			all = append(all, t)
			out[gene] = append(out[gene], t)
		}))
	if err != nil {
		return nil, err
	}
	return out, r.complete(ctx, all, at)
}

// Protein is a translation with the transcript that it belongs to.
type Protein struct {
	*Translation
	Transcript *Transcript
}

// ProteinsByID finds translations of current transcripts by stable id, with or
// without version. Keys are the ids as asked.
func (r *Reader) ProteinsByID(ctx context.Context, ids []string) (map[string]Protein, error) {
	byTranscript, all, at := map[int64]*Transcript{}, []*Transcript{}, places{}
	want := candidates(ids)
	err := in(ctx, r.DB, transcriptColumns+"FROM {translation} l JOIN {transcript} t ON t.transcript_id = l.transcript_id"+transcriptJoins+
		"WHERE l.stable_id IN (%s) AND t.is_current = 1 ORDER BY t.transcript_id", want,
		readTranscript(&at, func(t *Transcript, _ int64) {
			if byTranscript[t.ID] == nil {
				byTranscript[t.ID] = t
				all = append(all, t)
			}
		}))
	if err != nil {
		return nil, err
	}
	if err := r.complete(ctx, all, at); err != nil {
		return nil, err
	}
	found := map[string][]Protein{}
	for _, t := range all {
		for _, p := range t.translations() {
			found[fold(p.StableID)] = append(found[fold(p.StableID)], Protein{p, t})
		}
	}
	return match(ids, found, func(p Protein) *int64 { return p.Version }), nil
}

func (t *Transcript) translations() []*Translation {
	if t.Translation == nil {
		return t.Alternatives
	}
	return append([]*Translation{t.Translation}, t.Alternatives...)
}

// Translations are the canonical translation, then the others.
func (t *Transcript) Translations() []*Translation { return t.translations() }

// ExonsByID finds current exons by stable id, with or without version.
func (r *Reader) ExonsByID(ctx context.Context, ids []string) (map[string]*Exon, error) {
	found, at := map[string][]*Exon{}, places{}
	err := in(ctx, r.DB, `SELECT exon_id, stable_id, version, seq_region_id, seq_region_start, seq_region_end, seq_region_strand, phase
		FROM {exon} WHERE stable_id IN (%s) AND is_current = 1 ORDER BY exon_id`, candidates(ids),
		func(scan func(...any) error) error {
			x := &Exon{}
			var sequence int64
			var stable *string
			err := scan(&x.ID, &stable, &x.Version, &sequence, &x.At.Start, &x.At.End, &x.At.Strand, &x.Phase)
			if err != nil {
				return err
			}
			at.add(sequence, &x.At)
			x.StableID = text(stable)
			found[fold(x.StableID)] = append(found[fold(x.StableID)], x)
			return nil
		})
	if err != nil {
		return nil, err
	}
	if err := at.resolve(ctx, r.Assembly); err != nil {
		return nil, err
	}
	return match(ids, found, func(x *Exon) *int64 { return x.Version }), nil
}

// readTranscript reads one row of transcriptColumns.
func readTranscript(at *places, keep func(t *Transcript, gene int64)) func(scan func(...any) error) error {
	return func(scan func(...any) error) error {
		t := &Transcript{}
		var sequence int64
		var stable *string
		var gene *int64
		err := scan(&t.ID, &stable, &t.Version, &sequence, &t.At.Start, &t.At.End, &t.At.Strand, &t.Biotype, &t.Source, &t.Logic,
			&t.Description, &t.Name, &t.Gene, &t.Canonical, &t.canonicalTranslation, &gene)
		if err != nil {
			return err
		}
		at.add(sequence, &t.At)
		t.StableID = text(stable)
		if gene == nil {
			gene = new(int64)
		}
		keep(t, *gene)
		return nil
	}
}

// complete loads exons, translations and attributes of transcripts, and
// settles their places.
func (r *Reader) complete(ctx context.Context, all []*Transcript, at places) error {
	byID, ids := make(map[int64]*Transcript, len(all)), make([]int64, len(all))
	for i, t := range all {
		byID[t.ID], ids[i] = t, t.ID
	}
	if err := r.exons(ctx, byID, ids, &at); err != nil {
		return err
	}
	if err := at.resolve(ctx, r.Assembly); err != nil {
		return err
	}
	if err := r.translations(ctx, byID, ids); err != nil {
		return err
	}
	return in(ctx, r.DB, `SELECT v.transcript_id, c.code, v.value FROM {transcript_attrib} v
		JOIN {attrib_type} c ON c.attrib_type_id = v.attrib_type_id WHERE v.transcript_id IN (%s)`, ids,
		func(scan func(...any) error) error {
			var id int64
			var a Attribute
			if err := scan(&id, &a.Code, &a.Value); err != nil {
				return err
			}
			byID[id].Attributes = append(byID[id].Attributes, a)
			return nil
		})
}

func (r *Reader) exons(ctx context.Context, byID map[int64]*Transcript, ids []int64, at *places) error {
	return in(ctx, r.DB, `SELECT j.transcript_id, x.exon_id, x.stable_id, x.version, x.seq_region_id, x.seq_region_start,
		x.seq_region_end, x.seq_region_strand, x.phase FROM {exon_transcript} j JOIN {exon} x ON x.exon_id = j.exon_id
		WHERE j.transcript_id IN (%s) ORDER BY j.transcript_id, j.`+"`rank`", ids,
		func(scan func(...any) error) error {
			var id, sequence int64
			x := &Exon{}
			var stable *string
			err := scan(&id, &x.ID, &stable, &x.Version, &sequence, &x.At.Start, &x.At.End, &x.At.Strand, &x.Phase)
			if err != nil {
				return err
			}
			at.add(sequence, &x.At)
			x.StableID = text(stable)
			byID[id].Exons = append(byID[id].Exons, x)
			return nil
		})
}

func (r *Reader) translations(ctx context.Context, byID map[int64]*Transcript, ids []int64) error {
	byTranslation, translations := map[int64]*Translation{}, []int64{}
	err := in(ctx, r.DB, `SELECT transcript_id, translation_id, stable_id, version, start_exon_id, end_exon_id, seq_start, seq_end
		FROM {translation} WHERE transcript_id IN (%s) ORDER BY translation_id`, ids,
		func(scan func(...any) error) error {
			var id, first, last int64
			var stable *string
			p := &Translation{}
			if err := scan(&id, &p.ID, &stable, &p.Version, &first, &last, &p.Start, &p.End); err != nil {
				return err
			}
			p.StableID = text(stable)
			t := byID[id]
			for _, x := range t.Exons {
				if x.ID == first {
					p.First = x
				}
				if x.ID == last {
					p.Last = x
				}
			}
			switch {
			case p.First == nil || p.Last == nil: // not on this transcript: unusable
				return nil
			case p.ID == t.canonicalTranslation:
				t.Translation = p
			default:
				t.Alternatives = append(t.Alternatives, p)
			}
			byTranslation[p.ID] = p
			translations = append(translations, p.ID)
			return nil
		})
	if err != nil {
		return err
	}
	return in(ctx, r.DB, `SELECT v.translation_id, c.code, v.value FROM {translation_attrib} v
		JOIN {attrib_type} c ON c.attrib_type_id = v.attrib_type_id
		WHERE v.translation_id IN (%s) AND c.code IN ('initial_met', '_selenocysteine', 'amino_acid_sub', '_stop_codon_rt')`, translations,
		func(scan func(...any) error) error {
			var id int64
			var a Attribute
			if err := scan(&id, &a.Code, &a.Value); err != nil {
				return err
			}
			byTranslation[id].Attributes = append(byTranslation[id].Attributes, a)
			return nil
		})
}

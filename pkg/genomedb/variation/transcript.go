package variation

import (
	"context"
	"strings"
)

// Effect is what a variant does to a transcript.
type Effect struct {
	VariantID   int64
	Somatic     bool
	Consequence string // the most severe of all alleles
	// Places in the transcript: 0 where the variant has none there.
	CDSStart, CDSEnd, CDNAStart, ProteinStart, ProteinEnd int64
	// Alleles are the reference allele, then the alternative ones.
	Alleles []Allele
}

// Allele is one allele of a variant, as a transcript sees it. "" is not known.
type Allele struct {
	Bases, Codon, Peptide string
	SIFT                  *float64
}

// Effects finds what variants do to a transcript: of somatic mutations first
// and then of others, or of others alone.
func (r *Reader) Effects(ctx context.Context, transcript string, somatic bool, terms Terms) ([]*Effect, error) {
	if !r.DB.HasTable("transcript_variation") {
		return nil, nil
	}
	most := 0
	if somatic {
		most = 1
	}
	var out []*Effect
	err := r.DB.Each(ctx, `SELECT variation_feature_id, somatic, COALESCE(allele_string, ''), COALESCE(consequence_types, ''),
		COALESCE(cds_start, 0), COALESCE(cds_end, 0), COALESCE(cdna_start, 0), COALESCE(translation_start, 0),
		COALESCE(translation_end, 0), COALESCE(codon_allele_string, ''), COALESCE(pep_allele_string, ''), sift_score
		FROM {transcript_variation} WHERE feature_stable_id = ? AND somatic <= ? AND display = 1
		ORDER BY somatic DESC, variation_feature_id, transcript_variation_id DESC`, []any{transcript, most},
		func(scan func(...any) error) error {
			e := &Effect{}
			var bases, consequences, codons, peptides string
			var sift *string
			err := scan(&e.VariantID, &e.Somatic, &bases, &consequences, &e.CDSStart, &e.CDSEnd, &e.CDNAStart, &e.ProteinStart,
				&e.ProteinEnd, &codons, &peptides, &sift)
			if err != nil || !terms.has(consequences) {
				return err
			}
			reference, alternative := alleles(bases, codons, peptides)
			alternative.SIFT = number(sift)
			// A variant with several alternative alleles has a row for each.
			if n := len(out); n > 0 && out[n-1].VariantID == e.VariantID && out[n-1].Somatic == e.Somatic {
				e = out[n-1]
			} else {
				e.Alleles = append(e.Alleles, reference)
				out = append(out, e)
			}
			e.Alleles = append(e.Alleles, alternative)
			if c := MostSevere(consequences); worse(c, e.Consequence) {
				e.Consequence = c
			}
			return nil
		})
	return out, err
}

// alleles splits what is written as reference/alternative. Where a synonymous
// variant has one peptide, it is that of both.
func alleles(bases, codons, peptides string) (reference, alternative Allele) {
	cut := func(s string) (a, b string) {
		a, b, _ = strings.Cut(s, "/")
		b, _, _ = strings.Cut(b, "/")
		return a, b
	}
	reference.Bases, alternative.Bases = cut(bases)
	reference.Codon, alternative.Codon = cut(codons)
	reference.Peptide, alternative.Peptide = cut(peptides)
	if alternative.Bases == "" {
		alternative.Bases = reference.Bases
	}
	if alternative.Peptide == "" {
		alternative.Peptide = reference.Peptide
	}
	return reference, alternative
}

// Codons writes the codons of all alleles, with capitals where they differ.
// position is the place (0, 1 or 2) in its codon of the first base; negative:
// not known.
func (e *Effect) Codons(position int) string {
	var all []string
	for _, a := range e.Alleles {
		if a.Codon == "" {
			continue
		}
		codon := strings.ToLower(a.Codon)
		if position >= 0 && position < len(codon) && a.Bases != "-" {
			end := min(position+len(a.Bases), len(codon))
			codon = codon[:position] + strings.ToUpper(codon[position:end]) + codon[end:]
		}
		all = append(all, codon)
	}
	return strings.Join(all, "/")
}

// Peptides writes the residues of all alleles.
func (e *Effect) Peptides() string {
	var all []string
	for _, a := range e.Alleles {
		if a.Peptide != "" {
			all = append(all, a.Peptide)
		}
	}
	return strings.Join(all, "/")
}

// Substitution is the residue that the first alternative allele puts in another
// one's place; ok is false where it does something else.
func (e *Effect) Substitution() (residue byte, ok bool) {
	if len(e.Alleles) < 2 {
		return 0, false
	}
	was, is := e.Alleles[0].Peptide, e.Alleles[1].Peptide
	if len(was) != 1 || len(is) != 1 || was == is || was[0] < 'A' || was[0] > 'Z' || strings.IndexByte(residues, is[0]) < 0 {
		return 0, false
	}
	return is[0], e.ProteinStart > 0
}

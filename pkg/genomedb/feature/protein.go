package feature

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb/assembly"
)

// Domain is what an analysis found on a protein: a domain, a signal, a region
// of low complexity …
type Domain struct {
	Start, End       int64 // residues
	HitStart, HitEnd int64 // on what was found
	Hit              string
	HitDescription   string
	InterPro         string // accession, "" for none
	InterProText     string
	Logic            string  // of the analysis
	Database         *string // that the analysis searched
	Cigar            string
	AlignType        *string
	Protein          int64 // the translation's database id
}

// Domains finds what analyses found on a translation, by the name of the hit,
// then by place.
func (r *Reader) Domains(ctx context.Context, p *Translation) ([]*Domain, error) {
	if !r.DB.HasTable("protein_feature") {
		return nil, nil
	}
	alignment := "p.cigar_line, p.align_type"
	if !r.DB.HasColumn("protein_feature", "align_type") { // before release 93
		alignment = "NULL, NULL"
	}
	var out []*Domain
	err := r.DB.Each(ctx, `SELECT p.seq_start, p.seq_end, p.hit_start, p.hit_end, p.hit_name, COALESCE(p.hit_description, ''), `+alignment+`,
		COALESCE(x.description, ''), COALESCE(i.interpro_ac, ''), COALESCE(a.logic_name, ''), a.db
		FROM {protein_feature} p LEFT JOIN {interpro} i ON i.id = p.hit_name
		LEFT JOIN {xref} x ON x.dbprimary_acc = i.interpro_ac
		LEFT JOIN {analysis} a ON a.analysis_id = p.analysis_id
		WHERE p.translation_id = ? ORDER BY p.protein_feature_id`, []any{p.ID},
		func(scan func(...any) error) error {
			d := &Domain{Protein: p.ID}
			var cigar *string
			err := scan(&d.Start, &d.End, &d.HitStart, &d.HitEnd, &d.Hit, &d.HitDescription, &cigar, &d.AlignType,
				&d.InterProText, &d.InterPro, &d.Logic, &d.Database)
			d.Cigar = text(cigar)
			out = append(out, d)
			return err
		})
	slices.SortStableFunc(out, func(a, b *Domain) int {
		return cmp.Or(strings.Compare(a.Hit, b.Hit), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End),
			cmp.Compare(a.HitStart, b.HitStart), cmp.Compare(a.HitEnd, b.HitEnd))
	})
	return out, err
}

// CodingExon is the coding part of an exon.
type CodingExon struct {
	*Exon
	Bases       int64 // how many of it code
	First, Last int64 // residues; 0 where none of its bases is one of theirs
}

// CodingExons are the exons that code for a translation, first to last; none
// where it begins outside its exon.
func (t *Transcript) CodingExons(p *Translation) []CodingExon {
	if p == nil || p.Start < 1 || p.Start > p.First.At.Length() {
		return nil
	}
	var out []CodingExon
	for _, x := range t.Exons {
		if len(out) == 0 && x != p.First {
			continue
		}
		from, to := int64(1), x.At.Length()
		if x == p.First {
			from = p.Start
		}
		if x == p.Last {
			to = p.End
		}
		c := CodingExon{Exon: x, Bases: max(to-from+1, 0)}
		if at, ok := x.At.Sub(from, to); ok {
			c.First, c.Last = t.firstResidues(p, at)
		}
		out = append(out, c)
		if x == p.Last {
			break
		}
	}
	return out
}

// firstResidues are the residues that the first stretch of an interval codes
// for: where edits part it, the reference tells of the first part alone.
func (t *Transcript) firstResidues(p *Translation, at assembly.Slice) (first, last int64) {
	start, end, ok := t.coding(p)
	if !ok {
		return 0, 0
	}
	shift := int64(0)
	if len(t.Exons) > 0 {
		shift = max(int64(t.Exons[0].Phase), 0)
	}
	for _, b := range t.blocks() {
		low, high := max(at.Start, b.at.Start), min(at.End, b.at.End)
		if low > high {
			continue
		}
		w := b.at.Within(low, high)
		s, e := max(b.start+w.Start-1, start), min(b.start+w.End-1, end)
		if s <= e {
			return (s - start + 1 + shift + 2) / 3, (e - start + 1 + shift + 2) / 3
		}
	}
	return 0, 0
}

// CodonPosition is the place in its codon, 0 to 2, of a base of the spliced
// transcript; -1 where the transcript codes for nothing.
func (t *Transcript) CodonPosition(base int64) int {
	start, _, ok := t.coding(t.Translation)
	if !ok || base < 1 || len(t.Exons) == 0 {
		return -1
	}
	n := (base - start + max(int64(t.Exons[0].Phase), 0)) % 3
	return int((n + 3) % 3)
}

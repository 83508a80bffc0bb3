package feature

import (
	"bytes"
	"context"

	"mirrornet/pkg/genome"
	"mirrornet/pkg/genomedb/assembly"
)

// Sequences reads the sequences of features that lie within one slice: the
// slice's way down to the bases is looked up once.
type Sequences struct {
	assembly *assembly.Assembly
	layout   *assembly.Layout
	within   assembly.Slice
}

// Sequences prepares for features on within. Features elsewhere are read too,
// each looked up by itself.
func (r *Reader) Sequences(ctx context.Context, within assembly.Slice) (*Sequences, error) {
	layout, err := r.Assembly.Layout(ctx, within)
	if err != nil {
		return nil, err
	}
	return &Sequences{r.Assembly, layout, within}, nil
}

func (s *Sequences) bases(ctx context.Context, at assembly.Slice) ([]byte, error) {
	if at.On.ID != s.within.On.ID || at.Start < s.within.Start || at.End > s.within.End {
		return s.assembly.Bases(ctx, at)
	}
	return s.layout.Bases(ctx, at)
}

// Spliced is the transcript's sequence without introns, with its edits. With
// softMask the untranslated bases are in lower case.
func (s *Sequences) Spliced(ctx context.Context, t *Transcript, softMask bool) ([]byte, error) {
	var out []byte
	for _, x := range t.Exons {
		seq, err := s.bases(ctx, x.At)
		if err != nil {
			return nil, err
		}
		if softMask {
			maskUTR(t, x, seq)
		}
		out = append(out, seq...)
	}
	return apply(out, t.rnaEdits()), nil
}

// maskUTR lowers an exon's bases outside the coding interval.
func maskUTR(t *Transcript, x *Exon, seq []byte) {
	if t.Predicted {
		return
	}
	if t.Translation == nil {
		copy(seq, bytes.ToLower(seq))
		return
	}
	from, to := t.Translation.GenomicStart(), t.Translation.GenomicEnd()
	for i := range seq {
		at := x.At.Start + int64(i)
		if !x.At.Forward() {
			at = x.At.End - int64(i)
		}
		if at < from || at > to {
			seq[i] = lower(seq[i])
		}
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Coding is the sequence from start codon to stop codon; nil for none. A
// protein that begins within a codon has N before it.
func (s *Sequences) Coding(ctx context.Context, t *Transcript, p *Translation) ([]byte, error) {
	start, end, ok := t.coding(p)
	if !ok {
		return nil, nil
	}
	mrna, err := s.Spliced(ctx, t, false)
	if err != nil {
		return nil, err
	}
	start, end = min(start, int64(len(mrna))+1), min(end, int64(len(mrna)))
	return append(bytes.Repeat([]byte{'N'}, t.lead(p)), mrna[start-1:end]...), nil
}

// lead is the number of bases that are missing before the first codon.
func (t *Transcript) lead(p *Translation) int {
	first := 0
	switch {
	case t.Predicted && len(t.Exons) > 0:
		first = t.Exons[0].Phase
	case p != nil:
		first = p.First.Phase
	}
	return min(max(first, 0), 2)
}

// Protein is the translation's sequence; nil for none.
func (s *Sequences) Protein(ctx context.Context, t *Transcript, p *Translation) ([]byte, error) {
	mrna, err := s.Coding(ctx, t, p)
	if err != nil || len(mrna) < 3 {
		return nil, err
	}
	out := translate(s.codons(t), mrna)
	if p != nil {
		out = apply(out, edits(p.Attributes, "initial_met", "_selenocysteine", "amino_acid_sub", "_stop_codon_rt"))
	}
	return out, nil
}

// translate translates whole codons. A final stop is left out, and a start
// codon gives M.
func translate(table *genome.CodonTable, mrna []byte) []byte {
	mrna = mrna[:len(mrna)/3*3]
	out := table.Translate(mrna)
	if len(out) == 0 {
		return nil
	}
	if out[len(out)-1] == '*' {
		out = out[:len(out)-1]
	}
	if len(out) > 0 && out[0] != 'M' && table.Start(string(mrna[:3])) {
		out[0] = 'M'
	}
	return out
}

// codons is the genetic code of the transcript's sequence; the standard one
// where the database names one that is not known.
func (s *Sequences) codons(t *Transcript) *genome.CodonTable {
	table, ok := genome.Codons(s.assembly.CodonTable(t.At.On))
	if !ok {
		table, _ = genome.Codons(1)
	}
	return table
}

// ProteinLength is the length of Protein, mostly without reading it. ok is
// false where there is no protein.
func (s *Sequences) ProteinLength(ctx context.Context, t *Transcript, p *Translation) (n int64, ok bool, err error) {
	grown := int64(0)
	for _, e := range edits(p.Attributes, "initial_met", "_selenocysteine", "amino_acid_sub", "_stop_codon_rt") {
		grown += e.growth()
	}
	start, end, has := t.coding(p)
	if !has {
		return 0, false, nil
	}
	if grown != 0 || len(t.rnaEdits()) > 0 || t.Predicted {
		seq, err := s.Protein(ctx, t, p)
		return int64(len(seq)), seq != nil, err
	}
	lead := int64(t.lead(p))
	n = (end - start + 1 + lead) / 3
	if n == 0 {
		return 0, false, nil
	}
	// The last whole codon, in places of the spliced transcript.
	last := start - lead + 3*(n-1)
	if last < start {
		return n, true, nil // it begins with N: not a stop for sure
	}
	var codon []byte
	for _, at := range t.genomic(last, last+2) {
		seq, err := s.bases(ctx, at)
		if err != nil {
			return 0, false, err
		}
		codon = append(codon, seq...)
	}
	if len(codon) == 3 && string(s.codons(t).Translate(codon)) == "*" {
		n--
	}
	return n, true, nil
}

// Translates says whether a translation has at least one whole codon.
func (t *Transcript) Translates(p *Translation) bool {
	start, end, ok := t.coding(p)
	return ok && end-start+1+int64(t.lead(p)) >= 3
}

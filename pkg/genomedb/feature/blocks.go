package feature

import (
	"errors"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
)

// block is a stretch of the spliced transcript and where it lies.
type block struct {
	start, end int64 // on the spliced transcript
	at         assembly.Slice
}

// blocks lays the spliced transcript out on the genome, exon by exon. Where an
// edit makes it longer, its new bases lie nowhere; where it makes it shorter,
// that many bases of the genome are left out.
func (t *Transcript) blocks() (out []block) {
	edits := t.rnaEdits()
	end, shift := int64(0), int64(0)
	for _, x := range t.Exons {
		at, start := x.At, end+1
		end += at.Length()
		// take lays out the next n bases of the exon.
		take := func(n int64) {
			part := at
			if at.Forward() {
				part.End = at.Start + n - 1
				at.Start = part.End + 1
			} else {
				part.Start = at.End - n + 1
				at.End = part.Start - 1
			}
			if n > 0 {
				out = append(out, block{start, start + n - 1, part})
			}
			start += n
		}
		for len(edits) > 0 && edits[0].start+shift <= end {
			e := edits[0]
			edits = edits[1:]
			grown := e.growth()
			if grown == 0 {
				continue
			}
			take(e.start + shift - start)
			end += grown
			shift += grown
			switch {
			case grown > 0:
				start += grown
			case at.Forward():
				at.Start -= grown
			default:
				at.End += grown
			}
		}
		if start <= end {
			out = append(out, block{start, end, at})
		}
	}
	return out
}

// Mapping is a part of an interval of a transcript or protein and where it
// lies on the transcript's sequence.
type Mapping = assembly.Mapped

const (
	spliced = 1 // ids of the two spaces of a transcript's mapper
	genomic = 2
)

func (t *Transcript) mapper() *assembly.Mapper {
	m := &assembly.Mapper{}
	for _, b := range t.blocks() {
		m.Add(assembly.Pair{From: assembly.Unit{ID: spliced, Start: b.start, End: b.end},
			To: assembly.Unit{ID: genomic, Start: b.at.Start, End: b.at.End}, Orientation: int64(b.at.Strand)})
	}
	return m
}

func (t *Transcript) toGenome(start, end, first int64) ([]Mapping, error) {
	parts, err := t.mapper().Map(spliced, start, end, 1, first)
	if errors.Is(err, assembly.ErrTurned) {
		return nil, genomedb.Refuse("Region ends before it starts: %d is greater than %d", start-first+1, end-first+1)
	}
	return parts, err
}

// FromCDNA maps an interval of the spliced transcript onto its sequence.
func (t *Transcript) FromCDNA(start, end int64) ([]Mapping, error) { return t.toGenome(start, end, 1) }

// FromCDS maps an interval of the coding sequence. What is behind its end is
// left out; ok is false where all is.
func (t *Transcript) FromCDS(start, end int64) (parts []Mapping, ok bool, err error) {
	first, last := t.codes()
	from, to := start+first-1, end+first-1
	if from > last {
		return nil, false, nil
	}
	if to > last && last == 0 {
		return nil, true, genomedb.Refuse("Transcript %s has no coding sequence", t.StableID)
	}
	if first == 0 {
		first = 1
	}
	parts, err = t.toGenome(from, min(to, last), first)
	return parts, true, err
}

// FromProtein maps an interval of the canonical translation. The codon that
// the transcript begins within is its first residue.
func (t *Transcript) FromProtein(start, end int64) ([]Mapping, error) {
	first, _ := t.codes()
	shift := int64(0)
	if len(t.Exons) > 0 {
		shift = max(int64(t.Exons[0].Phase), 0)
	}
	return t.toGenome(3*start-2+first-1-shift, 3*end+first-1-shift, 1)
}

// codes is where the canonical translation begins and ends on the spliced
// transcript; 0 and 0 where there is none.
func (t *Transcript) codes() (start, end int64) {
	if t.Translation == nil && !t.Predicted {
		return 0, 0
	}
	start, end, _ = t.coding(t.Translation)
	return start, end
}

// merged are the blocks with those joined that continue each other, on the
// spliced transcript and on the genome.
func (t *Transcript) merged() (out []block) {
	for _, b := range t.blocks() {
		if len(out) > 0 {
			last := &out[len(out)-1]
			if last.end+1 == b.start && last.at.Strand == b.at.Strand && last.at.On == b.at.On {
				if b.at.Forward() && last.at.End+1 == b.at.Start {
					last.end, last.at.End = b.end, b.at.End
					continue
				}
				if !b.at.Forward() && b.at.End+1 == last.at.Start {
					last.end, last.at.Start = b.end, b.at.Start
					continue
				}
			}
		}
		out = append(out, b)
	}
	return out
}

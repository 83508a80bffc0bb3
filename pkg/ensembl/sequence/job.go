package sequence

import (
	"context"

	"mirrornet/pkg/ensembl"
	"mirrornet/pkg/genomedb/assembly"
	"mirrornet/pkg/genomedb/feature"
)

// job makes the sequences of one object.
type job struct {
	*worker
	id        string
	object    *feature.Object
	sequences *feature.Sequences
}

// make works the object's sequences out. transcripts are those of its database
// by gene, where they are needed.
func (j *job) make(ctx context.Context, transcripts map[int64][]*feature.Transcript) ([]piece, error) {
	o := j.object
	switch {
	case o.Exon != nil:
		if j.kind == "cds" || j.kind == "protein" {
			return nil, loud{ensembl.BadRequest("The type %s can not be use when retrieving an Exon", j.kind)}
		}
		return j.genomic(ctx, o.Exon.StableID, o.Exon.Version, o.Exon.At, nil)
	case o.Protein != nil:
		if err := j.prepare(ctx, o.Protein.Transcript.At); err != nil {
			return nil, err
		}
		return j.protein(ctx, o.Protein.Transcript, o.Protein.Translation, j.trim)
	case o.Transcript != nil:
		if j.kind == "genomic" {
			t := o.Transcript
			return j.genomic(ctx, t.StableID, t.Version, t.At, []*feature.Transcript{t})
		}
		if err := j.prepare(ctx, o.Transcript.At); err != nil {
			return nil, err
		}
		return j.transcript(ctx, o.Transcript)
	}
	g := o.Gene
	if j.kind == "genomic" {
		return j.genomic(ctx, g.StableID, g.Version, g.At, transcripts[g.ID])
	}
	if err := j.prepare(ctx, g.At); err != nil {
		return nil, err
	}
	var out []piece
	for _, t := range transcripts[g.ID] {
		pieces, err := j.transcript(ctx, t)
		if err != nil {
			return nil, err
		}
		out = append(out, pieces...)
	}
	return out, nil
}

func (j *job) prepare(ctx context.Context, within assembly.Slice) (err error) {
	j.sequences, err = j.object.Reader.Sequences(ctx, within)
	return err
}

// genomic is the sequence of the object's place. introns are masked where that
// is asked for.
func (j *job) genomic(ctx context.Context, stableID string, version *int64, at assembly.Slice, transcripts []*feature.Transcript) ([]piece, error) {
	if j.trim.wanted {
		start, end, err := j.trim.bounds(at.Length())
		if err != nil {
			return nil, err
		}
		var ok bool
		if at, ok = at.Sub(start, end); !ok {
			return nil, ensembl.BadRequest("Your end coordinate is not within the sequence requested")
		}
	}
	at, err := j.enrich(at)
	if err != nil {
		return nil, err
	}
	src, err := j.source(ctx, j.object.Reader.Assembly, at)
	if err != nil {
		return nil, err
	}
	if j.maskFeature && j.kind == "genomic" {
		for _, t := range transcripts {
			for _, intron := range t.Introns() {
				src.lower = append(src.lower, at.Within(intron.Start, intron.End))
			}
		}
	}
	name := at.Name()
	p := piece{id: stableID, version: version, query: j.id, molecule: "dna", desc: &name}
	err = j.put(ctx, &p, src)
	return []piece{p}, err
}

// transcript is the spliced, coding or protein sequence of a transcript: none
// where it does not translate, and of proteins perhaps many.
func (j *job) transcript(ctx context.Context, t *feature.Transcript) ([]piece, error) {
	var seq []byte
	var err error
	switch j.kind {
	case "protein":
		return j.proteins(ctx, t)
	case "cds":
		seq, err = j.sequences.Coding(ctx, t, t.Translation)
	default:
		seq, err = j.sequences.Spliced(ctx, t, j.maskFeature)
	}
	if err != nil || len(seq) == 0 {
		return nil, err
	}
	if j.trim.wanted {
		if seq, err = j.trim.cut(seq); err != nil {
			return nil, err
		}
	}
	return []piece{{id: t.StableID, version: t.Version, query: j.id, molecule: "dna", seq: seq}}, nil
}

func (j *job) proteins(ctx context.Context, t *feature.Transcript) ([]piece, error) {
	if t.Predicted {
		cut, err := j.residues(ctx, t)
		if err != nil {
			return nil, err
		}
		return j.protein(ctx, t, nil, cut)
	}
	if len(t.Translations()) == 0 {
		return nil, nil
	}
	cut, err := j.residues(ctx, t)
	if err != nil {
		return nil, err
	}
	var out []piece
	for _, p := range t.Translations() {
		pieces, err := j.protein(ctx, t, p, cut)
		if err != nil {
			return nil, err
		}
		out = append(out, pieces...)
	}
	return out, nil
}

// protein is the sequence of one translation; p is nil for a prediction's.
func (j *job) protein(ctx context.Context, t *feature.Transcript, p *feature.Translation, cut trim) ([]piece, error) {
	seq, err := j.sequences.Protein(ctx, t, p)
	if err != nil || len(seq) == 0 {
		return nil, err
	}
	if j.trim.wanted {
		if seq, err = cut.cut(seq); err != nil {
			return nil, err
		}
	}
	out := piece{id: t.StableID, query: j.id, molecule: "protein", seq: seq}
	if p != nil {
		out.id, out.version = p.StableID, p.Version
	}
	return []piece{out}, nil
}

// residues turns a trim in bases of the transcript's genomic sequence into one
// in residues of its protein. The ends are counted as the reference counts
// them.
func (j *job) residues(ctx context.Context, t *feature.Transcript) (trim, error) {
	if !j.trim.wanted {
		return j.trim, nil
	}
	length, ok, err := j.proteinLength(ctx, t)
	if err != nil || !ok {
		return j.trim, err
	}
	from, to := t.At.Start, t.At.End
	end := int64(0)
	if j.trim.end != nil {
		end = *j.trim.end
	}
	if t.At.Forward() {
		if j.trim.start != 0 {
			from = t.At.Start + j.trim.start - 1
		}
		if end != 0 {
			to = t.At.Start + end
		}
	} else {
		if j.trim.start != 0 {
			to = t.At.End - j.trim.start
		}
		if end != 0 {
			from = t.At.End - end
		}
	}
	if from > to+1 {
		return trim{}, ensembl.BadRequest("Your start coordinate cannot be larger than your end")
	}
	first, last, ok := t.Residues(from, to)
	if first = min(first, length); !ok || last < first {
		first, last = 0, 0 // nothing of the protein: an end of 0 is refused below
	}
	return trim{start: first, end: &last, wanted: true}, nil
}

func (j *job) proteinLength(ctx context.Context, t *feature.Transcript) (int64, bool, error) {
	if t.Translation != nil {
		return j.sequences.ProteinLength(ctx, t, t.Translation)
	}
	seq, err := j.sequences.Protein(ctx, t, nil)
	return int64(len(seq)), seq != nil, err
}

package overlap

import (
	"context"
	"strconv"

	"mirrornet/pkg/genomedb/track"
)

// exon is an exon as part of a transcript.
type exon struct {
	place Place
	*track.Exon
	rank int64
	of   *track.Transcript
}

func exons(ctx context.Context, q *query) ([]Feature, error) {
	var out []Feature
	err := q.structures(ctx, func(t *track.Track, x track.On[*track.Transcript], s *track.Structure) {
		for i, e := range t.Exons(x, s) {
			if touches(e.Start, e.End, q.Slice.Start, q.Slice.End) {
				out = append(out, &exon{q.at(e.Located), e.Feature, int64(i + 1), x.Feature})
			}
		}
	})
	return out, err
}

// touches says whether an exon lies on a slice. As in the reference, one that
// shares the slice's last base alone does not, unless it ends there.
func touches(start, end, from, to int64) bool {
	return from <= start && start < to || from < end && end <= to || start <= from && to <= end
}

// structures goes through the transcripts that a client wants.
func (q *query) structures(ctx context.Context, each func(*track.Track, track.On[*track.Transcript], *track.Structure)) error {
	t, found, err := onSlice(ctx, q)
	if err != nil || len(found) == 0 {
		return err
	}
	structures, err := t.Structures(ctx, found)
	if err != nil {
		return err
	}
	for _, x := range found {
		each(t, x, structures[x.Feature.ID])
	}
	return nil
}

func (e *exon) Place() *Place { return &e.place }

func (e *exon) Label() string { return e.StableID }

func (e *exon) Term() Term {
	return Term{Name: "exon", IDIsName: true, Parent: "transcript:"}
}

func (e *exon) Fields(f *Fields) {
	f.Text("id", e.StableID)
	if e.Version != 0 {
		f.Int("version", e.Version)
	}
	e.place.fields(f)
	f.Int("constitutive", e.Constitutive)
	f.Int("ensembl_phase", e.Phase)
	f.Int("ensembl_end_phase", e.EndPhase)
	f.Text("exon_id", e.StableID)
	f.Int("rank", e.rank)
	f.Text("Parent", e.of.StableID)
	f.Text("source", e.of.Source)
}

// coding is the coding part of an exon.
type coding struct {
	place   Place
	phase   int64
	protein *track.Translation
	of      *track.Transcript
}

func codingParts(ctx context.Context, q *query) ([]Feature, error) {
	var out []Feature
	err := q.structures(ctx, func(t *track.Track, x track.On[*track.Transcript], s *track.Structure) {
		for _, p := range t.Coding(x, s) {
			out = append(out, &coding{q.at(p.Located), p.Phase, s.Translation, x.Feature})
		}
	})
	return out, err
}

func (c *coding) Place() *Place { return &c.place }

func (c *coding) Label() string { return c.protein.StableID }

func (c *coding) Term() Term {
	return Term{Name: "CDS", Parent: "transcript:"}
}

func (c *coding) Fields(f *Fields) {
	id := c.protein.StableID
	if !f.JSON() && c.of.Spliced { // GFF3 needs one id per place
		id += "_" + c.place.Sequence.Name + "_" + strconv.Itoa(c.place.OnSequence())
	}
	f.Text("id", id)
	if v := c.protein.Version; v != nil {
		f.Int("version", *v)
	} else {
		f.Null("version")
	}
	c.place.fields(f)
	switch phase := max(c.phase, 0); phase {
	case 0:
		f.Int("phase", 0)
	default: // the bases before the first whole codon
		f.Text("phase", strconv.FormatInt(3-phase, 10))
	}
	f.Text("Parent", c.of.StableID)
	f.Text("source", c.of.Source)
	f.Text("protein_id", c.protein.StableID)
}

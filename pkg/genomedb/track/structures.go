package track

import (
	"cmp"
	"context"
	"slices"

	"mirrornet/pkg/genomedb/assembly"
)

// Structure is how a transcript is made: its exons in reading direction, and
// its canonical translation.
type Structure struct {
	Exons       []*Exon
	Translation *Translation // nil for none

	transcript int64
	start, end int64
}

// Exon is an exon, as its row has it.
type Exon struct {
	ID              int64
	StableID        string
	Version         int64 // 0 for none
	Phase, EndPhase int64
	Constitutive    int64

	sequence   int64
	start, end int64
	strand     int
}

// Translation says where on its exons a transcript is translated.
type Translation struct {
	StableID    string
	Version     *int64
	start, end  int64 // on the exons
	first, last int64 // ids of the exons
}

func (s *Structure) span() (start, end int64) { return s.start, s.end }

func (s *Structure) weight() int { return 1 + len(s.Exons) }

// Structures finds the structures of transcripts of this track, by transcript.
func (t *Track) Structures(ctx context.Context, of []On[*Transcript]) (map[int64]*Structure, error) {
	out := make(map[int64]*Structure, len(of))
	var done []*assembly.Place
	for _, x := range of {
		if slices.Contains(done, x.place) {
			continue
		}
		done = append(done, x.place)
		rows, err := t.cache.structures.on(ctx, t.DB, x.place, t.loadStructures)
		if err != nil {
			return nil, err
		}
		for _, s := range rows {
			out[s.transcript] = s
		}
	}
	return out, nil
}

func (t *Track) loadStructures(ctx context.Context, c condition) ([]*Structure, error) {
	byID := map[int64]*Structure{}
	var out []*Structure
	type ranked struct {
		*Exon
		rank int64
	}
	exons := map[*Structure][]ranked{}
	err := t.DB.Each(ctx, `SELECT x.transcript_id, x.seq_region_start, x.seq_region_end, l.rank,
		e.exon_id, e.stable_id, COALESCE(e.version, 0), e.seq_region_id, e.seq_region_start, e.seq_region_end, e.seq_region_strand,
		e.phase, e.end_phase, e.is_constitutive
		FROM {transcript} x JOIN {exon_transcript} l ON l.transcript_id = x.transcript_id JOIN {exon} e ON e.exon_id = l.exon_id WHERE`+c.text, c.args,
		func(scan func(...any) error) error {
			e, s := &Exon{}, Structure{}
			var rank int64
			var stable *string
			if err := scan(&s.transcript, &s.start, &s.end, &rank, &e.ID, &stable, &e.Version, &e.sequence, &e.start, &e.end, &e.strand,
				&e.Phase, &e.EndPhase, &e.Constitutive); err != nil {
				return err
			}
			e.StableID = value(stable)
			kept := byID[s.transcript]
			if kept == nil {
				kept = &s
				byID[s.transcript] = kept
				out = append(out, kept)
			}
			exons[kept] = append(exons[kept], ranked{e, rank})
			return nil
		})
	if err != nil || len(out) == 0 {
		return nil, err
	}
	for s, all := range exons {
		slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
		for _, e := range all {
			s.Exons = append(s.Exons, e.Exon)
		}
	}
	return out, t.DB.Each(ctx, `SELECT l.transcript_id, l.stable_id, l.version, l.seq_start, l.seq_end, l.start_exon_id, l.end_exon_id
		FROM {transcript} x JOIN {translation} l ON l.translation_id = x.canonical_translation_id WHERE`+c.text, c.args,
		func(scan func(...any) error) error {
			var id int64
			var stable *string
			l := &Translation{}
			if err := scan(&id, &stable, &l.Version, &l.start, &l.end, &l.first, &l.last); err != nil {
				return err
			}
			l.StableID = value(stable)
			if s := byID[id]; s != nil {
				s.Translation = l
			}
			return nil
		})
}

// Exons are the exons of a transcript that lie on the slice's sequence.
func (t *Track) Exons(x On[*Transcript], s *Structure) []On[*Exon] {
	if s == nil {
		return nil
	}
	sequence, _, _, _, _ := x.place.Range()
	out := make([]On[*Exon], 0, len(s.Exons))
	for _, e := range s.Exons {
		if e.sequence != sequence {
			continue
		}
		if at, ok := x.place.CarryPart(e.start, e.end, e.strand); ok {
			out = append(out, On[*Exon]{e, at, x.place})
		}
	}
	return out
}

// Part is the coding part of an exon.
type Part struct {
	assembly.Located
	Phase int64 // of the exon: -1 where it begins untranslated
}

// Coding are the coding parts of a transcript's exons.
func (t *Track) Coding(x On[*Transcript], s *Structure) []Part {
	if s == nil || s.Translation == nil {
		return nil
	}
	l := s.Translation
	var out []Part
	for _, e := range t.Exons(x, s) {
		if len(out) == 0 && e.Feature.ID != l.first {
			continue
		}
		five, three := int64(0), int64(0) // bases cut off in reading direction
		if e.Feature.ID == l.first {
			if l.start < 1 || l.start > e.End-e.Start+1 {
				return nil
			}
			five = l.start - 1
		}
		if e.Feature.ID == l.last {
			three = e.End - e.Start + 1 - l.end
		}
		if e.Strand == 1 != t.Slice.Forward() {
			five, three = three, five
		}
		out = append(out, Part{assembly.Located{Start: e.Start + five, End: e.End - three, Strand: e.Strand}, e.Feature.Phase})
		if e.Feature.ID == l.last {
			break
		}
	}
	return out
}

package assembly

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"mirrornet/pkg/genome"
	"mirrornet/pkg/genomedb"
)

// Layout is where the bases of a slice come from, worked out once, so that
// many parts of the slice can be read.
type Layout struct {
	a        *Assembly
	slice    Slice // forward
	segments []Segment
}

// Layout maps a slice down to the sequences that have bases.
func (a *Assembly) Layout(ctx context.Context, s Slice) (*Layout, error) {
	s.Strand = 1
	bottom := a.SequenceLevel()
	if bottom == nil {
		return nil, fmt.Errorf("assembly of %s: no coord_system has the attrib sequence_level", a.db.Name)
	}
	segments, err := a.Project(ctx, s, bottom)
	if err != nil {
		return nil, err
	}
	return &Layout{a, s, segments}, nil
}

// Bases reads a part of the layout's slice, in s's reading direction. Where
// the assembly has a gap, and outside the layout's slice, stands N.
func (l *Layout) Bases(ctx context.Context, s Slice) ([]byte, error) {
	if s.Length() <= 0 {
		return nil, nil
	}
	out := bytes.Repeat([]byte{'N'}, int(s.Length()))
	for _, seg := range l.segments {
		start := max(l.slice.Start+seg.Start-1, s.Start)
		end := min(l.slice.Start+seg.End-1, s.End)
		if start > end {
			continue
		}
		part, ok := seg.To.Sub(start-l.slice.Start-seg.Start+2, end-l.slice.Start-seg.Start+2)
		if !ok {
			continue
		}
		dna, err := l.a.dna(ctx, part)
		if err != nil {
			return nil, err
		}
		copy(out[start-s.Start:end-s.Start+1], dna)
	}
	if !s.Forward() {
		out = genome.ReverseComplement(out)
	}
	return out, nil
}

// Bases reads a slice.
func (a *Assembly) Bases(ctx context.Context, s Slice) ([]byte, error) {
	if s.Length() <= 0 {
		return nil, nil
	}
	l, err := a.Layout(ctx, s)
	if err != nil {
		return nil, err
	}
	return l.Bases(ctx, s)
}

// dna reads bases of a sequence that has its own, in s's reading direction.
func (a *Assembly) dna(ctx context.Context, s Slice) ([]byte, error) {
	out := make([]byte, 0, s.Length())
	err := a.stored(ctx, s, &out)
	if err != nil {
		return nil, err
	}
	if !s.Forward() {
		// A row shorter than its sequence must not shift what there is.
		for int64(len(out)) < s.Length() {
			out = append(out, 'N')
		}
		out = genome.ReverseComplement(out)
	}
	return out, nil
}

// stored appends the bases of a slice as they are stored.
func (a *Assembly) stored(ctx context.Context, s Slice, out *[]byte) error {
	var part sql.RawBytes
	if !a.db.HasColumn("dna", genomedb.DNAPlace) {
		return a.db.Each(ctx, `SELECT substr(sequence, ?, ?) FROM {dna} WHERE seq_region_id = ?`,
			[]any{s.Start, s.Length(), s.On.ID}, func(scan func(...any) error) error {
				err := scan(&part)
				*out = append(*out, part...)
				return err
			})
	}
	if s.Start < 1 { // as substr has it, which counts from 1
		s.Start = 1
	}
	skip := (s.Start - 1) % genomedb.DNAPiece
	return a.db.Each(ctx, `SELECT sequence FROM {dna} WHERE place BETWEEN ? AND ? ORDER BY place`,
		[]any{genomedb.DNAPlaceOf(s.On.ID, s.Start-1), genomedb.DNAPlaceOf(s.On.ID, min(s.End, genomedb.MaxDNA)-1)}, func(scan func(...any) error) error {
			if err := scan(&part); err != nil {
				return err
			}
			piece := part[min(skip, int64(len(part))):]
			skip = 0
			*out = append(*out, piece[:min(int64(len(piece)), s.Length()-int64(len(*out)))]...)
			return nil
		})
}

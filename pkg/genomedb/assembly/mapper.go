package assembly

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Unit is one side of a pair: an interval of what ID names.
type Unit struct{ ID, Start, End int64 }

// Pair says that two intervals of equal length are the same bases.
type Pair struct {
	From, To Unit
	// Orientation is 1 where both run the same way, else -1.
	Orientation int64
}

// Mapper maps intervals of one space onto another, along pairs. Its zero value
// maps nothing; it must not change once it has mapped.
//
// What it does at the edges (gaps, insertions between two bases, overlapping
// pairs, an end before the start) is what Ensembl's does, whose users see it.
type Mapper struct {
	pairs []Pair
	ready bool
}

// Mapped is one part of an interval and where it lies. Of a gap, which lies
// nowhere, both are the same, but for a gap between two bases.
type Mapped struct {
	Gap      bool
	Original Image
	Mapped   Image
}

// Image is a mapped interval. An end one before the start is the place between
// two bases.
type Image struct {
	ID, Start, End int64
	Strand         int64 // 0 for a gap
}

// ErrTurned is returned for an interval whose end lies before its start, where
// the pairs do not happen to allow it. Its sentences are Ensembl's.
var ErrTurned = errors.New("not defined for an interval that spans the origin")

var (
	errTurnedLeft  = fmt.Errorf("is_left_of %w", ErrTurned)
	errTurnedRight = fmt.Errorf("is_right_of %w", ErrTurned)
)

// errSplit cannot come of pairs that do not overlap.
var errSplit = errors.New("an insertion maps to more than two places")

// Add adds a pair.
func (m *Mapper) Add(p Pair) { m.pairs, m.ready = append(m.pairs, p), false }

// merge joins pairs that continue each other on both sides.
func (m *Mapper) merge() {
	if m.ready {
		return
	}
	m.ready = true
	slices.SortStableFunc(m.pairs, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.To.ID, b.To.ID), cmp.Compare(a.To.Start, b.To.Start))
	})
	out := m.pairs[:0]
	for _, p := range m.pairs {
		if len(out) > 0 && out[len(out)-1].absorb(p) {
			continue
		}
		out = append(out, p)
	}
	m.pairs = out
}

// absorb takes the next pair in if it repeats or continues this one.
func (p *Pair) absorb(next Pair) bool {
	if p.To.ID != next.To.ID || p.From.ID != next.From.ID {
		return false
	}
	if p.To.Start == next.To.Start && p.From.Start == next.From.Start {
		return true
	}
	if p.Orientation != next.Orientation || p.To.End+1 != next.To.Start {
		return false
	}
	switch {
	case p.Orientation == 1 && p.From.End+1 == next.From.Start:
		p.From.End = next.From.End
	case p.Orientation != 1 && next.From.End+1 == p.From.Start:
		p.From.Start = next.From.Start
	default:
		return false
	}
	p.To.End = next.To.End
	return true
}

// Map maps an interval of the first space. Parts come in the order of strand.
// Originals are counted from first: 1, but for a coding sequence its first
// base.
func (m *Mapper) Map(id, start, end, strand, first int64) ([]Mapped, error) {
	return m.lookup(id, start, end, strand, first, false)
}

// Back maps an interval of the second space.
func (m *Mapper) Back(id, start, end, strand int64) ([]Mapped, error) {
	return m.lookup(id, start, end, strand, 1, true)
}

func (m *Mapper) lookup(id, start, end, strand, first int64, back bool) ([]Mapped, error) {
	m.merge()
	var all []Pair
	for _, p := range m.pairs {
		if back {
			p.From, p.To = p.To, p.From
		}
		if p.From.ID == id {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b Pair) int { return cmp.Compare(a.From.Start, b.From.Start) })
	if start == end+1 {
		return insertion(all, start, end, strand)
	}
	return along(all, start, end, strand, first)
}

func gap(start, end int64) Mapped {
	return Mapped{Gap: true, Original: Image{Start: start, End: end}, Mapped: Image{Start: start, End: end}}
}

// along maps an interval along the pairs of its sequence, by start.
func along(all []Pair, start, end, strand, first int64) ([]Mapped, error) {
	if len(all) == 0 {
		return []Mapped{gap(start, end)}, nil
	}
	touched, err := touching(all, start, end)
	if err != nil {
		return nil, err
	}
	if len(touched) == 0 {
		return []Mapped{gap(start, end)}, nil
	}
	var out []Mapped
	begin, target := start, touched[0].To.ID
	for _, p := range touched {
		if p.To.ID != target && p.From.Start < start { // the same bases, mapped elsewhere too
			start = begin
		}
		if start < p.From.Start {
			out = append(out, gap(start, p.From.Start-1))
			start = p.From.Start
		}
		to := Image{ID: p.To.ID, Start: p.To.Start, End: p.To.End, Strand: p.Orientation * strand}
		if p.Orientation == 1 {
			to.Start += start - p.From.Start
			if end <= p.From.End {
				to.End = p.To.Start + end - p.From.Start
			}
		} else {
			to.End -= start - p.From.Start
			if end <= p.From.End {
				to.Start = p.To.End - (end - p.From.Start)
			}
		}
		from := Image{ID: p.From.ID, Start: start - first + 1, Strand: to.Strand}
		from.End = from.Start + to.End - to.Start
		out = append(out, Mapped{Original: from, Mapped: to})
		start = p.From.End + 1
	}
	if last := touched[len(touched)-1].From.End; last < end {
		out = append(out, gap(last+1, end))
	}
	if strand == -1 {
		slices.Reverse(out)
	}
	return out, nil
}

// touching are the pairs that share a base with the interval. One whose end
// lies before its start stands for everything but what is between, as on a
// circle: Ensembl's search tree gives all pairs for it when the nodes on the
// tree's two flanks lie in the interval, and else fails.
func touching(all []Pair, start, end int64) (out []Pair, err error) {
	if start <= end {
		for _, p := range all {
			if p.From.Start <= end && start <= p.From.End {
				out = append(out, p)
			}
		}
		return out, nil
	}
	node := func(list []Pair) (left, right []Pair, inside bool) {
		center := list[len(list)/2].From.Start
		for _, p := range list {
			switch {
			case p.From.End < center:
				left = append(left, p)
			case p.From.Start > center:
				right = append(right, p)
			}
		}
		return left, right, center >= start || center <= end
	}
	left, right, inside := node(all)
	for len(left) > 0 && inside {
		left, _, inside = node(left)
	}
	if !inside {
		return nil, errTurnedLeft
	}
	for len(right) > 0 && inside {
		_, right, inside = node(right)
	}
	if !inside {
		return nil, errTurnedRight
	}
	return all, nil
}

// insertion maps the place between two bases: to the place beside one of them,
// or beside each where they part.
func insertion(all []Pair, start, end, strand int64) ([]Mapped, error) {
	parts, err := along(all, end, start, strand, 1)
	if err != nil {
		return nil, err
	}
	turn := func(p *Image) { p.Start, p.End = p.End, p.Start }
	switch len(parts) {
	case 1:
		turn(&parts[0].Mapped)
		if !parts[0].Gap { // a gap's original stays as it is
			turn(&parts[0].Original)
		}
		return parts, nil
	case 2:
	default:
		return nil, errSplit
	}
	if strand == -1 {
		slices.Reverse(parts)
	}
	var out []Mapped
	for i, p := range parts {
		if p.Gap {
			continue
		}
		if (p.Mapped.Strand*strand == -1) == (i == 0) {
			p.Mapped.End--
		} else {
			p.Mapped.Start++
		}
		turn(&p.Original)
		out = append(out, p)
	}
	if strand == -1 {
		slices.Reverse(out)
	}
	return out, nil
}

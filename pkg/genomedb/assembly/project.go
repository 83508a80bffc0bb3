package assembly

import (
	"cmp"
	"context"
	"slices"
	"sort"
)

// Segment is a part of a slice and what stands there: bases Start to End of
// the slice are those of To.
type Segment struct {
	Start, End int64
	To         Slice
}

// exception is a row of assembly_exception: the interval of one sequence that
// stands for an interval of another. For a PAR the interval itself is the
// other's; for a haplotype or patch everything but the interval is.
type exception struct {
	start, end           int64
	other                int64
	otherStart, otherEnd int64
	par                  bool
}

// Resolve splits a slice into what its own sequence has and what it borrows
// from others: pseudo-autosomal intervals, and the surroundings of patches.
func (a *Assembly) Resolve(ctx context.Context, s Slice) ([]Segment, error) {
	whole := []Segment{{1, s.Length(), s}}
	all := a.exceptions[s.On.ID]
	if len(all) == 0 {
		return whole, nil
	}
	borrowed, err := a.borrowed(ctx, s.On, all)
	if err != nil {
		return nil, err
	}
	var out []Segment
	at := s.Start // next position on s's sequence
	own := func(to int64) {
		if at <= to {
			part := Slice{s.On, at, to, s.Strand}
			w := s.Within(at, to)
			out = append(out, Segment{w.Start, w.End, part})
		}
	}
	for _, e := range borrowed {
		start, end := max(e.start, at), min(e.end, s.End)
		if start > end {
			continue
		}
		other, err := a.Sequence(ctx, e.other)
		if err != nil {
			return nil, err
		}
		own(start - 1)
		w := s.Within(start, end)
		out = append(out, Segment{w.Start, w.End, Slice{other, e.otherStart + start - e.start, e.otherStart + end - e.start, s.Strand}})
		at = end + 1
	}
	if len(out) == 0 {
		return whole, nil
	}
	own(s.End)
	slices.SortFunc(out, func(x, y Segment) int { return cmp.Compare(x.Start, y.Start) })
	return out, nil
}

// borrowed lists the intervals of on that are another sequence's, by start.
func (a *Assembly) borrowed(ctx context.Context, on *Sequence, all []exception) ([]exception, error) {
	var out, alt []exception
	for _, e := range all {
		if e.par {
			out = append(out, e)
		} else {
			alt = append(alt, e)
		}
	}
	if len(alt) > 0 {
		slices.SortStableFunc(alt, func(x, y exception) int { return cmp.Compare(x.end, y.end) })
		other, err := a.Sequence(ctx, alt[0].other)
		if err != nil {
			return nil, err
		}
		here, there := int64(1), int64(1)
		for _, e := range alt {
			if here < e.start {
				out = append(out, exception{start: here, end: e.start - 1, other: other.ID, otherStart: there})
			}
			here, there = e.end+1, e.otherEnd+1
		}
		// The rest, as far as the longer of the two goes.
		end := max(on.Length, here+other.Length-there)
		if here <= end {
			out = append(out, exception{start: here, end: end, other: other.ID, otherStart: there})
		}
	}
	slices.SortStableFunc(out, func(x, y exception) int { return cmp.Compare(x.start, y.start) })
	return out, nil
}

// Project maps a slice onto another coordinate system. Parts that do not map
// are left out; the rest is in the order of the slice.
func (a *Assembly) Project(ctx context.Context, s Slice, to *CoordSystem) ([]Segment, error) {
	resolved, err := a.Resolve(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []Segment
	for _, seg := range resolved {
		mapped, err := a.mapSegment(ctx, seg, to)
		if err != nil {
			return nil, err
		}
		out = append(out, mapped...)
	}
	slices.SortStableFunc(out, func(x, y Segment) int { return cmp.Compare(x.Start, y.Start) })
	return out, nil
}

// mapSegment maps one segment along the path between its coordinate system and to.
func (a *Assembly) mapSegment(ctx context.Context, seg Segment, to *CoordSystem) ([]Segment, error) {
	from := seg.To.On.System
	if from == to {
		if kept, ok := clip(seg); ok {
			return []Segment{kept}, nil
		}
		return nil, nil
	}
	way := a.way(from, to)
	if way == nil {
		return nil, nil
	}
	segs := []Segment{seg}
	for i, system := range way.systems[1:] {
		var next []Segment
		for _, s := range segs {
			mapped, err := a.hop(ctx, s, hop{system, a.down(way.systems[i], system)})
			if err != nil {
				return nil, err
			}
			next = append(next, mapped...)
		}
		segs = next
	}
	return segs, nil
}

// clip keeps the part of a segment that lies on its sequence.
func clip(seg Segment) (Segment, bool) {
	start, end := max(seg.To.Start, 1), min(seg.To.End, seg.To.On.Length)
	if start > end {
		return seg, false
	}
	w := seg.To.Within(start, end)
	return Segment{seg.Start + w.Start - 1, seg.Start + w.End - 1, Slice{seg.To.On, start, end, seg.To.Strand}}, true
}

// hop is one step of a mapping: down from assembled to component, or up.
type hop struct {
	to   *CoordSystem
	down bool
}

const (
	downSQL = `SELECT a.cmp_seq_region_id, a.asm_start, a.asm_end, a.cmp_start, a.cmp_end, a.ori
		FROM {assembly} a JOIN {seq_region} s ON s.seq_region_id = a.cmp_seq_region_id
		WHERE a.asm_seq_region_id = ? AND s.coord_system_id = ? ORDER BY a.asm_start`
	upSQL = `SELECT a.asm_seq_region_id, a.cmp_start, a.cmp_end, a.asm_start, a.asm_end, a.ori
		FROM {assembly} a JOIN {seq_region} s ON s.seq_region_id = a.asm_seq_region_id
		WHERE a.cmp_seq_region_id = ? AND s.coord_system_id = ? ORDER BY a.cmp_start`
)

// piece is a row of assembly, seen from one of its two sequences.
type piece struct {
	start, end           int64
	other                int64
	otherStart, otherEnd int64
	orientation          int
}

// pieces are all rows of a sequence in one hop, by start.
type pieces struct {
	rows    []piece
	longest int64
}

// over are the pieces that may reach into an interval.
func (p *pieces) over(start, end int64) []piece {
	from := sort.Search(len(p.rows), func(i int) bool { return p.rows[i].start > start-p.longest })
	to := sort.Search(len(p.rows), func(i int) bool { return p.rows[i].start > end })
	return p.rows[min(from, to):to]
}

// hopKey is a sequence and where a hop leads.
type hopKey struct {
	sequence, system int64
	down             bool
}

// maxPieces bounds the pieces that are kept. A human genome has some 100,000.
const maxPieces = 1 << 19

// pieces reads a sequence's rows once: the table's index knows where they
// begin alone, and a query for the end of a chromosome reads all before it.
func (a *Assembly) pieces(ctx context.Context, key hopKey) (*pieces, error) {
	a.mu.Lock()
	p := a.hops[key]
	a.mu.Unlock()
	if p != nil {
		return p, nil
	}
	text := upSQL
	if key.down {
		text = downSQL
	}
	p = &pieces{}
	err := a.db.Each(ctx, text, []any{key.sequence, key.system}, func(scan func(...any) error) error {
		var r piece
		if err := scan(&r.other, &r.start, &r.end, &r.otherStart, &r.otherEnd, &r.orientation); err != nil {
			return err
		}
		p.longest = max(p.longest, r.end-r.start+1)
		p.rows = append(p.rows, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.rows = slices.Clip(p.rows)
	a.mu.Lock()
	defer a.mu.Unlock()
	cost := len(p.rows) + 4 // a sequence without a row takes room, too
	if a.hopsCost += cost; a.hops == nil || a.hopsCost > maxPieces {
		a.hops, a.hopsCost = map[hopKey]*pieces{}, cost
	}
	a.hops[key] = p
	return p, nil
}

func (a *Assembly) hop(ctx context.Context, seg Segment, h hop) ([]Segment, error) {
	all, err := a.pieces(ctx, hopKey{seg.To.On.ID, h.to.ID, h.down})
	if err != nil {
		return nil, err
	}
	var out []Segment
	for _, r := range all.over(seg.To.Start, seg.To.End) {
		start, end := max(r.start, seg.To.Start), min(r.end, seg.To.End)
		if start > end {
			continue
		}
		other, err := a.Sequence(ctx, r.other)
		if err != nil {
			return nil, err
		}
		to := Slice{On: other, Strand: 1}
		if seg.To.Forward() != (r.orientation >= 0) {
			to.Strand = -1
		}
		if r.orientation >= 0 {
			to.Start = r.otherStart + start - r.start
		} else {
			to.Start = r.otherEnd - (end - r.start)
		}
		to.End = to.Start + end - start
		w := seg.To.Within(start, end)
		out = append(out, Segment{seg.Start + w.Start - 1, seg.Start + w.End - 1, to})
	}
	return out, nil
}

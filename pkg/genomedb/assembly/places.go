package assembly

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb"
)

// Place is an interval of one sequence where rows of a feature table may lie
// that a slice has, and knows how to carry them onto the slice.
type Place struct {
	sequence  int64
	from, to  int64 // what is wanted of the sequence
	longest   int64 // no row is longer; 0: not known
	circular  bool
	slice     Slice     // the one asked for
	segment   Segment   // of it, whose sequence this is or maps to this
	maps      []Segment // where the rows' coordinate system is another
	borrowed  bool      // the segment is another sequence's (see Resolve)
	crossings []int64   // where segments part, in the slice's coordinates
}

const (
	linear   = " x.seq_region_id = ? AND x.seq_region_start <= ? AND x.seq_region_start >= ? AND x.seq_region_end >= ? "
	circular = ` x.seq_region_id = ? AND (x.seq_region_start <= ? AND x.seq_region_end >= ?
		OR x.seq_region_start > x.seq_region_end AND (x.seq_region_start <= ? OR x.seq_region_end >= ?)) `
	wrapped = ` x.seq_region_id = ? AND (x.seq_region_start <= ? OR x.seq_region_end >= ? OR x.seq_region_start > x.seq_region_end) `
)

// Where is the condition on the table's rows, which the query calls x.
func (p *Place) Where() string {
	switch {
	case !p.circular:
		return linear
	case p.from <= p.to:
		return circular
	}
	return wrapped
}

// Args are the arguments of Where.
func (p *Place) Args() []any {
	switch {
	case !p.circular:
		least := int64(0)
		if p.longest > 0 {
			least = p.from - p.longest
		}
		return []any{p.sequence, p.to, least, p.from}
	case p.from <= p.to:
		return []any{p.sequence, p.to, p.from, p.to, p.from}
	}
	return []any{p.sequence, p.to, p.from}
}

// Maps says whether the rows lie on another coordinate system than the slice.
func (p *Place) Maps() bool { return p.maps != nil }

// Range is the interval of a sequence (by seq_region_id) that Where wants, and
// the length of the table's longest row. ok is false where there is no such
// length, or the sequence is circular: Where says more then.
func (p *Place) Range() (sequence, from, to, longest int64, ok bool) {
	return p.sequence, p.from, p.to, p.longest, p.longest > 0 && !p.circular
}

// Located is where a row lies, seen from the slice.
type Located struct {
	Start, End int64 // on the slice's sequence
	Strand     int   // in the slice's reading direction
}

// Carry carries a row onto the slice. ok is false for a row that does not lie
// on it, or does not map in one piece.
func (p *Place) Carry(start, end int64, strand int) (at Located, ok bool) {
	return p.carry(start, end, strand, true)
}

// CarryPart is Carry for a part of a row that lies on the slice: the part need
// not.
func (p *Place) CarryPart(start, end int64, strand int) (at Located, ok bool) {
	return p.carry(start, end, strand, false)
}

func (p *Place) carry(start, end int64, strand int, within bool) (at Located, ok bool) {
	if p.maps != nil {
		if start, end, strand, ok = p.lift(start, end, strand); !ok {
			return at, false
		}
		if within && (start > p.segment.To.End || end < p.segment.To.Start) {
			return at, false
		}
	}
	at = Located{start, end, strand}
	if !p.slice.Forward() {
		at.Strand = -strand
	}
	if !p.borrowed {
		return at, true
	}
	w := p.segment.To.Within(start, end)
	w.Start += p.segment.Start - 1
	w.End += p.segment.Start - 1
	for _, c := range p.crossings {
		if w.Start < c && w.End >= c {
			return at, false
		}
	}
	if p.slice.Forward() {
		at.Start, at.End = p.slice.Start+w.Start-1, p.slice.Start+w.End-1
	} else {
		at.Start, at.End = p.slice.End-w.End+1, p.slice.End-w.Start+1
	}
	return at, true
}

// lift maps a row onto the segment's sequence.
func (p *Place) lift(start, end int64, strand int) (int64, int64, int, bool) {
	for _, m := range p.maps {
		if m.To.On.ID != p.sequence || start < m.To.Start || end > m.To.End {
			continue
		}
		// m.Start to m.End are places on the segment's whole sequence.
		if m.To.Forward() {
			return m.Start + start - m.To.Start, m.Start + end - m.To.Start, strand, true
		}
		return m.Start + m.To.End - end, m.Start + m.To.End - start, -strand, true
	}
	return 0, 0, 0, false
}

// Places says where the rows of a feature table lie that a slice has: on the
// slice itself, on what it borrows from other sequences (see [Assembly.Resolve]),
// and on sequences of other coordinate systems that map to it. db is the
// table's database, which may be another one of the same species.
func (a *Assembly) Places(ctx context.Context, s Slice, db *genomedb.Database, table string) ([]*Place, error) {
	systems, err := a.tableSystems(ctx, db, table)
	if err != nil {
		return nil, err
	}
	if len(db.Meta(table+"build.level")) > 0 {
		top, err := a.toplevel(ctx, s.On)
		if err != nil {
			return nil, err
		}
		if top {
			systems = only(systems, s.On.System)
		}
	}
	segments, err := a.Borrowing(ctx, s)
	if err != nil {
		return nil, err
	}
	var crossings []int64
	if len(segments) > 1 {
		if crossings, err = a.crossings(ctx, s); err != nil {
			return nil, err
		}
	}
	var out []*Place
	for i, seg := range segments {
		for _, fs := range systems {
			base := Place{longest: fs.length, slice: s, segment: seg, borrowed: i < len(segments)-1, crossings: crossings}
			if fs.system == seg.To.On.System {
				base.sequence, base.from, base.to = seg.To.On.ID, seg.To.Start, seg.To.End
				base.circular = a.circular[base.sequence]
				out = append(out, &base)
				continue
			}
			mapped, err := a.mappedPlaces(ctx, base, fs)
			if err != nil {
				return nil, err
			}
			out = append(out, mapped...)
		}
	}
	return out, nil
}

// Borrowing is what a slice borrows from other sequences (see
// [Assembly.Resolve]), and last the whole slice itself.
func (a *Assembly) Borrowing(ctx context.Context, s Slice) ([]Segment, error) {
	whole := Segment{1, s.Length(), s}
	if len(a.exceptions[s.On.ID]) == 0 {
		return []Segment{whole}, nil
	}
	resolved, err := a.Resolve(ctx, s)
	return append(borrowedOnly(resolved, s), whole), err
}

// mostPlaces is how many intervals of another coordinate system are asked
// for one by one, in their order; more are asked for by sequence.
const mostPlaces = 3

// farthest is how far out of a slice a row may reach whose length is not known,
// or is said to be less than it is.
const farthest = 1 << 22

func (a *Assembly) mappedPlaces(ctx context.Context, base Place, fs featureSystem) ([]*Place, error) {
	at := base.segment.To
	at.Strand = 1
	mapped, err := a.mapSegment(ctx, Segment{1, at.Length(), at}, fs.system)
	if err != nil || len(mapped) == 0 {
		return nil, err
	}
	// Rows may reach out of the slice: what they map to does too.
	reach := max(fs.length, farthest)
	wide := at
	wide.Start, wide.End = max(1, at.Start-reach), min(at.On.Length, at.End+reach)
	if base.maps, err = a.mapSegment(ctx, Segment{wide.Start, wide.End, wide}, fs.system); err != nil {
		return nil, err
	}
	slices.SortStableFunc(mapped, func(x, y Segment) int { return cmp.Compare(x.Start, y.Start) })
	if !base.segment.To.Forward() {
		slices.Reverse(mapped)
	}
	var out []*Place
	for _, m := range mapped {
		if i := slices.IndexFunc(out, func(p *Place) bool { return p.sequence == m.To.On.ID }); i >= 0 && len(mapped) > mostPlaces {
			out[i].from, out[i].to = min(out[i].from, m.To.Start), max(out[i].to, m.To.End)
			continue
		}
		p := base
		p.sequence, p.from, p.to = m.To.On.ID, m.To.Start, m.To.End
		out = append(out, &p)
	}
	if len(mapped) > mostPlaces {
		slices.SortFunc(out, func(x, y *Place) int { return cmp.Compare(x.sequence, y.sequence) })
	}
	return out, nil
}

// crossings are where the segments of the slice's whole sequence part, in the
// slice's coordinates.
func (a *Assembly) crossings(ctx context.Context, s Slice) ([]int64, error) {
	whole := Slice{On: s.On, Start: 1, End: s.On.Length, Strand: s.Strand}
	parts, err := a.Resolve(ctx, whole)
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, p := range parts[1:] {
		out = append(out, p.Start-s.Start+1)
	}
	return out, nil
}

func only(all []featureSystem, want *CoordSystem) []featureSystem {
	for _, f := range all {
		if f.system == want {
			return []featureSystem{f}
		}
	}
	return []featureSystem{{system: want}}
}

// tableSystems are the coordinate systems of a table of db, remembered.
func (a *Assembly) tableSystems(ctx context.Context, db *genomedb.Database, table string) ([]featureSystem, error) {
	a.mu.Lock()
	all, ok := a.features[db]
	a.mu.Unlock()
	if !ok {
		all = map[string][]featureSystem{}
		if db.HasTable("meta_coord") {
			err := db.Each(ctx, "SELECT table_name, coord_system_id, COALESCE(max_length, 0) FROM {meta_coord} ORDER BY coord_system_id", nil,
				func(scan func(...any) error) error {
					var name string
					var id int64
					var f featureSystem
					if err := scan(&name, &id, &f.length); err != nil {
						return err
					}
					if f.system = a.byID[id]; f.system != nil {
						name = strings.ToLower(name)
						all[name] = append(all[name], f)
					}
					return nil
				})
			if err != nil {
				return nil, err
			}
		}
		a.mu.Lock()
		a.features[db] = all
		a.mu.Unlock()
	}
	return all[table], nil
}

// toplevel says whether a sequence is one of the assembly's top.
func (a *Assembly) toplevel(ctx context.Context, s *Sequence) (bool, error) {
	m, err := a.marksOf(ctx, s)
	return m.toplevel, err
}

// Karyotype says whether a sequence is a chromosome, as a karyotype shows it.
func (a *Assembly) Karyotype(ctx context.Context, s *Sequence) (bool, error) {
	m, err := a.marksOf(ctx, s)
	return m.karyotype, err
}

// marks are attributes of a sequence that are asked for one by one: large
// assemblies have very many.
type marks struct{ toplevel, karyotype bool }

func (a *Assembly) marksOf(ctx context.Context, s *Sequence) (marks, error) {
	a.mu.Lock()
	m, ok := a.marks[s.ID]
	a.mu.Unlock()
	if ok || !a.db.HasTable("seq_region_attrib") {
		return m, nil
	}
	err := a.db.Each(ctx, `SELECT t.code FROM {seq_region_attrib} s JOIN {attrib_type} t ON t.attrib_type_id = s.attrib_type_id
		WHERE s.seq_region_id = ? AND t.code IN ('toplevel', 'karyotype_rank')`, []any{s.ID}, func(scan func(...any) error) error {
		var code string
		err := scan(&code)
		m.toplevel = m.toplevel || strings.EqualFold(code, "toplevel")
		m.karyotype = m.karyotype || strings.EqualFold(code, "karyotype_rank")
		return err
	})
	if err != nil {
		return m, err
	}
	a.mu.Lock()
	if len(a.marks) >= maxSequences {
		clear(a.marks)
	}
	a.marks[s.ID] = m
	a.mu.Unlock()
	return m, nil
}

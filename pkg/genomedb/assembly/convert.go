package assembly

import (
	"context"
	"errors"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb"
)

// Converted is a part of a slice and where it lies in another coordinate
// system. Start and End are counted as Ensembl's API counts them: on what the
// slice borrows from (see [Assembly.Resolve]), and from the slice's own start.
type Converted struct {
	Start, End int64
	To         Slice
	// Same says that no mapping was needed: To is the slice itself, or what of
	// it lies on its sequence.
	Same bool
}

// Convert maps a slice onto a coordinate system that a user names, as far as
// it maps. An unknown one is the API's 400.
func (a *Assembly) Convert(ctx context.Context, s Slice, to System) ([]Converted, error) {
	name, top := to.Name, false
	var system *CoordSystem
	switch strings.ToLower(name) {
	case "toplevel":
		top = true
	case "seqlevel":
		system = a.SequenceLevel()
	default:
		system = a.SystemNamed(name, to.Version)
	}
	if system == nil && !top {
		return nil, genomedb.Refuse("Cannot project to unknown coordinate system [%s %s]", name, to.Version)
	}
	if system == s.On.System {
		return a.itself(s), nil
	}
	borrowed, err := a.Resolve(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []Converted
	for _, seg := range borrowed {
		var parts []Mapped
		if top {
			parts, err = a.mapTop(ctx, seg.To)
		} else {
			parts, err = a.mapSlice(ctx, seg.To, system)
		}
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			if p.Gap {
				continue
			}
			on, err := a.Sequence(ctx, p.Mapped.ID)
			if err != nil {
				return nil, err
			}
			if on.System == seg.To.On.System { // it is the top already
				return a.itself(s), nil
			}
			c := Converted{Start: p.Original.Start - s.Start + 1, End: p.Original.End - s.Start + 1,
				To: Slice{on, p.Mapped.Start, p.Mapped.End, int(p.Mapped.Strand)}}
			if c.To.Strand == 0 {
				c.To.Strand = 1
			}
			if !s.Forward() {
				c.Start, c.End = s.End-p.Original.End+1, s.End-p.Original.Start+1
			}
			if c.End > on.Length && a.Circular(on) {
				c.End -= on.Length
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// itself is the part of a slice that lies on its sequence.
func (a *Assembly) itself(s Slice) []Converted {
	length := s.On.Length
	if s.Start > length || s.End < 1 {
		return nil
	}
	to := s
	to.Start, to.End = max(s.Start, 1), min(s.End, length)
	c := Converted{to.Start - s.Start + 1, to.End - s.Start + 1, to, true}
	if s.Start > s.End+1 && a.Circular(s.On) {
		c.End += length
	}
	return []Converted{c}
}

// mapTop maps a slice onto the highest coordinate system that it reaches.
func (a *Assembly) mapTop(ctx context.Context, s Slice) ([]Mapped, error) {
	for _, c := range a.systems {
		if c.Rank >= s.On.System.Rank {
			break
		}
		if a.way(c, s.On.System) == nil {
			continue
		}
		parts, err := a.mapSlice(ctx, s, c)
		if err != nil {
			return nil, err
		}
		if len(parts) > 1 || len(parts) == 1 && !parts[0].Gap {
			return parts, nil
		}
	}
	at := Image{s.On.ID, s.Start, s.End, int64(s.Strand)}
	return []Mapped{{Original: at, Mapped: at}}, nil
}

// mapSlice maps a slice onto another coordinate system; none where nothing
// says how the two belong together.
func (a *Assembly) mapSlice(ctx context.Context, s Slice, to *CoordSystem) ([]Mapped, error) {
	r := a.way(s.On.System, to)
	if r == nil {
		return nil, nil
	}
	if len(r.systems) > 3 {
		return nil, genomedb.Refuse("Only 1 and 2 step coordinate system mapping is currently supported.")
	}
	down := a.down(r.systems[0], r.systems[1])
	from, until := chunks(s, r.steps() == 1 && down)
	id := s.On.ID
	first, err := a.pairs(ctx, id, from, until, r.systems[0], r.systems[1])
	if err != nil {
		return nil, err
	}
	switch {
	case r.steps() > 1:
	case down:
		first = once(first)
	case len(first) > 1:
		return nil, genomedb.Refuse("Multiple assembled regions for single component region cmp_seq_region_id=[%d]Remember that multiple mappings use the \\#-operaator in the meta-table (i.e. chromosome:EquCab2\\#contig", id)
	}
	m := &Mapper{}
	if len(r.systems) == 2 {
		for _, p := range first {
			m.Add(p)
		}
	} else if m, err = a.chain(ctx, id, first, r); err != nil {
		return nil, err
	}
	parts, err := m.Map(id, s.Start, s.End, int64(s.Strand), 1)
	if errors.Is(err, ErrTurned) {
		return nil, genomedb.Refuse("%s", err)
	}
	return parts, err
}

// once keeps the first pair of each component: where the mapping says that
// each is used once.
func once(all []Pair) []Pair {
	seen := map[int64]bool{}
	return slices.DeleteFunc(all, func(p Pair) bool {
		was := seen[p.To.ID]
		seen[p.To.ID] = true
		return was
	})
}

// chunk is the length of the pieces in which Ensembl's API reads assemblies.
// It shows where an end lies before the start.
const chunk = 1 << 20

func chunks(s Slice, assembled bool) (from, until int64) {
	start, end := s.Start, s.End
	if start == end+1 {
		start, end = end, start
	}
	from, until = start&^(chunk-1), end|(chunk-1)
	if assembled && from > until {
		return 1, 0 // nothing
	}
	return from, until
}

// pairs reads how an interval of a sequence maps over one step. from and to
// are the step's ends, in the order in which it is walked.
func (a *Assembly) pairs(ctx context.Context, id, start, end int64, from, to *CoordSystem) ([]Pair, error) {
	all, err := a.pieces(ctx, hopKey{id, to.ID, a.down(from, to)})
	if err != nil {
		return nil, err
	}
	var out []Pair
	for _, p := range all.over(start, end) {
		if p.end >= start {
			out = append(out, Pair{From: Unit{ID: id, Start: p.start, End: p.end}, To: Unit{ID: p.other, Start: p.otherStart, End: p.otherEnd}, Orientation: int64(p.orientation)})
		}
	}
	return out, nil
}

// chain joins the pairs of a first step with those of a second.
func (a *Assembly) chain(ctx context.Context, id int64, first []Pair, r *mapping) (*Mapper, error) {
	middle, last := r.systems[1], r.systems[2]
	one, two, out := &Mapper{}, &Mapper{}, &Mapper{}
	for _, p := range first {
		one.Add(p)
		next, err := a.pairs(ctx, p.To.ID, p.To.Start, p.To.End, middle, last)
		if err != nil {
			return nil, err
		}
		for _, n := range next {
			two.Add(n)
		}
	}
	for _, p := range slices.Clone(first) {
		at := p.From.Start
		ones, err := one.Map(id, p.From.Start, p.From.End, 1, 1)
		if err != nil {
			return nil, err
		}
		for _, i := range ones {
			if i.Gap {
				at += i.Mapped.End - i.Mapped.Start + 1
				continue
			}
			twos, err := two.Map(i.Mapped.ID, i.Mapped.Start, i.Mapped.End, i.Mapped.Strand, 1)
			if err != nil {
				return nil, err
			}
			for _, f := range twos {
				length := f.Mapped.End - f.Mapped.Start + 1
				if !f.Gap {
					out.Add(Pair{Unit{id, at, at + length - 1}, Unit{f.Mapped.ID, f.Mapped.Start, f.Mapped.End}, f.Mapped.Strand})
				}
				at += length
			}
		}
	}
	return out, nil
}

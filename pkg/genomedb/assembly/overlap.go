package assembly

import (
	"context"
	"fmt"
)

// Overlapping finds where a feature table's rows lie on a slice, in the
// slice's own coordinates. Features of another coordinate system are mapped;
// those on borrowed intervals (see [Assembly.Resolve]) count, unless they
// reach over the end of such an interval. table is a name from this program.
func (a *Assembly) Overlapping(ctx context.Context, s Slice, table string) ([]Span, error) {
	systems, err := a.featureSystems(ctx, table)
	if err != nil {
		return nil, err
	}
	resolved, err := a.Resolve(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []Span
	places := append(borrowedOnly(resolved, s), Segment{1, s.Length(), s})
	for i, seg := range places {
		for _, fs := range systems {
			found, err := a.onSegment(ctx, seg, table, fs)
			if err != nil {
				return nil, err
			}
			for _, f := range found {
				if i == len(places)-1 || !crosses(f, resolved) {
					out = append(out, f)
				}
			}
		}
	}
	return out, nil
}

func borrowedOnly(segs []Segment, s Slice) (out []Segment) {
	for _, seg := range segs {
		if seg.To.On.ID != s.On.ID {
			out = append(out, seg)
		}
	}
	return out
}

func crosses(f Span, segs []Segment) bool {
	for _, seg := range segs[1:] {
		if f.Start < seg.Start && f.End >= seg.Start {
			return true
		}
	}
	return false
}

type featureSystem struct {
	system *CoordSystem
	length int64 // of the longest feature; 0: unknown
}

// featureSystems are the coordinate systems that a table's features lie on.
func (a *Assembly) featureSystems(ctx context.Context, table string) ([]featureSystem, error) {
	var out []featureSystem
	err := a.db.Each(ctx, `SELECT coord_system_id, coalesce(max_length, 0) FROM {meta_coord} WHERE table_name = ?`, []any{table},
		func(scan func(...any) error) error {
			var id int64
			var f featureSystem
			if err := scan(&id, &f.length); err != nil {
				return err
			}
			if f.system = a.byID[id]; f.system != nil {
				out = append(out, f)
			}
			return nil
		})
	return out, err
}

// onSegment finds features on a segment, in the coordinates of the slice that
// the segment belongs to.
func (a *Assembly) onSegment(ctx context.Context, seg Segment, table string, fs featureSystem) ([]Span, error) {
	places := []Segment{seg}
	if seg.To.On.System != fs.system {
		var err error
		if places, err = a.mapSegment(ctx, seg, fs.system); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf(`SELECT seq_region_start, seq_region_end FROM {%s}
		WHERE seq_region_id = ? AND seq_region_start <= ? AND seq_region_start >= ? AND seq_region_end >= ?`, table)
	var out []Span
	for _, p := range places {
		from := int64(0)
		if fs.length > 0 {
			from = p.To.Start - fs.length
		}
		err := a.db.Each(ctx, text, []any{p.To.On.ID, p.To.End, from, p.To.Start}, func(scan func(...any) error) error {
			var start, end int64
			if err := scan(&start, &end); err != nil {
				return err
			}
			w := p.To.Within(start, end)
			out = append(out, Span{p.Start + w.Start - 1, p.Start + w.End - 1})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

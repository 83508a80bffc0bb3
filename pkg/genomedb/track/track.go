package track

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
)

// Track reads the features of one database on one slice.
type Track struct {
	DB       *genomedb.Database
	Assembly *assembly.Assembly // of the slice
	Slice    assembly.Slice
	Words    *Words // of DB
	cache    *Cache
}

// Track opens the track of a database of reg.
func (c *Cache) Track(ctx context.Context, reg *genomedb.Registry, db *genomedb.Database, a *assembly.Assembly, s assembly.Slice) (*Track, error) {
	w, err := c.words(ctx, reg, db)
	if err != nil {
		return nil, err
	}
	return &Track{DB: db, Assembly: a, Slice: s, Words: w, cache: c}, nil
}

// On is a feature and where it lies.
type On[T any] struct {
	Feature T
	assembly.Located
	place *assembly.Place
}

// Filter narrows genes and transcripts.
type Filter struct {
	Logic    string   // logic_name; "" is any
	Source   *string  // nil is any
	Biotypes []string // nil is any
}

// passes is a Filter ready for use.
func (f Filter) passes(w *Words) (passes func(analysis int64, source, biotype string) bool, ok bool) {
	var wanted int64
	if f.Logic != "" {
		if wanted, ok = w.AnalysisID(f.Logic); !ok {
			return nil, false
		}
	}
	if f.Logic == "" && f.Source == nil && f.Biotypes == nil {
		return func(int64, string, string) bool { return true }, true
	}
	return func(analysis int64, source, biotype string) bool {
		return (f.Logic == "" || analysis == wanted) && (f.Source == nil || same(source, *f.Source)) &&
			(f.Biotypes == nil || slices.ContainsFunc(f.Biotypes, func(b string) bool { return same(b, biotype) }))
	}, true
}

// same is how the databases compare text.
func same(a, b string) bool {
	return strings.EqualFold(strings.TrimRight(a, " "), strings.TrimRight(b, " "))
}

// binned finds rows that are kept in bins, by their ids place by place.
func binned[T spanned](ctx context.Context, t *Track, b *bins[T], table string, id func(T) int64, strand func(T) int,
	load func(context.Context, condition) ([]T, error), wanted func(T) bool) ([]On[T], error) {
	places, err := t.Assembly.Places(ctx, t.Slice, t.DB, table)
	if err != nil {
		return nil, err
	}
	var out []On[T]
	for _, p := range places {
		rows, err := b.on(ctx, t.DB, p, load)
		if err != nil {
			return nil, err
		}
		from := len(out)
		out = slices.Grow(out, len(rows))
		for _, r := range rows {
			if !wanted(r) {
				continue
			}
			start, end := r.span()
			if at, ok := p.Carry(start, end, strand(r)); ok {
				out = append(out, On[T]{r, at, p})
			}
		}
		slices.SortFunc(out[from:], func(a, b On[T]) int { return cmp.Compare(id(a.Feature), id(b.Feature)) })
	}
	return out, nil
}

// each runs a query once for each place where rows of table can lie. text ends
// with WHERE, more is what follows the place's condition. row reads a row and
// says where it lies; keep takes it.
func each[T any](ctx context.Context, t *Track, table, text, more string, args []any, read func(scan func(...any) error) (T, assembly.Located, error)) ([]On[T], error) {
	places, err := t.Assembly.Places(ctx, t.Slice, t.DB, table)
	if err != nil {
		return nil, err
	}
	var out []On[T]
	for _, p := range places {
		err := t.DB.Each(ctx, text+p.Where()+more, append(p.Args(), args...), func(scan func(...any) error) error {
			row, at, err := read(scan)
			if err != nil {
				return err
			}
			if at, ok := p.Carry(at.Start, at.End, at.Strand); ok {
				out = append(out, On[T]{row, at, p})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// marks are n placeholders.
func marks(n int) string { return "?" + strings.Repeat(",?", n-1) }

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

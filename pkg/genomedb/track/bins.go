package track

import (
	"context"
	"sync"

	"mirrornet/pkg/genomedb"
	"mirrornet/pkg/genomedb/assembly"
)

// Genes and transcripts are asked for far more often than anything else, and
// making one takes several tables. They are kept as they are made, in bins: all
// that start in one stretch of a sequence. As rows may start long before the
// slice that they reach, filling bins costs more than one answer: it is done
// where a stretch is asked for the second time. maxRows bounds what is kept of
// each kind, maxAsked what is known to have been asked for, and binShift says
// how long a stretch is (2^19 bases).
const (
	binShift = 19
	maxRows  = 1 << 16
	maxAsked = 1 << 14
)

// spanned is a row as its table places it.
type spanned interface {
	comparable
	span() (start, end int64)
	weight() int // how many rows of tables it is made of, nearly
}

type binKey struct {
	db       *genomedb.Database
	sequence int64
	stretch  int64
}

// bins keep rows of one kind. Two generations bound them: when the young one is
// full it becomes the old one, and what is asked for again comes back.
type bins[T spanned] struct {
	mu         sync.Mutex
	young, old map[binKey][]T
	rows       int // in young, with one for each bin
	asked      map[binKey]struct{}
}

// again says whether a bin was asked for before.
func (b *bins[T]) again(k binKey) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.asked[k]; ok {
		return true
	}
	if b.asked == nil || len(b.asked) >= maxAsked {
		b.asked = map[binKey]struct{}{}
	}
	b.asked[k] = struct{}{}
	return false
}

// get gives a bin that is kept.
func (b *bins[T]) get(k binKey) ([]T, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if rows, ok := b.young[k]; ok {
		return rows, true
	}
	rows, ok := b.old[k]
	if ok {
		b.put(k, rows)
	}
	return rows, ok
}

// put keeps a bin. The caller holds mu.
func (b *bins[T]) put(k binKey, rows []T) {
	if b.young == nil || b.rows > maxRows/2 {
		b.old, b.young, b.rows = b.young, map[binKey][]T{}, 0
	}
	b.young[k] = rows
	b.rows++
	for _, r := range rows {
		b.rows += r.weight()
	}
}

func (b *bins[T]) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.young, b.old, b.rows, b.asked = nil, nil, 0, nil
}

// condition is a part of a query's WHERE on the table that it calls x.
type condition struct {
	text string
	args []any
}

const startsIn = " x.seq_region_id = ? AND x.seq_region_start >= ? AND x.seq_region_start < ? "

// on finds the rows of a place. load reads those that meet a condition.
func (b *bins[T]) on(ctx context.Context, db *genomedb.Database, p *assembly.Place, load func(context.Context, condition) ([]T, error)) ([]T, error) {
	sequence, from, to, longest, ok := p.Range()
	if !ok {
		return load(ctx, condition{p.Where(), p.Args()})
	}
	least := from - longest
	first, last := max(least, 0)>>binShift, to>>binShift
	found := make([][]T, last-first+1)
	missing, end := int64(-1), int64(-1) // the stretches from the first missing one to the last
	for i := range found {
		var kept bool
		if found[i], kept = b.get(binKey{db, sequence, first + int64(i)}); !kept {
			if missing < 0 {
				missing = first + int64(i)
			}
			end = first + int64(i)
		}
	}
	if missing >= 0 && !b.again(binKey{db, sequence, last}) {
		return load(ctx, condition{p.Where(), p.Args()})
	}
	if missing >= 0 {
		rows, err := load(ctx, condition{startsIn, []any{sequence, missing << binShift, (end + 1) << binShift}})
		if err != nil {
			return nil, err
		}
		for i := missing; i <= end; i++ {
			found[i-first] = nil
		}
		for _, r := range rows {
			start, _ := r.span()
			i := start>>binShift - first
			found[i] = append(found[i], r)
		}
		b.mu.Lock()
		for i := missing; i <= end; i++ {
			b.put(binKey{db, sequence, i}, found[i-first])
		}
		b.mu.Unlock()
	}
	n := 0
	for _, rows := range found {
		n += len(rows)
	}
	out := make([]T, 0, n)
	for _, rows := range found {
		for _, r := range rows {
			if start, stop := r.span(); start <= to && stop >= from && start >= least {
				out = append(out, r)
			}
		}
	}
	return out, nil
}

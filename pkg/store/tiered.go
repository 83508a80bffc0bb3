package store

import (
	"context"
	"time"
)

// fillKeep is how long a copy from a lower store is kept that does not say how
// much longer it keeps its own.
const fillKeep = time.Hour

// NewTiered puts upper over lower: Get asks upper, then lower, and fills upper
// with what lower had, for as long as lower keeps it; Put and Delete go to both.
// Either may be nil; a store of nothing at all misses always.
func NewTiered(upper, lower Store) Store {
	upper, lower = present(upper), present(lower)
	switch {
	case upper == nil && lower == nil:
		return nothing{}
	case upper == nil:
		return lower
	case lower == nil:
		return upper
	}
	return &tiered{upper, lower}
}

// present turns a nil pointer to a tier into a nil Store, since "no such tier"
// is easily wired as a nil *Memcached.
func present(s Store) Store {
	switch t := s.(type) {
	case *Memory:
		if t == nil {
			return nil
		}
	case *Memcached:
		if t == nil {
			return nil
		}
	}
	return s
}

type tiered struct{ upper, lower Store }

func (t *tiered) Get(ctx context.Context, key string) (*Response, Tier, bool) {
	r, _, from, ok := t.get(ctx, key)
	return r, from, ok
}

func (t *tiered) get(ctx context.Context, key string) (*Response, time.Duration, Tier, bool) {
	if r, left, from, ok := leftIn(ctx, t.upper, key); ok {
		return r, left, from, true
	}
	r, left, from, ok := leftIn(ctx, t.lower, key)
	if ok {
		t.upper.Put(ctx, r, left)
	}
	return r, left, from, ok
}

func leftIn(ctx context.Context, s Store, key string) (*Response, time.Duration, Tier, bool) {
	if k, ok := s.(keeper); ok {
		return k.get(ctx, key)
	}
	r, from, ok := s.Get(ctx, key)
	return r, fillKeep, from, ok
}

func (t *tiered) Put(ctx context.Context, r *Response, keep time.Duration) {
	t.upper.Put(ctx, r, keep)
	t.lower.Put(ctx, r, keep)
}

// Delete goes to the lower tier first, so that a Get in between cannot fill
// the upper one again.
func (t *tiered) Delete(ctx context.Context, key string) {
	t.lower.Delete(ctx, key)
	t.upper.Delete(ctx, key)
}

// nothing is the store of neither tier.
type nothing struct{}

func (nothing) Get(context.Context, string) (*Response, Tier, bool) { return nil, "", false }
func (nothing) Put(context.Context, *Response, time.Duration)       {}
func (nothing) Delete(context.Context, string)                      {}

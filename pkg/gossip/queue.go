package gossip

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// sending is a subject that is being broadcast.
type sending struct {
	sends int    // so far
	order uint64 // of its last news
}

// queue has what is known of k broadcast, from the beginning.
func (t *table) queue(k subject) {
	t.order++
	t.pending[k] = &sending{order: t.order}
	t.entries[k].quiet = false
}

// tellings is how often a node of n tells a message, so that one in ten thousand
// messages misses somebody: told by all to any, a node misses it with e to the
// power of minus that.
func tellings(n int) int { return 10 + int(math.Ceil(math.Log(float64(n)))) }

// broadcasts gives messages of limit bytes at most in all, each counted with
// overhead: what was told least often first, of that the latest. Each is told as
// it is known now, with the time that is left now.
func (t *table) broadcasts(now time.Time, overhead, limit int) [][]byte {
	if len(t.pending) == 0 {
		return nil
	}
	type item struct {
		subject
		*sending
	}
	items := make([]item, 0, len(t.pending))
	for k, p := range t.pending {
		items = append(items, item{k, p})
	}
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.sends, b.sends), cmp.Compare(b.order, a.order))
	})
	most := tellings(len(t.living))
	var msgs [][]byte
	for _, it := range items {
		if limit < overhead+minRecord {
			break
		}
		e := t.entries[it.subject]
		s, ok := e.travels(now)
		if !ok {
			e.quiet = !e.orphan.IsZero() // until its writer is known
			delete(t.pending, it.subject)
			continue
		}
		msg := appendRecord([]byte{msgStatement}, &s)
		if overhead+len(msg) > limit {
			continue
		}
		limit -= overhead + len(msg)
		msgs = append(msgs, msg)
		if it.sends++; it.sends >= most {
			delete(t.pending, it.subject)
		}
	}
	return msgs
}

// state gives all that is known, for a push/pull.
func (t *table) state(now time.Time) []byte {
	b := []byte{stateVersion}
	for _, e := range t.entries {
		if s, ok := e.travels(now); ok {
			b = appendRecord(b, &s)
		}
	}
	return b
}

// hear takes in a broadcast.
func (t *table) hear(now time.Time, msg []byte) error {
	return decodeRecords(msg, func(s said) {
		if t.merge(now, s) {
			t.queue(s.subject)
		}
	})
}

// mergeState takes in another node's whole state, and passes on what is news.
// Who has just joined learns everything from others who know it: that it does
// not tell on.
func (t *table) mergeState(now time.Time, state []byte) error {
	if len(state) == 0 {
		return nil
	}
	if state[0] != stateVersion {
		return errVersion
	}
	had := len(t.entries)
	var news []subject
	err := decodeRecords(state[1:], func(s said) {
		if t.merge(now, s) {
			news = append(news, s.subject)
		}
	})
	if len(news) <= max(had, alwaysPassOn) {
		for _, k := range news {
			t.queue(k)
		}
	}
	return err
}

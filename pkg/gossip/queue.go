package gossip

import (
	"math"
	"slices"
	"time"
)

// sending is a subject that is being broadcast.
type sending struct {
	subject
	sends int  // so far
	done  bool // no longer
}

// queue has what is known of k broadcast, from the beginning.
func (t *table) queue(k subject) {
	t.unqueue(k)
	p := &sending{subject: k}
	t.pending[k] = p
	t.requeue(p)
	t.entries[k].quiet = false
}

func (t *table) unqueue(k subject) {
	if p := t.pending[k]; p != nil {
		p.done = true
		delete(t.pending, k)
	}
}

// later is the level of what is stated anew all the time, and so waits for what is
// news: in a large network it can be more than the packets hold.
const later = 40

func (p *sending) level() int {
	switch p.topic {
	case "load", "rtt", coordinateTopic:
		return p.sends + later
	}
	return p.sends
}

func (t *table) requeue(p *sending) {
	at := p.level()
	for len(t.sends) <= at {
		t.sends = append(t.sends, nil)
	}
	level := append(t.sends[at], p)
	if len(level) > 2*len(t.pending)+64 { // nobody is told: a node alone
		level = slices.DeleteFunc(level, func(p *sending) bool { return p.done })
	}
	t.sends[at] = level
}

// tellings is how often a node of n tells a message, so that one in ten thousand
// messages misses somebody: told by all to any, a node misses it with e to the
// power of minus that.
func tellings(n int) int { return 10 + int(math.Ceil(math.Log(float64(n)))) }

// broadcasts gives messages of limit bytes at most in all, each counted with
// overhead: what was told least often first, of that the latest. Each is told as
// it is known now, with the time that is left now.
func (t *table) broadcasts(now time.Time, overhead, limit int) [][]byte {
	most := tellings(len(t.living))
	var msgs [][]byte
	var again, large []*sending
	for n, told := range t.sends {
		large = large[:0]
		for len(told) > 0 && len(large) < 8 && limit >= overhead+minRecord {
			p := told[len(told)-1]
			told = told[:len(told)-1]
			if p.done {
				continue
			}
			e := t.entries[p.subject]
			s, ok := e.travels(now)
			if !ok {
				e.quiet = !e.orphan.IsZero() // until its writer is known
				t.unqueue(p.subject)
				continue
			}
			msg := appendRecord([]byte{msgStatement}, &s)
			if overhead+len(msg) > limit {
				large = append(large, p)
				continue
			}
			limit -= overhead + len(msg)
			msgs = append(msgs, msg)
			if p.sends++; p.sends >= most {
				t.unqueue(p.subject)
			} else {
				again = append(again, p)
			}
		}
		slices.Reverse(large)
		t.sends[n] = append(told, large...)
	}
	for _, p := range again {
		t.requeue(p)
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

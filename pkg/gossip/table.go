package gossip

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"
)

// entry is what the table holds of a subject.
type entry struct {
	said            // left is not kept
	end   time.Time // of what has an end of its own; zero: none
	spent bool      // end is over
	// under is until when something that this one replaced could be brought back
	// by who has not heard of this one.
	under time.Time
	// orphan is since when the writer of that which has no end is no member.
	orphan time.Time
	quiet  bool // not passed on yet, since its writer was not known
	mine   bool // said by this process
}

// table holds all statements known here. It is pure: no lock, no clock, no
// network. A slice or map that it is given is its own.
type table struct {
	self    string
	clock   uint64 // the highest version seen
	entries map[subject]*entry
	usage   map[string]*usage
	bytes   int
	living  map[string]bool // members, by name
	pending map[subject]*sending
	sends   [][]*sending // pending, and some that are done, by level; the latest last
	topics  map[string]bool
	refused int // foreign ones that did not fit, since asked last
}

type usage struct{ count, bytes int }

func newTable(self string) *table {
	return &table{
		self: self, entries: map[subject]*entry{}, usage: map[string]*usage{},
		living: map[string]bool{self: true}, pending: map[subject]*sending{}, topics: map[string]bool{},
	}
}

func (t *table) share(now time.Time, topic, name string, value []byte, ttl time.Duration) error {
	s := said{subject: subject{topic, name}, writer: t.self, version: t.clock + 1, left: ttl, value: value}
	if err := s.check(); err != nil {
		return err
	}
	old := t.entries[s.subject]
	if old != nil && old.mine && !old.gone && ttl == 0 && old.end.IsZero() && bytes.Equal(old.value, value) {
		return nil // it stands
	}
	if !t.fits(&s, old) {
		return errors.New("too many statements")
	}
	t.put(now, s, true)
	t.queue(s.subject)
	return nil
}

func (t *table) withdraw(now time.Time, topic, name string) {
	s := said{subject: subject{topic, name}, writer: t.self, version: t.clock + 1, gone: true, left: graveTime}
	old := t.entries[s.subject]
	if s.check() != nil || old != nil && old.gone && !old.spent || !t.fits(&s, old) {
		return
	}
	t.put(now, s, true)
	t.queue(s.subject)
}

// put makes s what is known of its subject.
func (t *table) put(now time.Time, s said, mine bool) {
	t.clock = max(t.clock, s.version)
	e := &entry{said: s, mine: mine}
	e.left = 0
	if s.left > 0 {
		e.end = now.Add(s.left)
	} else if !t.living[s.writer] {
		e.orphan = now
	}
	old := t.entries[s.subject]
	if old != nil {
		e.under = old.under
		e.outlive(now, &old.said, old.end)
		t.account(&old.said, -1)
	}
	t.account(&s, 1)
	t.entries[s.subject] = e
	if !e.gone || old != nil && !old.gone {
		t.topics[s.topic] = true
	}
}

func (t *table) account(s *said, sign int) {
	u := t.usage[s.writer]
	if u == nil {
		u = &usage{}
		t.usage[s.writer] = u
	}
	u.count += sign
	u.bytes += sign * s.size()
	t.bytes += sign * s.size()
	if u.count == 0 {
		delete(t.usage, s.writer)
	}
}

// fits says whether s keeps within the bounds in the place of old, which may be nil.
func (t *table) fits(s *said, old *entry) bool {
	var u usage
	if p := t.usage[s.writer]; p != nil {
		u = *p
	}
	all, size := len(t.entries)+1, t.bytes+s.size()
	u.count, u.bytes = u.count+1, u.bytes+s.size()
	if old != nil {
		all, size = all-1, size-old.size()
		if old.writer == s.writer {
			u.count, u.bytes = u.count-1, u.bytes-old.size()
		}
	}
	return u.count <= maxPerWriter && u.bytes <= maxBytesPerWriter && all <= maxStatements && size <= maxBytes
}

// merge takes in what came over the network, and says whether it is news, to be
// passed on. What is malformed, or not for its writer to state, is not.
func (t *table) merge(now time.Time, s said) bool {
	if s.check() != nil {
		return false
	}
	t.clock = max(t.clock, s.version)
	old := t.entries[s.subject]
	if old != nil && !s.after(&old.said) {
		t.uphold(now, old, &s)
		return false
	}
	if s.writer == t.self && t.reclaim(now, s, old) {
		return false
	}
	if !t.fits(&s, old) {
		t.refused++
		return false
	}
	t.put(now, s, false)
	return true
}

// outlive sees to it that e, which replaced s, is remembered for as long as s
// could be brought back. An end of zero is none.
func (e *entry) outlive(now time.Time, s *said, end time.Time) {
	if end.IsZero() {
		if e.end.IsZero() && e.writer == s.writer {
			return // both end with their writer
		}
		end = now.Add(graveTime)
	}
	if e.under.Before(end) {
		e.under = end
	}
	if e.gone && e.end.Before(e.under) {
		e.end = e.under
	}
}

// uphold deals with s, which old has replaced and somebody still told: old, if it
// is over here, is told again.
func (t *table) uphold(now time.Time, old *entry, s *said) {
	if !old.after(s) {
		return // the same
	}
	var end time.Time
	if s.left > 0 {
		end = now.Add(s.left)
	}
	old.outlive(now, s, end)
	if old.spent && now.Before(old.under) {
		t.bury(old)
		t.queue(old.subject)
	}
}

// bury makes a withdrawal of a statement that is over, for as long as something
// that it replaced could be brought back.
func (t *table) bury(e *entry) {
	t.account(&e.said, -1)
	e.gone, e.value, e.end, e.spent, e.orphan, e.mine = true, nil, e.under, false, time.Time{}, false
	t.account(&e.said, 1)
}

// reclaim deals with what this node said in an earlier life, and others hold for
// its last word: what it says now is said again above it, and what held only
// while it lived is withdrawn. What has an end of its own holds on: false.
func (t *table) reclaim(now time.Time, s said, old *entry) bool {
	switch {
	case old != nil && old.mine:
		again := old.said
		again.version = t.clock + 1
		if !old.end.IsZero() {
			if again.left = old.end.Sub(now); again.left <= 0 {
				return false
			}
		}
		t.put(now, again, true)
	case s.gone || s.left > 0:
		return false
	default:
		s.gone, s.value, s.left, s.version = true, nil, graveTime, t.clock+1
		if !t.fits(&s, old) {
			return false
		}
		t.put(now, s, true)
	}
	t.queue(s.subject)
	return true
}

// member says that a node is now a member, or none any more.
func (t *table) member(now time.Time, name string, is bool) {
	if t.living[name] == is || name == t.self {
		return
	}
	if is {
		t.living[name] = true
	} else {
		delete(t.living, name)
	}
	for k, e := range t.entries {
		if e.writer != name || !e.end.IsZero() {
			continue
		}
		t.topics[e.topic] = true
		if e.orphan = now; is {
			e.orphan = time.Time{}
			if e.quiet {
				t.queue(k)
			}
		}
	}
}

// prune drops what is over.
func (t *table) prune(now time.Time) {
	for k, e := range t.entries {
		over := !e.end.IsZero() && !now.Before(e.end)
		if over && !e.spent {
			e.spent = true
			if !e.gone {
				t.topics[e.topic] = true
			}
		}
		forgotten := !e.orphan.IsZero() && now.Sub(e.orphan) >= remember
		switch {
		case (over || forgotten) && now.Before(e.under):
			t.bury(e)
		case forgotten || over && now.Sub(e.end) >= spentTime:
			t.account(&e.said, -1)
			delete(t.entries, k)
			t.unqueue(k)
		}
	}
}

// travels gives e as it is to be told to others now. What is over is not, nor
// what would only live on by being told: statements of who is gone.
func (e *entry) travels(now time.Time) (said, bool) {
	s := e.said
	if !e.end.IsZero() {
		s.left = min(e.end.Sub(now), maxTTL).Truncate(time.Millisecond)
		return s, s.left > 0
	}
	return s, e.orphan.IsZero()
}

// list gives the statements of a topic that hold, sorted by subject.
func (t *table) list(now time.Time, topic string) []Statement {
	var all []Statement
	for k, e := range t.entries {
		if k.topic != topic || e.gone || !e.orphan.IsZero() {
			continue
		}
		s := Statement{Topic: topic, Subject: k.subject, Writer: e.writer, Version: e.version, Value: e.value}
		if !e.end.IsZero() {
			if s.Left = e.end.Sub(now); s.Left <= 0 {
				continue
			}
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Statement) int { return cmp.Compare(a.Subject, b.Subject) })
	return all
}

// takeTopics gives the topics that changed since the last call.
func (t *table) takeTopics() []string {
	all := slices.Sorted(maps.Keys(t.topics))
	clear(t.topics)
	return all
}

package gossip

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// talk is what nodes tell each other beside membership: memberlist's delegate.
type talk struct {
	meta    func() []byte
	now     func() time.Time
	changed func()       // must not block
	ask     func([]byte) // takes a message about Ask; must not block
	trouble func(error)  // must not block

	mu    sync.Mutex // guards table
	table *table
}

// do runs f on the table, and tells of changes.
func (t *talk) do(f func(now time.Time, table *table)) {
	t.mu.Lock()
	f(t.now(), t.table)
	changed := len(t.table.topics) > 0
	t.mu.Unlock()
	if changed {
		t.changed()
	}
}

// Share states something to all nodes; it replaces what was stated of that topic
// and subject before. With ttl 0 it holds while this node is a member, else for
// that long, 30 days at most, also when this node is gone. A topic is 1 to 32
// lower-case letters, digits and hyphens, a subject 1 to 128 bytes of text, a
// value at most 1,000 bytes. The topics health, load, node, region, rtt and coordinate are for what a
// node says of itself: their subject is its name, or its name with a number, as
// asia-1/7.
//
// A node has at most 256 statements, withdrawn ones of the last day included,
// and 64 KiB. Share works before Run, and does not block.
func (g *Gossip) Share(topic, subject string, value []byte, ttl time.Duration) error {
	var err error
	g.talk.do(func(now time.Time, t *table) {
		err = t.share(now, topic, subject, slices.Clone(value), ttl)
	})
	if err != nil {
		return fmt.Errorf("gossip: share %s of %q: %w", topic, subject, err)
	}
	return nil
}

// Withdraw takes back what was stated, by whomever (of the topics about oneself,
// by this node).
func (g *Gossip) Withdraw(topic, subject string) {
	g.talk.do(func(now time.Time, t *table) { t.withdraw(now, topic, subject) })
}

// Statements gives the statements of a topic that hold now, sorted by subject.
// The slice is the caller's.
func (g *Gossip) Statements(topic string) []Statement {
	g.talk.mu.Lock()
	defer g.talk.mu.Unlock()
	return g.talk.table.list(g.talk.now(), topic)
}

// NodeMeta and what follows is memberlist's Delegate.
func (t *talk) NodeMeta(int) []byte { return t.meta() }

func (t *talk) NotifyMsg(msg []byte) {
	if len(msg) == 0 {
		return
	}
	switch msg[0] {
	case msgStatement:
		var err error
		t.do(func(now time.Time, table *table) { err = table.hear(now, msg[1:]) })
		if err != nil {
			t.trouble(err)
		}
	case msgAsk, msgAnswer:
		t.ask(slices.Clone(msg))
	}
}

func (t *talk) GetBroadcasts(overhead, limit int) [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.table.broadcasts(t.now(), overhead, limit)
}

func (t *talk) LocalState(bool) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.table.state(t.now())
}

func (t *talk) MergeRemoteState(state []byte, _ bool) {
	var err error
	t.do(func(now time.Time, table *table) { err = table.mergeState(now, state) })
	if err != nil {
		t.trouble(err)
	}
}

var _ memberlist.Delegate = (*talk)(nil)

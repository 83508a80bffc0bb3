package gossip

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"pgregory.net/rapid"
)

// transit is the longest that a message of the model is under way.
const transit = time.Minute

// model is a network of tables: messages are reordered, doubled and lost, nodes
// cut off, and restarted without memory. Each node's clock is wrong by its own
// minutes.
type model struct {
	*rapid.T
	at      time.Time // true time
	names   []string
	nodes   map[string]*modelNode
	wire    []modelMessage
	values  int
	issued  map[string]issue // by value
	taken   []withdrawal
	reborn  int
	elapsed time.Duration
}

type modelNode struct {
	*table
	skew time.Duration
	cut  bool              // off from all others
	over map[string]bool   // topic, subject, version and writer of what was replaced here
	last map[string]string // what it says of itself in this life, by subject
}

type modelMessage struct {
	to    string
	sent  time.Time
	bytes []byte
}

type issue struct {
	writer string
	until  time.Time // zero: no end
}

type withdrawal struct {
	s said // what was withdrawn
}

func id(s *said) string { return fmt.Sprint(s.subject, s.version, s.writer, "=", string(s.value)) }

func (m *model) now(n string) time.Time { return m.at.Add(m.nodes[n].skew) }

func (m *model) born(name string, skew time.Duration) {
	n := &modelNode{table: newTable(name), skew: skew, over: map[string]bool{}, last: map[string]string{}}
	m.nodes[name] = n
	for _, other := range m.names {
		n.member(m.at, other, true)
	}
}

func (m *model) pick(label string) string { return rapid.SampledFrom(m.names).Draw(m.T, label) }

// watched runs f, which changes the table of name, and checks what must always be.
func (m *model) watched(name string, f func(n *modelNode, now time.Time)) {
	n := m.nodes[name]
	before := map[subject]entry{}
	for k, e := range n.entries {
		before[k] = *e
	}
	f(n, m.now(name))
	for k, e := range before {
		now := n.entries[k]
		if now == nil || !now.after(&e.said) || now.end.IsZero() && e.end.IsZero() && now.writer == e.writer {
			continue // one's own word may be forgotten when one is long gone, and an older one heard
		}
		n.over[id(&e.said)] = true
	}
	m.check(name)
}

// Check is run after each action.
func (m *model) Check(*rapid.T) {
	for _, name := range m.names {
		m.check(name)
	}
}

func (m *model) check(name string) {
	n, now := m.nodes[name], m.now(name)
	count, size := 0, 0
	for _, u := range n.usage {
		count, size = count+u.count, size+u.bytes
	}
	if count != len(n.entries) || size != n.bytes {
		m.Fatalf("%s has %d statements, and counts %d", name, len(n.entries), count)
	}
	for _, topic := range []string{"health", "drain"} {
		for _, s := range n.list(now, topic) {
			as := said{subject: subject{s.Topic, s.Subject}, writer: s.Writer, version: s.Version, value: s.Value}
			is, ok := m.issued[string(s.Value)]
			switch {
			case !ok || is.writer != s.Writer:
				m.Fatalf("%s believes %+v, which nobody said", name, s)
			case topic == "health" && s.Subject != s.Writer:
				m.Fatalf("%s believes %+v", name, s)
			case n.over[id(&as)]:
				m.Fatalf("%s: %+v %s is back: %v", name, s, s.Value, n.over)
			case !is.until.IsZero() && m.at.After(is.until.Add(time.Duration(len(m.names)+m.reborn)*transit)):
				m.Fatalf("%s: %+v should have ended by %v, and it is %v", name, s, is.until, m.at)
			case is.until.IsZero() && !n.living[s.Writer]:
				m.Fatalf("%s: %+v of who is gone", name, s)
			}
		}
	}
}

func (m *model) apart(a, b string) bool { return a != b && (m.nodes[a].cut || m.nodes[b].cut) }

func (m *model) Share(t *rapid.T) {
	name := m.pick("writer")
	topic, sub, ttl := "health", name, time.Duration(0)
	if rapid.Bool().Draw(t, "drain") {
		topic, sub = "drain", rapid.SampledFrom([]string{"region asia", "node a"}).Draw(t, "subject")
		ttl = rapid.SampledFrom([]time.Duration{0, 30 * time.Second, time.Hour}).Draw(t, "ttl")
	}
	m.values++
	value := fmt.Sprint("v", m.values)
	is := issue{writer: name}
	if ttl > 0 {
		is.until = m.at.Add(ttl)
	}
	m.issued[value] = is
	m.watched(name, func(n *modelNode, now time.Time) {
		if err := n.share(now, topic, sub, []byte(value), ttl); err != nil {
			m.Fatal(err)
		}
		if topic == "health" {
			n.last[sub] = value
		}
	})
}

func (m *model) Withdraw(t *rapid.T) {
	name := m.pick("by")
	k := rapid.SampledFrom([]subject{{"health", "a"}, {"health", "b"}, {"drain", "region asia"}, {"drain", "node a"}}).Draw(t, "what")
	m.watched(name, func(n *modelNode, now time.Time) {
		old := n.entries[k]
		n.withdraw(now, k.topic, k.subject)
		if k.topic == "health" && k.subject != name {
			if n.entries[k] != old {
				m.Fatalf("%s withdrew %v", name, k)
			}
			return
		}
		delete(n.last, k.subject)
		if old != nil && !old.gone {
			m.taken = append(m.taken, withdrawal{old.said})
		}
	})
}

func (m *model) Broadcast(*rapid.T) {
	from, to := m.pick("from"), m.pick("to")
	for _, msg := range m.nodes[from].broadcasts(m.now(from), 3, 1300) {
		if from != to && !m.apart(from, to) {
			m.wire = append(m.wire, modelMessage{to, m.at, msg})
		}
	}
}

// Deliver leaves a message under way as often as not: it comes twice.
func (m *model) Deliver(t *rapid.T) {
	if len(m.wire) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.wire)-1).Draw(t, "message")
	msg := m.wire[i]
	if rapid.Bool().Draw(t, "once") {
		m.wire = append(m.wire[:i], m.wire[i+1:]...)
	}
	if m.nodes[msg.to].cut {
		return
	}
	m.watched(msg.to, func(n *modelNode, now time.Time) {
		if err := n.hear(now, msg.bytes[1:]); err != nil {
			m.Fatal(err)
		}
	})
}

func (m *model) Lose(t *rapid.T) { m.wire = nil }

// Forge says of others what only they may say.
func (m *model) Forge(t *rapid.T) {
	to := m.pick("to")
	s := said{subject: subject{"health", m.pick("victim")}, writer: "mallory", version: uint64(rapid.IntRange(1, 50).Draw(t, "version")), value: []byte("forged")}
	s.gone = rapid.Bool().Draw(t, "gone")
	if s.gone {
		s.value, s.left = nil, time.Hour
	}
	m.watched(to, func(n *modelNode, now time.Time) { n.hear(now, appendRecord(nil, &s)) })
}

func (m *model) PushPull(*rapid.T) { m.pushPull(m.pick("one"), m.pick("other")) }

func (m *model) pushPull(a, b string) {
	if a == b || m.apart(a, b) {
		return
	}
	fromA, fromB := m.nodes[a].state(m.now(a)), m.nodes[b].state(m.now(b))
	for to, state := range map[string][]byte{a: fromB, b: fromA} {
		m.watched(to, func(n *modelNode, now time.Time) {
			if err := n.mergeState(now, state); err != nil {
				m.Fatal(err)
			}
		})
	}
}

func (m *model) Wait(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Second, 15 * time.Minute, 2 * time.Hour}).Draw(t, "for")
	if m.elapsed += d; m.elapsed >= graveTime {
		m.elapsed -= d
		return // longer than that is not promised
	}
	m.at = m.at.Add(d)
	if d >= transit {
		m.wire = nil
	}
	for _, name := range m.names {
		m.watched(name, func(n *modelNode, now time.Time) { n.prune(now) })
	}
}

// Cut takes a node off, for both sides, or back.
func (m *model) Cut(*rapid.T) { m.cut(m.pick("node")) }

func (m *model) cut(name string) {
	n := m.nodes[name]
	n.cut = !n.cut
	for _, other := range m.names {
		if other != name && !m.nodes[other].cut {
			n.member(m.now(name), other, !n.cut)
			m.nodes[other].member(m.now(other), name, !n.cut)
		}
	}
}

// Restart forgets all that a node knew; a withdrawal that only it knew is lost.
func (m *model) Restart(*rapid.T) {
	name := m.pick("node")
	if m.nodes[name].cut {
		m.cut(name)
	}
	kept := m.taken[:0]
	for _, w := range m.taken {
		for other, n := range m.nodes {
			if e := n.entries[w.s.subject]; other != name && e != nil && e.after(&w.s) {
				kept = append(kept, w)
				break
			}
		}
	}
	m.taken = kept
	m.reborn++
	m.born(name, m.nodes[name].skew)
	for _, other := range m.names {
		m.nodes[name].member(m.now(name), other, other == name || !m.nodes[other].cut)
	}
}

func (m *model) settle() {
	for _, name := range m.names {
		if m.nodes[name].cut {
			m.cut(name)
		}
	}
	for range 2 + len(m.names) {
		for _, a := range m.names {
			for _, b := range m.names {
				m.pushPull(a, b)
			}
		}
	}
	first := m.nodes[m.names[0]]
	for _, topic := range []string{"health", "drain"} {
		want := plain(first.list(m.now(m.names[0]), topic))
		for _, name := range m.names {
			n := m.nodes[name]
			if got := plain(n.list(m.now(name), topic)); got != want {
				m.Fatalf("%s: %s knows %s, %s knows %s", topic, m.names[0], want, name, got)
			}
		}
	}
	var own []string
	for _, name := range m.names {
		if v := m.nodes[name].last[name]; v != "" {
			own = append(own, name+"="+v)
		}
	}
	got := ""
	for _, s := range first.list(m.now(m.names[0]), "health") {
		got += " " + s.Subject + "=" + string(s.Value)
	}
	if want := strings.Join(own, " "); strings.TrimSpace(got) != want {
		m.Fatalf("all know%s, the nodes say %s", got, want)
	}
	for _, w := range m.taken {
		if e := first.entries[w.s.subject]; e != nil && !e.gone && id(&e.said) == id(&w.s) {
			m.Fatalf("withdrawn, and back: %+v", e)
		}
	}
}

func plain(all []Statement) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "(%s %s %d %s)", s.Subject, s.Writer, s.Version, s.Value)
	}
	return b.String()
}

// However messages come, in the end all know the same: what each node says of
// itself now, and nothing that was withdrawn, has ended, or was not for its
// writer to say. On the way nothing comes back either.
func TestTablesConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{
			T: t, at: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), names: []string{"a", "b", "c", "d"}[:rapid.IntRange(2, 4).Draw(t, "nodes")],
			nodes: map[string]*modelNode{}, issued: map[string]issue{},
		}
		for i, name := range m.names {
			m.born(name, time.Duration(i*i-4)*5*time.Minute/4)
		}
		t.Repeat(rapid.StateMachineActions(m))
		m.settle()
	})
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func tell(t *testing.T, now time.Time, from *table, nowThere time.Time, to *table) {
	t.Helper()
	if err := to.mergeState(nowThere, from.state(now)); err != nil {
		t.Fatal(err)
	}
}

// A clock that is five minutes off shortens and lengthens nothing, on either side.
func TestClockOff(t *testing.T) {
	for _, off := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		right, wrong := newTable("right"), newTable("wrong")
		for _, name := range []string{"right", "wrong"} {
			right.member(noon, name, true)
			wrong.member(noon, name, true)
		}
		if err := wrong.share(noon.Add(off), "drain", "node wrong", []byte("x"), time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := right.share(noon, "drain", "node right", []byte("x"), 2*time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := wrong.share(noon.Add(off), "health", "wrong", []byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		tell(t, noon.Add(off), wrong, noon, right)
		tell(t, noon, right, noon.Add(off), wrong)
		for _, tc := range []struct {
			after time.Duration
			drain int
		}{{0, 2}, {59 * time.Second, 2}, {61 * time.Second, 1}, {119 * time.Second, 1}, {121 * time.Second, 0}, {30 * time.Minute, 0}} {
			for _, side := range []struct {
				t   *table
				now time.Time
			}{{right, noon.Add(tc.after)}, {wrong, noon.Add(off + tc.after)}} {
				side.t.prune(side.now)
				if got := side.t.list(side.now, "drain"); len(got) != tc.drain {
					t.Errorf("off by %v, after %v, %s has %v", off, tc.after, side.t.self, got)
				}
				if got := side.t.list(side.now, "health"); len(got) != 1 {
					t.Errorf("off by %v, after %v, %s has %v", off, tc.after, side.t.self, got)
				}
			}
			tell(t, noon.Add(off+tc.after), wrong, noon.Add(tc.after), right)
			tell(t, noon.Add(tc.after), right, noon.Add(off+tc.after), wrong)
		}
	}
}

// A writer's statements are bounded, and so are all: the rest goes on.
func TestBounds(t *testing.T) {
	own, far := newTable("a"), newTable("b")
	far.member(noon, "a", true)
	var n int
	for n = 0; ; n++ {
		if own.share(noon, "x", fmt.Sprint(n), nil, 0) != nil {
			break
		}
	}
	if n != maxPerWriter {
		t.Errorf("shared %d", n)
	}
	if err := own.share(noon, "x", "0", []byte("new"), 0); err != nil {
		t.Errorf("in place of an earlier one: %v", err)
	}
	large := newTable("c")
	for n = 0; large.share(noon, "x", fmt.Sprint(n), make([]byte, maxValue), 0) == nil; n++ {
	}
	if n < 60 || n*maxValue > maxBytesPerWriter {
		t.Errorf("shared %d large ones", n)
	}

	many := []byte{stateVersion}
	for i := range maxPerWriter + 10 {
		many = appendRecord(many, &said{subject: subject{"x", fmt.Sprint(i)}, writer: "a", version: 5})
	}
	if err := far.mergeState(noon, many); err != nil || len(far.list(noon, "x")) != maxPerWriter || far.refused != 10 {
		t.Errorf("took %d of one writer, refused %d, %v", len(far.list(noon, "x")), far.refused, err)
	}
	all := []byte{stateVersion}
	for i := range maxStatements {
		all = appendRecord(all, &said{subject: subject{"y", fmt.Sprint(i)}, writer: fmt.Sprint("w", i/maxPerWriter), version: 5})
	}
	if err := far.mergeState(noon, all); err != nil || len(far.entries) != maxStatements {
		t.Errorf("took %d in all, %v", len(far.entries), err)
	}
	if len(far.state(noon)) > 16<<20 {
		t.Errorf("a state of %d bytes", len(far.state(noon)))
	}
	// Of writers that never were members nothing is left after a while.
	far.prune(noon.Add(remember))
	if len(far.entries) != maxPerWriter || len(far.usage) != 1 {
		t.Errorf("%d statements of %d writers", len(far.entries), len(far.usage))
	}
}

// The longest statement fits the packet of a network with the longest label and keys.
func TestLongestStatement(t *testing.T) {
	name := strings.Repeat("n", maxName)
	a := listen(t, name, func(c *Config) { c.Label = strings.Repeat("l", maxLabel); c.Keys = [][]byte{key(1)} })
	b := listen(t, "b", func(c *Config) {
		quickTune := c.tune
		c.tune = func(m *memberlist.Config) { quickTune(m); m.PushPullInterval = time.Hour }
		c.Label, c.Keys = a.conf.Label, a.conf.Keys
	}, a)
	a.untilState("b", Alive)
	value := make([]byte, maxValue)
	for i := range value {
		value[i] = byte(rand.IntN(256))
	}
	if err := a.Share(strings.Repeat("t", maxTopic), strings.Repeat("s", maxSubject), value, maxTTL); err != nil {
		t.Fatal(err)
	}
	topic := strings.Repeat("t", maxTopic)
	for len(b.Statements(topic)) == 0 {
		<-b.heard
	}
	if s := b.Statements(topic)[0]; !bytes.Equal(s.Value, value) || s.Writer != name {
		t.Errorf("%+v", s)
	}
}

// What is queued is told a few times, the latest first, with the time left then.
func TestBroadcasts(t *testing.T) {
	tb := newTable("a")
	for i := range 20 {
		tb.member(noon, fmt.Sprint("n", i), true)
	}
	for i := range 30 {
		if err := tb.share(noon, "x", fmt.Sprint(i), make([]byte, 100), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	// Load waits for all else, though it is the latest.
	if err := tb.share(noon, "load", "a", []byte("1"), time.Hour); err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	first := ""
	for range 1000 {
		msgs := tb.broadcasts(noon.Add(time.Minute), 3, 500)
		size := 0
		for _, msg := range msgs {
			size += 3 + len(msg)
			decodeRecords(msg[1:], func(s said) {
				if first == "" {
					first = s.subject.subject
				}
				times[s.subject.subject]++
				if s.left != 59*time.Minute {
					t.Errorf("left: %v", s.left)
				}
			})
		}
		if size > 500 {
			t.Fatalf("%d bytes", size)
		}
	}
	if first != "29" || len(times) != 31 || len(tb.pending) != 0 {
		t.Errorf("first %s, %d told, %d pending", first, len(times), len(tb.pending))
	}
	for k, n := range times {
		if n != tellings(21) {
			t.Errorf("%s told %d times", k, n)
		}
	}
}

// A node alone tells nobody, for days.
func TestAlone(t *testing.T) {
	tb := newTable("a")
	for i := range 10000 {
		if err := tb.share(noon, "load", "a", fmt.Append(nil, i), 0); err != nil {
			t.Fatal(err)
		}
	}
	if len(tb.sends[later]) > 100 || len(tb.entries) != 1 {
		t.Errorf("%d wait, %d statements", len(tb.sends[later]), len(tb.entries))
	}
}

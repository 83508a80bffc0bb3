package gossip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// told gives a Config whose OnStatement signals.
func told() (func(*Config), chan struct{}) {
	c := make(chan struct{}, 1)
	return func(conf *Config) { conf.OnStatement = func(string) { signal(c) } }, c
}

// listener is a peer that can wait for statements.
type listener struct {
	*peer
	heard chan struct{}
}

func listen(t *testing.T, name string, change func(*Config), others ...*listener) *listener {
	t.Helper()
	tell, heard := told()
	var seeds []*peer
	for _, o := range others {
		seeds = append(seeds, o.peer)
	}
	return &listener{start(t, name, func(c *Config) {
		tell(c)
		if change != nil {
			change(c)
		}
	}, seeds...), heard}
}

// holds is subject=value of all statements of a topic.
func (l *listener) holds(topic string) string {
	var all []string
	for _, s := range l.Statements(topic) {
		all = append(all, fmt.Sprintf("%s=%s", s.Subject, s.Value))
	}
	return strings.Join(all, " ")
}

func (l *listener) untilHolds(topic, want string) {
	l.t.Helper()
	limit := time.After(20 * time.Second)
	for l.holds(topic) != want {
		select {
		case <-l.heard:
		case <-limit:
			l.t.Fatalf("%s holds %q of %s, want %q", l.conf.Node, l.holds(topic), topic, want)
		}
	}
}

func share(t *testing.T, l *listener, topic, subject, value string, ttl time.Duration) {
	t.Helper()
	if err := l.Share(topic, subject, []byte(value), ttl); err != nil {
		t.Fatal(err)
	}
}

func TestShare(t *testing.T) {
	a := listen(t, "a", nil)
	share(t, a, "health", "a", "fine", 0) // before anybody is there
	b := listen(t, "b", nil, a)
	c := listen(t, "c", nil, a)
	share(t, b, "health", "b", "well", 0)
	share(t, b, "drain", "region asia", "disks", time.Minute)
	all := []*listener{a, b, c}
	for _, l := range all {
		l.untilHolds("health", "a=fine b=well")
		l.untilHolds("drain", "region asia=disks")
		s := l.Statements("drain")[0]
		if s.Writer != "b" || s.Left <= 0 || s.Left > time.Minute {
			t.Errorf("%+v", s)
		}
	}
	share(t, b, "health", "b", "ill", 0)
	c.untilHolds("health", "a=fine b=ill")
	c.Withdraw("drain", "region asia")
	c.Withdraw("health", "b") // not c's to take back
	for _, l := range all {
		l.untilHolds("drain", "")
	}
	share(t, a, "drain", "region asia", "again", time.Hour)
	for _, l := range all {
		l.untilHolds("drain", "region asia=again")
	}

	// It lives longer than its writer; what has no end does not.
	share(t, b, "drain", "node b", "shortly", 2*time.Second)
	c.untilHolds("drain", "node b=shortly region asia=again")
	a.kill()
	for _, l := range []*listener{b, c} {
		l.untilHolds("health", "b=ill")
		l.untilHolds("drain", "region asia=again")
	}
	for _, bad := range []struct {
		topic, subject, want string
		value                int
		ttl                  time.Duration
	}{
		{"", "x", "topic", 1, 0}, {"A", "x", "topic", 1, 0}, {strings.Repeat("a", 33), "x", "topic", 1, 0},
		{"a", "", "subject", 1, 0}, {"a", "x\n", "subject", 1, 0}, {"a", "\xff", "subject", 1, 0}, {"a", strings.Repeat("x", 129), "subject", 1, 0},
		{"a", "x", "value of 1001 bytes", 1001, 0}, {"a", "x", "time left", 1, -1}, {"a", "x", "time left", 1, 31 * 24 * time.Hour},
		{"health", "a", "not for b to state", 1, 0}, {"rtt", "b/x", "not for b to state", 1, 0},
	} {
		err := b.Share(bad.topic, bad.subject, make([]byte, bad.value), bad.ttl)
		if err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// A node that restarts outbids what it said in its earlier life, withdraws what
// it no longer says, and keeps what has an end of its own.
func TestShareAfterRestart(t *testing.T) {
	a := listen(t, "a", nil)
	b := listen(t, "b", nil, a)
	for i := range 5 {
		share(t, b, "health", "b", fmt.Sprint("h", i), 0)
	}
	share(t, b, "load", "b", "9", 0)
	share(t, b, "drain", "region asia", "disks", time.Hour)
	a.untilHolds("health", "b=h4")
	a.untilHolds("load", "b=9")
	a.untilHolds("drain", "region asia=disks")
	b.kill()
	// Not dead to a yet: the old one's statements hold until b is back.
	addr := b.Addr()
	tell, heard := told()
	conf := Config{}
	tell(&conf)
	p := start(t, "b", func(c *Config) { c.Listen = addr; c.OnStatement = conf.OnStatement }, a.peer)
	b = &listener{p, heard}
	share(t, b, "health", "b", "new", 0)
	for _, l := range []*listener{a, b} {
		l.untilHolds("health", "b=new")
		l.untilHolds("load", "")
		l.untilHolds("drain", "region asia=disks")
	}
}

func TestAsk(t *testing.T) {
	large := bytes.Repeat([]byte("x"), maxAnswer)
	a := start(t, "a", func(c *Config) {
		c.Answer = func(topic string) []byte {
			switch topic {
			case "region":
				return []byte("title: Asia\n")
			case "large":
				return large
			case "too-large":
				return append(large, 'x')
			case "empty":
				return []byte{}
			}
			return nil
		}
	})
	b := start(t, "b", nil, a)
	b.untilState("a", Alive)
	a.untilState("b", Alive)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, p := range []*peer{a, b} {
		for topic, want := range map[string]string{"region": "title: Asia\n", "large": string(large), "empty": ""} {
			if got, err := p.Ask(ctx, "a", topic); err != nil || string(got) != want {
				t.Errorf("%s: %d bytes, %v", topic, len(got), err)
			}
		}
		if _, err := p.Ask(ctx, "a", "nothing"); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("nothing: %v", err)
		}
		if _, err := p.Ask(ctx, "a", "too-large"); err == nil || !strings.Contains(err.Error(), "more than 65536 bytes") {
			t.Errorf("too large: %v", err)
		}
		if _, err := p.Ask(ctx, "b", "region"); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("of b: %v", err)
		}
		if _, err := p.Ask(ctx, "c", "region"); err == nil || !strings.Contains(err.Error(), "no member") {
			t.Errorf("of nobody: %v", err)
		}
		if _, err := p.Ask(ctx, "a", "No Topic"); err == nil {
			t.Error("a bad topic")
		}
	}
	a.kill()
	if _, err := b.Ask(ctx, "a", "region"); err == nil || ctx.Err() != nil {
		t.Errorf("of the dead: %v", err)
	}
	b.stop()
	if _, err := b.Ask(ctx, "a", "region"); err == nil || ctx.Err() != nil {
		t.Errorf("by the dead: %v", err)
	}
}

func TestDigest(t *testing.T) {
	digest := make(chan string, 1)
	digest <- "0123456789ab"
	a := start(t, "a", func(c *Config) {
		c.Digest = func() string { d := <-digest; digest <- d; return d }
	})
	b := start(t, "b", func(c *Config) { c.Digest = func() string { return "no digest" } }, a)
	b.until("a", "with its digest", func(n Node) bool { return n.Digest == "0123456789ab" })
	a.until("b", "without", func(n Node) bool { return n.Digest == "" && n.Region == "europe" })
	<-digest
	digest <- "ba9876543210"
	a.Update()
	b.until("a", "with another", func(n Node) bool { return n.Digest == "ba9876543210" })
}

package gossip

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Statement is something that a node said about a subject, known to all nodes.
// Of one topic and subject the last one holds, whoever wrote it: that with the
// highest Version, and of equal ones that of the higher Writer.
type Statement struct {
	Topic, Subject, Writer string
	Version                uint64 // one more than the highest that its writer had seen
	Value                  []byte // 1,000 bytes at most; not to be changed
	// Left is how long it holds yet by this node's clock; 0: while its writer is
	// a member (alive or suspect).
	Left time.Duration
}

// What a statement may be, and how many there may be. Foreign ones beyond are
// not taken in; withdrawn ones count until they are forgotten.
const (
	maxTopic   = 32
	maxSubject = 128
	maxValue   = 1000
	maxTTL     = 30 * 24 * time.Hour
	maxVersion = math.MaxUint64 >> 2 // nobody gets there by counting

	maxPerWriter      = 256
	maxBytesPerWriter = 64 << 10
	maxStatements     = 16 << 10
	maxBytes          = 8 << 20 // below what memberlist takes in one push/pull
)

const (
	// graveTime is how long a withdrawal is known, at least: who was cut off
	// for longer may bring back what was withdrawn.
	graveTime = 24 * time.Hour
	// spentTime is how long that which ended is remembered here, so that a copy
	// that was under way is not news; far more than a message travels.
	spentTime = 10 * time.Minute
	// alwaysPassOn is how much news of one push/pull is told on in any case.
	alwaysPassOn = 64
)

// ownTopic says that only the subject itself states this, as its name or its
// name and a number: asia-1, asia-1/7.
func ownTopic(topic string) bool {
	switch topic {
	case "health", "load", "node", "region", "rtt", coordinateTopic:
		return true
	}
	return false
}

func ownSubject(subject, writer string) bool {
	rest, ok := strings.CutPrefix(subject, writer)
	if !ok || rest == "" {
		return ok
	}
	digits, ok := strings.CutPrefix(rest, "/")
	return ok && digits != "" && len(digits) <= 3 && strings.Trim(digits, "0123456789") == ""
}

type subject struct{ topic, subject string }

// said is a statement, or its withdrawal, as it travels.
type said struct {
	subject
	writer  string
	version uint64
	gone    bool // withdrawn; left is then how long that is to be known
	left    time.Duration
	value   []byte
}

// check says what is wrong with s, whoever said it.
func (s *said) check() error {
	switch {
	case !validTopic(s.topic):
		return fmt.Errorf("topic %q: 1 to %d lower-case letters, digits and hyphens", s.topic, maxTopic)
	case s.subject.subject == "" || len(s.subject.subject) > maxSubject || !utf8.ValidString(s.subject.subject) ||
		strings.ContainsFunc(s.subject.subject, unicode.IsControl):
		return fmt.Errorf("subject %q: 1 to %d bytes of text", s.subject.subject, maxSubject)
	case !validNode(s.writer):
		return fmt.Errorf("writer %q is no node's name", s.writer)
	case len(s.value) > maxValue || s.gone && len(s.value) > 0:
		return fmt.Errorf("value of %d bytes: at most %d", len(s.value), maxValue)
	case s.version == 0 || s.version > maxVersion:
		return fmt.Errorf("version %d", s.version)
	case s.left < 0 || s.left > maxTTL || s.gone && s.left == 0:
		return fmt.Errorf("time left %v: at most %v", s.left, maxTTL)
	case ownTopic(s.topic) && !ownSubject(s.subject.subject, s.writer):
		return fmt.Errorf("%s of %q is not for %s to state", s.topic, s.subject.subject, s.writer)
	}
	return nil
}

func validTopic(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= maxTopic
}

// after is the order in which the last one wins. It is total: even of two that
// a node said under one version, all choose the same.
func (s *said) after(o *said) bool {
	c := cmp.Compare(s.version, o.version)
	if c == 0 {
		c = cmp.Compare(s.writer, o.writer)
	}
	if c == 0 && s.gone != o.gone {
		return s.gone
	}
	if c == 0 {
		c = bytes.Compare(s.value, o.value)
	}
	return c > 0
}

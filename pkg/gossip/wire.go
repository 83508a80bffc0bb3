package gossip

import (
	"encoding/binary"
	"errors"
	"time"
)

// Messages between nodes, by their first byte. Unknown ones are ignored.
const (
	msgStatement = 1 // records
	msgAsk       = 2 // see ask
	msgAnswer    = 3 // see answer
)

// stateVersion is the first byte of a whole state; records follow.
const stateVersion = 1

// Flags of a record. One with a flag that is not known here is skipped.
const (
	recordGone  = 1 << 0
	recordTimed = 1 << 1 // it has the time left, in milliseconds
)

// minRecord is the least that a record takes.
const minRecord = 8

var errCut = errors.New("gossip: a message is cut off")

// A record is its length, then flags (a byte), version, the time left where the
// flag says so, topic, subject and writer, each with its length before it, and
// the value up to the end. All numbers are uvarints.

// size is about what s takes as a record, and at least that.
func (s *said) size() int {
	return len(s.topic) + len(s.subject.subject) + len(s.writer) + len(s.value) + 24
}

func appendRecord(b []byte, s *said) []byte {
	r := make([]byte, 1, s.size())
	if s.gone {
		r[0] |= recordGone
	}
	if s.left > 0 {
		r[0] |= recordTimed
	}
	r = binary.AppendUvarint(r, s.version)
	if s.left > 0 {
		r = binary.AppendUvarint(r, uint64(s.left.Milliseconds()))
	}
	for _, text := range []string{s.topic, s.subject.subject, s.writer} {
		r = binary.AppendUvarint(r, uint64(len(text)))
		r = append(r, text...)
	}
	r = append(r, s.value...)
	b = binary.AppendUvarint(b, uint64(len(r)))
	return append(b, r...)
}

// decodeRecords gives the records of b that are understood. The error says that
// b ends amidst one.
func decodeRecords(b []byte, yield func(said)) error {
	for len(b) > 0 {
		var record []byte
		var ok bool
		if record, b, ok = cutBytes(b); !ok {
			return errCut
		}
		if s, ok := decodeRecord(record); ok {
			yield(s)
		}
	}
	return nil
}

func decodeRecord(b []byte) (s said, ok bool) {
	if len(b) == 0 || b[0]&^(recordGone|recordTimed) != 0 {
		return s, false
	}
	flags := b[0]
	s.gone = flags&recordGone != 0
	if s.version, b, ok = cutUvarint(b[1:]); !ok {
		return s, false
	}
	if flags&recordTimed != 0 {
		var ms uint64
		if ms, b, ok = cutUvarint(b); !ok || ms == 0 || ms > uint64(maxTTL.Milliseconds()) {
			return s, false
		}
		s.left = time.Duration(ms) * time.Millisecond
	}
	for _, to := range []*string{&s.topic, &s.subject.subject, &s.writer} {
		var text []byte
		if text, b, ok = cutBytes(b); !ok {
			return s, false
		}
		*to = string(text)
	}
	if len(b) > 0 {
		s.value = append([]byte(nil), b...) // memberlist's buffer is not ours
	}
	return s, true
}

func cutUvarint(b []byte) (v uint64, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

// cutBytes takes a length and that many bytes off b.
func cutBytes(b []byte) (part, rest []byte, ok bool) {
	n, b, ok := cutUvarint(b)
	if !ok || n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

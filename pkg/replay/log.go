package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/netip"
	"time"

	"mirrornet/pkg/route"
)

// maxLine is the longest line that is read; a longer one is broken.
const maxLine = 128 << 10

// A Log is an access log that is read: JSON lines as edges write them, among
// which other lines may stand.
type Log struct {
	r *bufio.Reader

	// Read counts the lines of requests that became entries. Of the others,
	// Forwarded were answered on behalf of another edge, Other are no lines of the
	// access log or name no client, and Broken are no JSON, or too long. They grow
	// while Entries is read.
	Read, Forwarded, Other, Broken int
	err                            error
}

// ReadLog reads from r.
func ReadLog(r io.Reader) *Log { return &Log{r: bufio.NewReaderSize(r, maxLine)} }

// Err is what ended the reading early; nil if nothing did.
func (l *Log) Err() error { return l.err }

// Entries reads the log once, to its end.
func (l *Log) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for {
			line, err := l.r.ReadSlice('\n')
			if errors.Is(err, bufio.ErrBufferFull) {
				l.Broken++
				for errors.Is(err, bufio.ErrBufferFull) {
					_, err = l.r.ReadSlice('\n')
				}
				line = nil
			}
			if e, ok := l.parse(line); ok && !yield(e) {
				return
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					l.err = err
				}
				return
			}
		}
	}
}

// parse reads one line of observe.LogAccess.
func (l *Log) parse(line []byte) (Entry, bool) {
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return Entry{}, false
	}
	var record struct {
		Message string `json:"msg"`
		Time    string `json:"time"`
		Client  string `json:"client"`
		Status  int    `json:"status"`
		Reason  string `json:"reason"`
	}
	if line[0] != '{' {
		l.Other++
		return Entry{}, false
	}
	err := json.Unmarshal(line, &record)
	if _, typed := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !typed {
		l.Broken++
		return Entry{}, false
	}
	client, _ := netip.ParseAddr(record.Client)
	at, _ := time.Parse(time.RFC3339Nano, record.Time)
	switch {
	case err != nil || record.Message != "request" || record.Status == 0 || !client.IsValid():
		l.Other++
		return Entry{}, false
	case record.Reason == route.ReasonForwarded:
		l.Forwarded++
		return Entry{}, false
	}
	l.Read++
	return Entry{At: at, Client: client, Requests: 1}, true
}

package edge

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

const (
	// window is how far the source may be ahead of the slowest reader of a body
	// that is too long to keep.
	window = 1 << 20
	// stalled is how long such a body waits for a reader who takes nothing.
	stalled = 5 * time.Second
	// chunkSize is that of a body whose length is not known; the first ones are
	// smaller.
	chunkSize = 256 << 10
)

var (
	errCut    = errors.New("edge: the answer broke off at its source")
	errLong   = errors.New("edge: the body is too long to keep")
	errLagged = errors.New("edge: a reader fell behind")
)

// arriving is a body that is still being fetched. One goroutine writes it, any
// number read it, each at its own speed, and all of them from the same bytes.
// A body of up to maxBody is kept whole; of a longer one a window, so that the
// slowest reader sets the pace.
type arriving struct {
	length int64 // as declared; -1: unknown
	single bool  // too long from the start: it has one reader

	mu      sync.Mutex // guards the fields below
	taken   bool       // somebody read, or reads
	chunks  [][]byte   // the last one grows within its capacity
	start   int64      // where the first of them begins: past 0 once the body is too long
	end     int64
	state   error // nil: more is to come; io.EOF: whole; else why it is cut
	long    bool
	readers []*reader
	changed chan struct{} // closed when any of these changed; nil: nobody waits
}

// reader is one client's place in an arriving body.
type reader struct {
	body *arriving
	at   int64 // guarded by body.mu
	out  bool  // guarded by body.mu: it fell behind
}

func newArriving(length int64) *arriving {
	return &arriving{length: length, single: length > maxBody, long: length > maxBody}
}

// space is where the source's next bytes go. Only the writer calls it.
func (b *arriving) space() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.chunks); n > 0 {
		if last := b.chunks[n-1]; len(last) < cap(last) {
			return last[len(last):cap(last)]
		}
	}
	size := int64(chunkSize)
	switch {
	case b.long:
	case b.length >= 0 && b.end == 0:
		size = b.length + 1 // whole in one piece, and the end is seen without another
	case b.end < chunkSize:
		size = max(4<<10, b.end) // twice as much as before
	}
	b.chunks = append(b.chunks, make([]byte, 0, size))
	return b.chunks[len(b.chunks)-1][:size]
}

// grow says that n bytes were written to space.
func (b *arriving) grow(n int) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	last := &b.chunks[len(b.chunks)-1]
	*last = (*last)[:len(*last)+n]
	b.end += int64(n)
	b.long = b.long || b.end > maxBody
	b.tell()
}

// finish ends the body, once: io.EOF where it is whole, else why it is not.
func (b *arriving) finish(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == nil {
		b.state = why
		b.tell()
	}
}

// tell wakes all who wait. b.mu is held.
func (b *arriving) tell() {
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// change is closed with the next change. b.mu is held.
func (b *arriving) change() <-chan struct{} {
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

// bytes is the whole body in one piece, once all of it is there and unless it
// is long.
func (b *arriving) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.end == 0:
		return []byte{}
	case len(b.chunks) == 1 && cap(b.chunks[0]) <= int(b.end)*9/8+16:
		return b.chunks[0][:b.end:b.end]
	}
	whole := make([]byte, 0, b.end)
	for _, c := range b.chunks {
		whole = append(whole, c...)
	}
	b.chunks = [][]byte{whole} // who still reads goes on in here
	return whole
}

// tooLong reports whether the body is longer than what is kept.
func (b *arriving) tooLong() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.long
}

// broken is why the body was cut; nil: it was not, so far.
func (b *arriving) broken() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == io.EOF {
		return nil
	}
	return b.state
}

// open gives a reader from the first byte on. False: that byte is gone, and
// the caller has to ask for itself.
func (b *arriving) open(leader bool) (*reader, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.start > 0 || b.single && (b.taken || !leader) || b.state != nil && b.state != io.EOF {
		return nil, false
	}
	b.taken = true
	r := &reader{body: b}
	b.readers = append(b.readers, r)
	b.tell()
	return r, true
}

// next gives the bytes that follow, and waits for them if asked to. Without
// waiting, nothing may be there.
func (r *reader) next(ctx context.Context, wait bool) ([]byte, error) {
	b := r.body
	for {
		b.mu.Lock()
		switch {
		case r.out:
			b.mu.Unlock()
			return nil, errLagged
		case r.at < b.end:
			p := b.from(r.at)
			r.at += int64(len(p))
			if b.long {
				b.tell() // the writer may wait for room
			}
			b.mu.Unlock()
			return p, nil
		case b.state != nil:
			err := b.state
			b.mu.Unlock()
			return nil, err
		}
		change := b.change()
		b.mu.Unlock()
		if !wait {
			return nil, nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// from gives what is there from that place on, within one chunk. b.mu is held.
func (b *arriving) from(at int64) []byte {
	at -= b.start
	for _, c := range b.chunks {
		if at < int64(len(c)) {
			return c[at:len(c):len(c)]
		}
		at -= int64(len(c))
	}
	return nil
}

// whole waits until the body is whole; errLong: it is too long for that.
func (r *reader) whole(ctx context.Context) ([]byte, error) {
	b := r.body
	for {
		b.mu.Lock()
		if b.long || b.state != nil {
			long, state := b.long, b.state
			b.mu.Unlock()
			switch {
			case long:
				return nil, errLong
			case state != io.EOF:
				return nil, state
			}
			return b.bytes(), nil
		}
		change := b.change()
		b.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (r *reader) close() {
	b := r.body
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.readers {
		if b.readers[i] == r {
			b.readers = append(b.readers[:i], b.readers[i+1:]...)
			break
		}
	}
	b.tell()
}

// room waits until a long body's readers are near enough for more. A reader
// who takes nothing while others wait for him is left behind. False: nobody
// reads.
func (b *arriving) room(ctx context.Context) bool {
	timer := time.NewTimer(stalled)
	defer timer.Stop()
	for before := int64(-1); ; {
		b.mu.Lock()
		slowest := b.end
		for _, r := range b.readers {
			slowest = min(slowest, r.at)
		}
		if len(b.readers) == 0 {
			slowest = b.start
		}
		for len(b.chunks) > 1 && b.start+int64(len(b.chunks[0])) <= slowest {
			b.start += int64(len(b.chunks[0]))
			b.chunks[0] = nil
			b.chunks = b.chunks[1:]
		}
		if len(b.readers) > 0 && b.end-slowest < window {
			b.mu.Unlock()
			return true
		}
		if slowest != before {
			before = slowest
			timer.Reset(stalled)
		}
		gone := b.single && b.taken && len(b.readers) == 0
		change := b.change()
		b.mu.Unlock()
		if gone {
			return false
		}
		select {
		case <-change:
		case <-timer.C:
			if !b.leaveBehind(before) {
				return false
			}
			timer.Reset(stalled)
		case <-ctx.Done():
			return false
		}
	}
}

// leaveBehind drops the readers who stay at that place, unless all do: then it
// is for their own connections to end. False: there is no reader.
func (b *arriving) leaveBehind(place int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	var going []*reader
	for _, r := range b.readers {
		if r.at > place {
			going = append(going, r)
		}
	}
	if len(going) > 0 {
		for _, r := range b.readers {
			r.out = r.at <= place
		}
		b.readers = going
	}
	return len(b.readers) > 0
}

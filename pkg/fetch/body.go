package fetch

import (
	"bytes"
	"io"
	"sync/atomic"
)

// body hands the request's body to one source after another. Bodies up to
// maxReplay are kept in memory; a longer one can be sent once.
type body struct {
	whole []byte
	once  io.Reader
	used  *countingReader
}

const maxReplay = 4 << 20

func newBody(req Request) *body {
	if req.Body == nil {
		return &body{}
	}
	if req.ContentLength >= 0 && req.ContentLength <= maxReplay {
		whole, err := io.ReadAll(io.LimitReader(req.Body, req.ContentLength))
		if err == nil {
			return &body{whole: whole}
		}
		return &body{once: io.MultiReader(bytes.NewReader(whole), failing{err})}
	}
	return &body{once: req.Body}
}

// reader is the body for one source; more is called for each piece that the
// source takes of a long one.
func (b *body) reader(more func()) io.Reader {
	switch {
	case b.whole != nil:
		return bytes.NewReader(b.whole)
	case b.once != nil:
		b.used = &countingReader{r: b.once, more: more}
		return io.NopCloser(b.used)
	}
	return nil
}

// err is why the body could not be read to its end; nil: nothing wrong so far.
func (b *body) err() error {
	if b.used == nil {
		return nil
	}
	if e := b.used.fault.Load(); e != nil {
		return *e
	}
	return nil
}

// rewind reports whether the body can be sent again.
func (b *body) rewind() bool { return b.once == nil || b.used == nil || b.used.n.Load() == 0 }

type countingReader struct {
	r     io.Reader
	more  func()
	n     atomic.Int64
	fault atomic.Pointer[error] // the transport may still read when it gave up
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	c.more()
	if err != nil && err != io.EOF {
		c.fault.Store(&err)
	}
	return n, err
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

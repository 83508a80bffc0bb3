package store

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// compressFrom is the content length from which compression pays for itself.
const compressFrom = 256

var errBody = errors.New("store: a body that is not what its record says")

// Body is the content of a stored response in the form that is kept: a zstd
// frame where that is at least a tenth smaller, else as it is. It is immutable
// and shared; the zero Body is empty.
type Body struct {
	plain []byte // the content; nil where only frame is held
	frame []byte // its zstd form
	size  int    // of the content
	fresh *fresh // of a body that nobody has tried to compress before
}

// fresh is the zstd form of a new body, made when it is first asked for.
type fresh struct {
	once  sync.Once
	frame []byte // nil where it does not pay
}

// NewBody is the body of that content, which belongs to it from now on.
func NewBody(content []byte) Body {
	b := Body{plain: content, size: len(content)}
	if len(content) >= compressFrom {
		b.fresh = new(fresh)
	}
	return b
}

// Len is the length of the content, without coding.
func (b Body) Len() int { return b.size }

// Identity is the content without coding. Nobody may change it. An error says
// that the stored frame is no such content.
func (b Body) Identity() ([]byte, error) {
	if b.frame == nil || b.plain != nil {
		return b.plain, nil
	}
	return b.AppendIdentity(make([]byte, 0, b.size))
}

// AppendIdentity appends the content to dst, for callers that have a buffer.
func (b Body) AppendIdentity(dst []byte) ([]byte, error) {
	if b.frame == nil || b.plain != nil {
		return append(dst, b.plain...), nil
	}
	before := len(dst)
	dst = slices.Grow(dst, b.size)
	// No byte over the size is decoded, whatever the frame claims.
	dst, err := zstdDecoder.DecodeAll(b.frame, dst[:before:before+b.size])
	if err != nil {
		return dst[:before], fmt.Errorf("%w: %w", errBody, err)
	}
	if len(dst)-before != b.size {
		return dst[:before], errBody
	}
	return dst, nil
}

// Plain is the content where it is held without coding: Identity without work.
func (b Body) Plain() (content []byte, ok bool) { return b.plain, b.plain != nil || b.frame == nil }

// Zstd is the content as one zstd frame; false where compression does not pay.
// The first call for a [NewBody] compresses, later ones and those for a stored
// body do no work.
func (b Body) Zstd() (frame []byte, ok bool) {
	if b.fresh != nil {
		b.fresh.once.Do(func() { b.fresh.frame = compress(b.plain) })
		return b.fresh.frame, b.fresh.frame != nil
	}
	return b.frame, b.frame != nil
}

// Compressible is false where it is known that compression does not pay. It
// does no work.
func (b Body) Compressible() bool { return b.frame != nil || b.fresh != nil }

// Equal reports whether both have the same content.
func (b Body) Equal(other Body) bool {
	x, err1 := b.Identity()
	y, err2 := other.Identity()
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// form is what is kept of the body of a response with that header.
func (b Body) form(h http.Header) (coding byte, kept []byte) {
	if b.fresh == nil || !coded(h) {
		if frame, ok := b.Zstd(); ok {
			return bodyZstd, frame
		}
	}
	return bodyPlain, b.plain
}

// coded tells content that has been compressed already, as its coding or as
// its media type says.
func coded(h http.Header) bool {
	if h["Content-Encoding"] != nil {
		return true
	}
	if len(h["Content-Type"]) == 0 {
		return false
	}
	t, _, _ := strings.Cut(h["Content-Type"][0], ";")
	t = strings.ToLower(strings.TrimSpace(t))
	switch t {
	case "image/svg+xml", "image/bmp":
		return false
	case "application/gzip", "application/x-gzip", "application/zip", "application/zstd", "application/x-bzip2", "application/x-xz",
		"application/x-7z-compressed", "application/vnd.rar", "font/woff", "font/woff2":
		return true
	}
	return strings.HasPrefix(t, "image/") || strings.HasPrefix(t, "video/") || strings.HasPrefix(t, "audio/")
}

// compress makes a frame, or nil where it would not save a tenth.
func compress(content []byte) []byte {
	buf := frames.Get().(*[]byte)
	defer frames.Put(buf)
	b := zstdEncoder.EncodeAll(content, (*buf)[:0])
	if cap(b) <= maxPooledFrame {
		*buf = b
	}
	if len(b) > len(content)-len(content)/10 {
		return nil
	}
	return bytes.Clone(b)
}

const maxPooledFrame = 256 << 10

var frames = sync.Pool{New: func() any { return new([]byte) }}

// One encoder and one decoder serve all: they hold tables of some hundred
// kilobytes for each processor, and no state that a result could depend on.
// They are made at the start, and not by who comes first: that might be a test
// in a synctest bubble, to which their channels would belong.
var (
	zstdEncoder = newEncoder()
	zstdDecoder = newDecoder()
)

func newEncoder() *zstd.Encoder {
	// The window bounds what an encoder holds, and is far below the 8 MiB that
	// clients must take (RFC 9659).
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // the options are constant: a test would have seen it
	}
	e.EncodeAll([]byte{0}, nil)
	return e
}

func newDecoder() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(MaxBody+1), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic(err)
	}
	return d
}

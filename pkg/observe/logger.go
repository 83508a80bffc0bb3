package observe

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// NewLogger makes the process's logger: text for a terminal, JSON otherwise.
func NewLogger(w io.Writer, terminal bool, level slog.Level) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if terminal {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

// Buffer is a writer that gathers lines and writes them on at most once every
// 200 ms, or when 64 KiB are there. It is safe for concurrent use. Lines still
// in it are written when Run ends.
type Buffer struct {
	mu sync.Mutex // guards w
	w  *bufio.Writer
}

// NewBuffer makes a Buffer in front of w.
func NewBuffer(w io.Writer) *Buffer { return &Buffer{w: bufio.NewWriterSize(w, 64<<10)} }

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.w.Write(p)
}

func (b *Buffer) flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.w.Flush()
}

// Run flushes until ctx ends, and once more then.
func (b *Buffer) Run(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.flush()
		case <-ctx.Done():
			return b.flush()
		}
	}
}

package edge

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// write puts p into the body as a source would, in pieces of at most n.
func write(b *arriving, p []byte, n int) {
	for len(p) > 0 {
		k := copy(b.space(), p[:min(n, len(p))])
		b.grow(k)
		p = p[k:]
	}
}

// take reads all of the body.
func take(ctx context.Context, r *reader) ([]byte, error) {
	var got []byte
	for {
		p, err := r.next(ctx, true)
		if err != nil {
			return got, err
		}
		got = append(got, p...)
	}
}

// Whatever the sizes of body and pieces, each reader gets the same bytes,
// whenever it comes, and so does the store.
func TestArrivingModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := make([]byte, rapid.IntRange(0, 3<<20).Draw(t, "size"))
		for i := range content {
			content[i] = byte(i * 7 >> 3)
		}
		piece := rapid.IntRange(1000, 1<<20).Draw(t, "piece")
		length := int64(-1)
		if rapid.Bool().Draw(t, "declared") {
			length = int64(len(content))
		}
		b := newArriving(length)
		half := len(content) / 2
		write(b, content[:half], piece)
		results := make(chan []byte, 3)
		for range 3 {
			r, ok := b.open(false)
			if !ok {
				t.Fatal("not open")
			}
			go func() {
				got, err := take(context.Background(), r)
				if err != io.EOF {
					got = []byte(err.Error())
				}
				r.close()
				results <- got
			}()
		}
		write(b, content[half:], piece)
		b.finish(io.EOF)
		if got := b.bytes(); !bytes.Equal(got, content) {
			t.Fatalf("whole: %d bytes, want %d", len(got), len(content))
		}
		for range 3 {
			if got := <-results; !bytes.Equal(got, content) {
				t.Fatalf("a reader: %d bytes, want %d", len(got), len(content))
			}
		}
		if late, ok := b.open(false); !ok {
			t.Fatal("not open once whole")
		} else if got, err := take(context.Background(), late); err != io.EOF || !bytes.Equal(got, content) {
			t.Fatalf("a late reader: %d bytes, %v", len(got), err)
		}
	})
}

// long writes past what is kept, with its first reader at the start.
func long(t *testing.T) (b *arriving, r *reader) {
	t.Helper()
	b = newArriving(-1)
	r, ok := b.open(true)
	if !ok {
		t.Fatal("not open")
	}
	write(b, make([]byte, maxBody+1), 1<<20)
	return b, r
}

func (b *arriving) held() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.chunks {
		n += cap(c)
	}
	return n
}

func TestLongBodyIsAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r := long(t)
		read := 0
		go func() {
			for {
				p, err := r.next(t.Context(), true)
				if err != nil {
					return
				}
				read += len(p)
			}
		}()
		for range 200 {
			if !b.room(t.Context()) {
				t.Fatal("a reader is there")
			}
			write(b, make([]byte, 100<<10), 100<<10)
			if n := b.held(); b.end > maxBody+4*window && n > 2*window {
				t.Fatalf("%d bytes are held of a long body", n)
			}
		}
		b.finish(io.EOF)
		synctest.Wait()
		if want := maxBody + 1 + 200*100<<10; read != want {
			t.Errorf("read %d, want %d", read, want)
		}
		if _, ok := b.open(false); ok {
			t.Error("a reader was let in although the beginning is gone")
		}
		if _, err := r.whole(t.Context()); err != errLong {
			t.Errorf("whole: %v", err)
		}
	})
}

func TestLaggardIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, quick := long(t)
		slow, ok := b.open(false)
		if !ok {
			t.Fatal("not open")
		}
		got := make(chan int, 1)
		go func() { p, _ := take(t.Context(), quick); got <- len(p) }()
		start := time.Now()
		if !b.room(t.Context()) || time.Since(start) != stalled {
			t.Errorf("after %s", time.Since(start))
		}
		b.finish(io.EOF)
		if n := <-got; n != maxBody+1 {
			t.Errorf("the quick one got %d", n)
		}
		if _, err := slow.next(t.Context(), true); err != errLagged {
			t.Errorf("the slow one: %v", err)
		}
	})
}

// One who stalls alone is for its own connection to end; without any, the
// source is let go.
func TestNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r := long(t)
		done := make(chan bool, 1)
		go func() { done <- b.room(t.Context()) }()
		<-time.After(10 * stalled)
		select {
		case <-done:
			t.Fatal("the only reader was dropped")
		default:
		}
		r.close()
		start := time.Now()
		if <-done || time.Since(start) > stalled {
			t.Errorf("room, or only after %s", time.Since(start))
		}
	})
}

func TestCutBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newArriving(100)
		r, _ := b.open(true)
		ctx, cancel := context.WithCancelCause(t.Context())
		mine := errors.New("mine")
		go func() { <-time.After(time.Second); cancel(mine) }()
		if _, err := r.next(ctx, true); err != mine {
			t.Errorf("%v", err)
		}
		if _, err := r.whole(ctx); err != mine {
			t.Errorf("whole: %v", err)
		}
		if p, err := r.next(t.Context(), false); p != nil || err != nil {
			t.Errorf("without waiting: %q %v", p, err)
		}
		write(b, []byte("half"), 4)
		b.finish(errCut)
		if p, err := take(t.Context(), r); string(p) != "half" || err != errCut {
			t.Errorf("%q %v", p, err)
		}
		if _, err := r.whole(t.Context()); err != errCut {
			t.Errorf("whole: %v", err)
		}
		if _, ok := b.open(false); ok || b.broken() != errCut {
			t.Error("a cut body is open")
		}
	})
}

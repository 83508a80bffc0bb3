package collapse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

type result struct {
	v      int
	shared bool
	err    error
}

// do starts a Do and returns where its result will be.
func do(g *Group[string, int], ctx context.Context, key string, fn func(context.Context) (int, error)) <-chan result {
	ch := make(chan result, 1)
	go func() {
		v, shared, err := g.Do(ctx, key, fn)
		ch <- result{v, shared, err}
	}()
	return ch
}

type traceKey struct{}

// running is the number of keys with a call that is waited for.
func (g *Group[K, V]) running() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.calls)
}

func TestOneCallForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[string, int]
		var calls atomic.Int32
		fn := func(context.Context) (int, error) {
			<-time.After(time.Second)
			return int(calls.Add(1)), nil
		}
		var waiting []<-chan result
		for range 1000 {
			waiting = append(waiting, do(&g, t.Context(), "k", fn))
		}
		other := do(&g, t.Context(), "other", func(context.Context) (int, error) { return 7, nil })
		if r := <-other; r != (result{7, false, nil}) {
			t.Errorf("another key: %+v", r)
		}
		first := 0
		for _, ch := range waiting {
			r := <-ch
			if r.v != 1 || r.err != nil {
				t.Fatalf("got %+v", r)
			}
			if !r.shared {
				first++
			}
		}
		if calls.Load() != 1 || first != 1 {
			t.Errorf("%d calls, %d started one", calls.Load(), first)
		}
		if r := <-do(&g, t.Context(), "k", fn); r != (result{2, false, nil}) {
			t.Errorf("afterwards: %+v", r)
		}
		if g.running() != 0 {
			t.Error("a call is kept")
		}
	})
}

func TestEachLeavesOnItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[string, int]
		mine := errors.New("mine")
		first, leave := context.WithCancelCause(context.WithValue(t.Context(), traceKey{}, "v"))
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		fn := func(ctx context.Context) (int, error) {
			if _, ok := ctx.Deadline(); ok || ctx.Value(traceKey{}) != "v" {
				t.Error("the function has a deadline, or not the first caller's values")
			}
			select {
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			case <-time.After(10 * time.Second):
				return 5, nil
			}
		}
		a := do(&g, first, "k", fn)
		synctest.Wait()
		b := do(&g, short, "k", nil)
		c := do(&g, t.Context(), "k", nil)
		synctest.Wait()
		leave(mine)
		if r := <-a; r.err != mine || r.shared {
			t.Errorf("the first: %+v", r)
		}
		if r := <-b; !errors.Is(r.err, context.DeadlineExceeded) || !r.shared {
			t.Errorf("the second: %+v", r)
		}
		if r := <-c; r != (result{5, true, nil}) {
			t.Errorf("the third: %+v", r)
		}
	})
}

func TestAbandonedIsCancelledAndFreesItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[string, int]
		cause := make(chan error, 1)
		slow := func(ctx context.Context) (int, error) {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			<-time.After(time.Minute) // takes long to notice
			return 1, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		a, b := do(&g, ctx, "k", slow), do(&g, ctx, "k", slow)
		synctest.Wait()
		cancel()
		<-a
		<-b
		if err := <-cause; err != ErrAbandoned {
			t.Errorf("cause %v", err)
		}
		// The key is free, and the old call's end must not take the new one away.
		long := do(&g, t.Context(), "k", func(context.Context) (int, error) { <-time.After(time.Hour); return 2, nil })
		<-time.After(2 * time.Minute)
		if r := do(&g, t.Context(), "k", nil); (<-r) != (result{2, true, nil}) {
			t.Error("the second call was forgotten")
		}
		<-long
	})
}

func TestEndedContextStartsNothing(t *testing.T) {
	var g Group[string, int]
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(io.EOF)
	_, shared, err := g.Do(ctx, "k", func(context.Context) (int, error) { t.Error("called"); return 0, nil })
	if err != io.EOF || shared || g.running() != 0 {
		t.Errorf("%v %v", shared, err)
	}
}

func TestContextEndsAfterReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[string, int]
		var work context.Context
		_, _, _ = g.Do(t.Context(), "k", func(ctx context.Context) (int, error) { work = ctx; return 0, nil })
		synctest.Wait()
		if work.Err() == nil {
			t.Error("what hangs on the function's context is never released")
		}
	})
}

func TestPanicAndGoexit(t *testing.T) {
	for name, c := range map[string]struct {
		fn    func()
		check func(error) bool
	}{
		"value": {func() { panic("boom") }, func(err error) bool {
			var p *PanicError
			return errors.As(err, &p) && p.Value == "boom" && strings.Contains(string(p.Stack), "collapse_test.go") &&
				err.Error() == "collapse: panic: boom"
		}},
		"error":  {func() { panic(fmt.Errorf("x: %w", io.EOF)) }, func(err error) bool { return errors.Is(err, io.EOF) }},
		"nil":    {func() { panic(nil) }, func(err error) bool { var p *runtime.PanicNilError; return errors.As(err, &p) }},
		"Goexit": {runtime.Goexit, func(err error) bool { return err == ErrGoexit }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g Group[string, int]
				fn := func(context.Context) (int, error) { <-time.After(time.Nanosecond); c.fn(); return 1, nil }
				a, b := do(&g, t.Context(), "k", fn), do(&g, t.Context(), "k", fn)
				for _, ch := range []<-chan result{a, b} {
					if r := <-ch; !c.check(r.err) || r.v != 0 {
						t.Errorf("got %+v", r)
					}
				}
				if r := <-do(&g, t.Context(), "k", func(context.Context) (int, error) { return 3, nil }); r.v != 3 {
					t.Errorf("the key is not free: %+v", r)
				}
			})
		})
	}
}

// A result that was published reaches those who wait and those who come, and
// the function goes on although all have left.
func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[string, int]
		finish := make(chan struct{})
		ended := make(chan error, 1)
		fn := func(ctx context.Context, publish func(int)) (int, error) {
			<-time.After(time.Second)
			publish(1)
			<-finish
			ended <- ctx.Err()
			return 2, io.EOF
		}
		share := func(ctx context.Context) <-chan result {
			ch := make(chan result, 1)
			go func() {
				v, shared, err := g.Share(ctx, "k", fn)
				ch <- result{v, shared, err}
			}()
			return ch
		}
		ctx, cancel := context.WithCancel(t.Context())
		a := share(ctx)
		synctest.Wait()
		b := share(ctx)
		if r := <-a; r != (result{1, false, nil}) {
			t.Errorf("the first: %+v", r)
		}
		if r := <-b; r != (result{1, true, nil}) {
			t.Errorf("who waited: %+v", r)
		}
		cancel()
		if r := <-share(t.Context()); r != (result{1, true, nil}) {
			t.Errorf("who came while it ran on: %+v", r)
		}
		if g.running() != 1 {
			t.Error("the key is free while the function runs")
		}
		close(finish)
		if err := <-ended; err != nil {
			t.Errorf("cancelled because its callers left with what they came for: %v", err)
		}
		synctest.Wait()
		if g.running() != 0 {
			t.Error("a call is kept")
		}
	})
}

// A panic after publication is nobody's result.
func TestPanicAfterPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[string, int]
		v, _, err := g.Share(t.Context(), "k", func(_ context.Context, publish func(int)) (int, error) {
			publish(1)
			publish(2)
			return 0, nil
		})
		synctest.Wait()
		if v != 1 || err != nil || g.running() != 0 {
			t.Errorf("%d %v, %d kept", v, err, g.running())
		}
	})
}

// TestModel plays random callers against a model: who joins which call, who
// leaves, which calls end, and what each caller must get.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 1<<20), 1, 60).Draw(rt, "steps")
		synctest.Test(t, func(*testing.T) { model(rt, steps) })
	})
}

type modelCall struct {
	id        int
	key       string
	finish    chan struct{}
	cancelled *atomic.Bool
	waiting   map[int]bool
}

type modelCaller struct {
	cancel context.CancelFunc
	got    <-chan result
}

func model(rt *rapid.T, steps []int) {
	var g Group[string, int]
	current := map[string]*modelCall{} // by key, waited for
	callers := map[int]modelCaller{}
	nextCall, nextCaller := 0, 0
	var open []*modelCall // not yet told to finish

	for _, n := range steps {
		key := string(rune('a' + n%3))
		switch n / 3 % 3 {
		case 0: // somebody comes
			id := nextCaller
			nextCaller++
			ctx, cancel := context.WithCancel(context.Background())
			c := current[key]
			var fn func(context.Context) (int, error) // nil: must not be called
			if c == nil {
				nextCall++
				c = &modelCall{id: nextCall, key: key, finish: make(chan struct{}), cancelled: new(atomic.Bool), waiting: map[int]bool{}}
				current[key] = c
				open = append(open, c)
				fn = func(ctx context.Context) (int, error) {
					select {
					case <-ctx.Done():
						c.cancelled.Store(true)
						<-c.finish
					case <-c.finish:
					}
					return c.id, nil
				}
			}
			c.waiting[id] = true
			callers[id] = modelCaller{cancel, do(&g, ctx, key, fn)}
			synctest.Wait()
		case 1: // somebody leaves
			if len(callers) == 0 {
				continue
			}
			id := pick(callers, n)
			callers[id].cancel()
			if r := <-callers[id].got; r.err != context.Canceled {
				rt.Fatalf("caller %d left and got %+v", id, r)
			}
			delete(callers, id)
			for _, c := range current {
				if c.waiting[id] {
					delete(c.waiting, id)
					if len(c.waiting) == 0 {
						delete(current, c.key)
						synctest.Wait()
						if !c.cancelled.Load() {
							rt.Fatalf("call %d is abandoned, not cancelled", c.id)
						}
					}
				}
			}
		case 2: // a call ends
			if len(open) == 0 {
				continue
			}
			i := n % len(open)
			c := open[i]
			open = append(open[:i], open[i+1:]...)
			if len(c.waiting) > 0 && c.cancelled.Load() {
				rt.Fatalf("call %d is cancelled while somebody waits", c.id)
			}
			close(c.finish)
			for id := range c.waiting {
				if r := <-callers[id].got; r.v != c.id || r.err != nil {
					rt.Fatalf("caller %d of call %d got %+v", id, c.id, r)
				}
				callers[id].cancel()
				delete(callers, id)
			}
			if current[c.key] == c {
				delete(current, c.key)
			}
			synctest.Wait()
		}
		if g.running() != len(current) {
			rt.Fatalf("%d calls are waited for, the group has %d", len(current), g.running())
		}
	}
	for _, c := range open {
		close(c.finish)
	}
	for _, c := range callers {
		<-c.got
		c.cancel()
	}
}

// pick is the n-th caller in order of arrival.
func pick(callers map[int]modelCaller, n int) int {
	best := -1
	for id := range callers {
		if best < 0 || (id+n)%97 < (best+n)%97 {
			best = id
		}
	}
	return best
}

func ExampleGroup() {
	var g Group[string, string]
	v, shared, err := g.Do(context.Background(), "/info/ping", func(context.Context) (string, error) {
		return "asked the origin", nil
	})
	fmt.Println(v, shared, err)
	// Output: asked the origin false <nil>
}

// Package collapse turns concurrent calls for one key into one. The first
// caller's function runs in a goroutine of its own; all callers wait for its
// result, each on its own context; when the last of them has left, the
// function's context is cancelled and the key is free again.
//
// # Decisions
//
// 2026-11-24: the function does not run on the first caller's goroutine or
// context: that caller may leave while others wait, and its deadline is not
// theirs. It keeps the values of the first caller's context (tracing), but
// neither deadline nor cancellation. A bound on the work is the function's.
//
// 2026-11-24: a panic becomes an error for everyone who waits. Letting it go
// on would end the process, since net/http recovers only its own goroutines.
//
// 2026-11-25: a result can be handed out before its function is done
// ([Group.Share]), because a long body is of use while it still arrives. From
// then on nobody waits in here, so leaving ends nothing: the function knows
// who still uses what it handed out, and this package does not.
package collapse

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// ErrGoexit is the error of a function that ended by [runtime.Goexit].
var ErrGoexit = errors.New("collapse: the function ended its goroutine instead of returning")

// ErrAbandoned is the cause of the function's cancelled context when all who
// waited have left.
var ErrAbandoned = errors.New("collapse: nobody waits any longer")

// PanicError is the error of a function that panicked. It is shared by all who
// waited and must not be changed.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // of the panicking goroutine
}

// Error is one line, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("collapse: panic: %v", e.Value) }

// Unwrap is the value given to panic, where that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Group is a set of running calls. The zero Group is ready; it must not be
// copied after first use, and is safe for concurrent use.
type Group[K comparable, V any] struct {
	mu    sync.Mutex
	calls map[K]*call[V] // running and waited for
}

type call[V any] struct {
	cancel  context.CancelCauseFunc
	waiters int           // guarded by Group.mu
	out     bool          // guarded by Group.mu: v and err are set
	done    chan struct{} // closed then
	v       V
	err     error
}

// Do returns what fn returns, calling it unless a call for key is running
// already: then it waits for that call, and shared is true. v is shared
// between all who waited.
//
// When ctx ends first, Do returns its cause, and fn goes on for the others. A
// ctx that has ended already starts nothing. fn gets the values of the first
// caller's ctx; its context is cancelled when nobody waits any longer
// ([ErrAbandoned]) and after it returned, so v must not depend on it. A call
// that nobody waits for is forgotten at once: a later Do for its key calls its
// own fn, even while the old one is still on its way out.
//
// A panic in fn is a [*PanicError], and [runtime.Goexit] is [ErrGoexit].
func (g *Group[K, V]) Do(ctx context.Context, key K, fn func(context.Context) (V, error)) (v V, shared bool, err error) {
	return g.Share(ctx, key, func(ctx context.Context, _ func(V)) (V, error) { return fn(ctx) })
}

// Share is Do for a function that may have its result before it is done: fn
// calls publish with it, at most once. All who wait get it then, and so do
// those who come until fn returns. What fn returns, or panics with, after that
// goes nowhere, and its context is not cancelled before it returned.
func (g *Group[K, V]) Share(ctx context.Context, key K, fn func(ctx context.Context, publish func(V)) (V, error)) (v V, shared bool, err error) {
	if ctx.Err() != nil {
		return v, false, context.Cause(ctx)
	}
	g.mu.Lock()
	c, shared := g.calls[key]
	if !shared {
		c = &call[V]{done: make(chan struct{})}
		var work context.Context
		work, c.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
		if g.calls == nil {
			g.calls = make(map[K]*call[V])
		}
		g.calls[key] = c
		go g.run(work, key, c, fn)
	}
	c.waiters++
	g.mu.Unlock()

	select {
	case <-c.done:
		return c.v, shared, c.err
	case <-ctx.Done():
	}
	g.leave(key, c)
	return v, shared, context.Cause(ctx)
}

// leave takes one waiter off, and ends the call with the last.
func (g *Group[K, V]) leave(key K, c *call[V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.waiters--; c.waiters == 0 && !c.out {
		g.forget(key, c)
		c.cancel(ErrAbandoned)
	}
}

// forget frees the key, unless a later call has taken it. g.mu is held.
func (g *Group[K, V]) forget(key K, c *call[V]) {
	if g.calls[key] == c {
		delete(g.calls, key)
	}
}

// hand gives the result to all who wait, once. It reports whether it was the
// first. done says that the key is free with it.
func (g *Group[K, V]) hand(key K, c *call[V], v V, err error, done bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if done {
		g.forget(key, c)
	}
	if c.out {
		return false
	}
	c.v, c.err, c.out = v, err, true
	close(c.done)
	return true
}

// run calls fn and hands its result to all who wait.
func (g *Group[K, V]) run(ctx context.Context, key K, c *call[V], fn func(context.Context, func(V)) (V, error)) {
	var v V
	// Should fn not return and recover be nil, it is Goexit: panic(nil) has a
	// value since Go 1.21.
	err := ErrGoexit
	defer func() {
		if err == ErrGoexit {
			if p := recover(); p != nil {
				err = &PanicError{Value: p, Stack: debug.Stack()}
			}
		}
		g.hand(key, c, v, err, true)
		c.cancel(context.Canceled)
	}()
	v, err = fn(ctx, func(v V) {
		if !g.hand(key, c, v, nil, false) {
			panic("collapse: published twice")
		}
	})
}

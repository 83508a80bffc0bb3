package edge

import (
	"context"
	"io"
	"sync/atomic"
	"time"
)

// claimTime is how long the rest of a long body waits for its reader.
const claimTime = 5 * time.Second

// rest is the part of a long body that was not read yet. One client takes it;
// if nobody does, it ends by itself.
type rest struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
	taken  atomic.Bool
	timer  *time.Timer
}

func newRest(body io.ReadCloser, cancel context.CancelCauseFunc) *rest {
	r := &rest{ReadCloser: body, cancel: cancel}
	r.timer = time.AfterFunc(claimTime, func() {
		if r.taken.CompareAndSwap(false, true) {
			r.Close()
		}
	})
	return r
}

// claim reports whether the caller is the one who reads, and closes, the rest.
func (r *rest) claim() bool {
	if !r.taken.CompareAndSwap(false, true) {
		return false
	}
	r.timer.Stop()
	return true
}

func (r *rest) Close() error {
	err := r.ReadCloser.Close()
	r.cancel(nil)
	return err
}

package health

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// maxFlying bounds the probes of one target that wait for an answer.
const maxFlying = 12

// damped is how long every target has to be good again.
var damped = damping{first: time.Minute, again: 2 * time.Minute, most: 8 * time.Minute, between: 2 * time.Minute, steady: 10 * time.Minute}

// pace says when a target is probed and how long a probe may take. It is pure,
// and made anew for each question.
type pace struct {
	interval, fast, timeout time.Duration // as configured; timeout at most
	rtt                     time.Duration // 0: unknown
}

// late is how long after its start a probe without an answer is a reason to
// send the next ones fast.
func (p pace) late() time.Duration {
	if p.rtt == 0 {
		return p.timeout // nothing to compare with, and nobody who relies on it
	}
	return max(150*time.Millisecond, p.rtt+p.rtt/4+50*time.Millisecond)
}

// limit is how long a probe may take: two round trips, since a connection may
// have to be made first, and what a link may get slower at once.
func (p pace) limit() time.Duration {
	if p.rtt == 0 {
		return p.timeout
	}
	return min(p.timeout, max(time.Second, 600*time.Millisecond+2*p.rtt))
}

// next is when the next probe is due. last began last, oldest is the start of
// the one that has been waiting longest (zero: none waits), gap the drawn time
// between probes. ok is false when an answer has to come first.
func (p pace) next(state State, pending bool, last, oldest time.Time, flying int, gap time.Duration) (at time.Time, ok bool) {
	switch {
	case flying >= maxFlying:
		return time.Time{}, false
	case flying > 0 && state != Serving && state != Draining:
		return time.Time{}, false // no client depends on a quick verdict
	case pending:
		return last.Add(p.fast), true
	case flying == 0:
		return last.Add(gap), true
	}
	at = last.Add(gap)
	if hurry := later(last.Add(p.fast), oldest.Add(p.late())); hurry.Before(at) {
		at = hurry
	}
	return at, true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// watch probes one target until ctx ends, and waits for its probes. spec is a
// copy, since t.Target is guarded; what a probe needs of it never changes.
func (h *Health) watch(ctx context.Context, t *target, spec Target) {
	var probes sync.WaitGroup
	defer probes.Wait()
	interval := h.conf.Interval
	if spec.Every > 0 {
		interval = spec.Every
	}
	client, release := h.clientOf(spec)
	defer release()
	results := make(chan result)
	// Spread the first probes of a node that starts with many targets.
	timer := time.NewTimer(rand.N(min(100*time.Millisecond, interval/4) + 1))
	defer timer.Stop()
	var flying []time.Time // when the probes began that wait for an answer, oldest first
	var last time.Time
	gap := interval
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			began, limit := time.Now(), h.paceOf(t, interval).limit()
			last, gap = began, jitter(interval)
			flying = append(flying, began)
			probes.Go(func() { h.send(ctx, client, spec, began, limit, results) })
		case <-t.wake:
			if last.IsZero() {
				continue // the first is on its way
			}
		case got := <-results:
			for i, began := range flying {
				if began.Equal(got.began) {
					flying = append(flying[:i], flying[i+1:]...)
					break
				}
			}
			h.probed(t, got, time.Now())
		}
		var oldest time.Time
		if len(flying) > 0 {
			oldest = flying[0]
		}
		state, pending := h.verdict(t)
		if at, ok := h.paceOf(t, interval).next(state, pending, last, oldest, len(flying), gap); ok {
			timer.Reset(max(0, time.Until(at)))
		} else {
			timer.Stop()
		}
	}
}

// send runs one probe and hands its result over.
func (h *Health) send(ctx context.Context, c client, spec Target, began time.Time, limit time.Duration, results chan<- result) {
	select {
	case <-ctx.Done():
		return
	case h.slots <- struct{}{}:
	}
	got := h.probe(ctx, c, spec, limit)
	<-h.slots
	got.began = began
	select {
	case <-ctx.Done(): // the probe may have failed because of that
	case results <- got:
	}
}

// jitter gives d ± 10 %.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

func (h *Health) paceOf(t *target, interval time.Duration) pace {
	h.mu.Lock()
	defer h.mu.Unlock()
	return pace{interval: interval, fast: min(h.conf.Fast, interval), timeout: h.conf.Timeout, rtt: t.rtt}
}

func (h *Health) verdict(t *target) (s State, pending bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return t.machine.state, t.machine.pending()
}

// probed records a probe's result.
func (h *Health) probed(t *target, got result, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.targets[t.ID] != t {
		return
	}
	if got.outcome == failed && got.began.Before(t.answered) {
		return // another probe was answered since: of now, this one says nothing
	}
	said, newest := got.said, !got.began.Before(t.sound)
	if newest && got.outcome == succeeded && t.process != "" && said.Process != "" && said.Process != t.process {
		got.renewed = true
	}
	changed := h.step(t, got.sample, now)
	if got.outcome == succeeded {
		t.answered = now
		if t.rtt == 0 {
			t.rtt = got.took
		}
		t.rtt = max(t.rtt+(got.took-t.rtt)/4, 1) // 0 is unknown
	}
	if got.outcome == succeeded && newest {
		t.sound = got.began
		if said.Process != "" {
			t.process = said.Process
		}
		changed = t.lost.Update(said.Without, now) || changed
		changed = changed || t.release != got.release || t.tag != got.tag || t.catalogue != got.catalogue || t.noOrigin != said.NoOrigin
		t.release, t.tag, t.catalogue, t.noOrigin = got.release, got.tag, got.catalogue, said.NoOrigin
	}
	h.publish(changed)
}
